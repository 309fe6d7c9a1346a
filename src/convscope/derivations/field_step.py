"""One layer's own step of the receptive field, for explanations of a whole network."""

from __future__ import annotations

from ..analysis.receptive_field import Regular
from ..axis import Window
from ..network import Node
from . import texts
from .axes import groups
from .derivation import Derivation
from .path import Chains, PathStep, textbook
from .worksheet import Worksheet


def field_step(chains: Chains, node: Node) -> list[Derivation]:
    """Derive a layer's field from that of the layer before it."""
    view = chains.views[node.index]
    if view is None or not node.inputs or view.via is not None or view.lost_at is not None:
        return []
    links = [chains.last(node, axis) for axis in range(len(view.axes))]
    sheet = Worksheet()
    before = [chains.views[source] for _, source in links]
    grouped = groups([(repr(link.map), link.field, source) for link, source in links])
    for group in grouped:
        link, earlier = links[group.first][0], before[group.first]
        assert earlier is not None
        came = earlier.axes[group.first]
        if not textbook([link]) or not isinstance(came, Regular):
            sheet.note(texts.ASK, size=link.field.size)
            continue
        r, j = group.sign("r", "in"), group.sign("j", "in")
        sheet.know(r, came.size, texts.IN_SIZE)
        if link.map is None and not link.widens:
            sheet.step(group.sign("r"), r)
            sheet.note(texts.KEEPS)
        else:
            sheet.know(j, came.step, texts.IN_JUMP)
            _own(sheet, link, group.sign("r"), r, j)
    return [sheet.finish("receptive_field", texts.OWN_STEP)]


def _own(sheet: Worksheet, link: PathStep, result: str, r: str, j: str) -> None:
    if isinstance(link.map, Window):
        sheet.step(result, f"{r} + ({link.map.reach} - 1)·{j}")
    if link.widens:
        edges = [branch.axis for branch in link.branches if isinstance(branch.axis, Regular)]
        sheet.know("a", min(axis.low for axis in edges), texts.HULL_LOW)
        sheet.know("b", max(axis.high for axis in edges), texts.HULL_HIGH)
        sheet.step(
            result,
            "b - a",
            texts.HULL.fill(name=link.node.name, inputs=", ".join(b.source for b in link.branches)),
        )
