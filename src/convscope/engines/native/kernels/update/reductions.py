"""Sums: over the parts of a gradient, over images and positions of each channel, of two arrays."""

from __future__ import annotations

from dataclasses import dataclass

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Pointer, Vector
from ...layout import blocks_of
from ..common.loops import PIECES, FlatKernel, for_vectors

CHAINS = 8
"""Sums of one channel that run side by side: an addition waits for the one before it, not for its neighbors."""


@dataclass(frozen=True)
class SumParts(FlatKernel):
    """Sum the parts of an array in a fixed order.

    Shapes:   parts (slices, floats) → out (floats,); `floats` is a whole number of vectors
    """

    slices: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("parts", "out")

    def write(self, code: Code) -> None:
        parts, out, floats = code.pointer("parts"), code.pointer("out"), code.number("floats")

        def add_up(at: Index, _: tuple[Vector, ...]) -> tuple[Vector, ...]:
            total = parts.load(at)
            for number in range(1, self.slices):
                total = total + (parts + floats * number).load(at)
            out.store(total, at)
            return ()

        with code.loop(code.first, code.last) as piece:
            for_vectors(code, piece.index, PIECES, add_up, 1 if self.slices > 4 else 4)


@dataclass(frozen=True)
class ChannelSums(Kernel):
    """Sum a blocked array over images and positions, in `slices` parts: a bias's gradient.

    Each image is summed by itself, in several chains, before it is added to those before it: so errors grow with
    the number of images and not with the number of pixels.

    Shapes:   dy (n, blocks, height, width, lanes) → parts (slices, blocks · lanes)
    """

    channels: int
    height: int
    width: int
    lanes: int
    slices: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "parts")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    @property
    def blocks(self) -> int:
        """Return the channel blocks."""
        return blocks_of(self.channels, self.lanes)

    def items(self, batch: int) -> int:
        return self.slices * self.blocks

    def write(self, code: Code) -> None:
        dy, parts, batch = code.pointer("dy"), code.pointer("parts"), code.number("batch")
        with code.loop(code.first, code.last) as item:
            part, block = item.index // self.blocks, item.index % self.blocks
            first, last = batch * part // self.slices, batch * (part + 1) // self.slices
            pixels = self.height * self.width
            with code.loop(first, last, carry=code.zeros(1)) as image:
                start = dy + (image.index * self.blocks + block) * (pixels * self.lanes)
                image.next([image.values[0] + self._image_sum(code, start, pixels)])
            parts.store(image.results[0], item.index * self.lanes)

    def _image_sum(self, code: Code, image: Pointer, pixels: int) -> Vector:
        """Return the sum over the pixels of one block of one image."""
        chains = min(CHAINS, pixels)
        whole = pixels - pixels % chains
        with code.loop(0, whole, chains, carry=code.zeros(chains)) as pixel:
            start = image + pixel.index * self.lanes
            pixel.next([total + start.load(n * self.lanes) for n, total in enumerate(pixel.values)])
        totals: list[Vector] = pixel.results
        for n in range(pixels - whole):
            totals[n] = totals[n] + image.load((whole + n) * self.lanes)
        while len(totals) > 1:
            half = len(totals) // 2
            pairs = [a + b for a, b in zip(totals[:half], totals[half : 2 * half], strict=True)]
            totals = pairs + totals[2 * half :]
        return totals[0]


@dataclass(frozen=True)
class AddInto(FlatKernel):
    """Add two arrays: out = x + y.

    Shapes:   x, y → out, each of `floats` floats, a whole number of vectors
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y", "out")

    def write(self, code: Code) -> None:
        x, y, out = (code.pointer(name) for name in self.pointers)
        _write_sum(code, x, y, out)


@dataclass(frozen=True)
class Accumulate(FlatKernel):
    """Add an array to another: out += x.

    Shapes:   x, out, each of `floats` floats, a whole number of vectors
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "out")

    def write(self, code: Code) -> None:
        x, out = (code.pointer(name) for name in self.pointers)
        _write_sum(code, x, out, out)


def _write_sum(code: Code, x: Pointer, y: Pointer, out: Pointer) -> None:
    def add(at: Index, _: tuple[Vector, ...]) -> tuple[Vector, ...]:
        out.store(x.load(at) + y.load(at), at)
        return ()

    with code.loop(code.first, code.last) as piece:
        for_vectors(code, piece.index, PIECES, add, 4)
