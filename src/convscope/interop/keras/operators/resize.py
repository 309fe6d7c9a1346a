"""Resizing of images."""

from __future__ import annotations

from ....layers.resize import Upsample
from ....layers.structural import Identity
from ...errors import UnsupportedOperator
from ..call import Call
from ..registry import converts
from ..symbolic import SymbolicTensor


def _add_resize(call: Call, tensor: SymbolicTensor, size: tuple[int, ...], method: str) -> SymbolicTensor:
    """Add a layer for resizing, if it samples where Keras does.

    Keras samples at pixel centers, so that nearest neighbors match for integer factors only. Its cubic kernel
    depends on the backend.
    """
    old = tensor.layer_shape[1:]
    if size == old:
        return call.emit(Identity(), tensor)
    if method == "nearest" and all(m % n == 0 for n, m in zip(old, size, strict=True)):
        return call.emit(Upsample(size=size, mode="nearest"), tensor)
    if method == "bilinear":
        return call.emit(Upsample(size=size, mode="bilinear"), tensor)
    raise UnsupportedOperator("an unsupported resize method")


@converts("layers.UpSampling1D", "layers.UpSampling2D", "layers.UpSampling3D")
def up_sampling(call: Call) -> SymbolicTensor:
    """Convert upsampling by integer factors."""
    tensor, given = call.image(), call.op.size
    factors = (given,) if isinstance(given, int) else tuple(given)
    method = getattr(call.op, "interpolation", "nearest")
    if method not in ("nearest", "bilinear"):
        raise UnsupportedOperator("an unsupported resize method")
    return call.emit(Upsample(factors, mode=method), tensor)


@converts("layers.Resizing", "ops.image.Resize")
def resizing(call: Call) -> SymbolicTensor:
    """Convert resizing to a fixed size."""
    op, tensor = call.op, call.image()
    size = (op.height, op.width) if hasattr(op, "height") else tuple(op.size)
    if op.crop_to_aspect_ratio or op.pad_to_aspect_ratio or op.antialias or tensor.spatial_rank() != 2:
        raise UnsupportedOperator("an unsupported resize method")
    return _add_resize(call, tensor, (int(size[0]), int(size[1])), op.interpolation)
