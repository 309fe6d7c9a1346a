"""Layers with several inputs."""

from __future__ import annotations

from math import prod

from ..layers.base import show_shape
from ..layers.connection import Shape
from ..layers.merge import (
    Add,
    Concat,
    Divide,
    Elementwise,
    Extreme,
    MatMul,
    MultiheadAttention,
    Multiply,
    Subtract,
)
from . import texts
from .derivation import Derivation, Text
from .family import Shapes, counted, derivations, no_operations, no_parameters, on_shape, product, symbols
from .worksheet import Worksheet

INPUTS = Text("inputs", "输入个数")
BRANCHES = Text(
    "The inputs {shapes} agree; an axis of size 1 is repeated.",
    "各输入 {shapes} 形状一致；大小为 1 的轴会被重复。",
)
SUMS = Text("one addition per element and further input", "每个元素、每多一个输入一次加法")
DIFFERENCES = Text("one subtraction per element", "每个元素一次减法")
QUOTIENTS = Text("one division per element", "每个元素一次除法")
COMPARED = Text("one comparison per element and further input", "每个元素、每多一个输入一次比较")
PRODUCTS = Text("one multiplication per element and further input", "每个元素、每多一个输入一次乘法")
PART = Text("size of input {number} along the joined axis", "第 {number} 个输入在拼接轴上的大小")
JOINED = Text(
    "The inputs are concatenated along axis {axis}; the other axes do not change.",
    "各输入沿第 {axis} 轴依次拼接，其余轴不变。",
)
JOINED_SIZE = Text("sum of the sizes along the joined axis", "拼接轴上的大小相加")
ROWS = Text("rows of the first input", "第一个输入的行数")
INNER = Text("columns of the first = rows of the second", "第一个输入的列数，等于第二个输入的行数")
COLUMNS = Text("columns of the second input", "第二个输入的列数")
STACK = Text("matrices in the stack", "矩阵个数")
INNER_SUM = Text("one sum of $k$ products for each element", "每个元素是 $k$ 个乘积之和")
QUERIES = Text("length of the query", "查询序列的长度")
KEYS = Text("length of key and value", "键与值序列的长度")
WIDTH = Text("width", "特征宽度")
HEADS = Text("heads", "注意力头数")
IN_PROJECTION = Text("projections to query, key and value", "查询、键、值的投影")
OUT_PROJECTION = Text("projection of the result", "输出投影")
PROJECTIONS = Text("the four projections", "四次投影")
SCORES = Text("scores: every query with every key, all heads", "打分：每个查询与每个键，所有头")
WEIGHTED = Text("weighted sums of the values", "对值加权求和")
SCORE_COUNT = Text("scores", "打分个数")
SCORE_ROWS = Text("softmax sets: one per query and head", "softmax 的集合个数：每个查询、每个头一个")
SCALED = Text("scale of the scores", "打分的缩放")
SOFTMAX = Text("softmax: minus the maximum, and the sum of each set", "softmax：减去最大值，并对每个集合求和")
SOFTMAX_MAX = Text("softmax: the maximum of each set", "softmax：求每个集合的最大值")
SOFTMAX_ONE = Text("softmax: one per score", "softmax：每个打分一次")
TOGETHER = Text("together", "合计")
ATTENDS = Text(
    "Every output sees every position of the sequence: the layer is global.",
    "每个输出都看到序列的全部位置：该层是全局的。",
)


def _merged(layer: Elementwise, inputs: Shapes) -> Derivation:
    sheet = on_shape(layer.output_shape(*inputs))
    sheet.shape(" × ".join(symbols(layer.output_shape(*inputs))))
    shapes = dict.fromkeys(map(show_shape, inputs))
    sheet.note(BRANCHES, shapes=Text(", ".join(shapes), "、".join(shapes)))
    return sheet.finish("output_shape", texts.OUTPUT_SHAPE)


def _repeated(layer: Elementwise, inputs: Shapes, quantity: str, label: Text) -> Derivation:
    shape = layer.output_shape(*inputs)
    sheet = on_shape(shape)
    sheet.know("b", len(inputs), INPUTS)
    sheet.step("N", product(symbols(shape)), texts.ELEMENTS)
    return counted(sheet, quantity, "(b - 1)·N", label)


@derivations.register
def _add(layer: Add, inputs: Shapes) -> list[Derivation]:
    return [_merged(layer, inputs), no_parameters(), _repeated(layer, inputs, "additions", SUMS)]


@derivations.register
def _multiply(layer: Multiply, inputs: Shapes) -> list[Derivation]:
    return [_merged(layer, inputs), no_parameters(), _repeated(layer, inputs, "multiplications", PRODUCTS)]


@derivations.register
def _subtract(layer: Subtract, inputs: Shapes) -> list[Derivation]:
    return [_merged(layer, inputs), no_parameters(), _repeated(layer, inputs, "additions", DIFFERENCES)]


@derivations.register
def _divide(layer: Divide, inputs: Shapes) -> list[Derivation]:
    return [_merged(layer, inputs), no_parameters(), _repeated(layer, inputs, "divisions", QUOTIENTS)]


@derivations.register
def _extreme(layer: Extreme, inputs: Shapes) -> list[Derivation]:
    return [_merged(layer, inputs), no_parameters(), _repeated(layer, inputs, "comparisons", COMPARED)]


@derivations.register
def _concat(layer: Concat, inputs: Shapes) -> list[Derivation]:
    first = inputs[0]
    names = symbols(first)
    joined = names[layer.axis].partition("_")[0]
    sheet = on_shape(first)
    parts = []
    for number, shape in enumerate(inputs, start=1):
        index = f"{layer.axis}{number}" if "_" in names[layer.axis] else str(number)
        parts.append(f"{joined}_{{{index}}}" if len(index) > 1 else f"{joined}_{index}")
        sheet.know(parts[-1], shape[layer.axis], PART.fill(number=number))
    sheet.step(names[layer.axis], " + ".join(parts), JOINED_SIZE)
    sheet.shape(" × ".join(names), texts.THE_SHAPE)
    sheet.note(JOINED, axis=layer.axis)
    return [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters(), no_operations()]


def _matrices(one: Shape, two: Shape) -> tuple[Worksheet, str]:
    sheet = Worksheet()
    stack = prod(one[:-2])
    if len(one) > 2:
        sheet.know("b", stack, STACK)
    sheet.know("n", one[-2], ROWS)
    sheet.know("k", one[-1], INNER)
    sheet.know("m", two[-1], COLUMNS)
    return sheet, "b·n·m" if len(one) > 2 else "n·m"


@derivations.register
def _matmul(_layer: MatMul, inputs: Shapes) -> list[Derivation]:
    one, two = inputs
    sheet = Worksheet()
    stacked = tuple(f"b_{axis}" for axis in range(1, len(one) - 1))
    for name, size in zip(stacked, one, strict=False):
        sheet.know(name, size, STACK)
    sheet.know("n", one[-2], ROWS)
    sheet.know("m", two[-1], COLUMNS)
    sheet.shape(" × ".join((*stacked, "n", "m")), texts.THE_SHAPE)
    worked = [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters()]
    for quantity, factor in (("macs", "k"), ("multiplications", "k"), ("additions", "(k - 1)")):
        sheet, outputs = _matrices(one, two)
        sheet.step("N", outputs, texts.OUTPUTS)
        worked.append(counted(sheet, quantity, f"N·{factor}", INNER_SUM))
    return worked


@derivations.register
def _attention(layer: MultiheadAttention, inputs: Shapes) -> list[Derivation]:
    sheet = Worksheet()
    sheet.know("l", inputs[0][0], QUERIES)
    sheet.know("w", inputs[0][1], WIDTH)
    sheet.shape("l × w", texts.THE_SHAPE)
    sheet.note(ATTENDS)
    return [
        sheet.finish("output_shape", texts.OUTPUT_SHAPE),
        _attention_parameters(layer, inputs[0][1]),
        *_attention_operations(layer, inputs),
    ]


def _attention_parameters(layer: MultiheadAttention, width: int) -> Derivation:
    sheet = Worksheet()
    sheet.know("w", width, WIDTH)
    bias = layer.bias
    sheet.step("A", "3·w·w + 3·w" if bias else "3·w·w", IN_PROJECTION)
    sheet.step("B", "w·w + w" if bias else "w·w", OUT_PROJECTION)
    sheet.step("params", "A + B", TOGETHER)
    return sheet.finish("params", texts.PARAMETERS)


def _attention_operations(layer: MultiheadAttention, inputs: Shapes) -> list[Derivation]:
    def sheet_with() -> Worksheet:
        sheet = Worksheet()
        sheet.know("l", inputs[0][0], QUERIES)
        sheet.know("t", inputs[-1][0], KEYS)
        sheet.know("w", inputs[0][1], WIDTH)
        sheet.know("a", layer.num_heads, HEADS)
        return sheet

    sheet = sheet_with()
    _matrix_products(sheet)
    worked = [counted(sheet, "macs", "P + Q + V", TOGETHER)]

    sheet = sheet_with()
    _matrix_products(sheet)
    sheet.step("S", "a·l·t", SCALED)
    worked.append(counted(sheet, "multiplications", "P + Q + V + S", TOGETHER))

    sheet = sheet_with()
    sheet.step("P", "(2·l + 2·t)·w·" + ("((w - 1) + 1)" if layer.bias else "(w - 1)"), PROJECTIONS)
    sheet.step("Q", "a·l·t·(w / a - 1)", SCORES)
    sheet.step("V", "l·w·(t - 1)", WEIGHTED)
    sheet.step("S", "a·l·t + (a·l·t - a·l)", SOFTMAX)
    worked.append(counted(sheet, "additions", "P + Q + V + S", TOGETHER))

    for quantity, formula, label in (
        ("comparisons", "S - R", SOFTMAX_MAX),
        ("divisions", "S", SOFTMAX_ONE),
        ("exponentials", "S", SOFTMAX_ONE),
    ):
        sheet = sheet_with()
        sheet.step("S", "a·l·t", SCORE_COUNT)
        if quantity == "comparisons":
            sheet.step("R", "a·l", SCORE_ROWS)
        worked.append(counted(sheet, quantity, formula, label))
    return worked


def _matrix_products(sheet: Worksheet) -> None:
    sheet.step("P", "(2·l + 2·t)·w·w", PROJECTIONS)
    sheet.step("Q", "a·l·t·(w / a)", SCORES)
    sheet.step("V", "l·w·t", WEIGHTED)
