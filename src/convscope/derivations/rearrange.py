"""Derivations of layers that move, select or resize elements."""

from __future__ import annotations

from math import prod

from ..layers.base import show_shape
from ..layers.indexing import Expand, IndexSelect, Roll
from ..layers.rearrange import ChannelShuffle, Crop, Flatten, Pad, Permute, PixelShuffle, Reshape, Slice
from ..layers.resize import Upsample
from . import texts
from .axes import groups, input_letters, output_letters
from .derivation import Derivation, Text
from .family import (
    Shapes,
    counted,
    derivations,
    no_operations,
    no_parameters,
    on_shape,
    product,
    same_shape,
    symbols,
)
from .worksheet import Worksheet

FLAT = Text("All axes become one, row by row.", "所有轴按行依次展成一维。")
ELEMENTS = Text("elements, which a reshape keeps", "元素个数，变形前后不变")
FOUND = Text("the size inferred for -1", "由 -1 留待求出的大小")
SAME_ELEMENTS = Text("The {elements} elements keep their row-major order.", "{elements} 个元素保持行优先的顺序。")
ORDER = Text("The axes of {shape} in the order {order}.", "将 {shape} 的各轴按顺序 {order} 重排。")
BEFORE = Text("added before ({axes})", "前侧增加（{axes}）")
AFTER = Text("added after ({axes})", "后侧增加（{axes}）")
CUT_BEFORE = Text("cropped before ({axes})", "前侧裁去（{axes}）")
CUT_AFTER = Text("cropped after ({axes})", "后侧裁去（{axes}）")
START = Text("first index", "起始下标")
STOP = Text("index after the last", "终止下标（不含）")
STEP = Text("step", "间隔")
KEPT = Text("indices kept", "保留的下标个数")
FACTOR = Text("upscale factor", "放大倍数")
SHUFFLED = Text(
    "Every $r·r$ channels become one channel with $r$ times as many rows and columns.",
    "每 $r·r$ 个通道合成一个通道，其行、列各细化为 $r$ 倍。",
)
DEALT = Text(
    "The channels of {groups} groups are interleaved, one from each group in turn; the shape does not change.",
    "{groups} 组通道像发牌一样轮流取出、交错排列；形状不变。",
)


@derivations.register
def _flatten(_layer: Flatten, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = on_shape(shape)
    for name, size in zip(symbols(shape), shape, strict=True):
        sheet.know(name, size, texts.RANGE)
    sheet.shape(product(symbols(shape)), texts.THE_SHAPE)
    sheet.note(FLAT)
    return _moved(sheet)


def _moved(sheet: Worksheet) -> list[Derivation]:
    return [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters(), no_operations()]


@derivations.register
def _reshape(layer: Reshape, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = on_shape(shape)
    sheet.step("N", product(symbols(shape)), ELEMENTS)
    known = [size for size in layer.shape if size != -1]
    if -1 in layer.shape:
        sheet.step("m", f"N / ({product(map(str, known))})", FOUND)
    sheet.shape(" × ".join("m" if size == -1 else str(size) for size in layer.shape), texts.THE_SHAPE)
    sheet.note(SAME_ELEMENTS, elements=prod(shape))
    return _moved(sheet)


@derivations.register
def _permute(layer: Permute, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = on_shape(shape)
    sheet.shape(" × ".join(symbols(shape)[axis] for axis in layer.order), texts.THE_SHAPE)
    sheet.note(ORDER, shape=show_shape(shape), order=", ".join(map(str, layer.order)))
    return _moved(sheet)


@derivations.register
def _pad(layer: Pad, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    pairs = [(window.before, window.after) for window in layer.windows(shape)]
    return _edges(shape, pairs, "+", BEFORE, AFTER)


@derivations.register
def _crop(layer: Crop, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    pairs = [(-window.before, -window.after) for window in layer.as_pad(shape).windows(shape)]
    return _edges(shape, pairs, "-", CUT_BEFORE, CUT_AFTER)


def _edges(
    shape: tuple[int, ...], pairs: list[tuple[int, int]], sign: str, before: Text, after: Text
) -> list[Derivation]:
    sheet = Worksheet()
    sheet.know("c", shape[0], texts.CHANNELS)
    for group in groups(list(zip(shape[1:], pairs, strict=True))):
        sheet.know(group.input, shape[1:][group.first], texts.SIZE_OF.fill(axes=group.title))
        one, two = group.sign("p", "1"), group.sign("p", "2")
        sheet.know(one, pairs[group.first][0], before.fill(axes=group.title))
        sheet.know(two, pairs[group.first][1], after.fill(axes=group.title))
        sheet.step(group.output, f"{group.letter} {sign} {one} {sign} {two}", group.title)
    sheet.shape(" × ".join(("c", *output_letters(len(pairs)))), texts.THE_SHAPE)
    return _moved(sheet)


@derivations.register
def _slice(layer: Slice, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = on_shape(shape)
    sheet.know("a", layer.start, START)
    sheet.know("b", shape[layer.axis] if layer.stop is None else layer.stop, STOP)
    sheet.know("t", layer.step, STEP)
    sheet.step("m", "⌈(b - a) / t⌉", KEPT)
    names = list(symbols(shape))
    names[layer.axis] = "m"
    sheet.shape(" × ".join(names), texts.THE_SHAPE)
    return _moved(sheet)


@derivations.register
def _pixel_shuffle(layer: PixelShuffle, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = on_shape(shape)
    for name, size in zip(("c", *input_letters(2)), shape, strict=True):
        sheet.know(name, size, texts.RANGE)
    sheet.know("r", layer.upscale_factor, FACTOR)
    sheet.shape("c / (r·r) × h·r × w·r", texts.THE_SHAPE)
    sheet.note(SHUFFLED)
    return _moved(sheet)


@derivations.register
def _channel_shuffle(layer: ChannelShuffle, inputs: Shapes) -> list[Derivation]:
    return [same_shape(inputs[0], DEALT.fill(groups=layer.groups)), no_parameters(), no_operations()]


LISTED = Text("indices in the list", "列表中的下标个数")
PICKED = Text(
    "The indices of axis {axis} are picked by a fixed list, in its order.",
    "第 {axis} 轴按固定的下标列表依次取出。",
)
ROLLED = Text(
    "Axes {axes} are shifted by {shifts}; what leaves at one end comes in at the other. The shape does "
    "not change.",
    "第 {axes} 轴平移 {shifts}，从一端移出的元素由另一端移入；形状不变。",
)
REPEATED = Text("The axes of size 1 of {shape} are repeated.", "{shape} 中大小为 1 的轴被重复。")
NEW_SIZE = Text("size along axis {axis}", "第 {axis} 轴的大小")


@derivations.register
def _index_select(layer: IndexSelect, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = on_shape(shape)
    sheet.know("m", layer.size, LISTED)
    names = list(symbols(shape))
    names[layer.axis] = "m"
    sheet.shape(" × ".join(names), texts.THE_SHAPE)
    sheet.note(PICKED, axis=layer.axis)
    return [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters(), no_operations()]


@derivations.register
def _roll(layer: Roll, inputs: Shapes) -> list[Derivation]:
    axes, shifts = (", ".join(map(str, numbers)) for numbers in (layer.axes, layer.shifts))
    return [same_shape(inputs[0], ROLLED.fill(axes=axes, shifts=shifts)), no_parameters(), no_operations()]


@derivations.register
def _expand(layer: Expand, inputs: Shapes) -> list[Derivation]:
    sheet = Worksheet()
    names = tuple(f"m_{axis}" for axis in range(1, len(layer.shape) + 1))
    for axis, (name, size) in enumerate(zip(names, layer.shape, strict=True)):
        sheet.know(name, size, NEW_SIZE.fill(axis=axis))
    sheet.shape(" × ".join(names), texts.THE_SHAPE)
    sheet.note(REPEATED, shape=show_shape(inputs[0]))
    return [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters(), no_operations()]


SCALE_FACTOR = Text("scale factor", "放大倍数")
ASKED = Text("size asked for ({axes})", "指定的尺寸（{axes}）")
NEIGHBORS = Text("neighbors blended along one axis ({mode})", "单个方向上参与插值的邻点数（{mode}）")
MODES = {
    "nearest": Text("nearest", "最近邻"),
    "linear": Text("linear", "线性"),
    "cubic": Text("cubic", "三次"),
}
BLENDED = Text("neighbors of one output pixel", "一个输出像素的邻点数")
COPIED = Text("Nearest-neighbor resizing copies pixels; it computes nothing.", "最近邻缩放只复制像素，不做运算。")
WEIGHTED = Text("one product per neighbor", "每个邻点一次乘法")
ADDED = Text("one addition fewer than neighbors", "加法次数比邻点数少一")


@derivations.register
def _upsample(layer: Upsample, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    resizes = layer.resizes(shape)
    rank = len(resizes)
    sheet = Worksheet()
    sheet.know("c", shape[0], texts.CHANNELS)
    grouped = groups([(resize.n, resize.size) for resize in resizes])
    for group in grouped:
        resize = resizes[group.first]
        sheet.know(group.input, resize.n, texts.SIZE_OF.fill(axes=group.title))
        if layer.size is not None:
            sheet.know(group.sign("m"), resize.size, ASKED.fill(axes=group.title))
            sheet.step(group.output, group.sign("m"), group.title)
        else:
            sheet.know(group.sign("f"), resize.size // resize.n, SCALE_FACTOR)
            sheet.step(group.output, f"{group.letter}·{group.sign('f')}", group.title)
    names = ("c", *output_letters(rank))
    sheet.shape(" × ".join(names), texts.THE_SHAPE)
    worked = [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters()]
    if layer.mode == "nearest":
        return [*worked, no_operations(COPIED)]
    for quantity, formula, label in (("multiplications", "N·B", WEIGHTED), ("additions", "N·(B - 1)", ADDED)):
        sheet = on_shape((shape[0], *(resize.size for resize in resizes)), names)
        sheet.know("t", resizes[0].support, NEIGHBORS.fill(mode=MODES[layer.mode]))
        sheet.step("N", product(names), texts.OUTPUTS)
        sheet.step("B", f"t^{rank}", BLENDED)
        worked.append(counted(sheet, quantity, formula, label))
    return worked
