"""Operators that no layer says: their output's shape is found, all else is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import BadFile, ConvscopeError
from ...layers.connection import Shape
from ...layers.structural import Opaque
from .file import domain_of
from .values import Constant, Flow, Value

if TYPE_CHECKING:
    from .call import Call

NONE: Mapping[str, int] = MappingProxyType({})

LARGEST_GIVEN = 1 << 12
"""Elements of a constant that is handed to ONNX's shape inference: shapes and axes, not weights."""


class Found(NamedTuple):
    """An output's shape and ONNX's number for its type."""

    shape: Shape
    dtype: int


def opaque(call: Call, reason: str = "") -> list[Value | None]:
    """Return Opaque layers, one per output that is used; `reason` is what of a known operator no layer does.

    Errors:   BadFile [onnx-operator] where neither ONNX nor the file says an output's shape
    """
    flows = [value for value in call.inputs if isinstance(value, Flow)] or _any(call)
    rule = _SHAPES.get(_title(call))
    inferred = (None if rule is None else rule(call)) or _inferred(call)
    wanted = [index for index in range(len(call.node.output)) if call.wanted(index)]
    outputs: list[Value | None] = [None] * len(call.node.output)
    for index in wanted:
        name = call.node.output[index]
        found = inferred.get(name) or call.scope.shared.declared(name)
        if found is None:
            raise BadFile(
                f"operator {_title(call, reason)} of node {call.node.name or call.name!r} in "
                f"{str(call.scope.path)!r} must be known, or the file give its output's shape; "
                f"got neither for {name!r}; "
                "run onnx.shape_inference.infer_shapes on it, or add value_info. [onnx-operator]"
            )
        outputs[index] = _stand_in(call, flows, found, "" if index == wanted[-1] else str(index), reason)
    return outputs


def _spectra(call: Call) -> dict[str, Found] | None:
    """Return STFT's output: (batch, frames, bins, 2), of which ONNX's own rule does not halve the bins.

    Source:   ONNX STFT
    """
    signal, step, window, length = [*call.inputs, None, None][:4]
    stride = step.number if isinstance(step, Constant) else None
    frame = length.number if isinstance(length, Constant) else None
    if frame is None and window is not None and len(window.shape) == 1:
        frame = window.shape[0]
    if signal is None or len(signal.shape) < 2 or not stride or not frame or min(stride, frame) < 1:
        return None
    frames = int((signal.shape[1] - frame) // stride) + 1
    bins = int(frame // 2 + 1 if call.attribute("onesided", 1) else frame)
    return {call.node.output[0]: Found((signal.shape[0], frames, bins, 2), signal.dtype)} if frames > 0 else None


_SHAPES: Mapping[str, Callable[[Call], dict[str, Found] | None]] = {"STFT": _spectra}
"""Shape rules of operators whose rule in the onnx package is wrong."""


def _any(call: Call) -> list[Flow]:
    """Return the image, for a node that takes nothing of it: a layer must hang somewhere."""
    first = call.scope.shared.first
    assert first is not None
    return [first]


def _title(call: Call, reason: str = "") -> str:
    domain = domain_of(call.node.domain)
    title = f"{domain}.{call.operator}" if domain else call.operator
    return f"{title}[{reason}]" if reason else title


def _stand_in(call: Call, flows: list[Flow], found: Found, part: str, reason: str) -> Flow:
    shape, dtype = found
    batch = _batch(flows, shape)
    image = (shape if batch is None else shape[:batch] + shape[batch + 1 :]) or (1,)
    title = _title(call, reason)
    operator = "".join(sign if sign.isprintable() and sign not in " |\"'#{}" else "_" for sign in title)
    try:
        output = call.emit(Opaque(operator, image), *flows, part=part)
    except ConvscopeError as error:
        raise BadFile(f"node {call.name!r} of {str(call.scope.path)!r}: {error}") from None
    return Flow(output.layer, shape, batch, output.held, dtype)


def _batch(flows: list[Flow], shape: Shape) -> int | None:
    """Return where the batch stands in the output: where it stood in the first input, if it fits there."""
    first = flows[0]
    if first.batch is None:
        return None
    size = first.shape[first.batch]
    for axis in (first.batch, 0):
        if axis < len(shape) and shape[axis] == size:
            return axis
    if size == 1:
        return None
    raise BadFile(
        f"the batch must stay an axis of its own; got {size} images at once, and an output of shape {shape}; "
        "export the model with a batch of 1 or a symbolic one. [onnx-batch]"
    )


def _inferred(call: Call) -> dict[str, Found]:
    """Return the outputs' shapes and types as ONNX's own rule for this one operator finds them."""
    from onnx.checker import ValidationError
    from onnx.defs import SchemaError, get_schema
    from onnx.helper import make_opsetid
    from onnx.shape_inference import InferenceError, infer_node_outputs

    if any(item.type in (item.GRAPH, item.GRAPHS) for item in call.node.attribute):
        return {}
    domain = domain_of(call.node.domain)
    version = call.scope.opsets.get(domain, 1)
    types: dict[str, Any] = {}
    data: dict[str, Any] = {}
    try:
        schema = get_schema(call.operator, version, domain)
        for name, value in zip(call.node.input, call.inputs, strict=True):
            if value is not None:
                _describe(name, value, types, data)
        found = infer_node_outputs(schema, call.node, types, data, opset_imports=[make_opsetid(domain, version)])
    except (SchemaError, InferenceError, ValidationError, ValueError, TypeError, KeyError, RuntimeError):
        return {}
    known = {name: found_in(kind) for name, kind in found.items()}
    return {name: one for name, one in known.items() if one is not None}


def _describe(name: str, value: Value, types: dict[str, Any], data: dict[str, Any]) -> None:
    from onnx import numpy_helper
    from onnx.helper import make_tensor_type_proto

    types[name] = make_tensor_type_proto(value.dtype or 1, value.shape)
    if isinstance(value, Constant) and prod(value.shape) <= LARGEST_GIVEN:
        data[name] = numpy_helper.from_array(value.array, name)


def found_in(kind: Any, known: Mapping[str, int] = NONE) -> Found | None:
    """Return a type's shape where every size is known, by number or by a name that stands for one."""
    if not kind.HasField("tensor_type") or not kind.tensor_type.HasField("shape"):
        return None
    sizes = [
        dim.dim_value if dim.HasField("dim_value") else known.get(dim.dim_param, -1)
        for dim in kind.tensor_type.shape.dim
    ]
    return Found(tuple(sizes), kind.tensor_type.elem_type) if min(sizes, default=0) >= 0 else None
