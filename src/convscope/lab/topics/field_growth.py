"""How pooling enlarges the receptive field of the layers after it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...derivations.derivation import Text
from ...errors import BadSetting
from ...layers.base import Layer
from ...layers.convolution import Conv2d
from ...layers.pooling import MaxPool2d
from ...network import Network
from ..lesson import Block, Cell, Curves, Drawing, Lesson, Row, Section, Table, Value, Words, same
from ..networks import chain, derived
from ..options import Option, integer
from ..topic import Chapter, Topic

MOST_PIXELS = 512
"""The largest receptive field of the lesson."""

TITLE = Text("How pooling enlarges the receptive field", "池化如何扩大感受野")
FIGURE = Text("A 4×4 map, 2×2 max pooling, and a 2×2 convolution", "4×4 的特征图，2×2 最大池化，再做 2×2 卷积")
FIGURE_WORDS = Text(
    "P1 is the largest of A1, A2, B1, B2, so a unit that sees P1, P2, Q1, Q2 sees all 16 pixels. Without the "
    "pooling "
    "the same convolution sees 2×2.",
    "P1 是 A1、A2、B1、B2 中的最大值，因此看到 P1、P2、Q1、Q2 的单元看到全部 16 个像素。不做池化时，"
    "同样的卷积只看到 2×2。",
)
DRAWING = Text(
    """\
A1 A2 │ A3 A4        P1 P2
B1 B2 │ B3 B4   →             →   one unit
──────┼──────        Q1 Q2
C1 C2 │ C3 C4
D1 D2 │ D3 D4""",
    """\
A1 A2 │ A3 A4        P1 P2
B1 B2 │ B3 B4   →             →   一个单元
──────┼──────        Q1 Q2
C1 C2 │ C3 C4
D1 D2 │ D3 D4""",
)
SEEN = Text("pixels seen {name}", "看到的像素（{name}）")
WITH, WITHOUT = Text("with pooling", "有池化"), Text("without pooling", "无池化")
LEGEND = {"with": WITH, "without": WITHOUT}
GROWTH = Text("Field by layer: size and step between neighbors", "逐层的感受野：大小与相邻单元的间距")
GROWTH_WORDS = Text(
    "A layer adds (kernel − 1) times the step of the layer before. Pooling multiplies the step by its stride, "
    "so all "
    "later convolutions gain more. The same convolutions without pooling grow by a constant.",
    "每层增加（核大小 − 1）乘以前一层的间距。池化把间距乘以它的步长，因此其后的卷积增长更快；不做池化时，"
    "同样的卷积每层只增加常数。",
)
WORKED = Text("The last layer, with pooling: from first to last", "有池化时的最后一层：从前往后推导")
BACKWARD = Text("And from last to first", "以及从后往前推导")
COLUMNS = {
    "layer": Text("layer", "层"),
    "kernel": Text("kernel", "核大小"),
    "stride": Text("stride", "步长"),
    "field": Text("field", "感受野"),
    "step": Text("step", "间距"),
    "field_without_pooling": Text("field without pooling", "无池化时的感受野"),
}


def _teach(kernel: int = 3, pool: int = 2, blocks: int = 2) -> Lesson:
    field, step = 1, 1
    for _ in range(blocks):
        field += (kernel - 1) * step + (pool - 1) * step
        step *= pool
    field += (kernel - 1) * step
    if field > MOST_PIXELS:
        raise BadSetting(
            "The receptive field must be at most {most} pixels (got {got}). Use fewer blocks, a smaller "
            "pooling or a "
            "smaller kernel. [lab-field]",
            most=MOST_PIXELS,
            got=field,
        )
    pooled, plain = _network(field, kernel, pool, blocks), _network(field, kernel, 1, blocks)
    last = pooled.outputs[-1].name
    rows = tuple(_rows(pooled, plain))
    names = tuple(same(str(row[0])) for row in rows)
    series = {label: np.array([row[at] for row in rows], float) for label, at in (("with", 3), ("without", 5))}
    return Lesson(
        "field-growth",
        TITLE,
        (
            Section(FIGURE, tuple(_four_by_four())),
            Section(
                GROWTH,
                (
                    Words(GROWTH_WORDS),
                    Table("growth", COLUMNS, rows),
                    Curves("bars", COLUMNS["field"], COLUMNS["layer"], names, series, labels=LEGEND),
                ),
            ),
            Section(WORKED, tuple(derived(pooled, last, "receptive_field"))),
            Section(BACKWARD, tuple(derived(pooled, last, "receptive_field_backward"))),
        ),
        pooled,
    )


def _network(side: int, kernel: int, pool: int, blocks: int) -> Network:
    layers: list[tuple[str, Layer]] = []
    for block in range(1, blocks + 1):
        layers.append((f"conv{block}", Conv2d(1, (kernel, kernel))))
        layers.append((f"pool{block}", MaxPool2d((pool, pool), stride=(pool, pool))))
    layers.append((f"conv{blocks + 1}", Conv2d(1, (kernel, kernel))))
    return chain((1, side, side), *layers)


def _rows(pooled: Network, plain: Network) -> Iterator[tuple[Cell, ...]]:
    for node in list(pooled)[1:]:
        size, before = (network.field(node.name, (0, 0)).box for network in (pooled, plain))
        window = node.layer
        assert isinstance(window, Conv2d | MaxPool2d)
        following = pooled.field(node.name, (1, 1)).box if node.output_shape[1] > 1 else None
        step = following[0] - size[0] if following else _step(pooled, node.name)
        yield node.name, window.kernel_size[0], window.stride[0], size[2] - size[0], step, before[2] - before[0]


def _step(network: Network, name: str) -> int:
    """Return the distance between units of a layer that has only one: the product of all strides up to it."""
    step = 1
    for node in list(network)[1:]:
        assert isinstance(node.layer, Conv2d | MaxPool2d)
        step *= node.layer.stride[0]
        if node.name == name:
            break
    return step


def _four_by_four() -> Iterator[Block]:
    yield Words(FIGURE_WORDS)
    yield Drawing(DRAWING)
    conv = ("conv", Conv2d(1, (2, 2)))
    pooled = chain((1, 4, 4), ("pool", MaxPool2d((2, 2), stride=(2, 2))), conv)
    values = [("pixels_with", WITH, pooled), ("pixels_without", WITHOUT, chain((1, 4, 4), conv))]
    yield Row(
        tuple(
            Value(name, network.field("conv", (0, 0)).mask.astype(float), SEEN.fill(name=words))
            for name, words, network in values
        )
    )


TOPIC = Topic(
    "field-growth",
    Chapter.POOLING,
    Text("how pooling enlarges the receptive field of later layers", "池化如何扩大后续层的感受野"),
    _teach,
    (
        Option("kernel", "--kernel-size", "PIXELS", "Side of the convolutions' kernels.", integer(1, 32)),
        Option("pool", "--pool", "PIXELS", "Side and stride of the pooling.", integer(1, 32)),
        Option("blocks", "--blocks", "COUNT", "Pairs of convolution and pooling.", integer(1, 8)),
    ),
    "field-growth --kernel-size 3 --pool 2 --blocks 2",
)
