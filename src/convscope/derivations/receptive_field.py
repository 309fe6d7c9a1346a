"""Receptive field derivations: a layer's own step, and the chain of steps from the image."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from ..analysis.layout import place_of
from ..analysis.paths import origin_axes, unit_axes
from ..analysis.receptive_field import AxisField, Regular
from ..axis import Window
from ..network import Network, Node
from . import texts
from .axes import AxisGroup, groups
from .derivation import Derivation, Text
from .path import Chains, PathStep, View, textbook
from .unit_region import unit_region
from .worksheet import Worksheet, written

_EXTENT = frozenset(("receptive_field", "receptive_field_backward"))
_UNIT = frozenset(("center", "region"))
FIELD_QUANTITIES = _EXTENT | _UNIT


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


class Alike(NamedTuple):
    """Axes of the image that share a derivation: their group, their chain, their units."""

    group: AxisGroup
    chain: list[PathStep]
    unit: int


def receptive_field(
    chains: Chains, node: Node, at: tuple[int, ...] | None, wanted: Collection[str] | None = None
) -> list[Derivation]:
    """Derive what the units of a layer see of the image, from the image on; `at` picks a unit inside the layer.

    Only quantities in `wanted` are derived, all of `FIELD_QUANTITIES` if it is None.
    """
    wanted = FIELD_QUANTITIES if wanted is None else FIELD_QUANTITIES.intersection(wanted)
    view = chains.views[node.index]
    if view is None or not node.inputs:
        return []
    if view.lost_at is not None:
        return [Derivation("receptive_field", texts.FORWARD, (), (texts.LOST.fill(name=view.lost_at),))]
    if view.via is not None:
        return [_global(chains.network, view.via)]
    unit = _unit(node, view, at)
    units = tuple(place_of(driver, unit) for driver in view.drivers)
    paths = [chains.to(node, axis) for axis in range(len(view.axes))]
    worked: list[Derivation] = []
    for one in _alike(paths, [_route(path) for path in paths], units) if wanted & _EXTENT else ():
        if textbook(one.chain):
            worked += _extent(one, node, view.global_via, wanted)
        else:
            worked.append(_no_single(one, node, view))
    if not wanted & _UNIT:
        return worked
    for one in _alike(
        paths, [(_route(path), _sizes(path), unit) for path, unit in zip(paths, units, strict=True)], units
    ):
        axes = _axes(one)
        if textbook(one.chain):
            worked.append(_center(one, axes))
        else:
            region = chains.network.field(node.name, tuple(unit.values()))
            first = one.group.first
            truth = region.clipped[first], region.clipped[len(view.axes) + first]
            worked.append(unit_region(one.chain, one.unit, node, axes, truth, view.axes[first].size))
    return worked


def _extent(one: Alike, node: Node, global_via: str | None, wanted: Collection[str]) -> list[Derivation]:
    """Derive the size forward, and backward where one chain decides it."""
    remarks = [texts.SIDE_PATH.fill(name=global_via)] if global_via else []
    worked = [_forward(one, node, _axes(one), remarks)] if "receptive_field" in wanted else []
    if "receptive_field_backward" in wanted and not any(link.widens for link in one.chain):
        worked.append(_backward(one, _axes(one)))
    return worked


def _no_single(one: Alike, node: Node, view: View) -> Derivation:
    """Note the layer from which on the field differs from unit to unit."""
    layer = next(link.node.name for link in one.chain if not textbook([link]))
    size = view.axes[one.group.first].size
    why = texts.NO_SINGLE.fill(layer=layer, axes=one.group.title, name=node.name)
    sheet = Worksheet()
    sheet.step("r", written(size), texts.LARGEST.fill(name=node.name))
    sheet.note(why)
    if view.global_via:
        sheet.note(texts.SIDE_PATH, name=view.global_via)
    return sheet.finish("receptive_field", _titled(texts.FORWARD, _axes(one)))


def _axes(one: Alike) -> Text | None:
    return one.group.title if one.group.mark else None


def _grid(node: Node, view: View) -> tuple[int, ...]:
    """Return the output axes that name a unit."""
    return unit_axes(node.output_shape, view.grid)


def _unit(node: Node, view: View, at: tuple[int, ...] | None) -> dict[int, int]:
    """Return the unit's index along each axis that names it: the one asked for, or the middle one.

    A full index, the channel first, names the unit as well.
    """
    grid = _grid(node, view)
    full = at is not None and len(at) == len(node.output_shape) > len(grid)
    asked = dict(zip(range(len(at)) if full else grid, at, strict=True)) if at is not None else {}
    return {axis: asked.get(axis, node.output_shape[axis] // 2) for axis in grid}


def _route(chain: Sequence[PathStep]) -> Hashable:
    """Return what determines the extent: layers, windows and views."""
    return tuple((link.node.name, repr(link.map), link.whole, link.field) for link in chain)


def _sizes(chain: Sequence[PathStep]) -> Hashable:
    """Return the positions before each layer, which matter at the edges."""
    return () if textbook(chain) else tuple(link.n for link in chain)


def _alike(paths: Sequence[list[PathStep]], keys: Sequence[Hashable], units: Sequence[int]) -> list[Alike]:
    """Join the axes with equal keys."""
    return [Alike(group, paths[group.first], units[group.first]) for group in groups(keys)]


def _global(network: Network, via: str) -> Derivation:
    sheet = Worksheet()
    axes = origin_axes(network, network.inputs[0])
    for group in groups([network.input_shape[axis] for axis in axes]):
        sheet.know(group.input, network.input_shape[axes[group.first]], texts.IMAGE.fill(axes=group.title))
        sheet.step(group.sign("r"), group.letter, texts.WHOLE.fill(axes=group.title))
    sheet.note(texts.GLOBAL, name=via)
    return sheet.finish("receptive_field", texts.FORWARD)


def _titled(title: Text, axes: Text | None) -> Text:
    return title if axes is None else Text(f"{title.en} ({axes.en})", f"{title.zh}（{axes.zh}）")


def sign(base: str, index: int) -> str:
    """Write an indexed symbol: r_3, r_{12}."""
    return f"{base}_{index}" if index < 10 else f"{base}_{{{index}}}"


def numbered(chain: Iterable[PathStep]) -> list[PathStep]:
    """Return the links that a derivation numbers: windows, and joins that widen the field."""
    return [link for link in chain if link.map is not None or link.widens]


def _know_window(sheet: Worksheet, link: PathStep, index: int) -> str:
    """Make a layer's settings known under its number; return the symbol of the kernel's reach."""
    window = link.map
    assert isinstance(window, Window)
    sheet.bind(sign("k", index), window.size)
    sheet.bind(sign("s", index), window.stride)
    sheet.bind(sign("p", index), window.before)
    if window.dilation == 1:
        return sign("k", index)
    sheet.bind(sign("d", index), window.dilation)
    sheet.step(sign("K", index), f"{sign('d', index)}·({sign('k', index)} - 1) + 1", texts.EFFECTIVE)
    return sign("K", index)


def _about(link: PathStep, index: int, padding: bool = False) -> Text:
    """Describe a layer of the chain: its number, name and window."""
    window = link.map
    assert isinstance(window, Window)
    text = texts.LAYER.fill(index=index, name=link.node.name, k=window.size, s=window.stride)
    if window.dilation > 1:
        text = _and(text, texts.LAYER_DILATION.fill(d=window.dilation))
    return _and(text, texts.LAYER_PADDING.fill(p=window.before)) if padding else text


def _and(one: Text, two: Text) -> Text:
    return Text(one.en + two.en, one.zh + two.zh)


def _forward(one: Alike, node: Node, axes: Text | None, remarks: Iterable[Text]) -> Derivation:
    sheet = Worksheet()
    sheet.step("r_0", "1", texts.PIXEL)
    sheet.step("j_0", "1")
    last = 0
    for index, link in enumerate(numbered(one.chain), start=1):
        last, before = index, index - 1
        if link.map is None:
            _join(sheet, link, index)
            continue
        sheet.label(_about(link, index))
        kernel = _know_window(sheet, link, index)
        sheet.step(sign("r", index), f"{sign('r', before)} + ({kernel} - 1)·{sign('j', before)}")
        sheet.step(sign("j", index), f"{sign('j', before)}·{sign('s', index)}")
        if link.widens:
            _join(sheet, link, index, sign("r", index))
    sheet.step("r", sign("r", last), texts.SEEN.fill(name=node.name))
    _pass_notes(sheet, one.chain)
    for remark in remarks:
        sheet.note(remark)
    sheet.note(
        texts.STRIDE_LATER if any(link.map and link.map.step > 1 for link in one.chain) else texts.NO_STRIDE
    )
    return sheet.finish("receptive_field", _titled(texts.FORWARD, axes))


def _join(sheet: Worksheet, link: PathStep, index: int, through: str | None = None) -> None:
    """Derive the hull of branches whose fields differ in place."""
    edges = [_regular(branch.axis) for branch in link.branches]
    lows = [str(axis.low) for axis in edges]
    highs = [str(axis.high) for axis in edges]
    sheet.label(texts.HULL.fill(name=link.node.name, inputs=_listed([b.source for b in link.branches])))
    sheet.step(sign("a", index), f"min({', '.join(lows)})", texts.HULL_LOW)
    sheet.step(sign("b", index), f"max({', '.join(highs)})", texts.HULL_HIGH)
    sheet.step(sign("r", index), f"{sign('b', index)} - {sign('a', index)}")
    if through is None:
        sheet.step(sign("j", index), sign("j", index - 1))


def _regular(axis: AxisField) -> Regular:
    assert isinstance(axis, Regular)
    return axis


def _listed(names: Sequence[str]) -> Text:
    return Text(", ".join(names), "、".join(names))


def _pass_notes(sheet: Worksheet, chain: Sequence[PathStep]) -> None:
    plain = [link.node.name for link in chain if link.map is None and not link.branches]
    if plain:
        sheet.note(texts.ELEMENTWISE, names=_listed(plain))
    for link in chain:
        if link.branches and not link.widens:
            if all(branch.axis == link.field for branch in link.branches):
                names = _listed([branch.source for branch in link.branches])
                sheet.note(texts.JOINED_ALIKE, name=link.node.name, names=names, size=link.field.size)
                continue
            sizes = [f"{branch.source}: {branch.axis.size}" for branch in link.branches]
            sheet.note(texts.JOINED, name=link.node.name, sizes=_listed(sizes), chosen=link.branches[0].source)


def _backward(one: Alike, axes: Text | None) -> Derivation:
    sheet = Worksheet()
    windows = numbered(one.chain)
    last = len(windows)
    sheet.step(sign("R", last + 1), "1", texts.ONE_UNIT)
    for index in range(last, 0, -1):
        link = windows[index - 1]
        sheet.label(_about(link, index))
        kernel = _know_window(sheet, link, index)
        sheet.step(sign("R", index), f"({sign('R', index + 1)} - 1)·{sign('s', index)} + {kernel}")
    sheet.step("r", "R_1", texts.AGREES)
    sheet.note(texts.DIRECTION)
    return sheet.finish("receptive_field_backward", _titled(texts.BACKWARD, axes))


def _center(one: Alike, axes: Text | None) -> Derivation:
    sheet = Worksheet()
    sheet.step("start_0", "0.5", texts.FIRST_PIXEL)
    sheet.bind("j_0", 1)
    last, jump = 0, Fraction(1)
    for index, link in enumerate(numbered(one.chain), start=1):
        last, before = index, index - 1
        if link.map is not None:
            sheet.label(_about(link, index, padding=True))
            kernel = _know_window(sheet, link, index)
            shift = f"(({kernel} - 1) / 2 - {sign('p', index)})"
            sheet.step(sign("start", index), f"{sign('start', before)} + {shift}·{sign('j', before)}")
            jump *= link.map.step
        if link.widens:
            field = _regular(link.field)
            sheet.label(texts.HULL_CENTER.fill(name=link.node.name))
            sheet.step(sign("start", index), f"({field.low} + {written(field.high)}) / 2")
        sheet.bind(sign("j", index), int(jump))
    sheet.know("i", one.unit, texts.UNIT)
    sheet.step("center", f"{sign('start', last)} + i·{sign('j', last)}", texts.CENTER_OF)
    sheet.note(texts.START)
    return sheet.finish("center", _titled(texts.CENTER, axes))
