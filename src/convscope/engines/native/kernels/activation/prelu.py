"""PReLU: a leaky ReLU whose slopes are learned, one for the layer or one for each channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Vector
from ...layout import blocks_of
from ..common.channel_kernel import ChannelKernel, share


@dataclass(frozen=True)
class _Slopes(ChannelKernel):
    """Sizes of the image; slopes lie as `Channels`, or as one float where they are `shared`."""

    shared: bool

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def slope(self, code: Code, block: Index) -> Vector:
        """Return the slopes of a block's lanes."""
        slopes = code.pointer("slope")
        return slopes.broadcast() if self.shared else slopes.load(block * self.lanes)


@dataclass(frozen=True)
class PReLUKernel(_Slopes):
    """y = x for x > 0, else slope·x.

    Shapes:   x (n, blocks, h, w, lanes), slope (1,) or (blocks·lanes,) → y
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "slope", "y")

    def write(self, code: Code) -> None:
        x, y = code.pointer("x"), code.pointer("y")
        with code.loop(code.first, code.last) as item:
            slope, start = self.slope(code, item.index % self.blocks), item.index * self.block_floats
            with code.loop(start, start + self.block_floats, self.lanes) as at:
                value = x.load(at.index)
                y.store((value > 0).select(value, value * slope), at.index)


@dataclass(frozen=True)
class PReLUGradient(_Slopes):
    """The gradients of a PReLU: dx, and for each share of the images the sum of x·dy over x ≤ 0 by channel.

    Shapes:   x, dy (n, blocks, h, w, lanes), slope → dx, parts (slices, blocks·lanes)
    """

    slices: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "slope", "dy", "dx", "parts")

    def items(self, batch: int) -> int:
        return self.slices * self.blocks

    def write(self, code: Code) -> None:
        parts = code.pointer("parts")
        with code.loop(code.first, code.last) as item:
            block = item.index % self.blocks
            slope = self.slope(code, block)

            def of_image(image: Index) -> Vector:
                return self._image(code, slope, (image * self.blocks + block) * self.block_floats)

            total = over_share(code, item.index // self.blocks, self.slices, of_image)
            parts.store(total, item.index * self.lanes)

    def _image(self, code: Code, slope: Vector, start: Index) -> Vector:
        x, dy, dx = code.pointer("x"), code.pointer("dy"), code.pointer("dx")
        with code.loop(start, start + self.block_floats, self.lanes, carry=code.zeros(1)) as at:
            value, given = x.load(at.index), dy.load(at.index)
            left = (value > 0).select(code.constant(0), value * given)
            dx.store((value > 0).select(given, given * slope), at.index)
            at.next([at.values[0] + left])
        (total,) = at.results
        assert isinstance(total, Vector)
        return total


def over_share(code: Code, part: Index, slices: int, of_image: Callable[[Index], Vector]) -> Vector:
    """Write a loop over one share of the images and return the sum of what each of them gives.

    Images are summed one by one before their sums are: the error grows with the images plus an image's
    numbers, not with their product.
    """
    first, last = share(code.number("batch"), part, slices)
    with code.loop(first, last, carry=code.zeros(1)) as image:
        image.next([image.values[0] + of_image(image.index)])
    (total,) = image.results
    assert isinstance(total, Vector)
    return total


@dataclass(frozen=True)
class PReLUSlopeGradient(Kernel):
    """Add up the parts of the slopes' gradient; a shared slope gets the sum over all channels.

    Shapes:   parts (slices, blocks·lanes) → dslope (blocks·lanes,) or (1,)
    """

    channels: int
    lanes: int
    shared: bool
    slices: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("parts", "dslope")

    def items(self, batch: int) -> int:
        return 1 if self.shared else blocks_of(self.channels, self.lanes)

    def write(self, code: Code) -> None:
        parts, dslope = code.pointer("parts"), code.pointer("dslope")
        row = blocks_of(self.channels, self.lanes) * self.lanes
        step = self.lanes if self.shared else row
        with code.loop(code.first, code.last) as item:
            with code.loop(0, self.slices * row, step, carry=code.zeros(1)) as part:
                part.next([part.values[0] + parts.load(item.index * self.lanes + part.index)])
            (total,) = part.results
            if self.shared:
                dslope.store_lane(total.reduce_sum())
            else:
                dslope.store(total, item.index * self.lanes)
