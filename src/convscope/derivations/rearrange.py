"""Derivations of layers that move elements."""

from __future__ import annotations

from math import prod

from ..layers.base import show_shape
from ..layers.rearrange import ChannelShuffle, Crop, Flatten, Pad, Permute, PixelShuffle, Reshape, Slice
from . import texts
from .axes import groups, input_letters, output_letters
from .derivation import Derivation, Text
from .family import Shapes, derivations, no_operations, no_parameters, on_shape, product, same_shape, symbols
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
