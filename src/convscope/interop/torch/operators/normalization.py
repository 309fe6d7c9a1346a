"""Batch, group, instance, layer, RMS and local response normalization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....layers.base import Layer
from ....layers.dense import Scale
from ....layers.elementwise import Affine, Function, Power
from ....layers.merge import Add, Multiply
from ....layers.normalization import (
    BatchNorm,
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    GroupNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    LayerNorm,
    LocalResponseNorm,
)
from ....layers.rearrange import Reshape
from ....layers.reduction import Reduce
from ...errors import UnsupportedOperator
from ..call import converts
from .convolution import present, refuse_computed_weights

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call

_BATCH = (BatchNorm1d, BatchNorm2d, BatchNorm3d)
_INSTANCE = (InstanceNorm1d, InstanceNorm2d, InstanceNorm3d)


@converts("functional.batch_norm")
def batch_norm(
    call: Call,
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
) -> str:
    """Convert batch normalization with running statistics."""
    refuse_computed_weights(call, weight, bias, running_mean, running_var)
    if training or running_mean is None or running_var is None:
        raise UnsupportedOperator("statistics of the batch")
    rank = input.dim() - 2
    buffers = {"running_mean": running_mean, "running_var": running_var}
    momentum = 0.1 if momentum is None else momentum

    def apply(x: str, lead: int) -> str:
        kind: type[BatchNorm] = _BATCH[max(rank + lead, 1) - 1]
        layer = kind(eps=eps, momentum=momentum, affine=weight is not None and bias is not None)
        return _with_affine(call, layer, x, weight, bias, buffers)

    return call.map_with_extra_axis(input, apply)


def _with_affine(
    call: Call,
    layer: Layer,
    x: str,
    weight: Tensor | None,
    bias: Tensor | None,
    buffers: Mapping[str, Tensor] | None = None,
) -> str:
    """Add a normalization layer. A scale without a shift, or a shift without a scale, is a separate layer."""

    def normalize(learned: Tensor) -> str:
        """Add the layer without parameters. Its statistics are frozen if its one parameter in PyTorch is."""
        frozen = tuple(buffers or ()) if call.recorder.module_arrays.is_frozen(learned) else ()
        return call.add(layer, x, buffers=buffers, frozen=frozen)

    if weight is not None and bias is None:
        return call.add_result(Scale(0), normalize(weight), parameters={"weight": weight})
    if weight is None and bias is not None:
        plain, shift = normalize(bias), call.node(bias)
        spatial = len(call.shape_of(plain)) - 1
        if spatial:
            shift = call.add(Reshape((*call.shape_of(shift), *(1,) * spatial)), shift)
        return call.add_result(Add(), plain, shift)
    return call.add_result(layer, x, parameters=present(weight=weight, bias=bias), buffers=buffers)


@converts("functional.group_norm")
def group_norm(
    call: Call,
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> str:
    """Convert group normalization."""
    refuse_computed_weights(call, weight, bias)
    layer = GroupNorm(num_groups, eps=eps, affine=weight is not None and bias is not None)
    return call.map_images(input, lambda x: _with_affine(call, layer, x, weight, bias))


@converts("functional.instance_norm")
def instance_norm(
    call: Call,
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> str:
    """Convert instance normalization; with running statistics it is batch normalization."""
    refuse_computed_weights(call, weight, bias)
    if not use_input_stats:
        return batch_norm(call, input, running_mean, running_var, weight, bias, False, momentum, eps)
    layer = _INSTANCE[input.dim() - 3](eps=eps, affine=weight is not None and bias is not None)
    return call.map_images(input, lambda x: _with_affine(call, layer, x, weight, bias))


@converts("functional.layer_norm")
def layer_norm(
    call: Call,
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> str:
    """Convert layer normalization over the last axes. A scale without a shift is a separate layer."""
    refuse_computed_weights(call, weight, bias)
    if weight is None and bias is not None:
        raise UnsupportedOperator("a shift without a scale")
    count = len(normalized_shape)
    for axis in range(1, count + 1):
        call.batch.image_axis(input.shape, -axis)
    axes = tuple(range(-count, 0))
    if weight is None or bias is not None:
        layer = LayerNorm(axes, eps=eps, affine=weight is not None)
        return call.add_result(layer, call.node(input), parameters=present(weight=weight, bias=bias))
    plain = call.add(LayerNorm(axes, eps=eps, affine=False), call.node(input))
    return _add_scale(call, plain, weight)


def _add_scale(call: Call, node: str, weight: Tensor) -> str:
    """Multiply by a parameter along the last axes."""
    if weight.dim() == 1:
        axis = len(call.shape_of(node)) - 1
        return call.add_result(Scale(axis), node, parameters={"weight": weight})
    return call.add_result(Multiply(), node, call.node(weight))


@converts("functional.rms_norm")
def rms_norm(
    call: Call,
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    eps: float | None = None,
) -> str:
    """Convert RMS normalization into its parts."""
    refuse_computed_weights(call, weight)
    count = len(normalized_shape)
    for axis in range(1, count + 1):
        call.batch.image_axis(input.shape, -axis)
    x = call.node(input)
    mean = call.add(Reduce("mean", tuple(range(-count, 0)), keepdims=True), call.add(Power(2), x))
    tiny = 1.1920928955078125e-07 if eps is None else eps
    scale = call.add(Function("rsqrt"), call.add(Affine(shift=tiny), mean))
    if weight is None:
        return call.add_result(Multiply(), x, scale)
    return _add_scale(call, call.add(Multiply(), x, scale), weight)


@converts("functional.local_response_norm")
def local_response_norm(
    call: Call, input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> str:
    """Convert local response normalization."""
    layer = LocalResponseNorm(size, alpha=alpha, beta=beta, k=k)
    return call.map_images(input, lambda x: call.add_result(layer, x))
