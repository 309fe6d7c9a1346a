"""Resizing images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....layers.base import Layer
from ....layers.pooling import AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d
from ....layers.resize import Upsample
from ...errors import UnsupportedOperator
from ..registry import converts

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


_AREA = (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d)


@converts("functional.interpolate", "functional.upsample")
def interpolate(
    call: Call,
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> str:
    """Convert resizing; one by a factor that does not give whole sizes samples at other places, and is unknown."""
    old, new = tuple(input.shape[2:]), call.shape[2:]
    if scale_factor is not None and not recompute_scale_factor:
        factors = scale_factor if isinstance(scale_factor, list | tuple) else (scale_factor,) * len(old)
        if any(n * factor != m for n, m, factor in zip(old, new, factors, strict=True)):
            raise UnsupportedOperator("a factor that gives no whole size")
    whole = all(m % n == 0 for n, m in zip(old, new, strict=True))
    if antialias or (mode == "nearest-exact" and not whole):
        raise UnsupportedOperator("another way to resize")
    method = "nearest" if mode == "nearest-exact" else mode
    layer: Layer = _AREA[len(old) - 1](new)
    if mode != "area":
        layer = Upsample(size=new, mode=method, align_corners=bool(align_corners))
    return call.channelwise(input, lambda x: call.last(layer, x))
