"""Operators that change no number of the image."""

from __future__ import annotations

from collections.abc import Sequence

from ....layers import Dropout, Identity
from ..call import Call
from ..registry import UnsupportedOperator, converts
from ..values import NUMERIC, REAL, SIGNED, Flow


@converts("Identity", since=(1, 13, 14, 16, 19, 21, 23, 24, 25), types=NUMERIC)
def identity(call: Call) -> Sequence[Flow]:
    """Identity."""
    return [call.emit(Identity(), call.flow())]


@converts("Dropout", since=(7, 10, 12, 13, 22))
def dropout(call: Call) -> Sequence[Flow]:
    """Dropout as it is at inference; its ratio is an attribute up to version 10, then an input."""
    if call.has_input(2) and call.constant(2).number != 0:
        raise UnsupportedOperator("dropout at inference too", "training_mode")
    ratio = call.constant(1).number if call.has_input(1) else call.attribute("ratio", 0.5)
    return [call.emit(Dropout(0.5 if ratio is None else ratio), call.flow())]


@converts("Cast", since=(9, 13, 19, 21, 23, 24, 25, 28), types=NUMERIC)
def cast(call: Call) -> Sequence[Flow]:
    """Cast between kinds of real numbers, or from whole ones: no number changes but for rounding."""
    x, to = call.flow(), call.attribute("to", 1)
    if to not in (REAL if x.dtype in REAL else SIGNED) and to != x.dtype:
        raise UnsupportedOperator("real numbers cut to whole ones, or whole ones that wrap")
    output = call.emit(Identity(), x)
    return [Flow(output.layer, output.shape, output.batch, output.held, to)]
