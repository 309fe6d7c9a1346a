"""Conv and ConvTranspose, and the attributes that they share with pooling."""

from __future__ import annotations

from collections.abc import Sequence

from ....axis.window import same_padding
from ....errors import BadShape
from ....layers import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ....layers.connection import Shape
from ....layers.convolution import Conv, ConvTranspose
from ....layers.rearrange import Permute
from ....settings import Pads
from ...errors import UnsupportedOperator
from ..call import Call, cached_layer, converts, split_image
from ..values import Constant, Flow

_CONV: dict[int, type[Conv]] = {1: Conv1d, 2: Conv2d, 3: Conv3d}
_TRANSPOSED: dict[int, type[ConvTranspose]] = {1: ConvTranspose1d, 2: ConvTranspose2d, 3: ConvTranspose3d}


def values_per_axis(call: Call, name: str, rank: int, default: int = 1) -> tuple[int, ...]:
    """Return one value per spatial axis."""
    values = tuple(call.attribute(name, [default] * rank))
    if len(values) != rank:
        raise UnsupportedOperator(f"{name} for a different number of axes")
    return values


def explicit_pads(call: Call, rank: int) -> Pads:
    """Return (before, after) per axis; ONNX lists the values before all axes, then those after."""
    pads = call.attribute("pads", [0] * (2 * rank))
    if len(pads) != 2 * rank:
        raise UnsupportedOperator("pads for a different number of axes")
    return tuple(zip(pads[:rank], pads[rank:], strict=True))


def auto_pad_mode(call: Call) -> str:
    """Return auto_pad: NOTSET, VALID, SAME_UPPER or SAME_LOWER."""
    mode = call.attribute("auto_pad", "NOTSET") or "NOTSET"
    if mode not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise UnsupportedOperator(f"auto_pad {mode}", "auto_pad")
    if mode != "NOTSET" and any(call.optional_attribute("pads") or ()):
        raise UnsupportedOperator("both pads and auto_pad", "pads")
    return mode


def same_lower(sizes: Shape, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Pads:
    """Return the pads of SAME_LOWER for this input, an odd one before the image."""
    totals = (same_padding(*axis) for axis in zip(sizes, kernel, stride, dilation, strict=True))
    return tuple((total - total // 2, total // 2) for total in totals)


def _with_part_axis(call: Call, x: Flow, parameters: dict[str, Constant]) -> tuple[Flow, dict[str, Constant], int]:
    """Return the parts of a split image along a further spatial axis, for a kernel of size 1 along it.

    Raises:
        UnsupportedOperator: if the parts have three spatial axes already.
    """
    rank = len(x.shape) - 1
    if rank not in _CONV:
        raise UnsupportedOperator("parts with three spatial axes")
    permuted = call.emit(Permute((1, 0, *range(2, rank + 1))), x, part="permuted")
    weight = parameters["weight"]
    shape = (*weight.shape[:2], 1, *weight.shape[2:])
    lifted = {**parameters, "weight": weight.derive(shape, lambda array: array.reshape(shape), f"shape{shape}")}
    return Flow(permuted.layer, (1, *permuted.layer_shape), 0, permuted.layer_shape, x.dtype), lifted, rank


def _parts_first(call: Call, output: Flow) -> Flow:
    """Return the output with the parts of the split image along the first axis."""
    order = (1, 0, *range(2, len(output.layer_shape)))
    permuted = call.emit(Permute(order), output)
    return Flow(permuted.layer, permuted.layer_shape, None, permuted.layer_shape, output.dtype)


def _operands(call: Call, parts: Flow | None = None) -> tuple[Flow, dict[str, Constant], int]:
    """Return the input, the parameters and the number of spatial axes."""
    x = call.images() if parts is None else parts
    rank = len(x.shape) - 2
    parameters = {"weight": call.constant(1)}
    bias = call.optional_constant(2)
    if bias is not None:
        parameters["bias"] = bias
    if rank not in _CONV or len(parameters["weight"].shape) != rank + 2:
        raise UnsupportedOperator("1 to 3 spatial axes")
    return x, parameters, rank


def _kernel(call: Call, weight: Shape) -> Shape:
    """Return the weight's kernel size, with which `kernel_shape` must agree."""
    kernel = tuple(weight[2:])
    declared = tuple(call.attribute("kernel_shape", kernel))
    if declared != kernel:
        raise BadShape(
            "{operator}.kernel_shape must be that of the weight, {kernel} (got {declared}). Export the model "
            "again. [onnx-node]",
            operator=call.operator,
            kernel=kernel,
            declared=declared,
        )
    return kernel


@converts("Conv", since=(1, 11, 22))
def conv(call: Call) -> Sequence[Flow]:
    """Conv: weight (out, in / groups, kernel…), as in PyTorch."""
    parts = split_image(call)
    x, parameters, rank = _operands(call, parts)
    weight = parameters["weight"].shape
    kernel = _kernel(call, weight)
    stride, dilation = values_per_axis(call, "strides", rank), values_per_axis(call, "dilations", rank)
    padding: Pads | str
    match auto_pad_mode(call):
        case "VALID":
            padding = "valid"
        case "SAME_UPPER":
            padding = "same"
        case "SAME_LOWER":
            padding = same_lower(x.shape[2:], kernel, stride, dilation)
        case _:
            padding = explicit_pads(call, rank)
    if parts is not None:
        x, parameters, rank = _with_part_axis(call, x, parameters)
        kernel, stride, dilation = (1, *kernel), (1, *stride), (1, *dilation)
        padding = padding if isinstance(padding, str) else ((0, 0), *padding)
    groups = call.attribute("group", 1)
    layer = cached_layer(_CONV[rank], weight[0], kernel, stride, padding, dilation, groups, "bias" in parameters)
    if weight[1] * groups != x.shape[1]:
        layer = _CONV[rank](weight[0], kernel, groups=groups, in_channels=weight[1] * groups)
    if parts is None:
        return [call.emit(layer, x, parameters=parameters)]
    return [_parts_first(call, call.emit(layer, x, part="conv", parameters=parameters))]


@converts("ConvTranspose", since=(1, 11, 22))
def conv_transpose(call: Call) -> Sequence[Flow]:
    """ConvTranspose: weight (in, out / groups, kernel…); `output_shape` determines the pads."""
    x, parameters, rank = _operands(call)
    weight = parameters["weight"].shape
    groups = call.attribute("group", 1)
    kernel = _kernel(call, weight)
    stride, dilation = values_per_axis(call, "strides", rank), values_per_axis(call, "dilations", rank)
    extra = values_per_axis(call, "output_padding", rank, 0)
    padding = _transposed_pads(call, x, kernel, stride, dilation, extra)
    extra = tuple(e + max(0, -before - after) for e, (before, after) in zip(extra, padding, strict=True))
    layer = _TRANSPOSED[rank](
        weight[1] * groups,
        kernel,
        stride,
        tuple((max(before, 0), max(after, 0)) for before, after in padding),
        dilation,
        groups,
        "bias" in parameters,
        output_padding=extra,
    )
    return [call.emit(layer, x, parameters=parameters)]


def _transposed_pads(
    call: Call,
    x: Flow,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    extra: Sequence[int],
) -> Pads:
    """Return the cropping before and after each axis, negative if the output is extended instead.

    Formula:  total = stride·(n − 1) + output_padding + reach − output size; an odd pixel is cropped at the end
              with SAME_UPPER, otherwise at the beginning
    Source:   ONNX ConvTranspose; ONNX Runtime for the end at which an odd pixel is cropped
    """
    rank = len(kernel)
    mode = auto_pad_mode(call)
    sizes = x.shape[2:]
    output_shape: list[int] = call.attribute("output_shape", [])
    if output_shape:
        targets = tuple(output_shape[-rank:])
    elif mode.startswith("SAME"):
        targets = tuple(n * s for n, s in zip(sizes, stride, strict=True))
    else:
        return explicit_pads(call, rank) if mode == "NOTSET" else ((0, 0),) * rank
    pads = []
    for n, k, s, d, e, size in zip(sizes, kernel, stride, dilation, extra, targets, strict=True):
        total = s * (n - 1) + e + d * (k - 1) + 1 - size
        small, large = total // 2, total - total // 2
        if total < 0:
            small, large = 0, total
        pads.append((small, large) if mode == "SAME_UPPER" or total < 0 else (large, small))
    return tuple(pads)
