"""What a network with weights computes: values, gradients, and the arithmetic of single units."""

from __future__ import annotations

from .attribution import attribute
from .effective_field import EffectiveField, effective_field
from .maximization import maximize
from .readers import Reader
from .strongest import Response, strongest
from .targets import LossTarget
from .terms import Term, UnitTerms, unit_terms
from .trace import LayerTrace, Trace, trace

__all__ = [
    "EffectiveField",
    "LayerTrace",
    "LossTarget",
    "Reader",
    "Response",
    "Term",
    "Trace",
    "UnitTerms",
    "attribute",
    "effective_field",
    "maximize",
    "strongest",
    "trace",
    "unit_terms",
]
