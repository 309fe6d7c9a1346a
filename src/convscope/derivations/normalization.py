"""Normalization: statistics, scale and shift."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from ..layers.connection import Shape
from ..layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from . import texts
from .derivation import Derivation, Text
from .family import (
    Shapes,
    counted,
    derivations,
    no_parameters,
    on_shape,
    per_element,
    product,
    same_shape,
    symbols,
)

SCALE_SHIFT = Text("a scale and a shift for each of them", "每个各有一个缩放系数和一个平移量")
UNITS = Text("indices that have their own scale and shift", "各自拥有缩放与平移的下标个数")
FOLDED_SCALE = Text("multiplication per element", "每个元素的乘法次数")
FOLDED_SHIFT = Text("addition per element", "每个元素的加法次数")
RUNNING = Text(
    "At inference mean and deviation are constants, merged with scale and shift into one factor and one "
    "addition: $y = a·x + b$.",
    "推理时均值与标准差是固定的数，与缩放、平移合并为一次乘法和一次加法：$y = a·x + b$。",
)
BUFFERS = Text(
    "The running mean and variance ({count} values) are stored but not learned, so they are not counted.",
    "滑动均值与方差（共 {count} 个数）会保存但不参与学习，因此不计入参数量。",
)
SETS = Text("sets that are normalized, each with its own mean and variance", "各自求均值与方差的归一化集合个数")
SQUARE_SCALE = Text("per element: square, times 1/deviation{affine}", "每个元素：平方、乘以标准差的倒数{affine}")
TIMES_SCALE = Text(", times scale", "、乘以缩放系数")
SUMS = Text(
    "sum for the mean, minus the mean, sum of the squares, plus $ε${affine}",
    "求均值的累加、减均值、平方和的累加、加 $ε${affine}",
)
PLUS_SHIFT = Text(", plus shift", "、加平移量")
NO_AFFINE = Text("", "")
STATISTICS = Text("per set: mean, variance, square root, reciprocal", "每个集合：均值、方差、开方、求倒数各一次")
WITHIN = Text(
    "Each of the {sets} sets has {size} elements. Mean and "
    "variance see all of them, so an output depends on its "
    "whole set.",
    "共 {sets} 个集合，每个集合 {size} 个元素；均值与方差用到其中全部元素，因此每个输出依赖整个集合。",
)
NEIGHBORS = Text("neighboring channels", "相邻通道数")
SQUARE_AND_SCALE = Text(
    "per element: the square, and the sum times $α / n$", "每个元素：平方，以及总和乘以 $α / n$"
)
WINDOW_SUM = Text(
    "per element: $n - 1$ to add $n$ squares up, and one for the offset",
    "每个元素：累加 $n$ 个平方需 $n - 1$ 次，加常数一次",
)
ONE_POWER = Text("per element: the power $β$", "每个元素：一次 $β$ 次幂")
ONE_DIVISION = Text("per element: the division", "每个元素：一次除法")
LRN = Text(
    "$y = x / (k + α / n·S)^β$, where $S$ is the sum of the squares of $n$ neighboring channels.",
    "$y = x / (k + α / n·S)^β$，其中 $S$ 是相邻 $n$ 个通道的平方和。",
)


def _affine(names: tuple[str, ...], shape: Shape, affine: bool) -> Derivation:
    if not affine:
        return no_parameters()
    sheet = on_shape(shape, names)
    sheet.step("u", product(names), UNITS)
    sheet.step("params", "2·u", SCALE_SHIFT)
    return sheet.finish("params", texts.PARAMETERS)


def _statistics(shape: Shape, sets: int, affine: bool) -> list[Derivation]:
    """Derive mean, variance, normalization and the affine map of `sets` sets."""
    worked = []
    scale, shift = (TIMES_SCALE, PLUS_SHIFT) if affine else (NO_AFFINE, NO_AFFINE)
    for quantity, formula, label in (
        ("multiplications", "3·N" if affine else "2·N", SQUARE_SCALE.fill(affine=scale)),
        ("additions", "(N - m) + N + (N - m) + m" + (" + N" if affine else ""), SUMS.fill(affine=shift)),
        ("divisions", "4·m", STATISTICS),
    ):
        sheet = on_shape(shape)
        sheet.know("m", sets, SETS)
        sheet.step("N", product(symbols(shape)), texts.ELEMENTS)
        worked.append(counted(sheet, quantity, formula, label))
    return worked


def _normalized(shape: Shape, sets: int, affine: bool, parameters: Derivation) -> list[Derivation]:
    sheet = on_shape(shape)
    sheet.shape(" × ".join(symbols(shape)))
    sheet.note(texts.SAME_SHAPE)
    sheet.note(WITHIN, sets=sets, size=prod(shape) // sets)
    return [sheet.finish("output_shape", texts.OUTPUT_SHAPE), parameters, *_statistics(shape, sets, affine)]


@derivations.register
def _batch(layer: BatchNorm, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    parameters = _affine(symbols(shape)[:1], shape[:1], layer.affine)
    buffered = BUFFERS.fill(count=2 * shape[0])
    parameters = replace(parameters, notes=(*parameters.notes, buffered))
    return [
        same_shape(shape, RUNNING),
        parameters,
        *per_element(shape, [("multiplications", 1, FOLDED_SCALE), ("additions", 1, FOLDED_SHIFT)]),
    ]


@derivations.register
def _group(layer: GroupNorm, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    parameters = _affine(symbols(shape)[:1], shape[:1], layer.affine)
    return _normalized(shape, layer.num_groups, layer.affine, parameters)


@derivations.register
def _instance(layer: InstanceNorm, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    parameters = _affine(symbols(shape)[:1], shape[:1], layer.affine)
    return _normalized(shape, shape[0], layer.affine, parameters)


@derivations.register
def _layer(layer: LayerNorm, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    axes = layer.normalized(shape)
    names = tuple(symbols(shape)[axis] for axis in axes)
    sets = prod(size for axis, size in enumerate(shape) if axis not in axes)
    parameters = _affine(names, tuple(shape[axis] for axis in axes), layer.affine)
    return _normalized(shape, sets, layer.affine, parameters)


@derivations.register
def _local_response(layer: LocalResponseNorm, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    worked = [same_shape(shape, LRN), no_parameters()]
    for quantity, formula, label in (
        ("multiplications", "2·N", SQUARE_AND_SCALE),
        ("additions", "N·((n - 1) + 1)", WINDOW_SUM),
        ("divisions", "N", ONE_DIVISION),
        ("exponentials", "N", ONE_POWER),
    ):
        names = symbols(shape) if len(shape) > 1 else ("c",)
        sheet = on_shape(shape, names)
        if quantity == "additions":
            sheet.know("n", layer.size, NEIGHBORS)
        sheet.step("N", product(names), texts.ELEMENTS)
        worked.append(counted(sheet, quantity, formula, label))
    return worked
