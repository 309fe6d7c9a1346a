"""The engine that generates vector code for the network at hand."""

from __future__ import annotations

from .engine import ENGINE

__all__ = ["ENGINE"]
