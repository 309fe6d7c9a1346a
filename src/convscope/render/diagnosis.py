"""Findings of a diagnosis, and the verdict of a check, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..network import Network
from ..text.table import hang
from ..text.terminal import PLAIN, Paint

if TYPE_CHECKING:
    from ..analysis.budget import Verdict
    from ..analysis.diagnosis import Finding

_INDENT = 7


def findings_text(network: Network, findings: Sequence[Finding], width: int, paint: Paint = PLAIN) -> str:
    """Return findings one below the other, each with what to do."""
    return _listed(f"{network.name}: {network.shown_inputs}", findings, width, paint)


def training_findings_text(run: str, findings: Sequence[Finding], width: int, paint: Paint = PLAIN) -> str:
    """Return what a run's log shows in the same form."""
    return _listed(f"{run}: how it was trained", findings, width, paint)


def _listed(title: str, findings: Sequence[Finding], width: int, paint: Paint) -> str:
    count = "1 finding" if len(findings) == 1 else f"{len(findings) or 'no'} findings"
    blocks = [paint.strong(f"{title}, {count}")]
    for finding in findings:
        color = paint.alarm if finding.severity == "risk" else paint.strong
        first, *rest = hang(f"{finding.message} [{finding.code}]", width, _INDENT)
        lines = [color(f"{finding.severity:<{_INDENT}}") + first[_INDENT:], *rest]
        lines += hang(f"→ {finding.suggestion}", width, _INDENT, _INDENT + 2)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def verdict_text(verdict: Verdict, width: int, paint: Paint = PLAIN) -> str:
    """Return every limit of a budget, with its number and what is left or missing."""
    broken = len(verdict.broken)
    state = f"{broken} of {len(verdict.limits)} limits broken" if broken else "within budget"
    network = verdict.network
    lines = [paint.strong(f"{network.name}: {network.shown_inputs}, {state}"), ""]
    names = {limit.name: f"--{limit.name.replace('_', '-')}" for limit in verdict.limits}
    widest = max(map(len, names.values()))
    for limit in verdict.limits:
        sign = paint.good("✓") if limit.ok else paint.alarm("✗")
        indent = widest + 4
        first, *rest = hang(limit.reason, width, indent)
        lines += [f"{sign} {names[limit.name]:<{widest}}  {first[indent:]}", *rest]
    return "\n".join(lines)
