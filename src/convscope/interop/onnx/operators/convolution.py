"""Conv and ConvTranspose, and the attributes that they share with pooling."""

from __future__ import annotations

from collections.abc import Sequence

from ....axis.window import same_padding
from ....layers import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ....layers.connection import Shape
from ....layers.convolution import Conv, ConvTranspose
from ....layers.rearrange import Permute
from ....settings import Pads
from ..call import Call, cached_layer, without_split_batch
from ..registry import UnsupportedOperator, converts
from ..values import Constant, Flow


def values_per_axis(call: Call, name: str, rank: int, default: int = 1) -> tuple[int, ...]:
    """Return one number per spatial axis."""
    values = tuple(call.attribute(name, [default] * rank))
    if len(values) != rank:
        raise UnsupportedOperator(f"{name} for another number of axes")
    return values


def explicit_pads(call: Call, rank: int) -> Pads:
    """Return (before, after) per axis; ONNX lists all the befores, then all the afters."""
    pads = call.attribute("pads", [0] * (2 * rank))
    if len(pads) != 2 * rank:
        raise UnsupportedOperator("pads for another number of axes")
    return tuple(zip(pads[:rank], pads[rank:], strict=True))


def auto_pad_mode(call: Call) -> str:
    """Return how pads are found: NOTSET, VALID, SAME_UPPER or SAME_LOWER."""
    word = call.attribute("auto_pad", "NOTSET") or "NOTSET"
    if word not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise UnsupportedOperator(f"auto_pad {word}", "auto_pad")
    if word != "NOTSET" and any(call.optional_attribute("pads") or ()):
        raise UnsupportedOperator("pads beside auto_pad", "pads")
    return word


def same_lower(sizes: Shape, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Pads:
    """Return SAME's pads for this input, the odd one before the image."""
    totals = (same_padding(*axis) for axis in zip(sizes, kernel, stride, dilation, strict=True))
    return tuple((total - total // 2, total // 2) for total in totals)


_CONV: dict[int, type[Conv]] = {1: Conv1d, 2: Conv2d, 3: Conv3d}


_TRANSPOSED: dict[int, type[ConvTranspose]] = {1: ConvTranspose1d, 2: ConvTranspose2d, 3: ConvTranspose3d}


def _lifted(call: Call, x: Flow, held: dict[str, Constant]) -> tuple[Flow, dict[str, Constant], int]:
    """Return pieces of one image as one more axis, along which the kernel is 1.

    Errors:   UnsupportedOperator for pieces of three axes
    """
    rank = len(x.shape) - 1
    if rank not in _CONV:
        raise UnsupportedOperator("no room for one more axis")
    turned = call.emit(Permute((1, 0, *range(2, rank + 1))), x, part="turned")
    weight = held["weight"]
    shape = (*weight.shape[:2], 1, *weight.shape[2:])
    lifted = {**held, "weight": weight.derived(shape, lambda array: array.reshape(shape), f"shape{shape}")}
    return Flow(turned.layer, (1, *turned.held), 0, turned.held, x.dtype), lifted, rank


def _put_back(call: Call, output: Flow) -> Flow:
    """Return pieces of an image in the order in which they came."""
    order = (1, 0, *range(2, len(output.held)))
    back = call.emit(Permute(order), output)
    return Flow(back.layer, back.held, None, back.held, output.dtype)


def _operands(call: Call, pieces: Flow | None = None) -> tuple[Flow, dict[str, Constant], int]:
    """Return image, or the pieces of one, weights and rank."""
    x = call.images() if pieces is None else pieces
    rank = len(x.shape) - 2
    held = {"weight": call.constant(1)}
    bias = call.optional_constant(2)
    if bias is not None:
        held["bias"] = bias
    if rank not in _CONV or len(held["weight"].shape) != rank + 2:
        raise UnsupportedOperator("1 to 3 spatial axes")
    return x, held, rank


def _kernel(call: Call, weight: Shape) -> Shape:
    """Return the kernel's size, which the weight has; where the node says it too, it must be the same."""
    kernel = tuple(weight[2:])
    said = tuple(call.attribute("kernel_shape", kernel))
    if said != kernel:
        raise call.invalid(f"{call.operator}.kernel_shape must be that of the weight, {kernel}; got {said}")
    return kernel


@converts("Conv", since=(1, 11, 22))
def conv(call: Call) -> Sequence[Flow]:
    """Conv: weight (out, in / groups, kernel…), as PyTorch's."""
    pieces = without_split_batch(call)
    x, held, rank = _operands(call, pieces)
    weight = held["weight"].shape
    kernel = _kernel(call, weight)
    stride, dilation = values_per_axis(call, "strides", rank), values_per_axis(call, "dilations", rank)
    padding: Pads | str = {"NOTSET": "", "VALID": "valid", "SAME_UPPER": "same", "SAME_LOWER": ""}[
        auto_pad_mode(call)
    ]
    if auto_pad_mode(call) == "NOTSET":
        padding = explicit_pads(call, rank)
    elif auto_pad_mode(call) == "SAME_LOWER":
        padding = same_lower(x.shape[2:], kernel, stride, dilation)
    if pieces is not None:
        x, held, rank = _lifted(call, x, held)
        kernel, stride, dilation = (1, *kernel), (1, *stride), (1, *dilation)
        padding = padding if isinstance(padding, str) else ((0, 0), *padding)
    groups = call.attribute("group", 1)
    layer = cached_layer(_CONV[rank], weight[0], kernel, stride, padding, dilation, groups, "bias" in held)
    if weight[1] * groups != x.shape[1]:
        layer = _CONV[rank](weight[0], kernel, groups=groups, in_channels=weight[1] * groups)
    if pieces is None:
        return [call.emit(layer, x, parameters=held)]
    return [_put_back(call, call.emit(layer, x, part="conv", parameters=held))]


@converts("ConvTranspose", since=(1, 11, 22))
def conv_transpose(call: Call) -> Sequence[Flow]:
    """ConvTranspose: weight (in, out / groups, kernel…); `output_shape` sets the pads."""
    x, held, rank = _operands(call)
    weight = held["weight"].shape
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
        "bias" in held,
        output_padding=extra,
    )
    return [call.emit(layer, x, parameters=held)]


def _transposed_pads(
    call: Call,
    x: Flow,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    extra: Sequence[int],
) -> Pads:
    """Return what is cropped before and after, negative where the output is lengthened instead.

    Formula:  total = stride·(n − 1) + output_padding + reach − wanted size; the odd one goes to the end with
              SAME_UPPER, else to the beginning
    Source:   ONNX ConvTranspose; ONNX Runtime for which end the odd one goes to
    """
    rank = len(kernel)
    word = auto_pad_mode(call)
    sizes = x.shape[2:]
    given: list[int] = call.attribute("output_shape", [])
    if given:
        wanted = tuple(given[-rank:])
    elif word.startswith("SAME"):
        wanted = tuple(n * s for n, s in zip(sizes, stride, strict=True))
    else:
        return explicit_pads(call, rank) if word == "NOTSET" else ((0, 0),) * rank
    pads = []
    for n, k, s, d, e, size in zip(sizes, kernel, stride, dilation, extra, wanted, strict=True):
        total = s * (n - 1) + e + d * (k - 1) + 1 - size
        small, large = total // 2, total - total // 2
        if total < 0:
            small, large = 0, total
        pads.append((small, large) if word == "SAME_UPPER" or total < 0 else (large, small))
    return tuple(pads)
