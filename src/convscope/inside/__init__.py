"""What a network with weights computes: values, gradients, and the arithmetic of single units."""

from __future__ import annotations

from .readers import Reader
from .targets import LossTarget
from .terms import Term, UnitTerms, unit_terms
from .trace import LayerTrace, Trace, trace

__all__ = ["LayerTrace", "LossTarget", "Reader", "Term", "Trace", "UnitTerms", "trace", "unit_terms"]
