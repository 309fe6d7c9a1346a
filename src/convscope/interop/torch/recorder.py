"""Record the operators of a forward pass on tensors without memory.

PyTorch hands every call of one of its functions to a mode. Pictures are meta tensors: they have a shape and no
numbers. What is computed from the module's own arrays alone is computed for real, so that masks, position tables
and loop bounds are what they are; what depends on pictures becomes layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ...errors import BadNetwork, ConvscopeError
from ...layers.connection import Shape
from ...layers.rearrange import Reshape
from ...layers.special import Opaque, Parameter
from .batch import Batch, Unmapped
from .call import Call
from .graph import Graph
from .names import ModuleNames
from .operators.indexing import assigned
from .operators.products import is_plain_attention
from .operators.rearrange import REFOLDING
from .operators.registry import converters
from .quick import quick_results

LARGEST_CONSTANT = 1 << 22
"""Elements of an array that is made while recording; larger ones are kept without their numbers."""

_NEEDS_NUMBERS = {
    *("item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__contains__", "equal"),
    *("nonzero", "argwhere", "unique", "unique_consecutive", "masked_select", "allclose", "is_nonzero"),
}
"""Functions whose answer depends on the numbers of a picture."""

_FILLED = {
    *("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"),
    *("zeros_like", "ones_like", "full_like", "empty_like"),
}
"""Functions that take no more than shape and type from a tensor."""

_TURNED = (torch.Tensor.T, torch.Tensor.mT)
"""Properties that are a transpose; T is one of matrices only."""

_LIKE = {"to", "type_as", "expand_as", "view_as", "reshape_as"}
"""Functions that fit a tensor to the type or the shape of another."""


class Recorder(TorchFunctionMode):
    """Turns function calls into the entries of a graph.

    `nodes` says which layer a tensor is the output of, by the tensor's identity; a tensor that is not there is one
    of the network's own arrays. Everything seen is kept alive, so that identities stay unique.
    """

    def __init__(self, root: nn.Module, batch: Batch) -> None:
        super().__init__()
        self.batch = batch
        self.graph = Graph()
        self.names = ModuleNames(root)
        self.origin: str | None = None
        self.unknown: list[str] = []
        self._within: dict[int, int] = {}
        self._parameters = {id(p): name for name, p in root.named_parameters()}
        self._nodes: dict[int, str] = {}
        self._lazy: dict[int, tuple[str, list[str]]] = {}
        self._stale: dict[int, tuple[str, Tensor]] = {}
        self._thunks: dict[int, tuple[Any, tuple[Any, ...], Mapping[str, Any], Any, str]] = {}
        self._constants: dict[int, str] = {}
        self._meta: dict[int, Tensor] = {}
        self._views: dict[int, list[Tensor]] = {}
        self._kept: list[Any] = [root]
        self._entered: list[Any] = []

    # Which layer is a tensor the output of?

    def bind(self, tensor: Tensor, node: str) -> None:
        """Say that a tensor is the output of a layer."""
        self._nodes[id(tensor)] = node
        self._lazy.pop(id(tensor), None)
        self._kept.append(tensor)
        self._views.setdefault(tensor.untyped_storage()._cdata, []).append(tensor)

    def is_value(self, tensor: Tensor) -> bool:
        """Tell whether a tensor depends on the pictures."""
        return id(tensor) in self._nodes or id(tensor) in self._lazy

    def is_learned(self, tensor: Tensor) -> bool:
        """Tell whether a tensor is a parameter, or made from parameters."""
        return id(tensor) in self._parameters or id(tensor) in self._thunks

    def is_parameter(self, tensor: Tensor) -> bool:
        """Tell whether a tensor is a parameter itself."""
        return id(tensor) in self._parameters

    def node(self, tensor: Tensor) -> str:
        """Return the layer that a tensor is the output of, made now for arrays and for unknown results."""
        known = self._nodes.get(id(tensor))
        if known is not None:
            return known
        if id(tensor) in self._lazy:
            operator, inputs = self._lazy[id(tensor)]
            self.bind(tensor, self._opaque(operator, inputs, tensor))
            return self._nodes[id(tensor)]
        return self.array(tensor)

    def array(self, tensor: Tensor, shape: Shape | None = None) -> str:
        """Return the layer of one of the network's own arrays, in another shape of as many elements if given."""
        known = self._constants.get(id(tensor))
        if known is None:
            known = self._new_array(tensor, shape)
        if shape is None or self.graph.shapes[known] == shape:
            return known
        return self.graph.add(f"{known}.reshape", Reshape(shape), [known], origin=self.origin)

    def _new_array(self, tensor: Tensor, wanted: Shape | None) -> str:
        if id(tensor) in self._thunks:
            function, args, kwargs, result, word = self._thunks[id(tensor)]
            made = self._converted(function, args, kwargs, result, word)
            for one, node in zip(_tensors(result), made, strict=False):
                if node is not None:
                    self._constants[id(one)] = node
            if id(tensor) in self._constants:
                return self._constants[id(tensor)]
        shape = wanted or self.batch.free(tensor.shape)
        one_picture = tensor
        axis = self.batch.axis(tensor.shape)
        if axis is not None:
            one_picture = tensor.narrow(axis, 0, self.batch.one(tensor.shape[axis]))
        learned = self.is_learned(tensor)
        path = self._parameters.get(id(tensor))
        name = path if path is not None else self.names.of_operator("constant")
        kind = "weight" if learned else "value"
        array = {kind: tensor if learned and axis is None else one_picture.reshape(shape)}
        layer = Parameter(shape, learned)
        arrays = (array, {}) if learned else ({}, array)
        made_node = self.graph.add(name, layer, [self._picture], *arrays)
        self._constants[id(tensor)] = made_node
        self._kept.append(tensor)
        return made_node

    @property
    def _picture(self) -> str:
        """Return the network's input, which tells arrays how many pictures there are."""
        return next(iter(self.graph.entries))

    # How is the batch folded with other indices?

    def within(self, tensor: Tensor) -> int:
        """Return how many indices stand inside the batch in the axis that holds both; usually all of them."""
        return self._within.get(id(tensor)) or self.batch.folded(tensor.shape)

    def fold(self, tensor: Tensor, within: int) -> None:
        """Say how many indices stand inside the batch."""
        if within != self.batch.folded(tensor.shape):
            self._within[id(tensor)] = within

    def _carry_folds(self, given: list[Tensor], outputs: list[Tensor]) -> None:
        """Let results have their batch folded as the arguments have.

        Errors:   Unmapped where that is not told
        """
        values = [one for one in given if self.is_value(one)]
        if not any(id(one) in self._within for one in values):
            return
        folds = {(self.batch.folded(one.shape), self.within(one)) for one in values}
        if len(folds) > 1 or any((self.batch.folded(one.shape),) != next(iter(folds))[:1] for one in outputs):
            raise Unmapped("pictures are mixed")
        for one in outputs:
            self.fold(one, next(iter(folds))[1])

    # Calls of PyTorch's functions

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Take one call."""
        kwargs = kwargs or {}
        given = list(_tensors((args, kwargs)))
        word = _word(func)
        if not any(self.is_value(one) for one in given):
            return self._constant(func, args, kwargs, given, word)
        if word in _FILLED:
            return self._filled(func, args, kwargs)
        if word == "__get__" and func.__self__ in _TURNED:
            with self:
                return args[0].transpose(-2, -1) if args[0].dim() > 1 else args[0]
        if word in _NEEDS_NUMBERS:
            raise needs_numbers(word, self.names.path)
        if word in _LIKE and not self.is_value(given[0]):
            return self._constant_like(word, given[0], args, kwargs)
        known = func in converters() and (
            word != "multi_head_attention_forward" or is_plain_attention(args, kwargs)
        )
        if not known and isinstance(func, FunctionType) and func not in self._entered:
            return self._inside(func, args, kwargs)
        if word == "__setitem__":
            return self._written(args, word)
        if word == "getitem":
            if any(self.is_value(one) and one.dtype == torch.bool for one in given[1:]):
                raise needs_numbers("getitem", self.names.path)
            args = (args[0], self._without_masks(args[1]))
        quick = quick_results().get(func)
        result = quick(args, kwargs) if quick is not None and self.is_value(given[0]) else None
        if result is None:
            result = func(*self._as_meta(args), **self._as_meta(kwargs))
        outputs = list(_tensors(result))
        if not outputs:
            return result
        for one, node in zip(outputs, self._converted(func, args, kwargs, result, word), strict=False):
            if node is not None:
                self._rebind(one, node, word)
        return result

    def _converted(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any, word: str
    ) -> list[str | None]:
        """Return the layer of each result; an operator that no layer stands for becomes Opaque."""
        outputs = list(_tensors(result))
        converter = converters().get(func)
        before = len(self.graph.entries)
        call = Call(self, word, result, list(_tensors((args, kwargs))))
        self.origin = self.names.path or None
        try:
            if converter is None:
                raise Unmapped("no converter")
            made = converter(call, *args, **kwargs)
            nodes = list(made) if isinstance(made, list | tuple) else [made]
            for one, node in zip(outputs, nodes, strict=False):
                if node is not None and self.graph.shapes[node] != self.batch.free(one.shape):
                    raise Unmapped("another shape")
            if self._within and word not in REFOLDING:
                self._carry_folds(call.given, outputs)
        except (Unmapped, ConvscopeError, TypeError):
            self._forget_after(before)
            sources = [self.node(one) for one in _tensors((args, kwargs)) if self.is_value(one)]
            sources = sources or [self._picture]
            nodes = [self._opaque(word, sources, outputs[0], call.name)] if outputs else []
        nodes += [None] * (len(outputs) - len(nodes))
        inputs = [self._nodes[id(one)] for one in _tensors((args, kwargs)) if id(one) in self._nodes]
        for one, node in zip(outputs, nodes, strict=True):
            if node is None:
                self._lazy[id(one)] = (word, inputs or [self._picture])
                self._kept.append(one)
        return nodes

    def _opaque(self, word: str, inputs: list[str], output: Tensor, name: str | None = None) -> str:
        """Add what nobody knows; where pictures are mixed, the shape of the whole batch stands for one's."""
        try:
            shape = self.batch.free(output.shape)
        except Unmapped:
            shape = tuple(output.shape)
        self.unknown.append(word)
        name = name or self.names.of_operator(word)
        return self.graph.add(name, Opaque(word, shape or (1,)), list(dict.fromkeys(inputs)), origin=self.origin)

    def _inside(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run a Python function that has no converter, recording the functions that it calls."""
        self._entered.append(func)
        try:
            with self:
                return _without_dispatch(func)(*args, **kwargs)
        finally:
            self._entered.pop()

    def _rebind(self, tensor: Tensor, node: str, word: str) -> None:
        """Bind a result; where it was written in place, other views of the same memory are no longer known."""
        old = self._nodes.get(id(tensor))
        self.bind(tensor, node)
        if old is None or old == node:
            return
        for view in self._views[tensor.untyped_storage()._cdata]:
            if view is tensor:
                continue
            if self._nodes.get(id(view)) == old:
                self._nodes[id(view)] = node
            elif id(view) in self._nodes:
                stale = self._nodes.pop(id(view))
                self._stale[id(view)] = (stale, tensor)
                self._lazy[id(view)] = (f"{word}_through_a_view", [stale, node])

    def _without_masks(self, index: Any) -> Any:
        """Write constant masks as lists of indices, whose lengths are known."""
        if isinstance(index, tuple):
            return tuple(self._without_masks(one) for one in index)
        mask = isinstance(index, Tensor) and index.dtype == torch.bool and index.dim() == 1
        return index.nonzero()[:, 0] if mask and not self.is_value(index) and not index.is_meta else index

    def _written(self, args: tuple[Any, ...], word: str) -> None:
        """Record an assignment to a part of a tensor."""
        target, index, value = args
        call = Call(self, word.strip("_"), target, [])
        self.origin = self.names.path or None
        before = len(self.graph.entries)
        stale = self._stale.pop(id(target), None)
        try:
            if not isinstance(value, Tensor):
                value = torch.full((), value, dtype=target.dtype)
            base = stale[0] if stale is not None and stale[1] is value else self.node(target)
            node = assigned(call, base, self.node(value), index, target.shape)
        except (Unmapped, ConvscopeError):
            self._forget_after(before)
            inputs = [self.node(one) for one in _tensors(args) if self.is_value(one)]
            node = self._opaque("setitem", inputs, target)
        self._rebind(target, node, word)

    def _forget_after(self, count: int) -> None:
        """Take back the entries that a failed conversion has added."""
        for name in list(self.graph.entries)[count:]:
            self.graph.forget(name)
            self._constants = {key: node for key, node in self._constants.items() if node != name}

    # The network's own arrays

    def _constant(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: list[Tensor], word: str
    ) -> Any:
        """Compute what depends on no picture; remember how, where parameters are in it."""
        if str(kwargs.get("device", "")) == "meta":
            kwargs = {**kwargs, "device": given[0].device if given else "cpu"}
        result = func(*args, **kwargs)
        if any(self.is_learned(one) for one in given):
            for one in _tensors(result):
                made_here = all(one is not argument for argument in given)
                if made_here and one.is_floating_point():
                    self._thunks[id(one)] = (func, args, dict(kwargs), result, word)
            self._kept.append((args, kwargs, result))
        return result

    def _constant_like(self, word: str, first: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Fit one of the network's own arrays to a picture's shape or type."""
        other = args[1] if len(args) > 1 else next(iter(kwargs.values()))
        if word in ("expand_as", "view_as", "reshape_as"):
            function = getattr(torch.Tensor, word.removesuffix("_as"))
            return self._constant(function, (first, tuple(other.shape)), {}, [first], word.removesuffix("_as"))
        return self._constant(torch.Tensor.to, (first, other.dtype), {}, [first], "to")

    def _filled(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Make a new array of the size that a picture has."""
        result = func(*self._as_meta(args), **self._as_meta(kwargs))
        if result.numel() > LARGEST_CONSTANT:
            return result
        like = torch.empty((), dtype=args[0].dtype)
        kwargs = {key: value for key, value in kwargs.items() if key != "device"}
        if _word(func).endswith("_like"):
            return func(like.expand(result.shape), *args[1:], **kwargs).contiguous()
        return func(like, *args[1:], **kwargs)

    def _as_meta(self, value: Any) -> Any:
        """Return the same arguments with tensors that have no memory."""
        if isinstance(value, Tensor):
            if value.is_meta:
                return value
            known = self._meta.get(id(value))
            if known is None:
                known = self._meta[id(value)] = torch.empty_strided(
                    value.shape, value.stride(), dtype=value.dtype, device="meta"
                )
                self._kept.append(value)
            return known
        if isinstance(value, tuple) and type(value) is not tuple and not hasattr(value, "_fields"):
            return value
        if isinstance(value, list | tuple):
            return type(value)(self._as_meta(one) for one in value)
        if isinstance(value, dict):
            return {key: self._as_meta(one) for key, one in value.items()}
        return value


def needs_numbers(word: str, path: str) -> BadNetwork:
    """Make the error for a forward pass that asks for a picture's numbers."""
    where = f"module {path!r}" if path else "the module"
    return BadNetwork(
        f"a network's layers must not depend on the numbers in a picture; got {word.strip('_')}() of a tensor "
        f"in {where}; compute it from shapes, or import the part without it. [torch-control-flow]"
    )


def _word(func: Any) -> str:
    """Return an operator's name as a layer's: add for __iadd__, relu for relu_."""
    name: str = getattr(func, "__name__", None) or str(func)
    if name in _NEEDS_NUMBERS or name in ("__setitem__", "__get__"):
        return name
    return name.strip("_").split(".")[-1] or name


def _tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested arguments or results."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)
    elif isinstance(value, slice):
        yield from _tensors((value.start, value.stop, value.step))


@lru_cache(maxsize=256)
def _without_dispatch(func: FunctionType) -> Callable[..., Any]:
    """Return a copy of one of PyTorch's Python functions that runs its body and asks no mode before."""
    unasked = {name: _never for name in func.__globals__ if name.startswith("has_torch_function")}
    copy = FunctionType(
        func.__code__, {**func.__globals__, **unasked}, func.__name__, func.__defaults__, func.__closure__
    )
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


def _never(*_args: Any) -> bool:
    return False
