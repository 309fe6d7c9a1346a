"""The LSTM, in both conventions of its biases."""

from __future__ import annotations

from ..layers.recurrent import LSTM
from . import texts
from .derivation import Derivation, Text
from .family import Shapes, counted, derivations
from .worksheet import Worksheet

STEPS = Text("time steps", "时间步数")
FEATURES = Text("input features", "输入特征数")
FEATURES_ABOVE = Text(
    "input features of level {level}: the output below it", "第 {level} 层的输入特征数，即下一层的输出"
)
HIDDEN = Text("hidden units", "隐藏单元数")
WIDTH = Text(
    "features of one direction's output (the projection, if any)", "单方向输出的特征数（有投影时为投影维度）"
)
WAYS = Text("directions", "方向数")
BIASES = Text("bias vectors", "偏置向量个数")
ONE = Text("one bias vector (Keras, TensorFlow), for comparison", "一个偏置向量（Keras、TensorFlow），供对照")
TWO = Text("two bias vectors (PyTorch), for comparison", "两个偏置向量（PyTorch），供对照")
GATES = Text(
    "level {level}: four gates see input and state{projection}",
    "第 {level} 层：四个门都看到输入与状态{projection}",
)
PROJECTED = Text(", then the projection", "，再加投影矩阵")
PLAIN = Text("", "")
ALL = Text("all levels and directions", "全部层与方向")
LENGTH = Text(
    "Every time step gives one vector; the directions are concatenated.",
    "每个时间步输出一个向量；两个方向首尾相接。",
)
STATELESS = Text("The same weights serve all {steps} time steps.", "全部 {steps} 个时间步共享同一组权重。")
PER_STEP = {
    "macs": Text(
        "level {level}: the gates' matrix products{projection}", "第 {level} 层：各门的矩阵乘积{projection}"
    ),
    "multiplications": Text(
        "level {level}: the matrix products, and three products per cell: $f·c$, $i·g$, $o·tanh(c)$",
        "第 {level} 层：矩阵乘积，以及每个单元的三次乘法：$f·c$、$i·g$、$o·tanh(c)$",
    ),
    "additions": Text(
        "level {level}: the sums of the products, the biases, "
        "one for $f·c + i·g$ and one in each of five functions",
        "第 {level} 层：乘积求和、偏置、$f·c + i·g$ 的一次加法，以及五个激活函数各一次",
    ),
    "divisions": Text(
        "level {level}: one in each of three sigmoids and two tanh",
        "第 {level} 层：三个 sigmoid 与两个 tanh 各一次",
    ),
    "exponentials": Text(
        "level {level}: one in each of three sigmoids and two tanh",
        "第 {level} 层：三个 sigmoid 与两个 tanh 各一次",
    ),
}
_COSTS = {
    "macs": ("4·h·({x} + m)", "m·h"),
    "multiplications": ("4·h·({x} + m) + 3·h", "m·h"),
    "additions": ("4·h·({x} + m - 1) + 4·h·b + h + 5·h", "m·(h - 1)"),
    "divisions": ("5·h", ""),
    "exponentials": ("5·h", ""),
}


def _sheet(layer: LSTM, features: int) -> Worksheet:
    sheet = Worksheet()
    sheet.know("x", features, FEATURES)
    sheet.know("h", layer.hidden_size, HIDDEN)
    sheet.know("m", layer.width, WIDTH)
    sheet.know("b", {"two": 2, "one": 1, "none": 0}[layer.biases], BIASES)
    sheet.know("D", layer.directions, WAYS)
    return sheet


@derivations.register
def _lstm(layer: LSTM, inputs: Shapes) -> list[Derivation]:
    (length, features) = inputs[0]
    sheet = Worksheet()
    sheet.know("l", length, STEPS)
    sheet.know("D", layer.directions, WAYS)
    sheet.know("m", layer.width, WIDTH)
    sheet.shape("l × D·m", texts.THE_SHAPE)
    sheet.note(LENGTH)
    size = sheet.finish("output_shape", texts.OUTPUT_SHAPE)
    return [
        size,
        _parameters(layer, length, features),
        *(_count(layer, length, features, kind) for kind in _COSTS),
    ]


def _levels(sheet: Worksheet, layer: LSTM) -> list[tuple[int, str]]:
    """Return each level with its input's symbol; the levels above the first read the level below."""
    if layer.num_layers > 1:
        sheet.step("y", "D·m", FEATURES_ABOVE.fill(level=2))
    return [(level, "x" if level == 1 else "y") for level in range(1, layer.num_layers + 1)]


def _parameters(layer: LSTM, length: int, features: int) -> Derivation:
    sheet = _sheet(layer, features)
    projection = " + m·h" if layer.proj_size else ""
    sheet.step("N_{one}", f"4·((x + m)·h + h){projection}", ONE, "Keras LSTM")
    sheet.step("N_{two}", f"4·((x + m)·h + 2·h){projection}", TWO, "PyTorch LSTM")
    parts = []
    for level, x in _levels(sheet, layer):
        label = GATES.fill(level=level, projection=PROJECTED if layer.proj_size else PLAIN)
        sheet.step(f"N_{{{level}}}" if level > 9 else f"N_{level}", f"4·(({x} + m)·h + b·h){projection}", label)
        parts.append(f"N_{{{level}}}" if level > 9 else f"N_{level}")
    sheet.step("params", f"D·({' + '.join(parts)})", ALL)
    sheet.note(STATELESS, steps=length)
    return sheet.finish("params", texts.PARAMETERS)


def _count(layer: LSTM, length: int, features: int, quantity: str) -> Derivation:
    sheet = _sheet(layer, features)
    sheet.know("l", length, STEPS)
    gates, projection = _COSTS[quantity]
    parts = []
    for level, x in _levels(sheet, layer):
        formula = gates.format(x=x) + (f" + {projection}" if layer.proj_size and projection else "")
        name = f"C_{{{level}}}" if level > 9 else f"C_{level}"
        with_projection = PROJECTED if layer.proj_size and projection else PLAIN
        sheet.step(name, formula, PER_STEP[quantity].fill(level=level, projection=with_projection))
        parts.append(name)
    return counted(sheet, quantity, f"l·D·({' + '.join(parts)})", ALL)
