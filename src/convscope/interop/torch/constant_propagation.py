"""Constant propagation from a module's parameters and buffers.

These are computed at once, and remembered if they depend on parameters. A result that is used as a layer's weight
is that weight. One that is combined with images otherwise, such as an indexed table of positions, is recomputed by
layers, so that its parameters are counted as parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from .arguments import MetaTensors, is_in_place, map_tensors, operator_name, tensors
from .batch import Batch

FILL_VALUES = {
    **dict.fromkeys(("zeros", "new_zeros", "zeros_like", "empty", "new_empty", "empty_like"), 0),
    **dict.fromkeys(("ones", "new_ones", "ones_like"), 1),
    **dict.fromkeys(("full", "new_full", "full_like", "new_tensor")),
}
"""Functions that use only the shape and type of a tensor, and their fill value; None if it is an argument."""

MAX_ELEMENTS = 1 << 27
"""Largest number of elements of a computed array; larger ones have no values."""

MAX_DENSE_FILL = 1 << 24
"""Largest number of elements of a filled array; in larger ones all elements share memory until written to."""

EXPANDING = {"repeat", "tile", "repeat_interleave", "one_hot"}
"""Functions whose result may be much larger than their arguments."""

LIKE = {"to", "type_as", "expand_as", "view_as", "reshape_as"}
"""Functions that convert a tensor to the type or the shape of another."""


@dataclass(frozen=True)
class FoldedConstant:
    """The call that computed an array, its result, and the array's version."""

    function: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    result: Any
    version: int


class ModuleArrays:
    """A module's parameters and buffers, and arrays computed from them, by identity.

    All of them are kept alive, so that identities stay unique.
    """

    def __init__(self, root: nn.Module, batch: Batch) -> None:
        self._batch = batch
        self._names = {id(parameter): name for name, parameter in root.named_parameters()}
        self._sources: dict[int, FoldedConstant] = {}
        self._learned: set[int] = set(self._names)
        self._frozen = {id(one) for one in [*root.parameters(), *root.buffers()] if not one.requires_grad}
        self._kept: list[Any] = [root]
        self._to_meta = MetaTensors()
        self._batches: set[int] = set()
        self._filled: set[int] = set()

    def is_parameter(self, tensor: Tensor) -> bool:
        """Return whether an array is a parameter."""
        return id(tensor) in self._names

    def is_learned(self, tensor: Tensor) -> bool:
        """Return whether an array is a parameter, or computed from parameters."""
        return id(tensor) in self._learned

    def is_frozen(self, tensor: Tensor) -> bool:
        """Return whether training does not change an array, since it and its sources require no gradient."""
        return id(tensor) in self._frozen or (tensor._base is not None and id(tensor._base) in self._frozen)

    def name_of(self, tensor: Tensor) -> str | None:
        """Return a parameter's path."""
        return self._names.get(id(tensor))

    def source_of(self, tensor: Tensor) -> FoldedConstant | None:
        """Return the call that computed an array from parameters; None if it has been written to unrecorded."""
        constant = self._sources.get(id(tensor))
        return constant if constant is not None and constant.version == tensor._version else None

    def keep(self, *objects: Any) -> None:
        """Keep objects alive, so that their identities stay unique."""
        self._kept.append(objects)

    def compute(
        self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], inputs: list[Tensor]
    ) -> Any:
        """Call a function on the arrays' device, and remember the call if parameters are among them."""
        device = inputs[0].device if inputs else torch.device("cpu")
        args = tuple(device if _is_meta(one) else one for one in args)
        kwargs = {key: device if _is_meta(one) else one for key, one in kwargs.items()}
        if operator_name(function) in FILL_VALUES and not isinstance(kwargs.get("out"), Tensor):
            return self.fill(function, args, kwargs)
        if is_in_place(function):
            self._materialize(inputs[:1])
        learned = [one for one in inputs if self.is_learned(one)]
        versions = [one._version for one in inputs]
        result = self._call(function, args, kwargs, inputs, bool(learned))
        if learned:
            self.keep(args, kwargs, result)
            constant = FoldedConstant(function, args, dict(kwargs), result, 0)
            for one, before in zip(inputs, versions, strict=True):
                if one._version != before and not self.is_parameter(one):
                    constant = self._remember_write(one, constant)
            for one in tensors(result):
                new = all(one is not argument for argument in inputs)
                if new and one.is_floating_point():
                    self._remember(one, constant)
        self._remember_batches(result)
        return result

    def _remember_batches(self, result: Any) -> None:
        """Remember results that contain a batch and do not depend on the input."""
        for one in tensors(result):
            if self._contains_batch(one) and id(one) not in self._batches:
                self._batches.add(id(one))
                self.keep(one)

    def _contains_batch(self, tensor: Tensor) -> bool:
        return any(size and size % self._batch.size == 0 for size in tensor.shape)

    def is_unrecorded(self, tensor: Tensor) -> bool:
        """Return whether an array contains a batch and was created by code that no mode sees."""
        return id(tensor) not in self._batches and not self.is_learned(tensor) and self._contains_batch(tensor)

    def fill(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
        """Return an array of one value, or of data. A value per image of a batch is stored once.

        PyTorch infers its shape on meta tensors. The fill value itself may be a meta tensor.
        """
        like = operator_name(function).startswith("new_") or operator_name(function).endswith("_like")
        if like and not args:
            args, kwargs = (kwargs["input"],), {key: one for key, one in kwargs.items() if key != "input"}
        if operator_name(function) == "new_tensor":
            return self._copy(args[1] if len(args) > 1 else kwargs["data"], kwargs.get("dtype") or args[0].dtype)
        filling = list(tensors((args[like:], dict(kwargs))))
        values = map_tensors((args[like:], dict(kwargs)), lambda one: torch.zeros_like(one, device="cpu"))
        first = (self._to_meta(args[0]),) if like else ()
        shaped: Tensor = function(*first, *values[0], **{**values[1], "device": "meta"})
        shape, dtype = tuple(shaped.shape), shaped.dtype
        batch = self._contains_batch(shaped)
        if any(one.is_meta for one in filling) or (shaped.numel() > MAX_ELEMENTS and not batch):
            self._remember_batches(shaped)
            return shaped
        value = FILL_VALUES[operator_name(function)]
        if value is None:
            value = kwargs["fill_value"] if "fill_value" in kwargs else args[-1]
        if shaped.numel() <= MAX_DENSE_FILL or not batch:
            array = torch.full(shape, value, dtype=dtype)
        else:
            array = torch.full((), value, dtype=dtype).expand(shape)
            self._filled.add(id(array))
        self._remember_batches(array)
        return array

    def _copy(self, data: Any, dtype: torch.dtype) -> Tensor:
        array = torch.as_tensor(data).to(dtype, copy=True)
        self._remember_batches(array)
        return array

    def _materialize(self, inputs: list[Tensor]) -> None:
        """Give arrays of one value their own memory before one of them is written to."""
        for one in inputs:
            if id(one) in self._filled:
                self._filled.remove(id(one))
                one.data = one.contiguous()

    def _call(
        self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], inputs: list[Tensor], learned: bool
    ) -> Any:
        """Call a function, on meta tensors if an array has no values, or the result is too large or per image."""
        mixed = len({one.is_meta for one in inputs}) > 1
        per_image = any(map(self._contains_batch, inputs))
        if not (mixed or per_image or operator_name(function) in EXPANDING or _may_be_large(args, inputs)):
            return function(*args, **kwargs)
        shapes = map_tensors((args, dict(kwargs)), self._to_meta)
        try:
            result = function(*shapes[0], **shapes[1] if inputs else {**kwargs, "device": "meta"})
        except (RuntimeError, NotImplementedError, TypeError):
            return function(*args, **kwargs)
        large = any(one.numel() > MAX_ELEMENTS for one in tensors(result))
        return result if mixed or large or (learned and per_image) else function(*args, **kwargs)

    def _remember(self, tensor: Tensor, constant: FoldedConstant) -> None:
        self._learned.add(id(tensor))
        self._sources[id(tensor)] = replace(constant, version=tensor._version)
        learned = [one for one in tensors((constant.args, dict(constant.kwargs))) if self.is_learned(one)]
        if learned and all(self.is_frozen(one) for one in learned):
            self._frozen.add(id(tensor))

    def _remember_write(self, tensor: Tensor, constant: FoldedConstant) -> FoldedConstant:
        """Remember an in-place write; the array's earlier value gets another identity."""
        before = self._sources.pop(id(tensor), None)
        self._learned.add(id(tensor))
        if before is None or all(one is not tensor for one in tensors(constant.result)):
            return constant
        old = torch.empty_like(tensor, device="meta")

        def substitute(one: Tensor) -> Tensor:
            return old if one is tensor else one

        self._remember(old, replace(before, result=map_tensors(before.result, substitute)))
        args, kwargs = map_tensors((constant.args, dict(constant.kwargs)), substitute)
        constant = replace(constant, args=args, kwargs=kwargs)
        self.keep(old)
        self._remember(tensor, constant)
        return constant

    def convert_like(self, first: Tensor, word: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Convert an array to the shape or type of a tensor that depends on the input."""
        other = args[1] if len(args) > 1 else next(iter(kwargs.values()))
        if word in ("to", "type_as"):
            return self.compute(torch.Tensor.to, (first, other.dtype), {}, [first])
        function = getattr(torch.Tensor, word.removesuffix("_as"))
        return self.compute(function, (first, tuple(other.shape)), {}, [first])


def _is_meta(argument: Any) -> bool:
    """Return whether an argument is the meta device."""
    return isinstance(argument, str | torch.device) and str(argument) == "meta"


def _may_be_large(args: tuple[Any, ...], inputs: list[Tensor]) -> bool:
    """Return whether a result may have more than MAX_ELEMENTS elements."""
    sizes = [max(one.numel(), 1) for one in inputs] or [abs(one) for one in _integers(args) if one]
    return prod(sizes) > MAX_ELEMENTS


def _integers(args: tuple[Any, ...]) -> list[int]:
    """Return the integers among the arguments of a function that creates a tensor."""
    flat = [one for part in args for one in (part if isinstance(part, list | tuple) else [part])]
    return [one for one in flat if isinstance(one, int)]
