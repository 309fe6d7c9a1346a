"""Figure of the feature maps of a trained model for one image."""

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
from ..network import Network
from .style import (
    GRAY,
    INK,
    LABEL,
    SMALL,
    TINY,
    TITLE,
    Letters,
    letters,
    new_figure,
    number,
    shortened,
    show_input,
    show_map,
    times,
)

MOST_LAYERS, MOST_MAPS = 8, 8
LONGEST_NAME = 22
WIDTH, HEAD, ROW, LEFT, NAME = 12.8, 1.1, 1.42, 2.3, 2.1
"""Inches: page width, title height, row height of a layer, width of its label."""

TITLE_WORDS = Text("Feature maps of {name}", "{name} 的特征图")
SUBTITLE = Text(
    "the maps with the largest values in each layer; the number above a map is its channel",
    "每层显示数值最大的特征图，上方为通道编号",
)
IMAGE = Text("image {size}", "图像 {size}")
MAPS = Text("{channels} maps {size}", "{channels} 张特征图 {size}")
RANGE = Text("{low} … {high}", "{low} … {high}")
SIGNED_WORDS = Text(
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

    Left out, `layers` are convolutions and pools, spread evenly where there are many.

    Shapes:   activations as Model.activations gives for one image, (1, c, h, w) each
    Errors:   UnknownLayer [layer-name]; BadShape [no-maps]
    """
    chosen = _usual_layers(network) if not layers else [_with_maps(network, name) for name in layers]
    return [_strongest(name, activations[name][0]) for name in chosen]


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


def _strongest(name: str, values: Array) -> LayerMaps:
    reach = np.abs(values).reshape(len(values), -1).max(axis=1)
    best = np.sort(np.argsort(-reach, kind="stable")[:MOST_MAPS])
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
    height = HEAD + ROW * (len(rows) + 1) + 0.45
    figure = new_figure(WIDTH, height)
    name = text.drawable(shortened(network.name, 40))
    figure.text(
        0.4 / WIDTH, 1 - 0.5 / height, text.translate(TITLE_WORDS, name=name), **text.font(TITLE, bold=True)
    )
    figure.text(0.4 / WIDTH, 1 - 0.8 / height, text.translate(SUBTITLE), **text.font(SMALL, color=GRAY))
    figure.text(0.4 / WIDTH, 0.18 / height, text.translate(SIGNED_WORDS), **text.font(SMALL, color=GRAY))
    _head(figure, 0, height, network.inputs[0].name, text.translate(IMAGE, size=times(image.shape)), "", text)
    show_input(figure.add_axes(_tile(0, 0, height, image.shape[-2:])), image)
    for place, row in enumerate(rows, start=1):
        _draw_row(figure, place, height, row, text)
    return figure


def _draw_row(figure: Figure, place: int, height: float, row: LayerMaps, text: Letters) -> None:
    size = text.translate(MAPS, channels=row.shape[0], size=times(row.shape[1:]))
    spread = text.translate(RANGE, low=number(row.low), high=number(row.high))
    _head(figure, place, height, row.name, size, spread, text)
    for column, (channel, values) in enumerate(zip(row.channels, row.maps, strict=True)):
        axes = figure.add_axes(_tile(place, column, height, row.shape[-2:]))
        show_map(axes, values, row.low, row.high)
        axes.set_title(str(channel), pad=2, **text.font(TINY, color=GRAY))


def _head(figure: Figure, place: int, height: float, name: str, size: str, spread: str, text: Letters) -> None:
    middle = (height - HEAD - ROW * (place + 0.5)) / height
    shown = text.drawable(shortened(name, LONGEST_NAME))
    lines = [(shown, text.font(LABEL, bold=True)), (size, text.font(SMALL, color=INK))]
    if spread:
        lines.append((spread, text.font(SMALL, color=GRAY)))
    for line, (words, font) in enumerate(lines):
        y = middle + (0.24 - 0.26 * line) / height
        figure.text(0.4 / WIDTH, y, words, va="center", **font)


def _tile(place: int, column: int, height: float, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Return left, bottom, width and height of a tile as fractions of the figure, with its aspect ratio."""
    room_wide, room_high = (WIDTH - LEFT - 0.6) / MOST_MAPS, ROW
    high, wide = shape
    scale = min((room_wide - 0.16) / wide, (room_high - 0.32) / high)
    left = LEFT + 0.3 + column * room_wide
    bottom = height - HEAD - ROW * place - ROW / 2 - scale * high / 2
    return left / WIDTH, bottom / height, scale * wide / WIDTH, scale * high / height
