"""Layer normalization over the channels of each position, as ConvNeXt does it.

Two neighboring positions are worked on at once. All their channels fit the nearest cache, so they come from
memory once, however often the code reads them: for the mean, for the squared differences from it, for the result.
The backward pass works mean and deviation out again rather than read them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...codegen.kernel import own_scratch
from ...codegen.target import Target
from ...ir import Code, Pointer, Vector, fma
from ..common.loops import ChannelKernel, Position, share, strips_of

GROUP = 2
"""Positions worked on at once: their sums over lanes hide behind each other, and more would crowd the cache."""

AHEAD = 16
"""Positions from one that is read to those asked for: no processor foresees reads in so many places by itself."""

Reading = Callable[[int, Position], Vector]
"""Reads an image, at a position of the group and in a channel block."""


@dataclass(frozen=True)
class _OverChannels(ChannelKernel):
    """A pass over the positions of images, each with all its channels."""

    eps: float
    affine: bool

    def each_group(self, code: Code, positions: int, step: Callable[[Position, int], None]) -> None:
        """Write `step(first, count)` for groups of so many positions that follow each other."""
        whole = positions - positions % GROUP
        if whole:
            with code.loop(0, whole, GROUP) as loop:
                step(loop.index, GROUP)
        if whole < positions:
            step(whole, positions - whole)

    def each_block(self, code: Code, step: Callable[[Position, bool], None]) -> None:
        """Write `step(block, last)` for every block."""
        if self.blocks > 1:
            with code.loop(0, self.blocks - 1) as loop:
                step(loop.index, False)
        step(self.blocks - 1, True)

    def sums(self, code: Code, count: int, terms: Callable[[Position, bool], Sequence[Vector]]) -> list[Vector]:
        """Return `count` sums over channels, in every lane; `terms(block, last)` are what a block adds."""
        totals = code.zeros(count)
        if self.blocks > 1:
            with code.loop(0, self.blocks - 1, carry=totals) as loop:
                loop.next(_added(loop.values, terms(loop.index, False)))
            totals = loop.results
        return [total.reduce_sum() for total in _added(totals, terms(self.blocks - 1, True))]

    def statistics(
        self, code: Code, count: int, x: Reading, ahead: Sequence[Pointer]
    ) -> tuple[list[Vector], list[Vector]]:
        """Return means and inverse deviations of a group's positions; ask for what lies ahead in memory."""
        positions, share_of_one = range(count), 1 / self.channels

        def terms(block: Position, _: bool) -> list[Vector]:
            for image in ahead:
                for own in positions:
                    image.prefetch(block * self.block_floats + (own + AHEAD) * self.lanes)
            return [x(own, block) for own in positions]

        means = [total * share_of_one for total in self.sums(code, count, terms)]

        def squares(block: Position, last: bool) -> list[Vector]:
            apart = [self.kept(code, x(own, block) - means[own], last) for own in positions]
            return [one * one for one in apart]

        variances = [total * share_of_one for total in self.sums(code, count, squares)]
        return means, [1 / (variance + self.eps).sqrt() for variance in variances]

    def kept(self, code: Code, value: Vector, last: bool) -> Vector:
        """Return a value with zeros in lanes without a channel, which only the last block has."""
        used = self.channels % self.lanes
        return code.first_lanes(used).select(value, 0) if last and used else value

    def reading(self, image: Pointer, first: Position) -> Reading:
        """Return what reads an image at the positions of a group."""
        start = image + first * self.lanes
        return lambda own, block: start.load(block * self.block_floats + own * self.lanes)


def _added(sums: Sequence[Vector], terms: Sequence[Vector]) -> list[Vector]:
    return [total + term for total, term in zip(sums, terms, strict=True)]


@dataclass(frozen=True)
class LayerNormKernel(_OverChannels):
    """Normalize the channels of each position, then scale and shift each channel.

    Shapes:   x (n, blocks, h, w, lanes), weight and bias one for each channel → y as x
    Formula:  y = (x − mean) / √(variance + eps) · weight + bias
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", *(("weight", "bias") if self.affine else ()), "y")

    def items(self, batch: int) -> int:
        return batch * strips_of(self.positions)

    def write(self, code: Code) -> None:
        strips = strips_of(self.positions)
        size = self.positions // strips
        with code.loop(code.first, code.last) as item:
            image, strip = item.index // strips, item.index % strips
            start = image * (self.blocks * self.block_floats) + strip * (size * self.lanes)
            x, y = (code.pointer(name) + start for name in ("x", "y"))
            self.each_group(code, size, lambda first, count: self._group(code, x, y, first, count))

    def _group(self, code: Code, x: Pointer, y: Pointer, first: Position, count: int) -> None:
        read = self.reading(x, first)
        ahead = [image + first * self.lanes for image in (x, y)]
        means, inverses = self.statistics(code, count, read, ahead)

        def step(block: Position, last: bool) -> None:
            names = ("weight", "bias") if self.affine else ()
            affine = [code.pointer(name).load(block * self.lanes) for name in names]
            for own in range(count):
                value = (read(own, block) - means[own]) * inverses[own]
                value = self.kept(code, fma(value, *affine) if affine else value, last)
                y.store(value, block * self.block_floats + (first + own) * self.lanes)

        self.each_block(code, step)


@dataclass(frozen=True)
class LayerNormGradient(_OverChannels):
    """Write the gradient of x; with parameters, also their gradients for each share of the batch.

    An image's sums are added to those of the images before it, not position to position: so they keep their
    digits.

    Shapes:   x, dy → dx; parts (slices, 2, blocks · lanes): Σ dy · x̂, Σ dy
    Formula:  dx = (h − mean(h) − x̂ · mean(h · x̂)) / √(variance + eps), h = dy · weight
    """

    slices: int = 8

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "dy", "weight", "dx", "parts") if self.affine else ("x", "dy", "dx")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def items(self, batch: int) -> int:
        return self.slices

    def scratch_floats(self, target: Target) -> int:
        return 2 * self.blocks * self.lanes if self.affine else 0

    def write(self, code: Code) -> None:
        row = self.blocks * self.lanes
        with code.loop(code.first, code.last) as item:
            first, last = share(code.number("batch"), item.index, self.slices)
            if self.affine:
                parts = code.pointer("parts") + item.index * (2 * row)
                self._each_sum(code, lambda at: parts.store(code.constant(0), at))
            with code.loop(first, last) as image:
                start = image.index * (self.blocks * self.block_floats)
                if self.affine:
                    own = own_scratch(self, code)
                    self._each_sum(code, lambda at: own.store(code.constant(0), at))
                self.each_group(code, self.positions, lambda first, count: self._group(code, start, first, count))
                if self.affine:
                    self._each_sum(code, lambda at: parts.store(parts.load(at) + own.load(at), at))

    def _each_sum(self, code: Code, step: Callable[[Position], None]) -> None:
        with code.loop(0, 2 * self.blocks) as loop:
            step(loop.index * self.lanes)

    def _group(self, code: Code, start: Position, first: Position, count: int) -> None:
        positions = range(count)
        x, dy = (self.reading(code.pointer(name) + start, first) for name in ("x", "dy"))
        ahead = [code.pointer(name) + start + first * self.lanes for name in ("x", "dy", "dx")]
        means, inverses = self.statistics(code, count, x, ahead)

        def read(own: int, block: Position) -> tuple[Vector, Vector, Vector]:
            """Return dy, h and x̂."""
            above = dy(own, block)
            h = above * code.pointer("weight").load(block * self.lanes) if self.affine else above
            return above, h, (x(own, block) - means[own]) * inverses[own]

        def terms(block: Position, _: bool) -> list[Vector]:
            pairs = [read(own, block)[1:] for own in positions]
            return [*(h for h, _ in pairs), *(h * standard for h, standard in pairs)]

        sums = [total * (1 / self.channels) for total in self.sums(code, 2 * count, terms)]

        def step(block: Position, last: bool) -> None:
            added = code.zeros(2)
            for own in positions:
                above, h, standard = read(own, block)
                value = (h - sums[own] - standard * sums[count + own]) * inverses[own]
                at = block * self.block_floats + (first + own) * self.lanes
                (code.pointer("dx") + start).store(self.kept(code, value, last), at)
                added = [added[0] + self.kept(code, above * standard, last), added[1] + above]
            if self.affine:
                for number, value in enumerate(added):
                    place = own_scratch(self, code) + (block + number * self.blocks) * self.lanes
                    place.store(place.load() + value)

        self.each_block(code, step)


@dataclass(frozen=True)
class AffineGradient(ChannelKernel):
    """Add up parts (rows, 2, blocks · lanes), from the first to the last, to gradients of weight and bias."""

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("parts", "dweight", "dbias")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("rows",)

    def items(self, batch: int) -> int:
        return self.blocks

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            with code.loop(0, code.number("rows"), carry=code.zeros(2)) as part:
                parts = [place.load() for place in self.parts(code, part.index, item.index)]
                part.next(_added(part.values, parts))
            for name, total in zip(("dweight", "dbias"), part.results, strict=True):
                code.pointer(name).store(total, item.index * self.lanes)
