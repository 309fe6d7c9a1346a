"""A convolution over several channels, step by step: each channel, then the pixel-wise sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.layers import convolution as _rules  # noqa: F401 - registers the answers
from ..engines.reference.layers.rules import Array, Context, forward
from ..errors import BadShape
from ..layers.base import show_shape
from ..layers.convolution import Conv2d
from ..settings import Padding
from ..text.notebook import Preformatted
from .blocks import beside, matrix, number, numbers, titled


@dataclass(frozen=True)
class KernelSteps:
    """What one kernel makes: a map per input channel, and their sum with the bias."""

    kernel: Array
    per_channel: Array
    bias: float
    output: Array


@dataclass(frozen=True)
class ChannelSteps(Preformatted):
    """A convolution layer step by step, kernel by kernel."""

    x: Array
    kernels: tuple[KernelSteps, ...]
    channel_names: tuple[str, ...]

    @property
    def output(self) -> Array:
        """Return all maps (o, p, q)."""
        return np.stack([kernel.output for kernel in self.kernels])

    def __str__(self) -> str:
        parts = [beside(*(titled(n, matrix(c)) for n, c in zip(self.channel_names, self.x, strict=True)))]
        for index, steps in enumerate(self.kernels):
            lines = [
                beside(
                    titled(f"{name} ∗", matrix(one)),
                    titled("kernel slice", matrix(part)),
                    titled("=", matrix(made)),
                )
                for name, one, part, made in zip(
                    self.channel_names, self.x, steps.kernel, steps.per_channel, strict=True
                )
            ]
            sign = "+" if steps.bias >= 0 else "−"
            total = (
                f"Pixel-wise sum of the {len(self.x)} maps {sign} bias {number(abs(steps.bias))}: map {index + 1}"
            )
            parts.append("\n\n".join([f"── kernel {index + 1}", *lines, titled(total, matrix(steps.output))]))
        return "\n\n".join(parts)


def by_channels(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    padding: Padding = "same",
    channel_names: Sequence[str] | None = None,
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
    names = tuple(channel_names or (f"channel {index + 1}" for index in range(len(image))))
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
    layer.output_shape((1, *image.shape[1:]))
    steps = []
    for kernel, own in zip(kernels, biases, strict=True):
        # Without its bias, a layer with one input channel is one slice at work.
        maps = [
            forward(layer, (channel[None, None],), {"weight": part[None, None]}, Context())[0, 0]
            for channel, part in zip(image, kernel, strict=True)
        ]
        per_channel = np.stack(maps)
        steps.append(KernelSteps(kernel, per_channel, float(own), per_channel.sum(axis=0) + own))
    return ChannelSteps(image, tuple(steps), names)


@dataclass(frozen=True)
class TwoConvolutions(Preformatted):
    """A color image through two convolutions, step by step."""

    first: ChannelSteps
    second: ChannelSteps

    def __str__(self) -> str:
        def head(number_: str, steps: ChannelSteps) -> str:
            before, after = show_shape(steps.x.shape), show_shape(steps.output.shape)
            size = show_shape(steps.kernels[0].kernel.shape)
            return f"═══ {number_} convolution: {before} → {after}, {len(steps.kernels)} kernels of {size}"

        return "\n\n".join(
            [head("First", self.first), str(self.first), head("Second", self.second), str(self.second)]
        )


def two_convolutions(seed: int = 0) -> TwoConvolutions:
    """Take the 4×4 image in color through 2 kernels of 3×3×3, then 3 kernels of 3×3×2, step by step.

    Pixels and weights are small random integers, so that every sum can be checked by hand.

    Shapes:   (3, 4, 4) → (2, 4, 4) → (3, 4, 4)
    """
    generator = np.random.default_rng(seed)
    x = generator.integers(0, 4, (3, 4, 4))
    first = by_channels(
        x, generator.integers(-1, 2, (2, 3, 3, 3)), generator.integers(-1, 2, 2), channel_names=("R", "G", "B")
    )
    maps = ("map 1", "map 2")
    second = by_channels(
        first.output,
        generator.integers(-1, 2, (3, 2, 3, 3)),
        generator.integers(-1, 2, 3),
        channel_names=maps,
    )
    return TwoConvolutions(first, second)
