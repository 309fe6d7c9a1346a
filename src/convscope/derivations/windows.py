"""Output sizes of sliding windows: explicit padding, SAME, VALID, ceil_mode, transposed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ..axis import TransposedWindow, Window
from . import texts
from .axes import AxisGroup
from .derivation import Text
from .worksheet import Worksheet

KERNEL = Text("kernel size", "卷积核（窗口）大小")
STRIDE = Text("stride", "步长")
PADDING = Text("padding on each side", "每侧填充")
BEFORE = Text("padding before", "前侧填充")
AFTER = Text("padding after", "后侧填充")
DILATION = Text("dilation", "空洞率")
OUTPUT_PADDING = Text("output padding", "输出填充")

REACH = Text("pixels that the dilated kernel spans", "空洞卷积核的等效大小")
FORWARD = "Dumoulin & Visin 2016, (6)"
DILATED = "Dumoulin & Visin 2016, (15)"
TRANSPOSED = "Dumoulin & Visin 2016, (14)"
TENSORFLOW = "TensorFlow tf.nn"
PYTORCH = "PyTorch MaxPool2d"

SAME_SIZE = Text(
    "SAME: one output per stride, the last one may be partial", "SAME：每个步长对应一个输出，不足一步也算"
)
SAME_TOTAL = Text("total padding that this needs, both sides", "为此所需的两侧填充总量")
SAME_BEFORE = Text("half of it before", "前侧取一半")
SAME_AFTER = Text("the rest after: an odd pixel goes to the end", "其余放在后侧：多出的一个像素补在末尾")
SAME_CHECK = Text("check with the general formula", "用通用公式核对")
VALID_FORM = Text("the same in TensorFlow's VALID form", "TensorFlow 的 VALID 写法，结果相同")
CEILED = Text("windows; the last one may extend past the edge", "窗口个数（向上取整，最后一个窗口可越过边界）")
LAST_START = Text("where the last window starts", "最后一个窗口的起点")
DROPPED = Text(
    "it would start at or beyond ${edge}$, in the padding after the input: PyTorch drops it",
    "起点不小于 ${edge}$，即落在后侧填充之内：PyTorch 舍去该窗口",
)
KEPT = Text("it starts before ${edge}$, so it is kept", "起点小于 ${edge}$，保留该窗口")

STRIDED = Text(
    "Effect of the stride{where}: of the {all} positions where the window fits, one in {stride} is computed: "
    "the size shrinks to about 1/{stride}.",
    "步长的作用{where}：窗口可放的位置共 {all} 个，每 {stride} 个只计算一个，尺寸约缩小为原来的 1/{stride}。",
)
UNSTRIDED = Text(
    "Effect of the stride{where}: with stride 1 the window stops at every position where it fits.",
    "步长的作用{where}：步长为 1，窗口在每个可放的位置都停留一次。",
)
PADDED = Text(
    "Effect of the padding{where}: it makes the axis longer by {pad}; "
    "without it the size would be {bare}, not {size}.",
    "填充的作用{where}：该方向共增加 {pad} 个像素；若不填充，尺寸将是 {bare} 而不是 {size}。",
)
UNPADDED = Text(
    "Effect of the padding{where}: there is none; the window stays inside, "
    "which leaves {places} positions for it on {size} pixels.",
    "填充的作用{where}：未填充，窗口不越界，{size} 个像素上只有 {places} 个可放的位置。",
)
TOO_SMALL = Text(
    "Effect of the padding{where}: it makes the axis longer by {pad}; without it the window would not fit.",
    "填充的作用{where}：该方向共增加 {pad} 个像素；若不填充，窗口根本放不下。",
)


def forward_sizes(
    sheet: Worksheet, sizes: Sequence[int], windows: Sequence[Window], grouped: Sequence[AxisGroup], same: bool
) -> None:
    """Derive the output size of a sliding window along every axis."""
    for group in grouped:
        n, window = sizes[group.first], windows[group.first]
        sheet.know(group.input, n, texts.SIZE_OF.fill(axes=group.title))
        _settings(sheet, window, group, same)
        kernel = _reach(sheet, window, group)
        if same:
            _same(sheet, group, kernel)
        elif window.ceil:
            _ceiled(sheet, n, window, group, kernel)
        else:
            sheet.step(
                group.output,
                _floored(window, group, kernel),
                group.title,
                DILATED if window.dilation > 1 else FORWARD,
            )
            if window.before == window.after == 0:
                form = f"⌈({group.letter} - {kernel} + 1) / {group.sign('s')}⌉"
                sheet.step(group.output, form, VALID_FORM, TENSORFLOW)
        _roles(sheet, n, window, group, len(grouped) > 1)


def _settings(sheet: Worksheet, window: Window, group: AxisGroup, same: bool) -> None:
    sheet.know(group.sign("k"), window.size, KERNEL)
    sheet.know(group.sign("s"), window.stride, STRIDE)
    if not same:
        _know_padding(sheet, window, group)
    if window.dilation > 1:
        sheet.know(group.sign("d"), window.dilation, DILATION)


def _know_padding(sheet: Worksheet, window: Window | TransposedWindow, group: AxisGroup) -> None:
    if window.before == window.after:
        sheet.know(group.sign("p"), window.before, PADDING)
    else:
        sheet.know(group.sign("p", "1"), window.before, BEFORE)
        sheet.know(group.sign("p", "2"), window.after, AFTER)


def _padding(window: Window | TransposedWindow, group: AxisGroup, sign: str) -> str:
    if window.before == window.after:
        return f"{sign} 2·{group.sign('p')}"
    return f"{sign} {group.sign('p', '1')} {sign} {group.sign('p', '2')}"


def _reach(sheet: Worksheet, window: Window | TransposedWindow, group: AxisGroup) -> str:
    """Return the symbol of the kernel's reach, after the step that finds it where it is dilated."""
    if window.dilation == 1:
        return group.sign("k")
    sheet.step(group.sign("K"), f"{group.sign('d')}·({group.sign('k')} - 1) + 1", REACH, DILATED)
    return group.sign("K")


def _floored(window: Window, group: AxisGroup, kernel: str) -> str:
    return f"⌊({group.letter} {_padding(window, group, '+')} - {kernel}) / {group.sign('s')}⌋ + 1"


def _same(sheet: Worksheet, group: AxisGroup, kernel: str) -> None:
    total, stride, out = group.sign("p"), group.sign("s"), group.out_letter
    before, after = group.sign("p", "1"), group.sign("p", "2")
    sheet.step(group.output, f"⌈{group.letter} / {stride}⌉", SAME_SIZE, TENSORFLOW)
    sheet.step(total, f"max(({out} - 1)·{stride} + {kernel} - {group.letter}, 0)", SAME_TOTAL, TENSORFLOW)
    sheet.step(before, f"⌊{total} / 2⌋", SAME_BEFORE)
    sheet.step(after, f"{total} - {before}", SAME_AFTER)
    sheet.step(
        group.output, f"⌊({group.letter} + {before} + {after} - {kernel}) / {stride}⌋ + 1", SAME_CHECK, FORWARD
    )


def _ceiled(sheet: Worksheet, n: int, window: Window, group: AxisGroup, kernel: str) -> None:
    stride = group.sign("s")
    count, start = group.sign("m"), group.sign("x")
    padded = f"{group.letter} {_padding(window, group, '+')} - {kernel}"
    windows = cast(int, sheet.step(count, f"⌈({padded}) / {stride}⌉ + 1", CEILED, PYTORCH))
    sheet.step(start, f"({count} - 1)·{stride}", LAST_START)
    edge = f"{group.letter} + {group.sign('p', '' if window.before == window.after else '1')}"
    if (windows - 1) * window.stride >= n + window.before:
        sheet.step(group.output, f"{count} - 1", DROPPED.fill(edge=f"{edge}"), PYTORCH)
    else:
        sheet.step(group.output, count, KEPT.fill(edge=f"{edge}"), PYTORCH)


def _where(group: AxisGroup, several: bool) -> Text:
    return Text(f" ({group.title.en})", f"（{group.title.zh}）") if several else Text("", "")


def _roles(sheet: Worksheet, n: int, window: Window, group: AxisGroup, several: bool) -> None:
    """Explain the effect of stride and padding on the size."""
    where = _where(group, several)
    every = n + window.before + window.after - window.reach + 1
    if window.stride > 1:
        sheet.note(STRIDED, where=where, all=every, stride=window.stride)
    else:
        sheet.note(UNSTRIDED, where=where)
    pad = window.before + window.after
    size = window.positions(n)
    if pad > 0 and n >= window.reach:
        bare = Window(window.size, window.stride, 0, 0, window.dilation, window.ceil).positions(n)
        sheet.note(PADDED, where=where, pad=pad, bare=bare, size=size)
    elif pad > 0:
        sheet.note(TOO_SMALL, where=where, pad=pad)
    elif pad == 0 and window.reach > 1:
        sheet.note(UNPADDED, where=where, places=n - window.reach + 1, size=n)


TRANSPOSED_SAME = Text("SAME: crop what the kernel reaches beyond the stride", "SAME：裁去卷积核超出步长的部分")
TRANSPOSED_EXTRA = Text("or lengthen the end where it reaches less", "卷积核小于步长时则在末尾补齐")
SPREAD = Text(
    "Effect of stride and padding{where}: here the stride moves the windows {stride} pixels apart in the "
    "output, so "
    "that the size grows with it; padding crops the output instead of lengthening the input.",
    "步长与填充的作用{where}：此处步长使各窗口在输出上彼此错开 {stride} 个像素，尺寸随之扩大；"
    "填充则是裁剪输出，而不是扩展输入。",
)


def transposed_sizes(
    sheet: Worksheet,
    sizes: Sequence[int],
    windows: Sequence[TransposedWindow],
    grouped: Sequence[AxisGroup],
    output_padding: Sequence[int],
    same: bool,
) -> None:
    """Derive the output size of a transposed convolution along every axis."""
    for group in grouped:
        window = windows[group.first]
        n, k, s, e = group.letter, group.sign("k"), group.sign("s"), group.sign("e")
        sheet.know(group.input, sizes[group.first], texts.SIZE_OF.fill(axes=group.title))
        sheet.know(k, window.size, KERNEL)
        sheet.know(s, window.stride, STRIDE)
        if window.dilation > 1:
            sheet.know(group.sign("d"), window.dilation, DILATION)
        sheet.know(e, output_padding[group.first], OUTPUT_PADDING)
        if not same:
            _know_padding(sheet, window, group)
        reach = _reach(sheet, window, group)
        cut = _padding(window, group, "-")
        if same:
            cut = f"- {group.sign('p')}"
            sheet.step(group.sign("p"), f"max({reach} - {s}, 0)", TRANSPOSED_SAME)
            sheet.step(group.sign("e"), f"{e} + max({s} - {reach}, 0)", TRANSPOSED_EXTRA)
        sheet.step(group.output, f"({n} - 1)·{s} {cut} + {reach} + {e}", group.title, TRANSPOSED)
        sheet.note(SPREAD, where=_where(group, len(grouped) > 1), stride=window.stride)
