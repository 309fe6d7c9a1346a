"""Figures of a model's kernels and feature maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from ..derivations.derivation import Text
from ..engines.protocol import Array
from ..errors import BadShape, UnknownLayer, suggest
from ..layers.convolution import Conv2d, ConvTranspose2d
from ..layers.pooling import AvgPool2d, MaxPool2d
from ..network import Network, Node
from ..text.numbers import number, times
from .style import (
    GRAY,
    INK,
    LABEL,
    SMALL,
    TINY,
    TITLE,
    Letters,
    frame,
    grid_of,
    letters,
    new_figure,
    shortened,
    show_input,
    show_map,
)

MOST_KERNELS, MOST_CHANNELS = 64, 16
WIDTH, LEAST_WIDTH, HEAD, MARGIN = 12.8, 7.2, 1.35, 0.4
"""Inches: the widest and the narrowest figure, the height of the title, the margin."""

LARGEST_TILE, LARGEST_CHANNEL = 2.4, 0.9
"""Largest sides of a kernel, and of one channel of it, in inches."""

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
        figure, width, height = _tiles(shown, largest, in_color, text)
        notes = []
    else:
        shown = weight[:MOST_CHANNELS]
        figure, width, height = _channels(shown[:, :MOST_CHANNELS], largest, text)
        count = weight.shape[1]
        which = CHANNELS if count <= MOST_CHANNELS else SOME_CHANNELS
        notes = [text.translate(which, shown=MOST_CHANNELS, count=count)]
    title = text.translate(TITLE_WORDS, layer=text.drawable(name), name=text.drawable(shortened(network.name, 30)))
    figure.text(MARGIN / width, 1 - 0.5 / height, title, **text.font(TITLE, bold=True))
    size = times(weight.shape[1:])
    sizes = SIZE if len(shown) == len(weight) else FIRST
    notes.insert(0, text.translate(sizes, shown=len(shown), count=len(weight), size=size))
    figure.text(MARGIN / width, 1 - 0.8 / height, " · ".join(notes), **text.font(SMALL, color=GRAY))
    words = text.translate(COLORS if in_color else SIGNED_WORDS, largest=number(largest))
    figure.text(MARGIN / width, 1 - 1.05 / height, words, **text.font(SMALL, color=GRAY))
    return figure


def _tiles(weight: Array, largest: float, in_color: bool, text: Letters) -> tuple[Figure, float, float]:
    """Draw one tile per kernel with its index above it, and return the figure with its width and height."""
    rows, columns = grid_of(len(weight), 2.4)
    side = min(LARGEST_TILE, (WIDTH - 2 * MARGIN) / columns - 0.18)
    aspect = weight.shape[2] / weight.shape[3]
    high, wide = (side, side / aspect) if aspect > 1 else (side * aspect, side)
    width = max(LEAST_WIDTH, 2 * MARGIN + columns * (wide + 0.18) - 0.18)
    height = HEAD + rows * (high + 0.34) + 0.2
    figure = new_figure(width, height)
    for place, kernel in enumerate(weight):
        row, column = divmod(place, columns)
        left = MARGIN + column * (wide + 0.18)
        bottom = height - HEAD - row * (high + 0.34) - high - 0.2
        axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
        if in_color:
            axes.imshow((kernel / largest + 1).transpose(1, 2, 0) / 2, interpolation="nearest")
            frame(axes)
        else:
            show_map(axes, kernel[0], -largest, largest)
        axes.set_title(str(place), pad=3, **text.font(SMALL, color=GRAY))
    return figure, width, height


def _channels(weight: Array, largest: float, text: Letters) -> tuple[Figure, float, float]:
    """Draw a row of channels for each kernel, and return the figure with its width and height."""
    count, channels, kh, kw = weight.shape
    room = min(LARGEST_CHANNEL, (WIDTH - 2 * MARGIN - 0.5) / channels)
    wide, high = (room - 0.08) * min(1, kw / kh), (room - 0.08) * min(1, kh / kw)
    width = max(LEAST_WIDTH, 2 * MARGIN + 0.45 + channels * room)
    height = HEAD + 0.25 + count * (high + 0.08) + 0.2
    figure = new_figure(width, height)
    for row, kernel in enumerate(weight):
        bottom = height - HEAD - 0.25 - row * (high + 0.08) - high
        middle = (bottom + high / 2) / height
        figure.text(
            (MARGIN + 0.3) / width, middle, str(row), ha="right", va="center", **text.font(SMALL, color=GRAY)
        )
        for column, values in enumerate(kernel):
            left = MARGIN + 0.45 + column * room
            axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
            show_map(axes, values, -largest, largest)
            if row == 0:
                axes.set_title(str(column), pad=3, **text.font(TINY, color=GRAY))
    return figure, width, height


MOST_LAYERS, MAPS_OF_A_ROW, MOST_ROWS = 8, 8, 8
"""Layers, maps side by side, and rows of maps: few layers have several rows each."""

LONGEST_NAME = 22
LEAST_MAPS_WIDTH, MAPS_HEAD, ROW, COLUMN, LEFT = 9.0, 1.1, 1.42, 1.24, 2.6
"""Inches: the narrowest figure, title height, height of a row, width of a map, width of a layer's label."""

MAPS_TITLE = Text("Feature maps of {name}", "{name} 的特征图")
SUBTITLE = Text(
    "the maps with the largest values in each layer; the number above a map is its channel",
    "每层显示数值最大的特征图，上方为通道编号",
)
IMAGE = Text("image {size}", "图像 {size}")
MAPS = Text("{channels} maps {size}", "{channels} 张特征图 {size}")
RANGE = Text("{low} … {high}", "{low} … {high}")
MAPS_SIGNED = Text(
    "orange: above 0 · violet: below 0 · in layers without negative values: dark is 0, yellow is the maximum",
    "橙色：大于 0 · 紫色：小于 0 · 无负值的层：深色为 0，黄色为最大值",
)


class LayerMaps(NamedTuple):
    """The strongest maps of a layer, their channels, and the range of their values.

    Shapes:   maps (m, h, w)
    """

    name: str
    shape: tuple[int, ...]
    channels: tuple[int, ...]
    maps: Array
    low: float
    high: float


def layer_maps(
    network: Network, activations: Mapping[str, Array], layers: Sequence[str] | None = None
) -> list[LayerMaps]:
    """Select layers with feature maps, and the maps with the largest absolute values in each.

    Left out, `layers` are convolutions and pools, spread evenly where there are many. A single layer has up to 64
    maps; the more layers there are, the fewer maps each of them has, down to 8.

    Shapes:   activations as Model.activations gives for one image, (1, c, h, w) each
    Errors:   UnknownLayer [layer-name]; BadShape [no-maps]
    """
    chosen = _usual_layers(network) if not layers else [_with_maps(network, name) for name in layers]
    most = MAPS_OF_A_ROW * max(1, MOST_ROWS // len(chosen))
    return [_strongest(name, activations[name][0], most) for name in chosen]


def _usual_layers(network: Network) -> list[str]:
    kinds = (Conv2d, ConvTranspose2d, MaxPool2d, AvgPool2d)
    names = [node.name for node in network.layers if isinstance(node.layer, kinds) and len(node.output_shape) == 3]
    if not names:
        names = [node.name for node in network.layers if len(node.output_shape) == 3]
    if not names:
        raise BadShape(
            "{network} has no feature maps: no layer's output has channels, rows and columns. [no-maps]",
            network=network.name,
        )
    if len(names) <= MOST_LAYERS:
        return names
    indices = np.linspace(0, len(names) - 1, MOST_LAYERS).round().astype(int)
    return [names[index] for index in indices]


def _with_maps(network: Network, name: str) -> str:
    known = {node.name: node.output_shape for node in network.layers}
    if name not in known:
        raise UnknownLayer(
            "{network} has no layer {layer!r}. {hint} [layer-name]",
            network=network.name,
            layer=name,
            hint=suggest(name, known),
        )
    if len(known[name]) != 3:
        raise BadShape(
            "{layer!r} has no feature maps: its output {shape} has no rows and columns. Choose a layer before the "
            "flattening. [no-maps]",
            layer=name,
            shape=times(known[name]),
        )
    return name


def _strongest(name: str, values: Array, most: int) -> LayerMaps:
    reach = np.abs(values).reshape(len(values), -1).max(axis=1)
    best = np.sort(np.argsort(-reach, kind="stable")[:most])
    maps = values[best]
    channels = tuple(int(at) for at in best)
    return LayerMaps(name, values.shape, channels, maps, float(maps.min()), float(maps.max()))


def feature_maps(
    network: Network,
    activations: Mapping[str, Array],
    layers: Sequence[str] | None = None,
    lang: str = "en",
) -> Figure:
    """Draw an image with the feature maps of each layer below it.

    `activations` are those of `Model.activations` for one image.

    Errors:   UnknownLayer [layer-name]; BadShape [no-maps]; BadSetting [figure-language]
    """
    text = letters(lang)
    rows = layer_maps(network, activations, layers)
    image = activations[network.inputs[0].name][0]
    columns = min(MAPS_OF_A_ROW, max(len(row.maps) for row in rows))
    width = max(LEAST_MAPS_WIDTH, LEFT + COLUMN * columns + 0.4)
    height = MAPS_HEAD + ROW * (1 + sum(map(_rows_of, rows))) + 0.45
    figure = new_figure(width, height)
    name = text.drawable(shortened(network.name, 40))
    figure.text(
        0.4 / width, 1 - 0.5 / height, text.translate(MAPS_TITLE, name=name), **text.font(TITLE, bold=True)
    )
    figure.text(0.4 / width, 1 - 0.8 / height, text.translate(SUBTITLE), **text.font(SMALL, color=GRAY))
    figure.text(0.4 / width, 0.18 / height, text.translate(MAPS_SIGNED), **text.font(SMALL, color=GRAY))
    _head(figure, 0, network.inputs[0].name, text.translate(IMAGE, size=times(image.shape)), "", text)
    show_input(figure.add_axes(_tile(figure, 0, 0, image.shape[-2:])), image)
    place = 1
    for row in rows:
        _draw_row(figure, place, row, text)
        place += _rows_of(row)
    return figure


def _rows_of(maps: LayerMaps) -> int:
    return -(-len(maps.maps) // MAPS_OF_A_ROW)


def _draw_row(figure: Figure, place: int, row: LayerMaps, text: Letters) -> None:
    size = text.translate(MAPS, channels=row.shape[0], size=times(row.shape[1:]))
    spread = text.translate(RANGE, low=number(row.low), high=number(row.high))
    _head(figure, place, row.name, size, spread, text)
    for index, (channel, values) in enumerate(zip(row.channels, row.maps, strict=True)):
        below, column = divmod(index, MAPS_OF_A_ROW)
        axes = figure.add_axes(_tile(figure, place + below, column, row.shape[-2:]))
        show_map(axes, values, row.low, row.high)
        axes.set_title(str(channel), pad=2, **text.font(TINY, color=GRAY))


def _head(figure: Figure, place: int, name: str, size: str, spread: str, text: Letters) -> None:
    width, height = figure.get_size_inches()
    middle = (height - MAPS_HEAD - ROW * (place + 0.5)) / height
    shown = text.drawable(shortened(name, LONGEST_NAME))
    lines = [(shown, text.font(LABEL, bold=True)), (size, text.font(SMALL, color=INK))]
    if spread:
        lines.append((spread, text.font(SMALL, color=GRAY)))
    for line, (words, font) in enumerate(lines):
        y = middle + (0.24 - 0.26 * line) / height
        figure.text(0.4 / width, y, words, va="center", **font)


def _tile(figure: Figure, place: int, column: int, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Return left, bottom, width and height of a tile as fractions of the figure, with its aspect ratio."""
    width, height = figure.get_size_inches()
    high, wide = shape
    scale = min((COLUMN - 0.16) / wide, (ROW - 0.32) / high)
    left = LEFT + column * COLUMN
    bottom = height - MAPS_HEAD - ROW * place - ROW / 2 - scale * high / 2
    return left / width, bottom / height, scale * wide / width, scale * high / height
