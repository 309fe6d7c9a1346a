"""Input shapes given by users: one shape, or one per input by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .errors import BadSetting, suggest

Shape = tuple[int, ...]
_IMAGE_CHANNELS = (1, 3, 4)
"""Channels of an image file: gray, RGB, RGBA."""

InputShape = Iterable[int] | Mapping[str, Iterable[int]]
"""One shape for the first input, or a mapping from input names to shapes; the batch is left out."""


def shapes_by_name(input_shape: InputShape | None, names: Sequence[str]) -> dict[str, Shape]:
    """Return the given shapes by input name, in the order of `names`. Inputs without a shape are left out.

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
                "input_shape must name inputs of the model (got {got!r}). {hint} [input-name]",
                got=name,
                hint=suggest(str(name), names),
            )
    return {name: checked_shape(input_shape[name]) for name in names if name in input_shape}


def check_channels_first(shape: Shape, channels: int, name: str = "input") -> None:
    """Reject a shape that seems to have its channels last.

    Args:
        shape: The new shape of the input, which should be channels first.
        channels: The current number of channels.
        name: The input's name.

    Raises:
        BadSetting: [channels-last]
    """
    last = shape[-1]
    if len(shape) < 3 or shape[0] == channels or shape[0] <= max(_IMAGE_CHANNELS) or last >= shape[0]:
        return
    if last == channels or last in _IMAGE_CHANNELS:
        right = "x".join(map(str, (last, *shape[:-1])))
        raise BadSetting(
            "Shapes must have channels first (got {got} for {input!r}, which has {count} channel(s)). "
            "Write {expected}. [channels-last]",
            got="x".join(map(str, shape)),
            input=name,
            count=channels,
            expected=right,
        )


def checked_shape(sizes: Iterable[int]) -> Shape:
    """Return sizes as a tuple of integers.

    Raises:
        BadSetting: [input-shape]

    >>> checked_shape([3, 224, 224])
    (3, 224, 224)
    """
    value: object = sizes
    try:
        value = tuple(sizes)
        shape = tuple(int(size) for size in value)
    except (TypeError, ValueError, OverflowError):
        shape = ()
    if shape != value or not shape or min(shape) < 1:
        raise BadSetting(
            "input_shape must be positive integers, channels first and without the batch, or a mapping from "
            "input names to such shapes (got input_shape={got!r}). Use (3, 224, 224). [input-shape]",
            got=value,
        )
    return shape
