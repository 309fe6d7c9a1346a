"""Architecture diagram of a network, with feature maps as solids."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from ..derivations.derivation import Text
from ..layers.base import show_shape
from ..layout import lay_out
from ..layout.boxes import Box
from ..layout.diagram import EdgePath, Frame, Point
from ..layout.page import LINE, MARGIN, Solid
from ..network import Network
from ..text.lists import listed
from .drawn_layer import look
from .style import GRAY, PALE, SMALL, TINY, TITLE, Letters, bare, letters, new_figure, shortened

LONGEST_NAME = 20
NAME = 9.5
"""Font size of layer names, in points; other lines are smaller."""

TITLE_WORDS = Text("{name}: {layers} layers, input {shape}", "{name}：{layers} 层，输入 {shape}")


def network_figure(network: Network, lang: str = "en", folded: bool = True) -> Figure:
    """Draw a network from left to right in rows, with feature maps to scale.

    Element-wise layers are written under the layer that they follow. Equal blocks in a row are drawn once, in a
    frame that says how often they stand, unless `folded` is False.

    Errors:   BadNetwork [figure-size] for more boxes than a page can hold; BadSetting [figure-language]
    """
    text = letters(lang)
    diagram = lay_out(network, lambda box: _words(box, text), _width, folded)
    page = diagram.page
    shapes = listed(show_shape(node.output_shape) for node in network.inputs)
    title = text.translate(TITLE_WORDS, name=network.name, layers=len(network.layers), shape=shapes)
    figure = new_figure(max(page.width, MARGIN + 0.145 * len(title)), page.height)
    figure.text(0.35 / figure.get_figwidth(), 1 - 0.5 / page.height, title, **text.font(TITLE, bold=True))
    axes = _inches(figure)
    for frame in diagram.frames:
        _draw_frame(axes, frame, text)
    for edge in diagram.edges:
        _draw_edge(axes, edge)
    for number, (box, item, lines) in enumerate(zip(diagram.boxes, diagram.items, diagram.lines, strict=True)):
        at = diagram.middle(number)
        _draw_solid(axes, box, item.solid, at)
        _write(axes, lines, at[0], at[1] + item.solid.down / 2 + 0.06, text)
    return figure


def _inches(figure: Figure) -> Axes:
    """Return axes over the whole figure, in inches from its upper left corner."""
    axes = figure.add_axes((0, 0, 1, 1))
    bare(axes)
    axes.set_xlim(0, figure.get_figwidth())
    axes.set_ylim(figure.get_figheight(), 0)
    return axes


def _words(box: Box, text: Letters) -> list[str]:
    """Return the lines under a box: name, label, merged layers, output shape."""
    name = text.drawable(_short_name(box.name))
    does = text.translate(look(box.layer).words)
    followers = [text.drawable(layer.keyword or layer.kind) for layer in box.followers]
    lines = [name, *([does] if does != name else [])]
    for start in range(0, len(followers), 3):
        lines.append("+ " + " · ".join(followers[start : start + 3]))
    return [*lines, show_shape(box.shape)]


def _short_name(name: str) -> str:
    """Drop leading parts of a layer name that is too long."""
    short = name
    while len(short) > LONGEST_NAME and "." in short.lstrip("…."):
        short = "…" + short.lstrip("….").partition(".")[2]
        while short[1:].partition(".")[0].isdigit():  # the index of a block whose name was dropped
            short = "…" + short[1:].partition(".")[2]
    return shortened(short, LONGEST_NAME)


def _width(lines: Sequence[str]) -> float:
    """Estimate the width of lines in inches: Chinese characters are square, others 0.62 of that."""
    sizes = [NAME * 1.12, *([TINY] * (len(lines) - 1))]  # the name is bold
    return max(
        sum(1.0 if ord(sign) > 0x2E80 else 0.62 for sign in line) * size / 72
        for line, size in zip(lines, sizes, strict=True)
    )


def _draw_solid(axes: Axes, box: Box, shape: Solid, at: Point) -> None:
    left, top = at[0] - shape.across / 2, at[1] - shape.down / 2
    right, bottom = left + shape.width, top + shape.down
    over, up = 0.75 * shape.depth, 0.45 * shape.depth
    front = top + up
    faces = (
        ([(left, front), (right, front), (right, bottom), (left, bottom)], 0.45, box.name),
        ([(left, front), (left + over, top), (right + over, top), (right, front)], 0.7, "_top"),
        ([(right, front), (right + over, top), (right + over, bottom - up), (right, bottom)], 0.2, "_side"),
    )
    color = look(box.layer).color
    for corners, white, name in faces:
        paint = tuple(part + (1 - part) * white for part in to_rgb(color))
        axes.add_patch(
            Polygon(corners, facecolor=paint, edgecolor=color, lw=0.8, joinstyle="round", zorder=3, label=name)
        )


def _write(axes: Axes, lines: Sequence[str], x: float, y: float, text: Letters) -> None:
    for number, line in enumerate(lines):
        first, last = number == 0, number == len(lines) - 1
        font = text.font(NAME if first else TINY, bold=first, **({} if first or last else {"color": GRAY}))
        axes.text(x, y + LINE * number, line, ha="center", va="top", zorder=4, **font)


def _draw_frame(axes: Axes, frame: Frame, text: Letters) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (frame.left, frame.top),
            frame.right - frame.left,
            frame.bottom - frame.top,
            boxstyle="round,pad=0.04,rounding_size=0.1",
            facecolor="#F4F5F7",
            edgecolor=PALE,
            lw=1.2,
            zorder=0,
            label="_frame",
        )
    )
    count = text.font(SMALL, bold=True, color=GRAY)
    axes.text(frame.left, frame.top - 0.07, f"×{frame.times}", va="bottom", **count)


def _draw_edge(axes: Axes, edge: EdgePath) -> None:
    points, codes = [edge.start], [Path.MOVETO]
    for segment in edge.segments:
        points += segment
        codes += [Path.LINETO] if len(segment) == 1 else [Path.CURVE4] * 3
    axes.add_patch(
        PathPatch(
            Path(points, codes), fill=False, edgecolor=GRAY, lw=1.1, capstyle="round", zorder=1, label="_edge"
        )
    )
    tip, y = edge.tip
    arrow = [(tip, y), (tip - 0.085, y - 0.045), (tip - 0.085, y + 0.045)]
    axes.add_patch(Polygon(arrow, facecolor=GRAY, edgecolor="none", zorder=2, label="_arrow"))
