"""Record the operators of a forward pass on tensors without memory.

PyTorch hands every call of one of its functions to a mode. Images are meta tensors: they have a shape and no
numbers. What is computed from the module's own arrays alone is computed for real, so that masks, position tables
and loop bounds are what they are; what depends on images becomes layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ...errors import BadNetwork, ConvscopeError
from ...layers.connection import Shape
from ...layers.rearrange import Reshape
from ...layers.structural import Opaque, Parameter
from ..errors import RandomAtInference, UnsupportedOperator
from .arguments import NEEDS_NUMBERS, WithoutMemory, tensors, with_tensors, without_dispatch, word_of, writes
from .batch import Batch
from .call import Call
from .constant_propagation import FILLED, LIKE, OwnArrays
from .graph_builder import TorchGraphBuilder
from .keywords import arguments
from .layer_names import ModuleNames
from .meta_fast_paths import quick_results
from .operators.attention import is_plain_attention
from .operators.elementwise import RETYPING
from .operators.indexing import assigned
from .operators.shape import REFOLDING
from .registry import converters

_TRANSPOSES = (torch.Tensor.T, torch.Tensor.mT, torch.Tensor.H, torch.Tensor.mH)
"""Properties that are a transpose of real numbers; T and H are those of matrices only."""

_NOT_CONVERTED = (
    *(UnsupportedOperator, ConvscopeError),
    *(TypeError, ValueError, LookupError, ArithmeticError, AttributeError),
)
"""What a converter raises where it finds no layer, or arguments that it does not know."""


class Recorder(TorchFunctionMode):
    """Turns function calls into the entries of a graph.

    `nodes` says which layer a tensor is the output of, by the tensor's identity; a tensor that is not there is one
    of the network's own arrays. Everything seen is kept alive, so that identities stay unique.
    """

    def __init__(self, root: nn.Module, batch: Batch) -> None:
        super().__init__()
        self.batch = batch
        self.builder = TorchGraphBuilder()
        self.names = ModuleNames(root)
        self.origin: str | None = None
        self.unknown: list[str] = []
        self._within: dict[int, int] = {}
        self.own = OwnArrays(root, batch)
        self._nodes: dict[int, str] = {}
        self._lazy: dict[int, tuple[str, list[str]]] = {}
        self._stale: dict[int, tuple[str, Tensor]] = {}
        self._arrays: dict[int, tuple[str, int]] = {}
        self._without_memory = WithoutMemory()
        self._before_cast: dict[int, str] = {}
        self._views: dict[int, list[Tensor]] = {}
        self._overwritten: dict[int, tuple[str, Tensor, str]] = {}
        self._entered: list[Any] = []

    # Which layer is a tensor the output of?

    def bind(self, tensor: Tensor, node: str) -> None:
        """Say that a tensor is the output of a layer."""
        self._nodes[id(tensor)] = node
        self._lazy.pop(id(tensor), None)
        self.own.keep(tensor)
        self._views.setdefault(self._memory(tensor), []).append(tensor)

    def _memory(self, tensor: Tensor) -> int:
        """Return the identity of the memory that a value is recorded with."""
        memory: int = self._without_memory(tensor).untyped_storage()._cdata
        return memory

    def is_value(self, tensor: Tensor) -> bool:
        """Tell whether a tensor depends on the images."""
        return self._is_recorded(tensor) or (bool(self._overwritten) and self._shares_written_memory(tensor))

    def _is_recorded(self, tensor: Tensor) -> bool:
        return id(tensor) in self._nodes or id(tensor) in self._lazy

    def _shares_written_memory(self, tensor: Tensor) -> bool:
        """Tell whether values were written into an array through another view; then nobody knows what it holds."""
        if tensor.layout is not torch.strided or tensor.is_meta:
            return False
        written = self._overwritten.get(tensor.untyped_storage()._cdata)
        if written is None:
            return False
        word, writer, node = written
        self._stale[id(tensor)] = (self.array(tensor), writer)
        self._lazy[id(tensor)] = (f"{word}_through_a_view", [node])
        self.own.keep(tensor)
        return True

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

    def remember_cast(self, tensor: Tensor, before: str) -> None:
        """Remember which layer's output became integers."""
        self._before_cast[id(tensor)] = before

    def before_cast(self, tensor: Tensor) -> str:
        """Return the layer that a tensor is the output of, before it became integers."""
        return self._before_cast.get(id(tensor)) or self.node(tensor)

    def array(self, tensor: Tensor, shape: Shape | None = None) -> str:
        """Return the layer of what is the same for every image, in another shape of as many elements if given.

        That is one of the network's own arrays, or a value that depends on the whole batch and has lost its axis.
        """
        known = self.node(tensor) if self._is_recorded(tensor) else self._own_array(tensor, shape)
        if shape is None or self.builder.shapes[known] == shape:
            return known
        return self.builder.add(f"{known}.reshape", Reshape(shape), [known], origin=self.origin)

    def _own_array(self, tensor: Tensor, shape: Shape | None) -> str:
        known, version = self._arrays.get(id(tensor), ("", -1))
        if version != tensor._version:
            known = self._made_again(tensor) or self._new_array(tensor, shape)
            self._arrays[id(tensor)] = known, tensor._version
        return known

    def _made_again(self, tensor: Tensor) -> str | None:
        """Return the layer that makes an array from parameters, if it is known how."""
        how = self.own.how(tensor)
        if how is None:
            return None
        made = dict(
            zip(
                map(id, tensors(how.result)),
                self._converted(how.function, how.args, how.kwargs, how.result),
                strict=True,
            )
        )
        return made.get(id(tensor))

    def _new_array(self, tensor: Tensor, wanted: Shape | None) -> str:
        """Add one of the network's own arrays, as it is now; one repeated for every image is kept once."""
        shape = wanted or self.batch.free(tensor.shape)
        array = tensor
        if not self.own.is_parameter(tensor):
            axis = self.batch.axis(tensor.shape)
            one_image = tensor if axis is None else tensor.narrow(axis, 0, self.batch.one(tensor.shape[axis]))
            array = one_image.detach().reshape(shape).clone()
        learned = self.own.is_learned(tensor)
        name = self.own.name_of(tensor) or self.names.of_operator("constant")
        arrays = ({"weight": array}, {}) if learned else ({}, {"value": array})
        self.own.keep(tensor)
        frozen = ["weight"] if learned and self.own.is_frozen(tensor) else []
        return self.builder.add(name, Parameter(shape, learned), [self._image], *arrays, frozen=frozen)

    @property
    def _image(self) -> str:
        """Return the network's input, which tells arrays how many images there are."""
        return self.builder.entries[0].name

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

        Errors:   UnsupportedOperator where that is not told
        """
        values = [one for one in given if self.is_value(one)]
        if not any(id(one) in self._within for one in values):
            return
        folds = {(self.batch.folded(one.shape), self.within(one)) for one in values}
        if len(folds) > 1 or any((self.batch.folded(one.shape),) != next(iter(folds))[:1] for one in outputs):
            raise UnsupportedOperator("images are mixed")
        for one in outputs:
            self.fold(one, next(iter(folds))[1])

    # Calls of PyTorch's functions

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Take one call."""
        kwargs = {key: one for key, one in (kwargs or {}).items() if key != "out" or one is not None}
        given = list(tensors((args, kwargs)))
        word = word_of(func)
        own = [one for one in given if not self.is_value(one)]
        self._check_seen(own)
        if len(own) == len(given):
            return self.own.compute(func, args, kwargs, given)
        if "out" in kwargs:
            return self._put_out(func, args, kwargs)
        if word in FILLED:
            return self._filled(func, word, args, kwargs)
        if word == "__get__":
            return self._property(func, args[0])
        if word == "__set__":
            return self._set_property(func, *args)
        if word in NEEDS_NUMBERS:
            raise needs_numbers(word, self.names.path)
        if word in LIKE and not self.is_value(given[0]):
            return self.own.like(given[0], word, args, kwargs)
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
            result = self._asked(func, args, kwargs)
            if writes(func) and not given[0].is_meta:
                result = given[0]
        outputs = list(tensors(result))
        if not outputs:
            return result
        for one, node in zip(outputs, self._converted(func, args, kwargs, result), strict=True):
            if node is not None:
                self._rebind(one, node, word)
        return result

    def _check_seen(self, own: list[Tensor]) -> None:
        """Refuse tensors of a batch that were made by code which calls none of PyTorch's functions from Python.

        Errors:   BadNetwork [torch-unseen]
        """
        if any(self.own.is_unseen(one) for one in own):
            raise _unseen(self.names.path)

    def _put_out(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Take a call with `out=` as one without, whose results are copied into what was given."""
        out = kwargs["out"]
        with self:
            result = func(*args, **{key: one for key, one in kwargs.items() if key != "out"})
            for target, one in zip(tensors(out), tensors(result), strict=True):
                if target.shape != one.shape:
                    target.resize_(one.shape)
                target.copy_(one)
        return out

    def _filled(self, func: Any, word: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
        """Make an array of the type and size that an image has; a copy of an image is that image."""
        filling = [
            one for one in tensors((args[1:], kwargs)) if one is not kwargs.get("input") and self.is_value(one)
        ]
        if not filling:
            return self.own.filled(func, args, kwargs)
        data = args[1] if len(args) > 1 else kwargs.get("data")
        if word != "new_tensor" or data is not filling[0]:
            raise needs_numbers(word, self.names.path)
        with self:
            copied: Tensor = filling[0].detach().clone()
        return copied

    def _asked(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Return PyTorch's result for tensors without memory."""
        args, kwargs = with_tensors((args, dict(kwargs)), self._without_memory)
        return func(*args, **kwargs)

    def _property(self, getter: Any, tensor: Tensor) -> Any:
        """Return a tensor's property: the transpose, parts of complex numbers and the bare data are tensors."""
        if getter.__self__ is torch.Tensor.data:
            with self:
                return tensor.detach()
        if getter.__self__ in _TRANSPOSES and not tensor.is_complex():
            with self:
                return tensor.transpose(-2, -1) if tensor.dim() > 1 else tensor
        if getter.__self__ is torch.Tensor.real and not tensor.is_complex():
            return tensor
        result = getter(tensor)
        self._unbound(list(tensors(result)), getter.__self__.__name__, [self.node(tensor)])
        return result

    def _set_property(self, setter: Any, tensor: Tensor, value: Any) -> None:
        """Set a tensor's property; new data is another value, all else is of no interest."""
        if setter.__self__ is torch.Tensor.data:
            self._rebind(tensor, self.node(value), "set_data")

    def _converted(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
    ) -> list[str | None]:
        """Return the layer of each result; an operator that no layer stands for becomes Opaque."""
        outputs, given, word = list(tensors(result)), list(tensors((args, kwargs))), word_of(func)
        values = [self.node(one) for one in given if self.is_value(one) and one.numel()]
        if not outputs[0].numel():
            return self._unbound(outputs, word, values)
        converter = converters().get(func)
        before = len(self.builder.entries)
        call = Call(self, word, result, given)
        self.origin = self.names.path or None
        try:
            if converter is None:
                raise UnsupportedOperator("no converter")
            args, kwargs = arguments(converter, args, kwargs)
            made = converter(call, *args, **kwargs)
            nodes = list(made) if isinstance(made, list | tuple) else [made]
            for one, node in zip(outputs, nodes, strict=False):
                if node is not None and self.builder.shapes[node] != self.batch.free(one.shape):
                    raise UnsupportedOperator("another shape")
            if word not in RETYPING and _loses_fractions(given, outputs[: len(nodes)]):
                raise UnsupportedOperator("another type")
            if self._within and word not in REFOLDING:
                self._carry_folds(given, outputs)
        except _NOT_CONVERTED as error:
            self._forget_after(before)
            operator = f"{word}_in_training" if isinstance(error, RandomAtInference) else word
            nodes = [self._opaque(operator, values or [self._image], outputs[0], call.name)]
        missing = [one for one, node in zip(outputs, nodes, strict=False) if node is None]
        self._unbound([*missing, *outputs[len(nodes) :]], word, values)
        return [*nodes, *[None] * (len(outputs) - len(nodes))]

    def _unbound(self, outputs: list[Tensor], word: str, values: list[str]) -> list[str | None]:
        """Leave results without a layer until one is asked for: empty ones, and those nobody knows."""
        for one in outputs:
            self._lazy[id(one)] = (word, values or [self._image])
            self.own.keep(one)
        return [None] * len(outputs)

    def _opaque(self, word: str, inputs: list[str], output: Tensor, name: str | None = None) -> str:
        """Add what nobody knows; where images are mixed, the shape of the whole batch stands for one's."""
        try:
            shape = self.batch.free(output.shape)
        except UnsupportedOperator:
            shape = tuple(output.shape)
        self.unknown.append(word)
        name = name or self.names.of_operator(word)
        return self.builder.add(name, Opaque(word, shape or (1,)), list(dict.fromkeys(inputs)), origin=self.origin)

    @contextmanager
    def seeing_scripts(self) -> Iterator[None]:
        """Take calls of TorchScript's functions, which PyTorch hands to no mode, for a while."""
        scripted: Any = torch.jit.ScriptFunction
        plain = scripted.__call__

        def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            if not any(self.is_value(one) for one in tensors((args, kwargs))):
                return plain(function, *args, **kwargs)
            with torch._C.DisableTorchFunction():
                return self.__torch_function__(_Scripted(function, plain), (), args, kwargs)

        scripted.__call__ = call
        try:
            yield
        finally:
            scripted.__call__ = plain

    def _inside(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run a Python function that has no converter, recording the functions that it calls."""
        self._entered.append(func)
        try:
            with self:
                return without_dispatch(func)(*args, **kwargs)
        finally:
            self._entered.pop()

    def _rebind(self, tensor: Tensor, node: str, word: str) -> None:
        """Bind a result; where it was written in place, other views of the same memory are no longer known."""
        old = self._nodes.get(id(tensor))
        self.bind(tensor, node)
        if old is None and not tensor.is_meta:
            self._overwritten[tensor.untyped_storage()._cdata] = (word, tensor, node)
        if old is None or old == node:
            return
        for view in self._views[self._memory(tensor)]:
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
        before = len(self.builder.entries)
        stale = self._stale.pop(id(target), None)
        try:
            if not isinstance(value, Tensor):
                value = torch.full((), value, dtype=target.dtype)
            if _loses_fractions([value], [target]):
                raise UnsupportedOperator("another type")
            base = stale[0] if stale is not None and stale[1] is value else self.node(target)
            node = assigned(call, base, self.node(value), index, target.shape)
        except (UnsupportedOperator, ConvscopeError):
            self._forget_after(before)
            inputs = [self.node(one) for one in tensors(args) if self.is_value(one)]
            node = self._opaque("setitem", inputs, target)
        self._rebind(target, node, word)

    def _forget_after(self, count: int) -> None:
        """Take back the entries that a failed conversion has added."""
        self.builder.rollback(count)
        self._arrays = {key: (node, v) for key, (node, v) in self._arrays.items() if node in self.builder}


class _Scripted:
    """A function of TorchScript under its own name."""

    def __init__(self, function: Any, call: Any) -> None:
        self.__name__ = str(function.name)
        self._function = function
        self._call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(self._function, *args, **kwargs)


def _loses_fractions(given: list[Tensor], outputs: list[Tensor]) -> bool:
    """Tell whether real numbers became integers."""
    real = any(one.is_floating_point() for one in given)
    return real and any(one.dtype in _INTEGERS for one in outputs[:1])


_INTEGERS = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}


def needs_numbers(word: str, path: str) -> BadNetwork:
    """Make the error for a forward pass that asks for an image's numbers."""
    where = f"module {path!r}" if path else "the module"
    return BadNetwork(
        f"a network's layers must not depend on the numbers in an image; got {word.strip('_')}() of a tensor "
        f"in {where}; compute it from shapes, or import the part without it. [torch-control-flow]"
    )


def _unseen(path: str) -> BadNetwork:
    """Make the error for a tensor that came from code which calls none of PyTorch's functions from Python."""
    where = f"module {path!r}" if path else "the module"
    return BadNetwork(
        f"a module must call PyTorch's functions from Python to be recorded; got a tensor in {where} that other "
        "code has made from its input, such as an operator in C++; write that part in Python, or import the "
        "network without it. [torch-unseen]"
    )
