"""How many operations a convolution takes: a calculator with its derivations."""

from __future__ import annotations

from math import prod

from ...derivations.derivation import Text
from ...layers.convolution import Conv2d
from ..lesson import Lesson, Section, Table
from ..networks import chain, derived
from ..options import PADDING, SHAPE, STRIDE, Option, integer
from ..topic import Chapter, Topic
from ..windows import refuse_too_large

TITLE = Text("Operations of a convolution", "卷积的运算次数")
ALL = Text("The counts", "汇总")
COLUMNS = {"what": Text("per image", "每张图像"), "count": Text("count", "次数")}
OUTPUTS = Text("elements of the output", "输出元素")
SINGLE = Text("convolutions of one channel, at one position", "单通道、单个位置的卷积")
NAMES = {
    "macs": Text("multiply-adds (MACs)", "乘加（MACs）"),
    "multiplications": Text("multiplications", "乘法"),
    "additions": Text("additions, with the bias", "加法（含偏置）"),
}


def _teach(
    shape: tuple[int, ...] = (3, 100, 100), kernels: int = 10, size: int = 3, stride: int = 2, padding: int = 1
) -> Lesson:
    refuse_too_large((size, size), shape[1:], padding)
    pads = ((padding, padding), (padding, padding))
    network = chain(shape, ("conv", Conv2d(kernels, (size, size), stride=(stride, stride), padding=pads)))
    node = network["conv"]
    outputs = prod(node.output_shape)
    counts = {name: getattr(node.facts.operations, name) for name in NAMES}
    rows = (
        (OUTPUTS, outputs),
        (SINGLE, outputs * shape[0]),
        *((NAMES[name], count) for name, count in counts.items()),
    )
    return Lesson(
        "operations",
        TITLE,
        (
            Section(ALL, (Table("counts", COLUMNS, rows),)),
            Section(Text("Size of the output", "输出尺寸"), tuple(derived(network, "conv", "output_shape"))),
            Section(Text("Multiplications", "乘法次数"), tuple(derived(network, "conv", "multiplications"))),
            Section(Text("Additions", "加法次数"), tuple(derived(network, "conv", "additions"))),
        ),
        network,
    )


TOPIC = Topic(
    "operations",
    Chapter.NETWORK,
    Text("calculator: multiplications and additions of a convolution", "计算器：卷积的乘法与加法次数"),
    _teach,
    (
        SHAPE,
        Option("kernels", "--kernels", "COUNT", "Number of kernels.", integer(1)),
        Option("size", "--size", "PIXELS", "Side of the kernel.", integer(1)),
        STRIDE,
        PADDING,
    ),
    "operations --shape 3x100x100 --kernels 10 --size 3 --stride 2 --padding 1",
)
