"""Normalization layers."""

from __future__ import annotations

from collections.abc import Sequence

from ....layers import (
    Add,
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    GroupNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    LayerNorm,
    LocalResponseNorm,
    Permute,
    Reshape,
    Scale,
)
from ....layers.normalization import BatchNorm, InstanceNorm
from ...errors import UnsupportedOperator
from ..call import Call, cached_layer, converts, split_image, with_layer_output
from ..values import Constant, Flow
from .elementwise import emit_merge

_BATCH: dict[int, type[BatchNorm]] = {0: BatchNorm1d, 1: BatchNorm1d, 2: BatchNorm2d, 3: BatchNorm3d}
_INSTANCE: dict[int, type[InstanceNorm]] = {1: InstanceNorm1d, 2: InstanceNorm2d, 3: InstanceNorm3d}


@converts("BatchNormalization", since=(9, 14, 15))
def batch_norm(call: Call) -> Sequence[Flow]:
    """BatchNormalization. ONNX's momentum is the weight of the old statistics, PyTorch's that of the new ones."""
    rows = split_image(call)
    if rows is not None and len(rows.shape) == 2:
        permuted = call.emit(Permute((1, 0)), rows, part="permuted")
        x = Flow(permuted.layer, (1, *permuted.layer_shape), 0, permuted.layer_shape, rows.dtype)
    else:
        rows, x = None, call.images()
    kind = _BATCH.get(len(x.shape) - 2)
    if call.attribute("training_mode", 0):
        raise UnsupportedOperator("batch statistics", "training_mode")
    if kind is None:
        raise UnsupportedOperator("0 to 3 spatial axes")
    names = ("weight", "bias", "running_mean", "running_var")
    parameters = {name: call.constant(index) for index, name in enumerate(names, start=1)}
    if any(constant.shape != (x.shape[1],) for constant in parameters.values()):
        raise UnsupportedOperator("statistics of a different shape")
    momentum = round(1 - call.attribute("momentum", 0.9), 7)
    layer = cached_layer(kind, _eps(call), min(max(momentum, 0.0), 1.0))
    if rows is None:
        return [call.emit(layer, x, parameters=parameters)]
    restored = call.emit(Permute((1, 0)), call.emit(layer, x, part="norm", parameters=parameters))
    return [Flow(restored.layer, rows.shape, None, restored.layer_shape, rows.dtype)]


def _eps(call: Call) -> float:
    return call.attribute("epsilon", 1e-5)


@converts("InstanceNormalization", since=(6, 22))
def instance_norm(call: Call) -> Sequence[Flow]:
    """InstanceNormalization."""
    x = call.images()
    kind = _INSTANCE.get(len(x.shape) - 2)
    if kind is None:
        raise UnsupportedOperator("1 to 3 spatial axes")
    parameters = {"weight": call.constant(1), "bias": call.constant(2)}
    if any(constant.shape != (x.shape[1],) for constant in parameters.values()):
        raise UnsupportedOperator("scale or bias of a different shape")
    return [call.emit(kind(_eps(call), True), x, parameters=parameters)]


@converts("GroupNormalization", since=(18, 21))
def group_norm(call: Call) -> Sequence[Flow]:
    """GroupNormalization; version 18 has a scale and bias per group, version 21 per channel."""
    x, groups, eps = call.images(), call.attribute("num_groups", 1), _eps(call)
    channels = x.shape[1]
    parameters = {"weight": call.constant(1), "bias": call.constant(2)}
    if groups < 1 or channels % groups or any(one.shape != (channels,) for one in parameters.values()):
        if any(one.shape != (groups,) for one in parameters.values()):
            raise UnsupportedOperator("scale or bias of a different shape")
        return [
            _emit_group_norm_per_group(
                call, x, GroupNorm(groups, eps, False), parameters["weight"], parameters["bias"]
            )
        ]
    return [call.emit(GroupNorm(groups, eps), x, parameters=parameters)]


def _emit_group_norm_per_group(call: Call, x: Flow, norm: GroupNorm, weight: Constant, bias: Constant) -> Flow:
    """Emit a normalization with a scale and bias per group."""
    by_group = Reshape((norm.num_groups, x.image[0] // norm.num_groups, *x.image[1:]))
    rows = call.emit(by_group, call.emit(norm, x, part="norm"), part="groups")
    shape = (norm.num_groups, *(1 for _ in rows.image[1:]))
    weight, bias = (
        one.derive(shape, lambda array: array.reshape(shape), f"shape{shape}") for one in (weight, bias)
    )
    scaled = call.emit(Scale(0), rows, part="scale", parameters={"weight": weight})
    shifted = emit_merge(call.subcall("shift"), Add(), (scaled, bias))
    return with_layer_output(x, call.emit(Reshape(x.image), shifted), 0)


@converts("LayerNormalization", since=(17,))
def layer_norm(call: Call) -> Sequence[Flow]:
    """LayerNormalization over `axis` and all axes after it; a missing bias is 0."""
    x = call.flow()
    first = call.attribute("axis", -1) % len(x.shape)
    axes = [x.axis(axis) for axis in range(first, len(x.shape))]
    if x.batch is not None and x.batch >= first:
        raise UnsupportedOperator("normalization over the batch")
    sizes = x.shape[first:]
    weight, bias = call.constant(1), call.optional_constant(2)
    if any(one is not None and one.shape != sizes for one in (weight, bias)):
        raise UnsupportedOperator("scale or bias of a different shape")
    rank = len(x.image)
    normalized_axes = tuple(axis - rank for axis in axes if axis is not None)
    return [_emit_layer_norm(call, x, normalized_axes, weight, bias)]


def _emit_layer_norm(call: Call, x: Flow, axes: tuple[int, ...], weight: Constant, bias: Constant | None) -> Flow:
    eps = _eps(call)
    if bias is not None:
        return call.emit(LayerNorm(axes, eps), x, parameters={"weight": weight, "bias": bias})
    if len(axes) > 1:
        raise UnsupportedOperator("a scale without bias over several axes")
    normalized = call.emit(LayerNorm(axes, eps, False), x, part="norm")
    return call.emit(Scale(len(x.image) - 1), normalized, parameters={"weight": weight})


@converts("LRN", since=(1, 13))
def local_response_norm(call: Call) -> Sequence[Flow]:
    """LRN with an odd size; for even ones ONNX's neighbors differ from PyTorch's."""
    size = call.attribute("size", 1)
    if size % 2 == 0:
        raise UnsupportedOperator("an even number of channels")
    alpha, beta, k = call.attribute("alpha", 1e-4), call.attribute("beta", 0.75), call.attribute("bias", 1.0)
    return [call.emit(LocalResponseNorm(size, alpha, beta, k), call.images())]
