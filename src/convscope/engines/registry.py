"""Engines by name."""

from __future__ import annotations

from importlib import import_module

from ..errors import BadSetting, suggest
from ..text.lists import listed
from .protocol import Engine

DEFAULT = "native"
"""The default engine."""

_HOMES = {
    "native": "convscope.engines.native",
    "reference": "convscope.engines.reference",
    "torch": "convscope.engines.torch",
}


def engine_named(name: str | None) -> Engine:
    """Return an engine by name, the default one for None.

    Errors:   BadSetting [engine]
    """
    chosen = DEFAULT if name is None else name
    home = _HOMES.get(chosen) if isinstance(chosen, str) else None
    if home is None:
        raise BadSetting(
            "{setting} must be one of {engines} (got {got!r}). {hint} [engine]",
            setting="Model.engine",
            engines=listed(_HOMES),
            got=name,
            hint=suggest(str(chosen), _HOMES),
        )
    engine: Engine = import_module(home).ENGINE
    return engine
