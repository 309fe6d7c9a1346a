"""The settings that ONNX's convolutions and pooling share."""

from __future__ import annotations

from collections.abc import Sequence

from ....axis.window import same_padding
from ....layers.connection import Shape
from ....settings import Pads
from ..call import Call
from ..registry import Unmapped


def per_axis(call: Call, name: str, rank: int, default: int = 1) -> tuple[int, ...]:
    """Return one number per spatial axis."""
    values = tuple(call.attribute(name, [default] * rank))
    if len(values) != rank:
        raise Unmapped(f"{name} for another number of axes")
    return values


def explicit_pads(call: Call, rank: int) -> Pads:
    """Return (before, after) per axis; ONNX lists all the befores, then all the afters."""
    pads = call.attribute("pads", [0] * (2 * rank))
    if len(pads) != 2 * rank:
        raise Unmapped("pads for another number of axes")
    return tuple(zip(pads[:rank], pads[rank:], strict=True))


def automatic(call: Call) -> str:
    """Return how pads are found: NOTSET, VALID, SAME_UPPER or SAME_LOWER."""
    word = call.attribute("auto_pad", "NOTSET") or "NOTSET"
    if word not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise Unmapped(f"auto_pad {word}", "auto_pad")
    if word != "NOTSET" and any(call.given("pads") or ()):
        raise Unmapped("pads beside auto_pad", "pads")
    return word


def same_lower(sizes: Shape, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Pads:
    """Return SAME's pads for this input, the odd one before the image."""
    totals = (same_padding(*axis) for axis in zip(sizes, kernel, stride, dilation, strict=True))
    return tuple((total - total // 2, total // 2) for total in totals)
