"""Another tool's counts next to ours, layer by layer, and the table of all tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ...errors import BadSetting, suggest
from ...layers.operations import Status
from ...network import Network, Node
from ...text.lists import listed
from .fvcore import FVCORE
from .ptflops import PTFLOPS
from .tensorflow import TENSORFLOW
from .thop import THOP
from .tool import Tool
from .torchinfo import TORCHINFO
from .torchvision import TORCHVISION

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (TORCHINFO, FVCORE, THOP, PTFLOPS, TORCHVISION, TENSORFLOW)}
"""The tools that can be asked for, by the name they go by."""


class RecountRow(NamedTuple):
    """One layer: our MACs, the tool's count (None where unknown), and why they differ."""

    name: str
    kind: str
    ours_macs: int
    theirs: int | None
    reason: str


@dataclass(frozen=True)
class Recount:
    """A tool's counts for a network.

    Units:    `unit` is the tool's own word; `ours_total` is MACs; both are for one image
              `total` sums what is known, so that it is a lower bound where `status` says so
    """

    model: str
    tool: str
    version: str
    unit: str
    rows: tuple[RecountRow, ...]
    params: int
    notes: tuple[str, ...]

    @property
    def total(self) -> int:
        """Return the tool's total."""
        return sum(row.theirs or 0 for row in self.rows)

    @property
    def ours_total(self) -> int:
        """Return our MACs."""
        return sum(row.ours_macs for row in self.rows)

    @property
    def status(self) -> Status:
        """Return whether every layer's count is known."""
        return Status.LOWER_BOUND if any(row.theirs is None for row in self.rows) else Status.COMPLETE

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "model": self.model,
            "tool": self.tool,
            "version": self.version,
            "unit": self.unit,
            "layers": [row._asdict() for row in self.rows],
            "total": self.total,
            "ours_total": self.ours_total,
            "params": self.params,
            "status": self.status.word,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        from ...render.comparison import recount_table
        from ...text.terminal import terminal_width

        return recount_table(self).text(terminal_width())

    def _repr_html_(self) -> str:
        from ...render.comparison import recount_table

        return recount_table(self).html()


def recount(network: Network, tool: str) -> Recount:
    """Count a network as another tool does.

    Units:    the tool's own (`Recount.unit`), per image
    Errors:   BadSetting [counting-tool]

    >>> from convscope.layers import Conv2d, Input
    >>> from convscope.network import Entry
    >>> net = Network([Entry("input", Input((3, 32, 48))), Entry("conv1", Conv2d(8, 3), ("input",))])
    >>> recount(net, "torchinfo").total, recount(net, "fvcore").total
    (309120, 298080)
    """
    if tool not in TOOLS:
        raise BadSetting(
            "{setting} must be one of {tools} (got {got!r}). {hint} [counting-tool]",
            setting="Recount.tool",
            tools=listed(TOOLS),
            got=tool,
            hint=suggest(str(tool), TOOLS),
        )
    rules = TOOLS[tool]
    return Recount(
        model=network.name,
        tool=rules.name,
        version=rules.version,
        unit=rules.unit,
        rows=tuple(_row(node, rules) for node in network.layers),
        params=sum(rules.params(node) for node in network.layers if node.owns_parameters),
        notes=rules.notes(network),
    )


def _row(node: Node, rules: Tool) -> RecountRow:
    ours = node.facts.operations.macs
    theirs, reason = rules.count(node.layer, node)
    return RecountRow(node.name, node.kind, ours, theirs, "" if theirs == ours else reason)


def tool_comparison(network: Network) -> str:
    """Write a Markdown table: a row per layer, a column for our MACs and one per tool."""
    recounts = [recount(network, tool) for tool in TOOLS]
    head = ["layer", "kind", "ours (MACs)", *(f"{one.tool} ({one.unit})" for one in recounts)]
    lines = [_line(head), _line(["---", "---", *["---:"] * (1 + len(recounts))])]
    for rows in zip(*(one.rows for one in recounts), strict=True):
        first = rows[0]
        theirs = ["?" if row.theirs is None else f"{row.theirs:,}" for row in rows]
        lines.append(_line([first.name, first.kind, f"{first.ours_macs:,}", *theirs]))
    lines.append(_line(["**total**", "", f"{recounts[0].ours_total:,}", *map(_total, recounts)]))
    own = network.parameter_count
    lines.append(_line(["parameters", "", f"{own:,}", *(f"{one.params:,}" for one in recounts)]))
    return "\n".join(lines) + "\n"


def _total(one: Recount) -> str:
    return ("" if one.status is Status.COMPLETE else "≥ ") + f"{one.total:,}"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
