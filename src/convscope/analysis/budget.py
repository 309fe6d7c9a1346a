"""Limits on a network, for continuous integration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from ..errors import BadSetting
from ..layers.operations import Status
from ..network import Network
from ..text.language import Message
from ..text.notebook import Preformatted
from ..text.numbers import times
from .diagnosis.subject import last_spatial
from .paths import origin_axes
from .receptive_field import receptive_fields
from .report import Report, inspect

Numbers = tuple[float, ...]

_TOTAL_OF = {
    "max_params": "params",
    "max_macs": "macs",
    "max_memory": "peak_activation_bytes",
    "max_training_memory": "peak_training_bytes",
    "max_parameter_bytes": "parameter_bytes",
}


_UNITS = {
    "max_params": Message("parameters"),
    "max_macs": Message("MACs"),
    "max_memory": Message("bytes of peak activation memory (inference)"),
    "max_training_memory": Message("bytes of peak activation memory (training)"),
    "max_parameter_bytes": Message("bytes of parameters"),
}


class Limit(NamedTuple):
    """A limit and the actual value.

    `actual` is None where it is unknown. `spare` is what is left of the limit, negative by how much it
    is exceeded, per axis for a field; `reason` says why in a sentence.
    """

    name: str
    allowed: Numbers
    actual: Numbers | None
    spare: Numbers | None
    ok: bool
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: one number, or a list per axis for a field."""
        single = self.name in _TOTAL_OF

        def plain(numbers: Numbers | None) -> Any:
            return None if numbers is None else numbers[0] if single else list(numbers)

        return {
            "limit": self.name,
            "allowed": plain(self.allowed),
            "actual": plain(self.actual),
            "spare": plain(self.spare),
            "ok": self.ok,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Verdict(Preformatted):
    """The result of checking a network against its limits."""

    network: Network
    limits: tuple[Limit, ...]

    @property
    def ok(self) -> bool:
        """Return whether no limit is exceeded."""
        return not self.broken

    @property
    def broken(self) -> tuple[Limit, ...]:
        """Return the limits that are exceeded or cannot be guaranteed."""
        return tuple(limit for limit in self.limits if not limit.ok)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": 1,
            "model": self.network.name,
            "input_shape": list(self.network.input_shape),
            "ok": self.ok,
            "limits": [limit.to_dict() for limit in self.limits],
        }

    def __str__(self) -> str:
        from ..render.diagnosis import verdict_text
        from ..text.terminal import terminal_width

        return verdict_text(self, terminal_width())


def check(
    network: Network,
    max_params: float | None = None,
    max_macs: float | None = None,
    max_memory: float | None = None,
    max_training_memory: float | None = None,
    max_parameter_bytes: float | None = None,
    min_field: int | Sequence[int] | None = None,
    max_field: int | Sequence[int] | None = None,
) -> Verdict:
    """Check a network against limits. Unknown values exceed every limit.

    `max_memory` is about the activations alive at once at
    inference, `max_training_memory` in a training step. `min_field` and `max_field` are about the units of the
    last spatial layer, before global pooling or dense layers: one integer, or one per axis.

    Units:    per image; bytes of float32; pixels
    Errors:   BadSetting [budget-limit] for a limit that is no number, [no-limit] without any limit
    """
    most = {
        "max_params": max_params,
        "max_macs": max_macs,
        "max_memory": max_memory,
        "max_training_memory": max_training_memory,
        "max_parameter_bytes": max_parameter_bytes,
    }
    fields = {"min_field": min_field, "max_field": max_field}
    if all(value is None for value in (*most.values(), *fields.values())):
        raise BadSetting("check needs at least one limit (got none). Try max_params=5_000_000. [no-limit]")
    report = inspect(network)
    limits = [_total(report, name, value) for name, value in most.items() if value is not None]
    limits += _fields(network, {name: value for name, value in fields.items() if value is not None})
    return Verdict(network, tuple(limits))


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        raise BadSetting(
            "check.{limit} must be a number of at least 0 (got {limit}={got!r}). Write it out, as in 5_000_000 "
            "or 5e6. "
            "[budget-limit]",
            limit=name,
            got=value,
        )
    return int(value) if value == int(value) else float(value)


def _total(report: Report, name: str, value: float) -> Limit:
    """Compare a total with its limit."""
    allowed = _number(name, value)
    actual = getattr(report.totals, _TOTAL_OF[name])
    spare = allowed - actual
    values = {"actual": actual, "unit": _UNITS[name], "limit": allowed}
    unknown = [node for node in report.network.layers if node.facts.status is not Status.COMPLETE]
    if spare < 0 and unknown:
        reason = Message(
            "at least {actual:,} {unit}, limit {limit:,}: exceeded by at least {excess:,}", excess=-spare, **values
        )
    elif spare < 0:
        reason = Message("{actual:,} {unit}, limit {limit:,}: exceeded by {excess:,}", excess=-spare, **values)
    elif unknown:
        first = unknown[0]
        reason = Message(
            "at least {actual:,} {unit}, limit {limit:,}: not guaranteed, because {layer} ({kind}) is unsupported",
            layer=first.name,
            kind=first.kind,
            **values,
        )
        return Limit(name, (allowed,), None, None, False, reason)
    else:
        reason = Message("{actual:,} {unit}, limit {limit:,}", **values)
    return Limit(name, (allowed,), (actual,), (spare,), spare >= 0, reason)


def _fields(network: Network, wanted: dict[str, Any]) -> Iterator[Limit]:
    """Compare the receptive field of the last spatial layer with its limits."""
    if not wanted:
        return
    rank = len(origin_axes(network, network.inputs[0]))
    views = receptive_fields(network)
    last = last_spatial(network, views)
    view = None if last is None else views[last.index]
    lost = next((one.lost_at for one in views if one is not None and one.lost_at is not None), None)
    for name, value in wanted.items():
        allowed = _sizes(name, value, rank)
        if last is None or view is None or lost is not None:
            why = Message("the receptive field is unknown: no layer of the network has spatial positions")
            if lost:
                why = Message(
                    "the receptive field is unknown: positions cannot be traced through {layer}", layer=lost
                )
            yield Limit(name, allowed, None, None, False, why)
            continue
        actual = tuple(axis.size for axis in view.axes)
        yield _field(name, allowed, actual, last.name)


def _sizes(name: str, value: Any, rank: int) -> Numbers:
    numbers = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,) * rank
    if len(numbers) != rank:
        raise BadSetting(
            "check.{limit} must have one number, or {rank}, one per axis of the image (got {limit}={got!r}). "
            "One number stands for all axes. [budget-limit]",
            limit=name,
            rank=rank,
            got=value,
        )
    return tuple(_number(name, number) for number in numbers)


def _field(name: str, allowed: Numbers, actual: Numbers, layer: str) -> Limit:
    order: Callable[[float, float], float] = (lambda a, b: b - a) if name == "min_field" else (lambda a, b: a - b)
    spare = tuple(order(limit, size) for limit, size in zip(allowed, actual, strict=True))
    ok = min(spare) >= 0
    values = {"layer": layer, "field": times(actual), "limit": times(allowed)}
    excess = times([max(0, -part) for part in spare])
    if name == "min_field" and ok:
        reason = Message("receptive field of {layer} is {field}, limit at least {limit}", **values)
    elif name == "min_field":
        reason = Message(
            "receptive field of {layer} is {field}, limit at least {limit}: {excess} too small",
            excess=excess,
            **values,
        )
    elif ok:
        reason = Message("receptive field of {layer} is {field}, limit at most {limit}", **values)
    else:
        reason = Message(
            "receptive field of {layer} is {field}, limit at most {limit}: {excess} too large",
            excess=excess,
            **values,
        )
    return Limit(name, allowed, actual, spare, ok, reason)
