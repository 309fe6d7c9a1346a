"""Linear, embedding and scale layers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from ..layers.dense import Embedding, Linear, Scale
from . import texts
from .derivation import Derivation, Text
from .family import (
    Shapes,
    counted,
    derivations,
    no_operations,
    per_element,
    same_shape,
    symbols,
)
from .worksheet import Worksheet

FEATURES = Text("input features", "输入特征数")
UNITS = Text("output units", "输出单元数")
VECTORS = Text("vectors of the sequence", "序列中的向量个数")
WEIGHTS = Text("weights: every unit has one for each input", "权重：每个单元对每个输入各有一个")
BIASES = Text("one bias per unit", "每个单元一个偏置")
TOGETHER = Text("together", "合计")
EVERY_UNIT = Text("units to compute", "需要计算的单元个数")
PER_UNIT = Text("additions per unit: to sum the products{bias}", "每个单元的加法次数：累加各乘积{bias}")
UNIT_BIAS = Text(", and one for the bias", "，再加偏置一次")
NO_BIAS = Text("", "")
DENSE = Text(
    "Every unit sees all {features} inputs, each with its own weight: no weights are shared.",
    "每个单元都看到全部 {features} 个输入，且各用各的权重：没有权重共享。",
)
POOLED = Text(
    "The input has one pixel per channel, so it counts as the vector of its channels.",
    "输入的每个通道只有一个像素，因此视为由各通道组成的向量。",
)
VOCABULARY = Text("rows of the table (vocabulary)", "表的行数（词表大小）")
WIDTH = Text("width of a row", "每行的宽度（嵌入维度）")
LOOKED_UP = Text("Every index is replaced by its row of the table.", "每个编号替换为表中对应的一行。")
TABLE = Text("all rows of the table; there is no bias", "表中全部元素；没有偏置")
LOOKUP = Text("A row is looked up, not computed.", "只是查表取行，不做运算。")
SCALED = Text("one learned factor for each index of axis {axis}", "第 {axis} 轴的每个下标有一个可学习的系数")
FACTOR = Text("multiplication per element", "每个元素的乘法次数")


@derivations.register
def _linear(layer: Linear, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    vector = layer.vector(shape)
    rows = prod(vector[:-1])
    leading = (
        tuple(f"l_{axis}" for axis in range(1, len(vector))) if len(vector) > 2 else ("l",) * (len(vector) - 1)
    )

    def sheet_with() -> Worksheet:
        sheet = Worksheet()
        sheet.know("m", vector[-1], FEATURES)
        sheet.know("n", layer.out_features, UNITS)
        return sheet

    sheet = sheet_with()
    for name, size in zip(leading, vector[:-1], strict=True):
        sheet.know(name, size, VECTORS)
    sheet.shape(" × ".join((*leading, "n")), texts.THE_SHAPE)
    sheet.note(DENSE, features=vector[-1])
    if vector != shape:
        sheet.note(POOLED)
    shown = sheet.finish("output_shape", texts.OUTPUT_SHAPE)

    sheet = sheet_with()
    sheet.step("weights", "m·n", WEIGHTS)
    if layer.bias:
        sheet.step("biases", "n", BIASES)
    sheet.step("params", "weights + biases" if layer.bias else "weights", TOGETHER)
    return [shown, sheet.finish("params", texts.PARAMETERS), *_products(sheet_with, rows, layer.bias)]


def _products(sheet_with: Callable[[], Worksheet], rows: int, bias: bool) -> list[Derivation]:
    worked = []
    for quantity in ("macs", "multiplications", "additions"):
        sheet = sheet_with()
        units = "n"
        if rows > 1:
            sheet.know("L", rows, VECTORS)
            sheet.step("N", "L·n", EVERY_UNIT)
            units = "N"
        if quantity == "additions":
            sheet.step("A", "(m - 1) + 1" if bias else "m - 1", PER_UNIT.fill(bias=UNIT_BIAS if bias else NO_BIAS))
            worked.append(counted(sheet, quantity, f"{units}·A"))
        else:
            worked.append(counted(sheet, quantity, f"{units}·m"))
    return worked


@derivations.register
def _embedding(layer: Embedding, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = Worksheet(dict(zip(symbols(shape), shape, strict=True)))
    sheet.know("e", layer.embedding_dim, WIDTH)
    sheet.shape(" × ".join((*symbols(shape), "e")), texts.THE_SHAPE)
    sheet.note(LOOKED_UP)
    size = sheet.finish("output_shape", texts.OUTPUT_SHAPE)
    sheet = Worksheet()
    sheet.know("v", layer.num_embeddings, VOCABULARY)
    sheet.know("e", layer.embedding_dim, WIDTH)
    sheet.step("params", "v·e", TABLE)
    return [size, sheet.finish("params", texts.PARAMETERS), no_operations(LOOKUP)]


@derivations.register
def _scale(layer: Scale, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = Worksheet()
    sheet.know(symbols(shape)[layer.axis], shape[layer.axis], texts.ELEMENTS)
    sheet.step("params", symbols(shape)[layer.axis], SCALED.fill(axis=layer.axis))
    return [
        same_shape(shape),
        sheet.finish("params", texts.PARAMETERS),
        *per_element(shape, [("multiplications", 1, FACTOR)]),
    ]
