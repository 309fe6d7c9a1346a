"""How many parameters layers have: convolution, dense, embedding, LSTM; a calculator with its derivations."""

from __future__ import annotations

from ...derivations.derivation import Text
from ...layers.convolution import Conv2d
from ...layers.dense import Embedding, Linear
from ...layers.recurrent import LSTM
from ..lesson import Cell, Lesson, Section, Table, Words, same
from ..networks import chain, derived
from ..options import Option, integer
from ..topic import Chapter, Topic

STEPS = 10
"""Time steps of the LSTM's input, on which its parameters do not depend."""

LARGE = 1_000_000
"""The largest size of a layer here: products of two stay exact enough to print."""

TITLE = Text("Parameters of layers", "各层的参数量")
ALL = Text("All of them", "汇总")
ALL_WORDS = Text(
    "Keras counts one bias vector for each gate of an LSTM, PyTorch two.",
    "LSTM 的每个门，Keras 计一个偏置向量，PyTorch 计两个。",
)
CONV = Text("Convolution", "卷积层")
DENSE = Text("Dense", "全连接层")
EMBEDDING = Text("Embedding", "嵌入层")
RECURRENT = Text("LSTM", "LSTM")
PROJECTED = Text("LSTM with projection", "带投影的 LSTM")
COLUMNS = {
    "layer": Text("layer", "层"),
    "convention": Text("convention", "约定"),
    "parameters": Text("parameters", "参数量"),
}
EVERYWHERE = Text("all", "通用")


def _teach(
    channels: int = 3,
    kernels: int = 10,
    size: int = 3,
    inputs: int = 7168,
    units: int = 128,
    vocabulary: int = 10_000,
    width: int = 100,
    hidden: int = 128,
    projection: int = 64,
) -> Lesson:
    conv = chain((channels, size, size), ("layer", Conv2d(kernels, (size, size))))
    dense = chain((inputs,), ("layer", Linear(units)))
    embedding = chain((1,), ("layer", Embedding(vocabulary, width)))
    lstms = {
        (projected, biases): chain((STEPS, width), ("layer", LSTM(hidden, proj_size=projected, biases=biases)))
        for projected in (0, projection)
        for biases in ("one", "two")
    }
    shown = (
        (CONV, EVERYWHERE, conv),
        (DENSE, EVERYWHERE, dense),
        (EMBEDDING, EVERYWHERE, embedding),
        *(
            (PROJECTED if projected else RECURRENT, same("Keras" if biases == "one" else "PyTorch"), network)
            for (projected, biases), network in lstms.items()
        ),
    )
    rows: list[tuple[Cell, ...]] = [
        (name, convention, network["layer"].params) for name, convention, network in shown
    ]
    worked = (*shown[:3], shown[4], shown[6])
    return Lesson(
        "parameters",
        TITLE,
        (
            Section(ALL, (Table("parameters", COLUMNS, tuple(rows)), Words(ALL_WORDS))),
            *(Section(name, tuple(derived(network, "layer", "params"))) for name, _, network in worked),
        ),
    )


def _option(name: str, metavar: str, help: str, most: int = LARGE) -> Option:
    return Option(name, f"--{name}", metavar, help, integer(1, most))


TOPIC = Topic(
    "parameters",
    Chapter.NETWORK,
    Text("calculator: convolution, dense, embedding, LSTM", "计算器：卷积层、全连接层、嵌入层、LSTM"),
    _teach,
    (
        _option("channels", "COUNT", "Input channels of the convolution.", 10_000),
        _option("kernels", "COUNT", "Kernels of the convolution.", 10_000),
        _option("size", "PIXELS", "Side of the kernel.", 512),
        _option("inputs", "COUNT", "Inputs of the dense layer."),
        _option("units", "COUNT", "Units of the dense layer."),
        _option("vocabulary", "COUNT", "Rows of the embedding."),
        _option("width", "COUNT", "Width of the embedding, and the input features of the LSTM.", 10_000),
        _option("hidden", "COUNT", "Hidden units of the LSTM.", 10_000),
        _option("projection", "COUNT", "Features after the projection of the LSTM.", 10_000),
    ),
    "parameters --kernels 32 --inputs 6272 --hidden 256",
)
