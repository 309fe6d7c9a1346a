"""Group normalization: groups of channels of one image; one channel to a group is instance normalization.

First every channel is summed by itself, in whole vectors; then the channels' sums are put together group by group,
one number at a time. What comes out are scale and offset of every channel of every image: the passes over the
images are those of batch normalization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...codegen.kernel import own_scratch
from ...codegen.target import Target
from ...ir import Code, Index, Pointer, Vector, fma
from ..common.loops import ChannelKernel, Position, sweep_sums
from .batch_norm import affine_map, moments


@dataclass(frozen=True)
class _Grouped(ChannelKernel):
    """A kernel over single images; `groups` divides the channels."""

    groups: int

    @property
    def group_channels(self) -> int:
        """Return the channels of one group."""
        return self.channels // self.groups

    @property
    def row(self) -> int:
        """Return the floats of one number for each channel."""
        return self.blocks * self.lanes

    def items(self, batch: int) -> int:
        return batch

    def scratch_floats(self, target: Target) -> int:
        return 2 * self.row

    def clear_last(self, code: Code, places: Sequence[Pointer]) -> None:
        """Write zeros to the last block of rows that are then written channel by channel."""
        for place in places:
            place.store(code.constant(0), self.row - self.lanes)


@dataclass(frozen=True)
class GroupStatistics(_Grouped):
    """Make scale and offset of each channel of each image.

    Shapes:   x (n, blocks, h, w, lanes), weight and bias one for each channel → scale, offset, mean, inverse
              (n, blocks · lanes); `Normalize` and `NormGradient` take them with `per_image`
    Formula:  y = x · scale + offset, scale = weight / √(variance + eps), offset = bias − mean · scale
    """

    eps: float
    affine: bool

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", *(("weight", "bias") if self.affine else ()), "scale", "offset", "mean", "inverse")

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as image:
            own, at = own_scratch(self, code), image.index * self.row
            with code.loop(0, self.blocks) as block:
                for number, value in enumerate(moments(self, code, block.index, image.index, image.index + 1)):
                    own.store(value, block.index * self.lanes + number * self.row)
            mean, inverse = (code.pointer(name) + at for name in ("mean", "inverse"))
            self.clear_last(code, (mean, inverse))
            with code.loop(0, self.groups) as group:
                self._group(code, own, mean, inverse, group.index * self.group_channels)
            with code.loop(0, self.blocks) as block:
                place = block.index * self.lanes
                values = affine_map(self, code, mean.load(place), inverse.load(place), block.index, self.affine)
                for name, value in zip(("scale", "offset"), values, strict=True):
                    (code.pointer(name) + at).store(value, place)

    def _group(self, code: Code, own: Pointer, mean: Pointer, inverse: Pointer, first: Position) -> None:
        """Combine the channels of one group, and store the shared results for each of them."""
        count = self.group_channels
        means, squares = own + first, own + self.row + first
        origin = means.broadcast()
        with code.loop(0, count, carry=code.zeros(1)) as one:
            one.next([one.values[0] + (means.broadcast(one.index) - origin)])
        shared = origin + one.results[0] * (1 / count)
        with code.loop(0, count, carry=code.zeros(1)) as two:
            apart = means.broadcast(two.index) - shared
            within = two.values[0] + squares.broadcast(two.index)
            two.next([fma(apart * self.positions, apart, within)])
        variance = two.results[0] * (1 / (count * self.positions))
        deviation = 1 / (variance + self.eps).sqrt()
        with code.loop(0, count) as three:
            (mean + first).store_lane(shared, three.index)
            (inverse + first).store_lane(deviation, three.index)


@dataclass(frozen=True)
class GroupGradientSums(_Grouped):
    """Sum what `NormGradient` and the gradients of weight and bias need, image by image.

    Shapes:   dy, x (n, blocks, h, w, lanes), mean and inverse (n, blocks · lanes), weight one for each channel →
              parts (n, 2, blocks · lanes): Σ dy · x̂, Σ dy, for `AffineGradient` to add up over the batch;
              coefficients (n, 2, blocks · lanes)
    Formula:  coefficients −inverse · mean(h) and −inverse² · mean(h · x̂), h = dy · weight, means over a group
    """

    affine: bool

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "x", "mean", "inverse", *(("weight",) if self.affine else ()), "parts", "coefficients")

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as image:
            own, inverse = own_scratch(self, code), code.pointer("inverse") + image.index * self.row
            with code.loop(0, self.blocks) as block:
                at = block.index * self.lanes
                sums = self._channel_sums(code, image.index, block.index)
                for place, value in zip(self.parts(code, image.index, block.index), sums, strict=True):
                    place.store(value)
                for number, value in enumerate(sums):
                    weighted = value * code.pointer("weight").load(at) if self.affine else value
                    own.store(weighted, at + number * self.row)
            coefficients = code.pointer("coefficients") + image.index * (2 * self.row)
            self.clear_last(code, (coefficients, coefficients + self.row))
            with code.loop(0, self.groups) as group:
                self._group(code, own, inverse, coefficients, group.index * self.group_channels)

    def _channel_sums(self, code: Code, image: Index, block: Position) -> tuple[Vector, Vector]:
        """Return Σ dy · x̂ and Σ dy of one block of one image."""
        number = image * self.blocks + block
        dy, x = (code.pointer(name) + number * self.block_floats for name in ("dy", "x"))
        mean, inverse = self.loaded(code, ("mean", "inverse"), number)

        def adding(at: Position, sums: Sequence[Vector]) -> Sequence[Vector]:
            above = dy.load(at)
            return fma(above, x.load(at) - mean, sums[0]), sums[1] + above

        products, total = sweep_sums(code, self.positions, self.lanes, 2, adding)
        return products * inverse, total

    def _group(self, code: Code, own: Pointer, inverse: Pointer, coefficients: Pointer, first: Position) -> None:
        """Add up the channels of one group, and write the coefficients for each of them."""
        with code.loop(0, self.group_channels, carry=code.zeros(2)) as loop:
            places = (own + first, own + self.row + first)
            loop.next(
                [total + place.broadcast(loop.index) for total, place in zip(loop.values, places, strict=True)]
            )
        products, total = loop.results
        down = inverse.broadcast(first) * (-1 / (self.group_channels * self.positions))
        straight, stretch = down * total, down * inverse.broadcast(first) * products
        with code.loop(0, self.group_channels) as channel:
            (coefficients + first).store_lane(straight, channel.index)
            (coefficients + self.row + first).store_lane(stretch, channel.index)
