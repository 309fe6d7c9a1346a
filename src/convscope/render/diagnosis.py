"""Findings of a diagnosis, and the result of a check, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..network import Network
from ..text.lists import counted
from ..text.table import hang
from ..text.terminal import PLAIN, Paint

if TYPE_CHECKING:
    from ..analysis.budget import Verdict
    from ..analysis.diagnosis import Finding

_INDENT = 7


def findings_text(network: Network, findings: Sequence[Finding], width: int, paint: Paint = PLAIN) -> str:
    """Return findings as text, each with its suggestion."""
    return _findings(f"{network.name}: {network.shown_inputs}", findings, width, paint)


def training_findings_text(run: str, findings: Sequence[Finding], width: int, paint: Paint = PLAIN) -> str:
    """Return the findings in a run's log as text."""
    return _findings(f"{run}: training", findings, width, paint)


def _findings(title: str, findings: Sequence[Finding], width: int, paint: Paint) -> str:
    count = counted(len(findings), "finding") if findings else "no findings"
    blocks = [paint.strong(f"{title}, {count}")]
    for finding in findings:
        color = paint.alarm if finding.severity == "risk" else paint.strong
        first, *rest = hang(f"{finding.message} [{finding.code}]", width, _INDENT)
        lines = [color(f"{finding.severity:<{_INDENT}}") + first[_INDENT:], *rest]
        lines += hang(f"→ {finding.suggestion}", width, _INDENT, _INDENT + 2)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def verdict_text(verdict: Verdict, width: int, paint: Paint = PLAIN) -> str:
    """Return every limit with the actual value and the margin."""
    exceeded = len(verdict.broken)
    state = f"{exceeded} of {len(verdict.limits)} limits exceeded" if exceeded else "within all limits"
    network = verdict.network
    lines = [paint.strong(f"{network.name}: {network.shown_inputs}, {state}"), ""]
    names = {limit.name: f"--{limit.name.replace('_', '-')}" for limit in verdict.limits}
    widest = max(map(len, names.values()))
    for limit in verdict.limits:
        mark = paint.good("✓") if limit.ok else paint.alarm("✗")
        indent = widest + 4
        first, *rest = hang(limit.reason, width, indent)
        lines += [f"{mark} {names[limit.name]:<{widest}}  {first[indent:]}", *rest]
    return "\n".join(lines)
