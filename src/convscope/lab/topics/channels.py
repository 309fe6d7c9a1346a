"""A convolution over several channels, step by step: each channel, then the pixel-wise sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.reference.layers import convolution as _rules  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Array, Context, forward
from ...errors import BadShape
from ...layers.base import show_shape
from ...layers.convolution import Conv2d
from ...settings import Padding
from ..arrays import factor, index, number, numbers, of_rank
from ..lesson import Block, Formulas, Lesson, Place, Row, Section, Steps, Taught, Value, Words
from ..options import INPUT_MAPS, KERNELS_MAPS, SEED
from ..stepping import element_steps, window_places
from ..topic import Chapter, Topic
from ..windows import kernel_maps, refuse_too_large


@dataclass(frozen=True)
class KernelSteps:
    """What one kernel makes: a map per input channel, and their sum with the bias."""

    kernel: Array
    per_channel: Array
    bias: float
    output: Array


FIRST, SECOND = Text("First convolution", "第一层卷积"), Text("Second convolution", "第二层卷积")
SIZES = Text(
    "{title}: {before} → {after}, {count} kernels of {kernel}",
    "{title}：{before} → {after}，{count} 个 {kernel} 的卷积核",
)
INPUT_WORDS = Text(
    "A kernel is as deep as its input has channels ({depth}); there are as many output maps as kernels ({count}). "
    "Zero padding keeps the size. The same weights are used at every position.",
    "卷积核的深度等于输入的通道数（{depth}）；输出特征图的数量等于卷积核的个数（{count}）。零填充保持尺寸不变。"
    "同一组权重用于所有位置。",
)
KERNEL_WORDS = Text(
    "Kernel {number}: every channel with its own slice, then the pixel-wise sum of the {count} maps, and the "
    "bias {bias}.",
    "卷积核 {number}：每个通道与对应的切片卷积，再把 {count} 张图逐像素求和，并加偏置 {bias}。",
)
SLICE, MADE, SUM = (
    Text("slice", "切片"),
    Text("map of the channel", "该通道的结果"),
    Text("map {number}", "特征图 {number}"),
)
CHANNEL, OF_MAP = Text("channel {number}", "通道 {number}"), Text("map {number}", "特征图 {number}")
LETTERS = tuple(Text(one, one) for one in "RGB")


@dataclass(frozen=True)
class ChannelSteps(Taught):
    """A convolution layer step by step, kernel by kernel; `before` is the padding above and to the left."""

    x: Array
    kernels: tuple[KernelSteps, ...]
    channel_names: tuple[Text, ...]
    before: Place

    @property
    def output(self) -> Array:
        """Return all maps (o, p, q)."""
        return np.stack([kernel.output for kernel in self.kernels])

    def lesson(self) -> Lesson:
        return Lesson("channels", CHANNELS, (self.section(FIRST, ""),))

    def section(self, title: Text, prefix: str) -> Section:
        """Return the layer as a section; `prefix` begins the names of its values."""
        kernel = self.kernels[0].kernel
        sizes = (show_shape(self.x.shape), show_shape(self.output.shape), show_shape(kernel.shape))
        about = INPUT_WORDS.fill(depth=len(self.x), count=len(self.kernels))
        inputs = tuple(
            Value(f"{prefix}x_{place}", one, name)
            for place, (name, one) in enumerate(zip(self.channel_names, self.x, strict=True), start=1)
        )
        blocks: list[Block] = [Words(about), Row(inputs)]
        for number_, steps in enumerate(self.kernels, start=1):
            blocks += self._kernel(steps, number_, prefix)
        head = SIZES.fill(title=title, before=sizes[0], after=sizes[1], count=len(self.kernels), kernel=sizes[2])
        return Section(head, tuple(blocks))

    def _kernel(self, steps: KernelSteps, number_: int, prefix: str) -> list[Block]:
        words = KERNEL_WORDS.fill(number=number_, count=len(self.x), bias=number(steps.bias))
        key = f"{prefix}kernel_{number_}"
        blocks: list[Block] = [Words(words)]
        for place, (name, part, made) in enumerate(
            zip(self.channel_names, steps.kernel, steps.per_channel, strict=True), start=1
        ):
            channel = Value("", self.x[place - 1], name)
            part_of_kernel = Value(f"{key}_slice_{place}", part, SLICE)
            blocks.append(Row((channel, "∗", part_of_kernel, "=", Value(f"{key}_part_{place}", made, MADE))))
        first = " + ".join(factor(part[0, 0]) for part in steps.per_channel)
        blocks.append(Row((Value(f"{prefix}map_{number_}", steps.output, SUM.fill(number=number_)),)))
        blocks.append(Formulas((f"y_{{00}} = {first} + {factor(steps.bias)} = {number(steps.output[0, 0])}",)))
        return [*blocks, *self._steps(steps, number_, key)]

    def _steps(self, steps: KernelSteps, number_: int, key: str) -> tuple[Steps, ...]:
        """Return the steps of a map: the windows of all channels, their sums, and the total."""
        inputs = [
            Value(f"x_{i}", one, name)
            for i, (name, one) in enumerate(zip(self.channel_names, self.x, strict=True))
        ]
        slices = [Value(f"slice_{i}", one, SLICE) for i, one in enumerate(steps.kernel)]
        made = [Value(f"part_{i}", one, MADE) for i, one in enumerate(steps.per_channel)]
        total = Value("map", steps.output, SUM.fill(number=number_))
        size, limits = steps.kernel.shape[1:], self.x.shape[1:]
        lit, lines = [], []
        for at in np.ndindex(steps.output.shape):
            start = tuple(o - b for o, b in zip(at, self.before, strict=True))
            window = [one for one in window_places(start, size, 1) if _inside(one, limits)]
            taps = tuple(tuple(a - b for a, b in zip(one, start, strict=True)) for one in window)
            step = {value.name: tuple(window) for value in inputs} | {value.name: taps for value in slices}
            lit.append(step | {value.name: (at,) for value in [*made, total]})
            sums = " + ".join(factor(float(part[at])) for part in steps.per_channel)
            lines.append(f"{index('y', *at)} = {sums} + {factor(steps.bias)} = {number(float(steps.output[at]))}")
        rows = [
            part
            for three in zip(inputs, slices, made, strict=True)
            for part in (three[0], "∗", three[1], "→", three[2], "\n")
        ]
        return element_steps(f"{key}_steps", (*rows, "Σ", total), lit, lines)


def _inside(at: Place, size: Place) -> bool:
    return all(0 <= one < n for one, n in zip(at, size, strict=True))


def by_channels(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    padding: Padding = "same",
    channel_names: Sequence[str | Text] | None = None,
) -> ChannelSteps:
    """Convolve every channel with its slice of every kernel, and sum.

    The depth of a kernel is the number of input channels; the number of kernels is that of output maps.

    Shapes:   x (c, h, w), weight (o, c, kh, kw), bias (o) → per kernel: per_channel (c, p, q), output (p, q)
    Errors:   BadShape [lab-channels]; those of Conv2d

    >>> by_channels(np.ones((3, 4, 4)), np.ones((2, 3, 3, 3))).kernels[0].output[1].tolist()
    [18.0, 27.0, 27.0, 18.0]
    """
    image, kernels = numbers("x", x), numbers("weight", weight)
    biases = np.zeros(kernels.shape[:1]) if bias is None else numbers("bias", bias)
    if image.ndim != 3 or kernels.ndim != 4 or kernels.shape[1] != len(image):
        raise BadShape(
            "A kernel must be as deep as the image has channels, x (c, h, w) and weight (o, c, kh, kw) (got "
            "x={x}, weight={weight}). Pass kernels with one slice per channel. [lab-channels]",
            x=show_shape(image.shape),
            weight=show_shape(kernels.shape),
        )
    given = channel_names or [CHANNEL.fill(number=index + 1) for index in range(len(image))]
    names = tuple(name if isinstance(name, Text) else Text(name, name) for name in given)
    if biases.shape != (len(kernels),) or len(names) != len(image):
        raise BadShape(
            "There must be {kernels} biases, one per kernel, and {channels} names, one per channel (got "
            "bias={bias}, {names} names). Leave both out. [lab-channels]",
            kernels=len(kernels),
            channels=len(image),
            bias=show_shape(biases.shape),
            names=len(names),
        )
    layer = Conv2d(1, kernels.shape[2:], padding=padding)
    windows = layer.windows((1, *image.shape[1:]))
    steps = []
    for kernel, own in zip(kernels, biases, strict=True):
        # Without its bias, a layer with one input channel is one slice at work.
        maps = [
            forward(layer, (channel[None, None],), {"weight": part[None, None]}, Context())[0, 0]
            for channel, part in zip(image, kernel, strict=True)
        ]
        per_channel = np.stack(maps)
        steps.append(KernelSteps(kernel, per_channel, float(own), per_channel.sum(axis=0) + own))
    return ChannelSteps(image, tuple(steps), names, tuple(window.before for window in windows))


CHANNELS = Text("Convolution over several channels", "多通道卷积")
TWO = Text("A color image through two convolutions", "彩色图像的两次卷积")


@dataclass(frozen=True)
class TwoConvolutions(Taught):
    """A color image through two convolutions, step by step."""

    first: ChannelSteps
    second: ChannelSteps

    def lesson(self) -> Lesson:
        return Lesson(
            "channels", TWO, (self.first.section(FIRST, "first_"), self.second.section(SECOND, "second_"))
        )


def two_convolutions(seed: int = 0) -> TwoConvolutions:
    """Take the 4×4 image in color through 2 kernels of 3×3×3, then 3 kernels of 3×3×2, step by step.

    Pixels and weights are small random integers, so that every sum can be checked by hand.

    Shapes:   (3, 4, 4) → (2, 4, 4) → (3, 4, 4)
    """
    generator = np.random.default_rng(seed)
    x = generator.integers(0, 4, (3, 4, 4))
    first = by_channels(
        x, generator.integers(-1, 2, (2, 3, 3, 3)), generator.integers(-1, 2, 2), channel_names=LETTERS
    )
    maps = [OF_MAP.fill(number=one) for one in (1, 2)]
    second = by_channels(
        first.output,
        generator.integers(-1, 2, (3, 2, 3, 3)),
        generator.integers(-1, 2, 3),
        channel_names=maps,
    )
    return TwoConvolutions(first, second)


def _teach(x: ArrayLike | None = None, kernels: Sequence[ArrayLike] = (), seed: int = 0) -> Lesson:
    if x is None and not kernels:
        return two_convolutions(seed).lesson()
    generator = np.random.default_rng(seed)
    if x is None:
        weight = kernel_maps(kernels, 3)
        image = generator.integers(0, 4, (weight.shape[1], 4, 4)).astype(float)
    else:
        image = of_rank("input", x, 3, "1,2/3,4//5,6/7,8")
        drawn = generator.integers(-1, 2, (2, len(image), 3, 3)).astype(float)
        weight = kernel_maps(kernels, 3) if kernels else drawn
    refuse_too_large(weight.shape[2:], image.shape[1:], max(weight.shape[2:]) // 2)
    names = LETTERS if len(image) == len(LETTERS) else None
    return by_channels(image, weight, channel_names=names).lesson()


TOPIC = Topic(
    "channels",
    Chapter.CONVOLUTION,
    Text(
        "an RGB image through two convolutions: per channel, then the sum",
        "RGB 图像的两次卷积：先逐通道，再逐像素求和",
    ),
    _teach,
    (INPUT_MAPS, KERNELS_MAPS, SEED),
    "channels --input 1,2/3,4//5,6/7,8 --kernel 1,0/0,1//0,1/1,0",
)
