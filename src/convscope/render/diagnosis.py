"""Findings of a diagnosis, and the result of a check, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..network import Network
from ..text.language import Message, localize, translate
from ..text.numbers import percent, times
from ..text.table import hang, pad
from ..text.terminal import PLAIN, Paint

if TYPE_CHECKING:
    from ..analysis.budget import Limit, Verdict
    from ..analysis.diagnosis import Finding

_INDENT = 7


def findings_text(network: Network, findings: Sequence[Finding], width: int, paint: Paint = PLAIN) -> str:
    """Return findings as text, each with its suggestion."""
    if findings:
        title = localize(
            "{network}: {inputs}, {count:,} finding(s)",
            network=network.name,
            inputs=network.shown_inputs,
            count=len(findings),
        )
    else:
        title = localize("{network}: {inputs}, no findings", network=network.name, inputs=network.shown_inputs)
    return _findings(title, findings, width, paint)


def training_findings_text(run: str, findings: Sequence[Finding], width: int, paint: Paint = PLAIN) -> str:
    """Return the findings in a run's log as text."""
    if findings:
        title = localize("{run}: training, {count:,} finding(s)", run=run, count=len(findings))
    else:
        title = localize("{run}: training, no findings", run=run)
    return _findings(title, findings, width, paint)


def channel_findings_text(
    network: Network, data: str, images: int, findings: Sequence[Finding], width: int, paint: Paint = PLAIN
) -> str:
    """Return the findings about channels over a data set as text."""
    values = {"network": network.name, "data": data, "images": images}
    if findings:
        title = localize(
            "{network}: channels over {images:,} images of {data}, {count:,} finding(s)",
            **values,
            count=len(findings),
        )
    else:
        title = localize("{network}: channels over {images:,} images of {data}, no findings", **values)
    return _findings(title, findings, width, paint)


_SEVERITIES = {"risk": Message("risk"), "waste": Message("waste"), "note": Message("note")}


def _findings(title: str, findings: Sequence[Finding], width: int, paint: Paint) -> str:
    blocks = [paint.strong(title)]
    for finding in findings:
        color = paint.alarm if finding.severity == "risk" else paint.strong
        first, *rest = hang(f"{translate(finding.message)} [{finding.code}]", width, _INDENT)
        severity = translate(_SEVERITIES.get(finding.severity, finding.severity))
        lines = [color(pad(severity, _INDENT)) + first[_INDENT:], *rest]
        lines += hang(f"→ {translate(finding.suggestion)}", width, _INDENT, _INDENT + 2)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def verdict_text(verdict: Verdict, width: int, paint: Paint = PLAIN) -> str:
    """Return every limit with the actual value, and what is left of it."""
    exceeded = len(verdict.broken)
    values = {"network": verdict.network.name, "inputs": verdict.network.shown_inputs}
    if exceeded:
        title = localize(
            "{network}: {inputs}, {exceeded} of {limits} limits exceeded",
            **values,
            exceeded=exceeded,
            limits=len(verdict.limits),
        )
    else:
        title = localize("{network}: {inputs}, within all limits", **values)
    lines = [paint.strong(title), ""]
    names = {limit.name: f"--{limit.name.replace('_', '-')}" for limit in verdict.limits}
    widest = max(map(len, names.values()))
    for limit in verdict.limits:
        mark = paint.good("✓") if limit.ok else paint.alarm("✗")
        indent = widest + 4
        first, *rest = hang(translate(limit.reason) + _margin(limit), width, indent)
        lines += [f"{mark} {pad(names[limit.name], widest)}  {first[indent:]}", *rest]
    return "\n".join(lines)


def _margin(limit: Limit) -> str:
    """Return what is left of a limit that is met, with its fraction."""
    if not limit.ok or limit.spare is None:
        return ""
    if len(limit.spare) > 1 or limit.name.endswith("field"):
        return localize(" ({spare} to spare)", spare=times(limit.spare))
    (spare,), (allowed,) = limit.spare, limit.allowed
    share = percent(spare / allowed if allowed else 0.0)
    return localize(" ({spare:,} to spare, {share})", spare=spare, share=share)
