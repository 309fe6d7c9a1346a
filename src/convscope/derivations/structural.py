"""Structural layer derivations, and the memory of an output."""

from __future__ import annotations

from ..layers.connection import Shape
from ..layers.structural import Dropout, Identity, Input, Opaque, Parameter
from . import texts
from .derivation import Derivation, Text
from .family import Shapes, derivations, no_operations, no_parameters, on_shape, product, same_shape, symbols

ELEMENT_BYTES = 4
"""Activations are float32."""


def memory(shape: Shape, view: bool) -> Derivation:
    """Derive the bytes of an output."""
    sheet = on_shape(shape)
    sheet.know("B", ELEMENT_BYTES, texts.FLOAT32)
    sheet.step("N", product(symbols(shape)), texts.OUTPUTS)
    sheet.step("bytes", "N·B")
    if view:
        sheet.note(texts.SHARED_MEMORY)
    return sheet.finish("activation_bytes", texts.MEMORY)


GIVEN = Text("The shape of one image is given.", "单张图像的形状是给定的。")
UNCHANGED = Text("The input goes through unchanged.", "输入原样通过。")
DROPPED = Text(
    "In training each element becomes 0 with probability {p}, "
    "and the others are scaled by 1/(1 − p); at inference "
    "nothing happens. The shape does not change.",
    "训练时每个元素以概率 {p} 置零，其余元素乘以 1/(1 − p)；推理时不起作用。形状不变。",
)
INFERENCE = Text("At inference there is nothing to compute.", "推理时无需任何运算。")
ARRAY = Text(
    "An array that belongs to the network: it is the same for every image.",
    "网络自带的数组，对每张图像都相同：不依赖图像。",
)
LEARNED = Text("all elements are learned", "所有元素都可学习")
UNKNOWN_SHAPE = Text(
    "The operator {operator} is not supported; its output shape is taken from the model.",
    "不支持算子 {operator}；其输出形状取自模型。",
)
UNKNOWN = Text(
    "The operator {operator} is not supported, so this count is unknown. It is not zero.",
    "不支持算子 {operator}，因此该数未知，但并不是零。",
)


@derivations.register
def _input(layer: Input, _inputs: Shapes) -> list[Derivation]:
    return [same_shape(layer.shape, GIVEN), no_parameters(), no_operations()]


@derivations.register
def _identity(_layer: Identity, inputs: Shapes) -> list[Derivation]:
    return [same_shape(inputs[0], UNCHANGED), no_parameters(), no_operations()]


@derivations.register
def _dropout(layer: Dropout, inputs: Shapes) -> list[Derivation]:
    return [same_shape(inputs[0], DROPPED.fill(p=f"{layer.p:g}")), no_parameters(), no_operations(INFERENCE)]


@derivations.register
def _parameter(layer: Parameter, _inputs: Shapes) -> list[Derivation]:
    params = no_parameters()
    if layer.learned:
        sheet = on_shape(layer.shape)
        sheet.step("params", product(symbols(layer.shape)), LEARNED)
        params = sheet.finish("params", texts.PARAMETERS)
    return [same_shape(layer.shape, ARRAY), params, no_operations()]


@derivations.register
def _opaque(layer: Opaque, _inputs: Shapes) -> list[Derivation]:
    sheet = on_shape(layer.shape)
    sheet.shape(" × ".join(symbols(layer.shape)))
    sheet.note(UNKNOWN_SHAPE, operator=layer.operator)
    unknown = (UNKNOWN.fill(operator=layer.operator),)
    return [
        sheet.finish("output_shape", texts.OUTPUT_SHAPE),
        Derivation("params", texts.PARAMETERS, (), unknown),
        Derivation("operations", texts.OPERATIONS, (), unknown),
    ]
