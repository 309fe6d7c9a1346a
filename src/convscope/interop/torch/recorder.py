"""Recorder of the operators of a forward pass on tensors without memory.

PyTorch passes every call of its functions to a mode. The network's inputs are meta tensors, which have a shape and
no values. What depends on them becomes layers. What depends on the module's parameters and buffers alone is
computed at once, so that masks, tables of positions and loop bounds have their values.
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
from ...layers.structural import Parameter
from ...text.language import Message
from ..errors import RandomAtInference, UnsupportedOperator
from .arguments import (
    NEEDS_VALUES,
    MetaTensors,
    is_in_place,
    map_tensors,
    operator_name,
    rename_arguments,
    tensors,
    without_dispatch,
)
from .batch import Batch
from .call import Call, TorchGraphBuilder, converters
from .constant_propagation import FILL_VALUES, LIKE, ModuleArrays
from .layer_names import ModuleNames
from .meta_fast_paths import fast_paths
from .operators.dense import is_plain_attention
from .operators.elementwise import CASTS
from .operators.indexing import assign_block
from .operators.shape import RESHAPES

_TRANSPOSES = (torch.Tensor.T, torch.Tensor.mT, torch.Tensor.H, torch.Tensor.mH)
"""Properties that transpose a real tensor."""

_CONVERSION_ERRORS = (
    *(UnsupportedOperator, ConvscopeError),
    *(TypeError, ValueError, LookupError, ArithmeticError, AttributeError),
)
"""Exceptions of a converter for unsupported calls and unexpected arguments."""


class Recorder(TorchFunctionMode):
    """Converts function calls to the layers of a network.

    Tensors are mapped to layers by their identity; a tensor that is not mapped is an array of the module. All
    tensors are kept alive, so that identities stay unique.
    """

    def __init__(self, root: nn.Module, batch: Batch) -> None:
        super().__init__()
        self.batch = batch
        self.builder = TorchGraphBuilder()
        self.names = ModuleNames(root)
        self.origin: str | None = None
        self.unknown: list[str] = []
        self._within: dict[int, int] = {}
        self.module_arrays = ModuleArrays(root, batch)
        self._nodes: dict[int, str] = {}
        self._pending: dict[int, tuple[str, list[str]]] = {}
        self._stale: dict[int, tuple[str, Tensor]] = {}
        self._arrays: dict[int, tuple[str, int]] = {}
        self._to_meta = MetaTensors()
        self._before_cast: dict[int, str] = {}
        self._views: dict[int, list[Tensor]] = {}
        self._overwritten: dict[int, tuple[str, Tensor, str]] = {}
        self._entered: list[Any] = []

    # Tensors and layers

    def bind(self, tensor: Tensor, node: str) -> None:
        """Map a tensor to the layer whose output it is."""
        self._nodes[id(tensor)] = node
        self._pending.pop(id(tensor), None)
        self.module_arrays.keep(tensor)
        self._views.setdefault(self._memory(tensor), []).append(tensor)

    def _memory(self, tensor: Tensor) -> int:
        """Return the identity of the storage of a tensor's meta tensor."""
        memory: int = self._to_meta(tensor).untyped_storage()._cdata
        return memory

    def depends_on_input(self, tensor: Tensor) -> bool:
        """Return whether a tensor depends on the network's input."""
        return self._is_recorded(tensor) or (bool(self._overwritten) and self._shares_written_memory(tensor))

    def _is_recorded(self, tensor: Tensor) -> bool:
        return id(tensor) in self._nodes or id(tensor) in self._pending

    def _shares_written_memory(self, tensor: Tensor) -> bool:
        """Return whether values were written into an array through another view, so that its own are unknown."""
        if tensor.layout is not torch.strided or tensor.is_meta:
            return False
        written = self._overwritten.get(tensor.untyped_storage()._cdata)
        if written is None:
            return False
        word, writer, node = written
        self._stale[id(tensor)] = (self.array(tensor), writer)
        self._pending[id(tensor)] = (f"{word}_through_a_view", [node])
        self.module_arrays.keep(tensor)
        return True

    def node(self, tensor: Tensor) -> str:
        """Return the layer whose output a tensor is. One is added for arrays and for unsupported results."""
        known = self._nodes.get(id(tensor))
        if known is not None:
            return known
        if id(tensor) in self._pending:
            operator, inputs = self._pending[id(tensor)]
            self.bind(tensor, self._opaque(operator, inputs, tensor))
            return self._nodes[id(tensor)]
        return self.array(tensor)

    def record_cast(self, tensor: Tensor, before: str) -> None:
        """Remember the layer whose output was cast to integers."""
        self._before_cast[id(tensor)] = before

    def before_cast(self, tensor: Tensor) -> str:
        """Return the layer whose output a tensor is, before a cast to integers."""
        return self._before_cast.get(id(tensor)) or self.node(tensor)

    def array(self, tensor: Tensor, shape: Shape | None = None) -> str:
        """Return the layer of a tensor that has the same values for every image, reshaped to `shape` if inputs.

        It is an array of the module, or a result that depends on the whole batch and has no batch axis.
        """
        known = self.node(tensor) if self._is_recorded(tensor) else self._array_layer(tensor, shape)
        if shape is None or self.builder.shapes[known] == shape:
            return known
        return self.builder.add(f"{known}.reshape", Reshape(shape), [known], origin=self.origin)

    def _array_layer(self, tensor: Tensor, shape: Shape | None) -> str:
        known, version = self._arrays.get(id(tensor), ("", -1))
        if version != tensor._version:
            known = self._rebuild(tensor) or self._add_array(tensor, shape)
            self._arrays[id(tensor)] = known, tensor._version
        return known

    def _rebuild(self, tensor: Tensor) -> str | None:
        """Return the layer that computes an array from parameters, if the call is known."""
        source = self.module_arrays.source_of(tensor)
        if source is None:
            return None
        nodes = dict(
            zip(
                map(id, tensors(source.result)),
                self._convert(source.function, source.args, source.kwargs, source.result),
                strict=True,
            )
        )
        return nodes.get(id(tensor))

    def _add_array(self, tensor: Tensor, requested: Shape | None) -> str:
        """Add a Parameter layer with an array's present values. One repeated for every image is stored once."""
        shape = requested or self.batch.image_shape(tensor.shape)
        array = tensor
        if not self.module_arrays.is_parameter(tensor):
            axis = self.batch.axis(tensor.shape)
            one_image = (
                tensor if axis is None else tensor.narrow(axis, 0, self.batch.image_size(tensor.shape[axis]))
            )
            array = one_image.detach().reshape(shape).clone()
        learned = self.module_arrays.is_learned(tensor)
        name = self.module_arrays.name_of(tensor) or self.names.name_operator("constant")
        arrays = ({"weight": array}, {}) if learned else ({}, {"value": array})
        self.module_arrays.keep(tensor)
        frozen = ["weight"] if learned and self.module_arrays.is_frozen(tensor) else []
        return self.builder.add(name, Parameter(shape, learned), [self._image], *arrays, frozen=frozen)

    @property
    def _image(self) -> str:
        """Return the network's first input, on which Parameter layers depend for their batch size."""
        return self.builder.entries[0].name

    # Axes folded into the batch

    def within(self, tensor: Tensor) -> int:
        """Return the number of elements inside the batch in its axis; usually all that are folded into it."""
        return self._within.get(id(tensor)) or self.batch.fold_factor(tensor.shape)

    def fold(self, tensor: Tensor, within: int) -> None:
        """Record the number of elements inside the batch."""
        if within != self.batch.fold_factor(tensor.shape):
            self._within[id(tensor)] = within

    def _propagate_folds(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """Record the results' batch as folded like the arguments'.

        Raises:
            UnsupportedOperator: Where the arguments differ.
        """
        values = [one for one in inputs if self.depends_on_input(one)]
        if not any(id(one) in self._within for one in values):
            return
        folds = {(self.batch.fold_factor(one.shape), self.within(one)) for one in values}
        if len(folds) > 1 or any((self.batch.fold_factor(one.shape),) != next(iter(folds))[:1] for one in outputs):
            raise UnsupportedOperator("the batch axis is combined with another axis")
        for one in outputs:
            self.fold(one, next(iter(folds))[1])

    # Calls

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Record a call, or compute it if it does not depend on the input."""
        kwargs = {key: one for key, one in (kwargs or {}).items() if key != "out" or one is not None}
        inputs = list(tensors((args, kwargs)))
        word = operator_name(func)
        constants = [one for one in inputs if not self.depends_on_input(one)]
        self._refuse_unrecorded(constants)
        if len(constants) == len(inputs):
            return self.module_arrays.compute(func, args, kwargs, inputs)
        if "out" in kwargs:
            return self._record_out(func, args, kwargs)
        if word in FILL_VALUES:
            return self._fill(func, word, args, kwargs)
        if word == "__get__":
            return self._property(func, args[0])
        if word == "__set__":
            return self._set_property(func, *args)
        if word in NEEDS_VALUES:
            raise values_needed(word, self.names.location)
        if word in LIKE and not self.depends_on_input(inputs[0]):
            return self.module_arrays.convert_like(inputs[0], word, args, kwargs)
        known = func in converters() and (
            word != "multi_head_attention_forward" or is_plain_attention(args, kwargs)
        )
        if not known and isinstance(func, FunctionType) and func not in self._entered:
            return self._record_body(func, args, kwargs)
        if word == "__setitem__":
            return self._assign(args, word)
        if word == "getitem":
            if any(self.depends_on_input(one) and one.dtype == torch.bool for one in inputs[1:]):
                raise values_needed("getitem", self.names.location)
            args = (args[0], self._without_masks(args[1]))
        fast_path = fast_paths().get(func)
        result = fast_path(args, kwargs) if fast_path is not None and self.depends_on_input(inputs[0]) else None
        if result is None:
            result = self._run_on_meta(func, args, kwargs)
            if is_in_place(func) and not inputs[0].is_meta:
                result = inputs[0]
        outputs = list(tensors(result))
        if not outputs:
            return result
        for one, node in zip(outputs, self._convert(func, args, kwargs, result), strict=True):
            if node is not None:
                self._rebind(one, node, word)
        return result

    def _refuse_unrecorded(self, arrays: list[Tensor]) -> None:
        """Refuse batches computed by code that does not call PyTorch's functions from Python.

        Raises:
            BadNetwork: [torch-unseen]
        """
        if any(self.module_arrays.is_unrecorded(one) for one in arrays):
            raise _unrecorded(self.names.location)

    def _record_out(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Record a call with `out=` as one without, followed by copies."""
        out = kwargs["out"]
        with self:
            result = func(*args, **{key: one for key, one in kwargs.items() if key != "out"})
            for target, one in zip(tensors(out), tensors(result), strict=True):
                if target.shape != one.shape:
                    target.resize_(one.shape)
                target.copy_(one)
        return out

    def _fill(self, func: Any, word: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
        """Record the creation of an array from the shape or type of a tensor, or a copy by `new_tensor`."""
        filling = [
            one
            for one in tensors((args[1:], kwargs))
            if one is not kwargs.get("input") and self.depends_on_input(one)
        ]
        if not filling:
            return self.module_arrays.fill(func, args, kwargs)
        data = args[1] if len(args) > 1 else kwargs.get("data")
        if word != "new_tensor" or data is not filling[0]:
            raise values_needed(word, self.names.location)
        with self:
            copied: Tensor = filling[0].detach().clone()
        return copied

    def _run_on_meta(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Return PyTorch's result for meta tensors."""
        args, kwargs = map_tensors((args, dict(kwargs)), self._to_meta)
        return func(*args, **kwargs)

    def _property(self, getter: Any, tensor: Tensor) -> Any:
        """Return a tensor's property, which may be another tensor: `T`, `real`, `data`, …"""
        if getter.__self__ is torch.Tensor.data:
            with self:
                return tensor.detach()
        if getter.__self__ in _TRANSPOSES and not tensor.is_complex():
            with self:
                return tensor.transpose(-2, -1) if tensor.dim() > 1 else tensor
        if getter.__self__ is torch.Tensor.real and not tensor.is_complex():
            return tensor
        result = getter(tensor)
        self._defer(list(tensors(result)), getter.__self__.__name__, [self.node(tensor)])
        return result

    def _set_property(self, setter: Any, tensor: Tensor, value: Any) -> None:
        """Set a tensor's property. Only `data` matters."""
        if setter.__self__ is torch.Tensor.data:
            self._rebind(tensor, self.node(value), "set_data")

    def _convert(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
    ) -> list[str | None]:
        """Return the layer of each result. An unsupported operator becomes Opaque."""
        outputs, inputs, word = list(tensors(result)), list(tensors((args, kwargs))), operator_name(func)
        values = [self.node(one) for one in inputs if self.depends_on_input(one) and one.numel()]
        if not outputs[0].numel():
            return self._defer(outputs, word, values)
        converter = converters().get(func)
        before = len(self.builder.entries)
        call = Call(self, word, result, inputs)
        self.origin = self.names.path or None
        try:
            if converter is None:
                raise UnsupportedOperator("no converter")
            args, kwargs = rename_arguments(converter, args, kwargs)
            converted = converter(call, *args, **kwargs)
            nodes = list(converted) if isinstance(converted, list | tuple) else [converted]
            for one, node in zip(outputs, nodes, strict=False):
                if node is not None and self.builder.shapes[node] != self.batch.image_shape(one.shape):
                    raise UnsupportedOperator("another output shape")
            if word not in CASTS and _truncates(inputs, outputs[: len(nodes)]):
                raise UnsupportedOperator("a change of type")
            if self._within and word not in RESHAPES:
                self._propagate_folds(inputs, outputs)
        except _CONVERSION_ERRORS as error:
            self._rollback(before)
            operator = f"{word}_in_training" if isinstance(error, RandomAtInference) else word
            nodes = [self._opaque(operator, values or [self._image], outputs[0], call.name)]
        missing = [one for one, node in zip(outputs, nodes, strict=False) if node is None]
        self._defer([*missing, *outputs[len(nodes) :]], word, values)
        return [*nodes, *[None] * (len(outputs) - len(nodes))]

    def _defer(self, outputs: list[Tensor], word: str, values: list[str]) -> list[str | None]:
        """Add no layer for empty and unsupported results until one is used."""
        for one in outputs:
            self._pending[id(one)] = (word, values or [self._image])
            self.module_arrays.keep(one)
        return [None] * len(outputs)

    def _opaque(self, word: str, inputs: list[str], output: Tensor, name: str | None = None) -> str:
        """Add an Opaque layer. If the batch is combined with another axis, it has the shape of the whole batch."""
        try:
            shape = self.batch.image_shape(output.shape)
        except UnsupportedOperator:
            shape = tuple(output.shape)
        self.unknown.append(word)
        name = name or self.names.name_operator(word)
        return self.builder.add_opaque(name, word, shape, inputs, self.origin)

    @contextmanager
    def recording_scripts(self) -> Iterator[None]:
        """Record calls of TorchScript functions, which PyTorch passes to no mode."""
        scripted: Any = torch.jit.ScriptFunction
        plain = scripted.__call__

        def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            if not any(self.depends_on_input(one) for one in tensors((args, kwargs))):
                return plain(function, *args, **kwargs)
            with torch._C.DisableTorchFunction():
                return self.__torch_function__(_ScriptFunction(function, plain), (), args, kwargs)

        scripted.__call__ = call
        try:
            yield
        finally:
            scripted.__call__ = plain

    def _record_body(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run a Python function that has no converter, recording the functions that it calls."""
        self._entered.append(func)
        try:
            with self:
                return without_dispatch(func)(*args, **kwargs)
        finally:
            self._entered.pop()

    def _rebind(self, tensor: Tensor, node: str, word: str) -> None:
        """Map a result to a layer. After a write in place, other views of the same memory are unknown."""
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
                self._pending[id(view)] = (f"{word}_through_a_view", [stale, node])

    def _without_masks(self, index: Any) -> Any:
        """Replace constant masks by lists of indices, whose lengths are known."""
        if isinstance(index, tuple):
            return tuple(self._without_masks(one) for one in index)
        mask = isinstance(index, Tensor) and index.dtype == torch.bool and index.dim() == 1
        return index.nonzero()[:, 0] if mask and not self.depends_on_input(index) and not index.is_meta else index

    def _assign(self, args: tuple[Any, ...], word: str) -> None:
        """Record an assignment to a part of a tensor."""
        target, index, value = args
        call = Call(self, word.strip("_"), target, [])
        self.origin = self.names.path or None
        before = len(self.builder.entries)
        stale = self._stale.pop(id(target), None)
        try:
            if not isinstance(value, Tensor):
                value = torch.full((), value, dtype=target.dtype)
            if _truncates([value], [target]):
                raise UnsupportedOperator("a change of type")
            base = stale[0] if stale is not None and stale[1] is value else self.node(target)
            node = assign_block(call, base, self.node(value), index, target.shape)
        except (UnsupportedOperator, ConvscopeError):
            self._rollback(before)
            inputs = [self.node(one) for one in tensors(args) if self.depends_on_input(one)]
            node = self._opaque("setitem", inputs, target)
        self._rebind(target, node, word)

    def _rollback(self, count: int) -> None:
        """Remove the layers that a failed conversion has added."""
        self.builder.rollback(count)
        self._arrays = {key: (node, v) for key, (node, v) in self._arrays.items() if node in self.builder}


class _ScriptFunction:
    """A TorchScript function with its own name."""

    def __init__(self, function: Any, call: Any) -> None:
        self.__name__ = str(function.name)
        self._function = function
        self._call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(self._function, *args, **kwargs)


def _truncates(inputs: list[Tensor], outputs: list[Tensor]) -> bool:
    """Return whether floating-point values became integers."""
    real = any(one.is_floating_point() for one in inputs)
    return real and any(one.dtype in _INTEGERS for one in outputs[:1])


_INTEGERS = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}


def values_needed(word: str, where: Message) -> BadNetwork:
    """Return the error for a forward pass that depends on a tensor's values."""
    return BadNetwork(
        "The network depends on the values in a tensor, which has none here (got {function}() of a tensor in "
        "{where}). Compute it from shapes, or import the part without it. [torch-control-flow]",
        function=word.strip("_"),
        where=where,
    )


def _unrecorded(where: Message) -> BadNetwork:
    """Return the error for a tensor computed by code that does not call PyTorch's functions from Python."""
    return BadNetwork(
        "A module must call PyTorch's functions from Python to be recorded (got a tensor in {where} that other "
        "code, such as an operator in C++, computed from its input). Write that part in Python, or import the "
        "network without it. [torch-unseen]",
        where=where,
    )
