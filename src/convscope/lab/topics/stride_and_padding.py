"""What stride and padding do to the size of the output."""

from __future__ import annotations

import numpy as np

from ...derivations.derivation import Text
from ...layers.convolution import Conv2d
from ..lesson import Block, Cell, Curves, Drawing, Lesson, Section, Steps, Table, Value, Words, same
from ..networks import chain, derived
from ..options import PADDING, STRIDE, Option, integer
from ..stepping import element_steps, window_places
from ..topic import Chapter, Topic
from ..windows import refuse_too_large

MOST_DRAWN = 36
"""Pixels of a line that is drawn."""

MOST_WINDOWS = 8
STRIDES = (1, 2, 3, 4)

TITLE = Text("Stride and padding", "步长与填充")
SIZE = Text("Output size", "输出尺寸")
SIZE_WORDS = Text(
    "{n} pixels, kernel {k}, stride {s}, padding {p}. Rounded down: a window that would extend over the padded "
    "edge "
    "is left out.",
    "{n} 个像素，核大小 {k}，步长 {s}，填充 {p}。向下取整：超出填充边缘的窗口不计。",
)
WINDOWS = Text("The windows along one axis", "一个方向上的各个窗口")
WINDOWS_WORDS = Text(
    "0 is padding, ● is under the window. {unused} pixels at the end are in no window.",
    "0 为填充，● 在窗口之内。末尾有 {unused} 个像素不在任何窗口中。",
)
TABLE = Text("Other strides and paddings", "其他步长与填充")
TABLE_WORDS = Text(
    "A larger stride makes the output smaller, padding makes it larger; “—” where the kernel does not fit.",
    "步长越大输出越小，填充使输出变大；“—”表示卷积核放不下。",
)
SAME = Text("Padding that keeps the size, at stride 1", "步长为 1 时保持尺寸不变的填充")
SAME_WORDS = Text("$p = (k - 1) / 2$, for odd kernels:", "卷积核大小为奇数时，$p = (k - 1) / 2$：")
TENSORFLOW = Text("VALID and SAME, as in TensorFlow", "TensorFlow 的 VALID 与 SAME")
TENSORFLOW_WORDS = Text(
    "SAME pads as much as ⌈n / s⌉ outputs need, the odd pixel at the end; VALID pads nothing.",
    "SAME 填充到恰好得到 ⌈n / s⌉ 个输出，多出的一个像素在末尾；VALID 不填充。",
)
PADDING_COLUMN, OUTPUT = Text("padding", "填充"), Text("output", "输出")
PIXELS = Text("pixels", "像素")
SETTINGS = {**{letter: same(letter) for letter in "nksp"}, "output": OUTPUT}


def _teach(n: int = 7, kernel: int = 3, stride: int = 2, padding: int = 1) -> Lesson:
    refuse_too_large((kernel,), (n,), padding)
    network = chain((1, n, n), ("conv", _layer(kernel, stride, padding)))
    fits = network["conv"].output_shape[1]
    unused = n + 2 * padding - ((fits - 1) * stride + kernel)
    windows: list[Block] = [
        Words(WINDOWS_WORDS.fill(unused=max(0, unused - padding))),
        Drawing(same(_drawn(n, kernel, stride, padding, fits))),
        *_steps(n, kernel, stride, padding, fits),
    ]
    drawn = n + 2 * padding <= MOST_DRAWN
    return Lesson(
        "stride-and-padding",
        TITLE,
        (
            Section(
                SIZE,
                (
                    Words(SIZE_WORDS.fill(n=n, k=kernel, s=stride, p=padding)),
                    *derived(network, "conv", "output_shape"),
                    Table("size", SETTINGS, ((n, kernel, stride, padding, fits),)),
                ),
            ),
            *((Section(WINDOWS, tuple(windows)),) if drawn else ()),
            Section(TABLE, (Words(TABLE_WORDS), _sizes(n, kernel), _bars(n, kernel))),
            Section(SAME, (Words(SAME_WORDS), _same(n))),
            Section(TENSORFLOW, (Words(TENSORFLOW_WORDS), _tensorflow(n, kernel))),
        ),
        network,
    )


def _layer(kernel: int, stride: int, padding: int) -> Conv2d:  # type: ignore[valid-type]  # made by `by_rank`
    return Conv2d(1, (kernel, kernel), stride=(stride, stride), padding=((padding, padding), (padding, padding)))


def _output(n: int, kernel: int, stride: int, padding: int) -> int | None:
    if kernel > n + 2 * padding:
        return None
    size: int = _layer(kernel, stride, padding).output_shape((1, n, n))[1]  # type: ignore[attr-defined]
    return size


def _drawn(n: int, kernel: int, stride: int, padding: int, fits: int) -> str:
    """Draw the padded line of pixels, and each window over it."""
    line = ["0"] * padding + ["·"] * n + ["0"] * padding
    lines = [" ".join(line)]
    for place in range(min(fits, MOST_WINDOWS)):
        under = range(place * stride, place * stride + kernel)
        lines.append(" ".join("●" if at in under else " " for at in range(len(line))).rstrip() + f"   → {place}")
    return "\n".join([*lines, "…"] if fits > MOST_WINDOWS else lines)


def _steps(n: int, kernel: int, stride: int, padding: int, fits: int) -> tuple[Steps, ...]:
    """Return a step per window over the line of pixels, which are numbered from 1; padding is 0."""
    line = np.pad(np.arange(1.0, n + 1), padding)
    output = np.arange(fits, dtype=float)
    windows = [window_places((place,), (kernel,), stride) for place in range(fits)]
    lines = [f"start = {place}·{stride} − {padding} = {place * stride - padding}" for place in range(fits)]
    lit = [{"pixels": window, "windows": ((place,),)} for place, window in enumerate(windows)]
    parts = (Value("pixels", line, PIXELS), "→", Value("windows", output, OUTPUT))
    return element_steps("steps", parts, lit, lines, {"pixels": (padding,)})


def _sizes(n: int, kernel: int) -> Table:
    columns = {"padding": PADDING_COLUMN, **{f"stride_{s}": Text(f"stride {s}", f"步长 {s}") for s in STRIDES}}
    paddings = range(kernel // 2 + 2)
    rows: list[tuple[Cell, ...]] = []
    for p in paddings:
        sizes = [_output(n, kernel, s, p) for s in STRIDES]
        rows.append((p, *("—" if size is None else size for size in sizes)))
    return Table("sizes", columns, tuple(rows))


def _bars(n: int, kernel: int) -> Curves:
    """Return the output sizes by stride, with and without padding."""
    names = tuple(Text(f"stride {s}", f"步长 {s}") for s in STRIDES)
    paddings = [p for p in (0, kernel // 2) if kernel <= n + 2 * p]
    series = {f"p = {p}": np.array([_output(n, kernel, s, p) for s in STRIDES], float) for p in paddings}
    return Curves("bars", OUTPUT, Text("", ""), names, series)


def _same(n: int) -> Table:
    columns = {"kernel": Text("kernel", "核大小"), "padding": PADDING_COLUMN, "output": OUTPUT}
    rows = tuple((k, (k - 1) // 2, _output(n, k, 1, (k - 1) // 2) or "—") for k in (3, 5, 7))
    return Table("same", columns, rows)


def _tensorflow(n: int, kernel: int) -> Table:
    columns = {
        "stride": Text("stride", "步长"),
        "valid": same("VALID"),
        "same": same("SAME"),
        "before": Text("padding before", "前侧填充"),
        "after": Text("padding after", "后侧填充"),
    }
    rows: list[tuple[Cell, ...]] = []
    for s in STRIDES:
        size = -(-n // s)
        total = max(0, (size - 1) * s + kernel - n)
        valid = _output(n, kernel, s, 0)
        rows.append((s, "—" if valid is None else valid, size, total // 2, total - total // 2))
    return Table("tensorflow", columns, tuple(rows))


TOPIC = Topic(
    "stride-and-padding",
    Chapter.CONVOLUTION,
    Text("what each does to the size of the output", "步长与填充如何决定输出尺寸"),
    _teach,
    (
        Option("n", "--size", "PIXELS", "Side of the input.", integer(1)),
        Option("kernel", "--kernel-size", "PIXELS", "Side of the kernel.", integer(1)),
        STRIDE,
        PADDING,
    ),
    "stride-and-padding --size 100 --kernel-size 3 --stride 2 --padding 1",
)
