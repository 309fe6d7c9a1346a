"""Addresses that a page asks, as an export records their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode


class Query(NamedTuple):
    """An address that a page may ask, and whether the answer depends on the language."""

    path: str
    parameters: Mapping[str, object] = {}
    localized: bool = False

    @property
    def key(self) -> str:
        """Return the address in the form by which recorded answers are found: parameters sorted, not encoded."""
        pairs = parse_qsl(self.query("en"), keep_blank_values=True)
        named = sorted(f"{name}={value}" for name, value in pairs if name != "lang")
        return f"{self.path}?{'&'.join(named)}" if named else self.path

    def query(self, language: str) -> str:
        """Return the parameters as the query of an address."""
        given = {
            name: ",".join(map(str, value))
            if isinstance(value, Sequence) and not isinstance(value, str)
            else value
            for name, value in self.parameters.items()
            if value is not None
        }
        return urlencode({**given, "lang": language})

    def without(self, name: str) -> Query:
        """Return the question without a parameter."""
        return self._replace(parameters={key: one for key, one in self.parameters.items() if key != name})


class Unit(NamedTuple):
    """A unit whose arithmetic, region and derivations are recorded."""

    layer: str
    at: tuple[int, ...]
