"""Larger and smaller images by nearest neighbors or interpolation."""

from __future__ import annotations

from ....layers.resize import Upsample
from ....layers.structural import Identity
from ..call import Call
from ..registry import converts
from ..symbolic import Flow, Unmapped


def _resized(call: Call, flow: Flow, size: tuple[int, ...], method: str) -> Flow:
    """Add a layer for resizing where every coordinate is the one that Keras computes.

    Keras samples at the middle of a pixel, so nearest neighbors agree for whole factors alone; its cubic
    kernel depends on the backend.
    """
    old = flow.held[1:]
    if size == old:
        return call.emit(Identity(), flow)
    if method == "nearest" and all(m % n == 0 for n, m in zip(old, size, strict=True)):
        return call.emit(Upsample(size=size, mode="nearest"), flow)
    if method == "bilinear":
        return call.emit(Upsample(size=size, mode="bilinear"), flow)
    raise Unmapped("another way to resize")


@converts("layers.UpSampling1D", "layers.UpSampling2D", "layers.UpSampling3D")
def up_sampling(call: Call) -> Flow:
    """Convert images a whole number of times as large."""
    flow, given = call.image(), call.op.size
    factors = (given,) if isinstance(given, int) else tuple(given)
    method = getattr(call.op, "interpolation", "nearest")
    if method not in ("nearest", "bilinear"):
        raise Unmapped("another way to resize")
    return call.emit(Upsample(factors, mode=method), flow)


@converts("layers.Resizing", "ops.image.Resize")
def resizing(call: Call) -> Flow:
    """Convert images of a fixed size."""
    op, flow = call.op, call.image()
    size = (op.height, op.width) if hasattr(op, "height") else tuple(op.size)
    if op.crop_to_aspect_ratio or op.pad_to_aspect_ratio or op.antialias or flow.spatial() != 2:
        raise Unmapped("another way to resize")
    return _resized(call, flow, (int(size[0]), int(size[1])), op.interpolation)
