"""Unused outputs and unsupported operators."""

from __future__ import annotations

from ...layers.operations import Status
from .finding import Finding
from .subject import Subject
from .wording import count, listed


def find_dead_ends(subject: Subject) -> list[Finding]:
    """Find that several layers end the network: outputs, or forgotten branches."""
    ends = subject.network.outputs
    if len(ends) < 2:
        return []
    names = tuple(node.name for node in ends)
    return [
        Finding(
            "several-ends",
            "note",
            names,
            f"no layer uses the outputs of {listed(names)}",
            "if one of them is not an intended output, connect it or remove it",
            {"ends": len(ends)},
        )
    ]


def find_opaque_layers(subject: Subject) -> list[Finding]:
    """Find unsupported operators and what is unknown because of them."""
    opaque = [node for node in subject.network.layers if node.facts.status is not Status.COMPLETE]
    if not opaque:
        return []
    names = tuple(node.name for node in opaque)
    lost = [
        node.name
        for node in subject.network.layers
        if (view := subject.fields[node.index]) is not None and view.lost_at in names
    ]
    kinds = listed(list(dict.fromkeys(f"{node.name} ({node.kind})" for node in opaque)))
    return [
        Finding(
            "opaque-layers",
            "risk",
            names,
            f"{kinds} {'is an unsupported operator' if len(names) == 1 else 'are unsupported operators'}: "
            "parameters and operations there are not counted, totals are lower bounds, and receptive fields are "
            f"unknown in {count(len(lost), 'layer')}",
            "replace them with supported layers, or treat the totals as lower bounds",
            {"layers": len(names), "unknown_fields": lost},
        )
    ]
