"""A program's arrays as a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from math import prod
from typing import NoReturn

import numpy as np

from ...arrays import ComputedArrays as ComputedArrays
from ...errors import BadSetting, BadShape, nearest
from ...layers.base import show_shape
from ...layers.connection import Shape
from ...network import Network
from ...settings import LARGEST
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
                "arrays of a Model must have at most {largest:,} elements; got {shape} = {shape2:,} for "
                "the {name} of layer {name2!r}; inspect the network without a Model, or use smaller "
                "images. [array-size]",
                largest=LARGEST,
                shape=show_shape(shape),
                shape2=prod(shape),
                name=name,
                name2=node.name,
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
        self, what: str, program: Callable[[], Program], shapes: Mapping[str, Shape], dtype: DType
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
                "{what} {name!r} must be an array of real numbers; got dtype={dtype}; convert it with "
                ".astype({name__!r}). [array-type]",
                what=self._what,
                name=name,
                dtype=array.dtype,
                name__=self._dtype.__name__,
            )
        if array.shape != self._shapes[name]:
            raise BadShape(
                "{what} {name!r} must be {shapes}; got {shape}; reshape or transpose it. [array-shape]",
                what=self._what,
                name=name,
                shapes=show_shape(self._shapes[name]),
                shape=show_shape(array.shape),
            )
        self._program().write(name, array.astype(self._dtype, copy=False))

    def __delitem__(self, name: str) -> NoReturn:
        self._known(name)
        raise BadSetting(
            "{what} {name!r} must stay: the network has it; got a request to delete it; set it to "
            "zeros instead. [array-fixed]",
            what=self._what,
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
            raise UnknownArray(
                f"a {self._what} must be one of the network's; got {name!r}; {nearest(name, self._shapes)} "
                "[array-name]"
            )
