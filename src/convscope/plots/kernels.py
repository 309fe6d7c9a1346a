"""Figure of the learned kernels of a convolution."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ..derivations.derivation import Text
from ..engines.protocol import Array
from ..errors import BadShape, UnknownLayer, suggest
from ..layers.convolution import Conv2d
from ..network import Network, Node
from .style import (
    GRAY,
    SMALL,
    TINY,
    TITLE,
    Letters,
    frame,
    grid_of,
    letters,
    new_figure,
    number,
    shortened,
    show_map,
    times,
)

MOST_KERNELS, MOST_CHANNELS = 64, 16
WIDTH, HEAD, MARGIN = 12.8, 1.35, 0.4

TITLE_WORDS = Text("Kernels of {layer} in {name}", "{name} 中 {layer} 的卷积核")
SIZE = Text("{count} kernels {size}", "{count} 个卷积核 {size}")
FIRST = Text("the first {shown} of {count} kernels {size}", "{count} 个卷积核 {size} 中的前 {shown} 个")
CHANNELS = Text("rows: kernels, columns: input channels", "每行一个卷积核，每列一个输入通道")
SOME_CHANNELS = Text(
    "rows: kernels, columns: the first {shown} of {count} input channels",
    "每行一个卷积核，每列一个输入通道（{count} 个中的前 {shown} 个）",
)
SIGNED_WORDS = Text(
    "orange: weights above 0 · violet: below 0 · largest {largest}", "橙色：正权重 · 紫色：负权重 · 最大 {largest}"
)
COLORS = Text(
    "colors: weights of red, green and blue; gray is 0 · largest {largest}",
    "颜色：红、绿、蓝三通道的权重；灰色为 0 · 最大 {largest}",
)


def kernels_of(network: Network, parameters: Mapping[str, Array], layer: str | None = None) -> tuple[str, Array]:
    """Return the name and weights of a convolution, by default the first one.

    Shapes:   → (o, i, kh, kw)
    Errors:   UnknownLayer [layer-name]; BadShape [no-kernels]
    """
    node = _convolution(network, layer)
    return node.name, parameters[f"{node.parameters_of}.weight"]


def _convolution(network: Network, layer: str | None) -> Node:
    nodes = [node for node in network.layers if isinstance(node.layer, Conv2d)]
    if layer is None:
        if not nodes:
            raise BadShape(
                "{network} has no two-dimensional convolution, so it has no kernels to draw. [no-kernels]",
                network=network.name,
            )
        return nodes[0]
    known = [node.name for node in network.layers]
    if layer not in known:
        raise UnknownLayer(
            "{network} has no layer {layer!r}. {hint} [layer-name]",
            network=network.name,
            layer=layer,
            hint=suggest(layer, known),
        )
    found = next((node for node in nodes if node.name == layer), None)
    if found is None:
        raise BadShape(
            "{layer!r} is not a two-dimensional convolution, so it has no kernels to draw. {hint} [no-kernels]",
            layer=layer,
            hint=suggest(layer, [node.name for node in nodes]),
        )
    return found


def kernels_figure(
    network: Network, parameters: Mapping[str, Array], layer: str | None = None, lang: str = "en"
) -> Figure:
    """Draw the kernels of a convolution: in color for three channels, else per channel.

    Errors:   UnknownLayer [layer-name]; BadShape [no-kernels]; BadSetting [figure-language]
    """
    text = letters(lang)
    name, weight = kernels_of(network, parameters, layer)
    largest = float(np.abs(weight).max()) or 1.0
    shown = weight[:MOST_KERNELS]
    in_color = weight.shape[1] == 3
    if in_color or weight.shape[1] == 1:
        figure, height = _tiles(shown, largest, in_color, text)
        notes = []
    else:
        shown = weight[:MOST_CHANNELS]
        figure, height = _channels(shown[:, :MOST_CHANNELS], largest, text)
        count = weight.shape[1]
        which = CHANNELS if count <= MOST_CHANNELS else SOME_CHANNELS
        notes = [text.translate(which, shown=MOST_CHANNELS, count=count)]
    title = text.translate(TITLE_WORDS, layer=text.drawable(name), name=text.drawable(shortened(network.name, 30)))
    figure.text(MARGIN / WIDTH, 1 - 0.5 / height, title, **text.font(TITLE, bold=True))
    size = times(weight.shape[1:])
    sizes = SIZE if len(shown) == len(weight) else FIRST
    notes.insert(0, text.translate(sizes, shown=len(shown), count=len(weight), size=size))
    figure.text(MARGIN / WIDTH, 1 - 0.8 / height, " · ".join(notes), **text.font(SMALL, color=GRAY))
    words = text.translate(COLORS if in_color else SIGNED_WORDS, largest=number(largest))
    figure.text(MARGIN / WIDTH, 1 - 1.05 / height, words, **text.font(SMALL, color=GRAY))
    return figure


def _tiles(weight: Array, largest: float, in_color: bool, text: Letters) -> tuple[Figure, float]:
    """Draw one tile per kernel with its index above it."""
    rows, columns = grid_of(len(weight), 2.4)
    side = min(1.9, (WIDTH - 2 * MARGIN) / columns - 0.18)
    aspect = weight.shape[2] / weight.shape[3]
    high, wide = (side, side / aspect) if aspect > 1 else (side * aspect, side)
    height = HEAD + rows * (high + 0.34) + 0.2
    figure = new_figure(WIDTH, height)
    for place, kernel in enumerate(weight):
        row, column = divmod(place, columns)
        left = MARGIN + column * (wide + 0.18)
        bottom = height - HEAD - row * (high + 0.34) - high - 0.2
        axes = figure.add_axes((left / WIDTH, bottom / height, wide / WIDTH, high / height))
        if in_color:
            axes.imshow((kernel / largest + 1).transpose(1, 2, 0) / 2, interpolation="nearest")
            frame(axes)
        else:
            show_map(axes, kernel[0], -largest, largest)
        axes.set_title(str(place), pad=3, **text.font(SMALL, color=GRAY))
    return figure, height


def _channels(weight: Array, largest: float, text: Letters) -> tuple[Figure, float]:
    """Draw a row of channels for each kernel."""
    count, channels, kh, kw = weight.shape
    room = min(0.9, (WIDTH - 2 * MARGIN - 0.5) / channels)
    wide, high = (room - 0.08) * min(1, kw / kh), (room - 0.08) * min(1, kh / kw)
    height = HEAD + 0.25 + count * (high + 0.08) + 0.2
    figure = new_figure(WIDTH, height)
    for row, kernel in enumerate(weight):
        bottom = height - HEAD - 0.25 - row * (high + 0.08) - high
        middle = (bottom + high / 2) / height
        figure.text(
            (MARGIN + 0.3) / WIDTH, middle, str(row), ha="right", va="center", **text.font(SMALL, color=GRAY)
        )
        for column, values in enumerate(kernel):
            left = MARGIN + 0.45 + column * room
            axes = figure.add_axes((left / WIDTH, bottom / height, wide / WIDTH, high / height))
            show_map(axes, values, -largest, largest)
            if row == 0:
                axes.set_title(str(column), pad=3, **text.font(TINY, color=GRAY))
    return figure, height
