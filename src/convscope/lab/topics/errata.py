"""Mistakes that tutorials make: the wrong and the right computation of the same number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from ...derivations.derivation import Text
from ...engines.reference.layers import activation as _activation  # noqa: F401 - registers the answers
from ...engines.reference.layers import pooling as _pooling  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Context, forward
from ...layers.activation import PReLU
from ...layers.base import Layer, show_shape
from ...layers.convolution import Conv2d
from ...layers.pooling import MaxPool2d
from ...layers.rearrange import Flatten
from ...network import Network
from ..arrays import number
from ..lesson import RIGHT, WRONG, Contrast, Formulas, Lesson, Section, Table, Words, same
from ..networks import chain
from ..options import Option, integer
from ..topic import Chapter, Topic
from .max_pooling import MAP

Lines = tuple[str | Text, ...]


@dataclass(frozen=True)
class Erratum:
    """A mistake: the task, the wrong result and how it arises, the right lines, and the library's result."""

    title: Text
    task: Text
    wrong: str
    wrong_lines: Lines
    right_lines: Lines
    result: Callable[[], str]


TITLE = Text("Errata: mistakes that tutorials make", "勘误：教程中常见的错误")
ALL = Text("The numbers side by side", "对照表")
COLUMNS = {"entry": same("#"), "trap": Text("trap", "陷阱"), "wrong": WRONG, "right": RIGHT}


def _square(layer: Layer, *shape: int) -> Network:
    return chain(shape, ("layer", layer))


def _conv(kernel: int, stride: int = 1, padding: int = 0, out: int = 1, dilation: int = 1) -> Layer:
    return Conv2d(
        out,
        (kernel, kernel),
        stride=(stride, stride),
        padding=((padding, padding), (padding, padding)),
        dilation=(dilation, dilation),
    )


def _pool(kernel: int, stride: int, padding: int = 0) -> Layer:
    return MaxPool2d((kernel, kernel), stride=(stride, stride), padding=((padding, padding), (padding, padding)))


def _large() -> Network:
    return chain((3, 224, 224), ("conv1", _conv(7, 2, 3)), ("pool1", _pool(3, 2, 1)), ("conv2", _conv(3, 1, 1)))


def _size(network: Network, layer: str) -> str:
    return str(network.field(layer, (20, 20)).size[0])


def _counted() -> Network:
    return _square(_conv(3, 2, 1, 10), 3, 100, 100)


def _start() -> str:
    layers = [
        ("conv1", _conv(11, 4, 2)),
        ("pool1", _pool(3, 2)),
        ("conv2", _conv(5, 1, 2)),
        ("pool2", _pool(3, 2)),
    ]
    layers += [(f"conv{place}", _conv(3, 1, 1)) for place in (3, 4, 5)]
    network = chain((3, 224, 224), *layers, ("pool5", _pool(3, 2)))
    return number(network.field("pool5", (0, 0)).center[0])


def _largest(window: list[list[float]]) -> str:
    return number(float(forward(_pool(2, 2), (np.array(window, float)[None, None],), {}, Context()).item()))


def _prelu(x: float) -> str:
    return number(float(forward(PReLU(), (np.array([[x]]),), {"weight": np.array([0.25])}, Context()).item()))


def _pooled() -> str:
    return show_shape(forward(_pool(2, 1), (np.array(MAP)[None, None],), {}, Context()).shape[2:])


def _touched() -> str:
    network = chain((1, 20, 20), *((f"conv{place}", _conv(3, dilation=2)) for place in (1, 2, 3)))
    return str(int(network.field("conv3", (1, 1)).mask.any(axis=1).sum()))


def _exercise() -> Network:
    return chain((3, 224, 224), ("conv1", _conv(3, 2)), ("pool1", _pool(2, 2)), ("conv2", _conv(3)))


ENTRIES = (
    Erratum(
        Text("A recurrence run in the wrong direction", "递推方向用反"),
        Text(
            "224×224 pixels, a convolution 7/2 (kernel 7, stride 2), a max pooling 3/2, a convolution 3/1: what "
            "does a unit of the last layer see?",
            "224×224 的图像依次经过卷积 7/2（核大小 7，步长 2）、最大池化 3/2 和卷积 3/1："
            "最后一层的一个单元看到多大的范围？",
        ),
        "17",
        (
            Text("The recurrence from last to first is run from first to last:", "把从后往前的递推式从前往后推："),
            "R_1 = (1 − 1)·2 + 7 = 7",
            "R_2 = (7 − 1)·2 + 3 = 15",
            "R_3 = (15 − 1)·1 + 3 = 17",
            Text("A layer's own stride only matters to the layers after it.", "本层的步长只影响其后的各层。"),
        ),
        (
            Text("From last to first:", "从后往前："),
            "R_3 = (1 − 1)·1 + 3 = 3",
            "R_2 = (3 − 1)·2 + 3 = 7",
            "R_1 = (7 − 1)·2 + 7 = 19",
            Text("Or from first to last, in steps of the layer before:", "或者从前往后，以前一层的间距为单位："),
            "r_1 = 1 + (7 − 1)·1 = 7",
            "r_2 = 7 + (3 − 1)·2 = 11",
            "r_3 = 11 + (3 − 1)·4 = 19",
        ),
        lambda: _size(_large(), "conv2"),
    ),
    Erratum(
        Text("Rounding up the output size", "输出尺寸向上取整"),
        Text(
            "A 3×3 convolution with stride 2 and padding 1 on 100 pixels: how many outputs?",
            "100 个像素，3×3 卷积，步长 2，填充 1：输出多少个？",
        ),
        "51",
        (
            "n = ⌈(100 − 3 + 2·1) / 2⌉ + 1 = 51",
            Text("The last window would extend over the padded edge.", "最后一个窗口会越过填充后的边界。"),
        ),
        ("n = ⌊(100 − 3 + 2·1) / 2⌋ + 1 = 50",),
        lambda: str(_counted()["layer"].output_shape[1]),
    ),
    Erratum(
        Text("Additions counted per channel", "按通道统计加法次数"),
        Text(
            "The same convolution of 100×100×3 with 10 kernels and biases: how many additions?",
            "同一个卷积作用于 100×100×3，10 个带偏置的卷积核：做多少次加法？",
        ),
        "225,000",
        (
            Text("75,000 convolutions of one channel, times 3:", "75,000 次单通道卷积，乘以 3："),
            "A = 75000·3 = 225000",
        ),
        (
            Text("26 additions for 27 products, and one for the bias:", "27 个乘积累加 26 次，再加偏置 1 次："),
            "A = 25000·(26 + 1) = 675000",
        ),
        lambda: f"{_counted()['layer'].facts.operations.additions:,}",
    ),
    Erratum(
        Text("The maximum of a window", "窗口的最大值"),
        Text("Max pooling of the window 2, 5 / 4, 7.", "对窗口 2, 5 / 4, 7 做最大池化。"),
        "6",
        (Text("6, a number that is not in the window.", "6，窗口中根本没有这个数。"),),
        ("y = max(2, 5, 4, 7) = 7",),
        lambda: _largest([[2, 5], [4, 7]]),
    ),
    Erratum(
        Text("The sign in PReLU", "PReLU 的符号"),
        Text("PReLU at −2 with the slope α = 0.25.", "PReLU 在 −2 处的值，斜率 α = 0.25。"),
        "0.5",
        ("max(0, x) − α·x = max(0, −2) − 0.25·(−2) = 0.5",),
        ("max(0, x) + α·min(0, x) = max(0, −2) + 0.25·min(0, −2) = −0.5",),
        lambda: _prelu(-2.0),
    ),
    Erratum(
        Text("Stride 1 described, stride 2 shown", "说的是步长 1，给的是步长 2 的结果"),
        Text(
            "A 4×4 map is pooled by a 2×2 window that slides by one position: how large is the result?",
            "4×4 的特征图用 2×2 窗口池化，每次滑动一个位置：结果多大？",
        ),
        "2×2",
        (Text("That is the result of stride 2:", "那是步长 2 的结果："), "n = ⌊(4 − 2) / 2⌋ + 1 = 2"),
        ("n = ⌊(4 − 2) / 1⌋ + 1 = 3",),
        _pooled,
    ),
    Erratum(
        Text("Padding derived from the output size", "由输出尺寸反推填充"),
        Text(
            "AlexNet at 224, conv1 with kernel 11, stride 4, padding 2: where is pool5's first unit?",
            "输入为 224 的 AlexNet，conv1 核大小 11，步长 4，填充 2：pool5 第一个单元的中心在哪里？",
        ),
        "32.5",
        (
            Text(
                "The padding that is “really” used, its smaller half on the left: the SAME convention.",
                "反推“实际使用”的填充，左侧取较小的一半：这是 SAME 约定。",
            ),
            "2·p = (55 − 1)·4 − 224 + 11 = 3",
            "start_1 = 0.5 + (5 − 1)·1 = 4.5",
            "start_5 = 4.5 + 4 + 8 + 16 = 32.5",
        ),
        (
            Text(
                "With explicit padding, the left side has exactly 2 pixels:", "显式填充时，左侧恰好是 2 个像素："
            ),
            "start_1 = 0.5 + (5 − 2)·1 = 3.5",
            "start_5 = 3.5 + 4 + 8 + 16 = 31.5",
        ),
        _start,
    ),
    Erratum(
        Text("Division of indices in Python 3", "Python 3 中下标的除法"),
        Text(
            "In which row is window 5 when 3 windows fit in a row?", "每行放得下 3 个窗口时，第 5 个窗口在第几行？"
        ),
        "1.667",
        (Text("5 / 3 is 1.667 in Python 3: not an index.", "Python 3 中 5 / 3 得 1.667，不能作下标。"),),
        ("⌊5 / 3⌋ = 1", Text("In Python: 5 // 3.", "在 Python 中写作 5 // 3。")),
        lambda: str(int(np.unravel_index(5, (3, 3))[0])),
    ),
    Erratum(
        Text("The last layer's kernel is not its receptive field", "最后一层的核大小不是它的感受野"),
        Text(
            "A convolution 3/2, a pooling 2/2, a convolution 3/1: what does the last layer see of the image?",
            "卷积 3/2，池化 2/2，卷积 3/1：最后一层看到图像的多大范围？",
        ),
        "3",
        (
            Text(
                "3 is what a unit sees of the layer before it: the first step only.",
                "3 只是一个单元在前一层上看到的范围：仅是第一步。",
            ),
            "R_3 = (1 − 1)·1 + 3 = 3",
        ),
        ("R_3 = (1 − 1)·1 + 3 = 3", "R_2 = (3 − 1)·2 + 2 = 6", "R_1 = (6 − 1)·2 + 3 = 13"),
        lambda: _size(_exercise(), "conv2"),
    ),
    Erratum(
        Text("Extent is not coverage", "范围不等于覆盖"),
        Text(
            "Three 3×3 convolutions with dilation 2: how many pixels along one axis does a unit touch?",
            "三个空洞率为 2 的 3×3 卷积：一个单元在一个方向上接触到多少个像素？",
        ),
        "13",
        (Text("13 is what it spans:", "13 是它的范围："), "r = 1 + 3·(5 − 1) = 13"),
        (
            Text("Every tap moves by an even number of pixels:", "每次取样移动的像素数都是偶数："),
            "m = (13 − 1) / 2 + 1 = 7",
        ),
        _touched,
    ),
    Erratum(
        Text("The length of a flattened map", "展平后的长度"),
        Text("14×14 with 32 channels, flattened: how many values?", "14×14、32 个通道的特征图展平后有多少个值？"),
        "7168",
        (
            Text("That belongs to 14×16:", "那是 14×16 的特征图："),
            "n = 14·16·32 = 7168",
            "params = 128·7168 + 128 = 917632",
        ),
        ("n = 14·14·32 = 6272", "params = 128·6272 + 128 = 802944"),
        lambda: str(_square(Flatten(), 32, 14, 14)["layer"].output_shape[0]),
    ),
    Erratum(
        Text("Parameters of a convolution without its input channels", "卷积参数量漏掉输入通道"),
        Text(
            "Ten 3×3 kernels with biases on 3 channels: how many parameters?",
            "十个带偏置的 3×3 卷积核，3 个通道：多少个参数？",
        ),
        "100",
        ("params = 3·3·10 + 10 = 100",),
        (Text("A kernel is as deep as its input:", "卷积核与输入同深："), "params = 3·3·3·10 + 10 = 280"),
        lambda: str(_square(_conv(3, out=10), 3, 9, 9)["layer"].params),
    ),
)


@cache
def right_numbers() -> tuple[str, ...]:
    """Return the right result of every entry, computed by the library."""
    return tuple(entry.result() for entry in ENTRIES)


def _teach(entry: int | None = None) -> Lesson:
    chosen = range(1, len(ENTRIES) + 1) if entry is None else [entry]
    rows = tuple((str(k), ENTRIES[k - 1].title, ENTRIES[k - 1].wrong, right_numbers()[k - 1]) for k in chosen)
    sections = [Section(ALL, (Table("entries", COLUMNS, rows),))]
    for k in chosen:
        one = ENTRIES[k - 1]
        title = Text(f"{k}. {one.title.en}", f"{k}. {one.title.zh}")
        sides = Contrast((Formulas(one.wrong_lines),), (Formulas(one.right_lines),))
        sections.append(Section(title, (Words(one.task), sides)))
    return Lesson("errata", TITLE, tuple(sections))


TOPIC = Topic(
    "errata",
    Chapter.ERRATA,
    Text("twelve mistakes of tutorials, each computed both ways", "教程中的十二处错误，正误两种算法对照"),
    _teach,
    (Option("entry", "--entry", "NUMBER", "Show only this entry.", integer(1, len(ENTRIES))),),
    "errata --entry 1",
)
