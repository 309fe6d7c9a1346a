"""Convolutions of every kind for the tests, and the float64 reference's answer to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from convscope.axis import Window
from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.convolution.weights import weights_layout
from convscope.engines.native.layout import Blocked, Channels
from convscope.engines.reference.im2col import convolution as reference

from .harness import target_named

Pair = tuple[int, int]


def shape_of(
    channels: int,
    height: int,
    width: int,
    filters: int,
    kernel: Pair,
    stride: Pair = (1, 1),
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0)),
    dilation: Pair = (1, 1),
    groups: int = 1,
    kind: str = "host",
) -> ConvolutionShape:
    """Return a shape with the output that the padding (before, after) per axis gives."""
    output = tuple(
        (size + sum(pad) - ((k - 1) * d + 1)) // s + 1
        for size, pad, k, s, d in zip((height, width), padding, kernel, stride, dilation, strict=True)
    )
    before = (padding[0][0], padding[1][0])
    lanes = target_named(kind).width
    return ConvolutionShape(
        channels,
        height,
        width,
        filters,
        kernel,
        stride,
        before,
        dilation,
        (output[0], output[1]),
        groups,
        lanes,
    )


@dataclass(frozen=True)
class Numbers:
    """Random arrays for a shape, plain, with what the float64 reference makes of them."""

    shape: ConvolutionShape
    batch: int
    seed: int = 0

    def draw(self, name: str, *sizes: int) -> np.ndarray:
        """Return an array of this name: always the same one."""
        generator = np.random.default_rng([self.seed, *name.encode()])
        return generator.normal(size=sizes).astype(np.float32)

    @property
    def x(self) -> np.ndarray:
        return self.draw("x", self.batch, self.shape.channels, self.shape.height, self.shape.width)

    @property
    def y(self) -> np.ndarray:
        """Return an array like the output: a residual, or the output's gradient."""
        return self.draw("y", self.batch, self.shape.filters, *self.shape.output)

    @property
    def weight(self) -> np.ndarray:
        shape = self.shape
        return self.draw("w", shape.filters, shape.channels // shape.groups, *shape.kernel)

    @property
    def bias(self) -> np.ndarray:
        return self.draw("b", self.shape.filters)

    @property
    def windows(self) -> list[Window]:
        shape = self.shape
        return [
            Window(size=k, stride=s, dilation=d)
            for k, s, d in zip(shape.kernel, shape.stride, shape.dilation, strict=True)
        ]

    @property
    def _reach(self) -> list[int]:
        """Return the padded sizes that the windows cover at least, and the image, too."""
        shape = self.shape
        numbers = zip(
            (shape.height, shape.width),
            shape.kernel,
            shape.stride,
            shape.dilation,
            shape.before,
            shape.output,
            strict=True,
        )
        return [max(before + size, (out - 1) * s + (k - 1) * d + 1) for size, k, s, d, before, out in numbers]

    def forward(self, x: np.ndarray | None = None, weight: np.ndarray | None = None) -> np.ndarray:
        """Return the convolution in float64."""
        shape = self.shape
        given = self.x if x is None else x
        (rows, columns), (top, left) = self._reach, shape.before
        padded = np.zeros((self.batch, shape.channels, rows, columns))
        padded[:, :, top : top + shape.height, left : left + shape.width] = given
        kernel = (self.weight if weight is None else weight).astype(np.float64)
        return reference.correlate(padded, kernel, self.windows, shape.output, shape.groups)

    def input_gradient(self, dy: np.ndarray | None = None) -> np.ndarray:
        """Return the input's gradient in float64."""
        shape = self.shape
        given = (self.y if dy is None else dy).astype(np.float64)
        full = reference.spread(
            given, self.weight.astype(np.float64), tuple(self._reach), self.windows, shape.groups
        )
        top, left = shape.before
        return full[:, :, top : top + shape.height, left : left + shape.width]

    def blocked_x(self, array: np.ndarray | None = None) -> np.ndarray:
        return self.x_layout.pack(self.x if array is None else array)

    def blocked_y(self, array: np.ndarray | None = None) -> np.ndarray:
        return self.y_layout.pack(self.y if array is None else array)

    @property
    def x_layout(self) -> Blocked:
        return Blocked(self.shape.channels, self.shape.height, self.shape.width, self.shape.lanes)

    @property
    def y_layout(self) -> Blocked:
        return Blocked(self.shape.filters, *self.shape.output, self.shape.lanes)

    @property
    def packed_weight(self) -> np.ndarray:
        return weights_layout(self.shape).pack(self.weight)

    @property
    def packed_bias(self) -> np.ndarray:
        return Channels(self.shape.filters, self.shape.lanes).pack(self.bias)


def empty_lanes(array: np.ndarray, layout: Blocked) -> np.ndarray:
    """Return the lanes past the last channel."""
    used = layout.channels % layout.lanes or layout.lanes
    split = array.reshape(len(array), layout.blocks, layout.height, layout.width, layout.lanes)
    return split[:, -1, :, :, used:]


@st.composite
def shapes(draw: Any, kind: str = "host", in_groups: bool = False) -> ConvolutionShape:
    """Draw a convolution: sizes around the edges of tiles and blocks, ones and primes among them."""
    groups = draw(st.sampled_from([2, 3, 5])) if in_groups else 1
    per_group = [1, 2, 4, 7, 8, 16] if in_groups else [1, 2, 3, 5, 8, 16, 17, 19, 20, 32, 37]
    sizes = [draw(st.sampled_from([1, 2, 3, 4, 6, 7, 9, 11, 13, 14, 15, 17, 29])) for _ in range(2)]
    kernel, stride, dilation, padding = [], [], [], []
    for size in sizes:
        s, d = draw(st.sampled_from([1, 1, 2, 3])), draw(st.sampled_from([1, 1, 2, 3]))
        k = draw(st.sampled_from([1, 2, 3, 3, 4, 5]))
        reach = (k - 1) * d + 1
        before, after = draw(st.integers(0, min(3, reach))), draw(st.integers(0, min(3, reach)))
        if size + before + after < reach:
            k, reach = 1, 1
        kernel.append(k)
        stride.append(s)
        dilation.append(d)
        padding.append((before, after))
    shape = shape_of(
        groups * draw(st.sampled_from(per_group)),
        *sizes,
        groups * draw(st.sampled_from([*per_group, 48])),
        tuple(kernel),
        tuple(stride),
        tuple(padding),
        tuple(dilation),
        groups,
        kind,
    )
    assume(not shape.depthwise)
    return shape
