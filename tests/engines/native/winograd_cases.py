"""What Winograd's tests share: a convolution with its arrays, run by the kernels and in float64."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convscope.engines.native.kernels.activation.pointwise import EpilogueFunction
from convscope.engines.native.kernels.common.shapes import ConvolutionShape, Pair
from convscope.engines.native.kernels.winograd import (
    WinogradConvolution,
    WinogradWeightGradient,
    WinogradWeightGradientFinish,
    WinogradWeights,
    input_gradient_shape,
    slices_for,
    u_floats,
)
from convscope.engines.native.layout import Blocked, Channels, FilterBlocks

from .harness import call, target_named


def correlate(x: np.ndarray, weight: np.ndarray, before: Pair, output: Pair) -> np.ndarray:
    """Return the convolution in float64, by its definition."""
    (p, q), (n, c, h, w) = output, x.shape
    padded = np.zeros((n, c, max(p + 2, before[0] + h), max(q + 2, before[1] + w)))
    padded[:, :, before[0] : before[0] + h, before[1] : before[1] + w] = x
    taps = weight.astype(np.float64)
    return sum(
        np.einsum("nchw,fc->nfhw", padded[:, :, i : i + p, j : j + q], taps[:, :, i, j])
        for i in range(3)
        for j in range(3)
    )


def weight_gradient(x: np.ndarray, dy: np.ndarray, before: Pair) -> np.ndarray:
    """Return the gradient of the weights in float64, by its definition."""
    (n, c, h, w), (p, q) = x.shape, dy.shape[2:]
    padded = np.zeros((n, c, max(p + 2, before[0] + h), max(q + 2, before[1] + w)))
    padded[:, :, before[0] : before[0] + h, before[1] : before[1] + w] = x
    result = np.zeros((dy.shape[1], c, 3, 3))
    for i in range(3):
        for j in range(3):
            result[:, :, i, j] = np.einsum(
                "nchw,nfhw->fc", padded[:, :, i : i + p, j : j + q], dy.astype(np.float64)
            )
    return result


@dataclass(frozen=True)
class Case:
    """A convolution, with random arrays that follow from its numbers."""

    batch: int
    channels: int
    size: Pair
    filters: int
    before: Pair
    after: Pair
    tile: int
    kind: str = "host"

    @cached_property
    def shape(self) -> ConvolutionShape:
        output = tuple(
            size + before + after - 2
            for size, before, after in zip(self.size, self.before, self.after, strict=True)
        )
        lanes = target_named(self.kind).width
        one = (1, 1)
        return ConvolutionShape(
            self.channels, *self.size, self.filters, (3, 3), one, self.before, one, output, 1, lanes
        )

    @property
    def inputs(self) -> Blocked:
        return Blocked(self.channels, *self.size, self.shape.lanes)

    @property
    def outputs(self) -> Blocked:
        return Blocked(self.filters, *self.shape.output, self.shape.lanes)

    @property
    def weights(self) -> FilterBlocks:
        return FilterBlocks(self.filters, self.channels, (3, 3), self.shape.lanes)

    def _random(self, seed: int, *shape: int) -> np.ndarray:
        return np.random.default_rng((seed, *shape)).normal(size=shape).astype(np.float32)

    @cached_property
    def x(self) -> np.ndarray:
        return self._random(1, self.batch, self.channels, *self.size)

    @cached_property
    def weight(self) -> np.ndarray:
        return self._random(2, self.filters, self.channels, 3, 3)

    @cached_property
    def dy(self) -> np.ndarray:
        return self._random(3, self.batch, self.filters, *self.shape.output)

    @cached_property
    def bias(self) -> np.ndarray:
        return self._random(4, self.filters)

    @cached_property
    def residual(self) -> np.ndarray:
        return self._random(5, self.batch, self.filters, *self.shape.output)

    def transformed(self, transposed: bool) -> np.ndarray:
        kernel = WinogradWeights(self.shape, self.tile, transposed)
        u = np.full(u_floats(self.shape, self.tile, transposed), np.nan, np.float32)
        return call(kernel, 1, {"weight": self.weights.pack(self.weight), "u": u}, kind=self.kind)["u"]

    def weights_for(self, transposed: bool, raw: bool) -> dict[str, np.ndarray]:
        """Return a convolution's argument: the weights as they are, or transformed."""
        return {"weight": self.weights.pack(self.weight)} if raw else {"u": self.transformed(transposed)}

    def forward(
        self,
        bias: bool = False,
        activation: EpilogueFunction | None = None,
        residual: bool = False,
        raw: bool = False,
    ) -> np.ndarray:
        arrays = {
            "x": self.inputs.pack(self.x),
            **self.weights_for(False, raw),
            "bias": Channels(self.filters, self.shape.lanes).pack(self.bias),
            "residual": self.outputs.pack(self.residual),
            "y": np.full((self.batch, self.outputs.floats), np.nan, np.float32),
        }
        kernel = WinogradConvolution(self.shape, self.tile, bias, activation, residual, raw)
        return unpacked(self.outputs, call(kernel, self.batch, arrays, kind=self.kind)["y"])

    def input_gradient(self, raw: bool = False) -> np.ndarray:
        kernel = WinogradConvolution(input_gradient_shape(self.shape), self.tile, raw_weights=raw, transposed=raw)
        dx = np.full((self.batch, self.inputs.floats), np.nan, np.float32)
        arrays = {"x": self.outputs.pack(self.dy), **self.weights_for(True, raw), "y": dx}
        return unpacked(self.inputs, call(kernel, self.batch, arrays, kind=self.kind)["y"])

    def weight_gradient(self, slices: int | None = None) -> np.ndarray:
        slices = slices_for(self.shape, self.batch, self.tile) if slices is None else slices
        kernel = WinogradWeightGradient(self.shape, self.tile, slices)
        parts = np.full(slices * u_floats(self.shape, self.tile), np.nan, np.float32)
        arrays = {"x": self.inputs.pack(self.x), "dy": self.outputs.pack(self.dy), "parts": parts}
        parts = call(kernel, self.batch, arrays, kind=self.kind)["parts"]
        finish = WinogradWeightGradientFinish(self.shape, self.tile, slices)
        dweight = np.full(self.weights.floats, np.nan, np.float32)
        got = call(finish, self.batch, {"parts": parts, "dweight": dweight}, kind=self.kind)["dweight"]
        return unpacked(self.weights, got)

    def expected_forward(self) -> np.ndarray:
        return correlate(self.x.astype(np.float64), self.weight, self.before, self.shape.output)

    def expected_input_gradient(self) -> np.ndarray:
        turned = self.weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        before = (2 - self.before[0], 2 - self.before[1])
        return correlate(self.dy.astype(np.float64), turned, before, self.size)

    def expected_weight_gradient(self) -> np.ndarray:
        return weight_gradient(self.x.astype(np.float64), self.dy, self.before)


def unpacked(layout: Blocked | FilterBlocks, array: np.ndarray) -> np.ndarray:
    """Return an array as others see it, once lanes without a channel were found to hold zeros."""
    result = layout.unpack(array)
    packed = layout.pack(np.where(np.isnan(result), np.float32(1), result))
    filler = packed == 0
    np.testing.assert_array_equal(array[filler], 0, err_msg="lanes past the last channel")
    return result
