"""Input shapes as users give them: one shape, or one per input by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .errors import BadSetting, nearest

Shape = tuple[int, ...]
InputShape = Iterable[int] | Mapping[str, Iterable[int]]
"""One shape for the first input, or a mapping from input names to shapes; the batch is left out."""


def shapes_by_name(input_shape: InputShape | None, names: Sequence[str]) -> dict[str, Shape]:
    """Return the given shapes by input name, in the order of `names`; inputs without a given shape are left out.

    Args:
        input_shape: One shape for the first of `names`, or a mapping from names to shapes.
        names: The names of the model's inputs, the main one first.

    Raises:
        BadSetting: [input-shape] for sizes that are not positive integers, [input-name] for an unknown name.

    >>> shapes_by_name((3, 224, 224), ["image", "state"])
    {'image': (3, 224, 224)}
    >>> shapes_by_name({"state": (2, 128)}, ["image", "state"])
    {'state': (2, 128)}
    """
    if input_shape is None:
        return {}
    if not isinstance(input_shape, Mapping):
        return {names[0]: checked_shape(input_shape)}
    for name in input_shape:
        if name not in names:
            raise BadSetting(
                f"input_shape must name inputs of the model; got {name!r}; "
                f"{nearest(str(name), names)} [input-name]"
            )
    return {name: checked_shape(input_shape[name]) for name in names if name in input_shape}


def checked_shape(sizes: Iterable[int]) -> Shape:
    """Return sizes as a tuple of integers.

    Raises:
        BadSetting: [input-shape]

    >>> checked_shape([3, 224, 224])
    (3, 224, 224)
    """
    given: object = sizes
    try:
        given = tuple(sizes)
        shape = tuple(int(size) for size in given)
    except (TypeError, ValueError, OverflowError):
        shape = ()
    if shape != given or not shape or min(shape) < 1:
        raise BadSetting(
            "input_shape must be positive integers, channels first and without the batch, or a mapping from input "
            f"names to such shapes; got input_shape={given!r}; use (3, 224, 224). [input-shape]"
        )
    return shape
