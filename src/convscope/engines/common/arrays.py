"""A program's arrays as a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from math import prod
from typing import Literal, NoReturn

import numpy as np

from ...arrays import ComputedArrays as ComputedArrays
from ...errors import BadSetting, BadShape, suggest
from ...layers.base import show_shape
from ...layers.connection import Shape
from ...network import Network
from ...settings import LARGEST
from ...text.language import Message
from ..protocol import Array, DType, Program


def check_array_sizes(network: Network) -> None:
    """Reject a network with an array too large for any engine to allocate.

    Errors:   BadShape [array-size], naming the first such layer
    """
    for node in network.nodes:
        arrays = {"output": node.output_shape, **node.facts.param_shapes}
        name, shape = max(arrays.items(), key=lambda item: prod(item[1]))
        if prod(shape) > LARGEST:
            raise BadShape(
                "Arrays of a Model must have at most {limit:,} elements (got {shape} = {size:,} for {array!r}). "
                "Inspect the network without a Model, or use smaller images. [array-size]",
                limit=LARGEST,
                shape=show_shape(shape),
                size=prod(shape),
                array=f"{node.name}.{name}",
            )


class UnknownArray(BadSetting, KeyError):
    """Unknown array name; also a KeyError, as mappings require."""

    def __str__(self) -> str:
        return str(self.args[0])


class ProgramArrays(MutableMapping[str, Array]):
    """Parameters or running statistics by name, as copies. Assign to change one.

    `program` is asked each time, since a model gets another program when it is compiled for training.

    Errors:   BadSetting [array-name], [array-type], [array-fixed]; BadShape [array-shape]
    """

    def __init__(
        self,
        what: Literal["parameter", "buffer"],
        program: Callable[[], Program],
        shapes: Mapping[str, Shape],
        dtype: DType,
    ) -> None:
        self._what = what
        self._program = program
        self._shapes = shapes
        self._dtype = dtype

    def __getitem__(self, name: str) -> Array:
        self._known(name)
        array = self._program().read(name)
        array.flags.writeable = False  # writing into a copy would change nothing, unseen
        return array

    def __setitem__(self, name: str, value: Array) -> None:
        self._known(name)
        array = np.asarray(value)
        if not np.issubdtype(array.dtype, np.floating):
            raise BadSetting(
                "{name!r} must be an array of real numbers (got dtype={got}). Convert it with "
                ".astype({dtype!r}). [array-type]",
                name=name,
                got=array.dtype,
                dtype=self._dtype.__name__,
            )
        if array.shape != self._shapes[name]:
            raise BadShape(
                "{name!r} must be {expected} (got {shape}). Reshape or transpose it. [array-shape]",
                name=name,
                expected=show_shape(self._shapes[name]),
                shape=show_shape(array.shape),
            )
        self._program().write(name, array.astype(self._dtype, copy=False))

    def __delitem__(self, name: str) -> NoReturn:
        self._known(name)
        raise BadSetting(
            "{name!r} is part of the network and cannot be deleted. Set it to zeros instead. [array-fixed]",
            name=name,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def __repr__(self) -> str:
        rows = [f"  {name}: {show_shape(shape)}" for name, shape in self._shapes.items()]
        return "\n".join([f"{len(self)} arrays of {self._dtype.__name__}", *rows])

    def __contains__(self, name: object) -> bool:
        return name in self._shapes

    def shape(self, name: str) -> Shape:
        """Return an array's shape without a copy of it."""
        self._known(name)
        return self._shapes[name]

    def _known(self, name: str) -> None:
        if name not in self._shapes:
            hint = suggest(name, self._shapes)
            if self._what == "parameter":
                message = Message(
                    "The network has no parameter {name!r}. {hint} [array-name]", name=name, hint=hint
                )
            else:
                message = Message("The network has no buffer {name!r}. {hint} [array-name]", name=name, hint=hint)
            raise UnknownArray(message)
