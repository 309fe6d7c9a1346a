"""Images as they come from outside into blocks of channels, and back."""

from __future__ import annotations

from dataclasses import dataclass

from ...codegen.kernel import Kernel
from ...ir import Code, Index
from ...layout import blocks_of
from ..common.transpose import transposed


@dataclass(frozen=True)
class _Packing(Kernel):
    """Squares of as many channels by as many pixels as a vector has lanes, turned over in registers."""

    channels: int
    height: int
    width: int
    lanes: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    @property
    def blocks(self) -> int:
        """Return the channel blocks."""
        return blocks_of(self.channels, self.lanes)

    @property
    def pixels(self) -> int:
        """Return the pixels of a channel."""
        return self.height * self.width

    def items(self, batch: int) -> int:
        return batch * self.blocks

    def write(self, code: Code) -> None:
        tail = self.channels % self.lanes
        with code.loop(code.first, code.last) as item:
            image, block = item.index // self.blocks, item.index % self.blocks
            plain = (image * self.channels + block * self.lanes) * self.pixels
            blocked = item.index * (self.pixels * self.lanes)
            whole = block < self.channels // self.lanes
            if self.channels >= self.lanes:
                with code.when(whole):
                    self._block(code, plain, blocked, self.lanes)
            if tail:
                with code.when(~whole):
                    self._block(code, plain, blocked, tail)

    def _block(self, code: Code, plain: Index, blocked: Index, channels: int) -> None:
        """Write the squares of one block."""
        rest = self.pixels % self.lanes
        if self.pixels >= self.lanes:
            with code.loop(0, self.pixels - rest, self.lanes) as square:
                self.square(code, plain + square.index, blocked + square.index * self.lanes, channels, self.lanes)
        if rest:
            at = self.pixels - rest
            self.square(code, plain + at, blocked + at * self.lanes, channels, rest)

    def square(self, code: Code, plain: Index, blocked: Index, channels: int, pixels: int) -> None:
        """Write one square, of fewer channels or pixels at the edges."""
        raise NotImplementedError(f"{type(self).__name__}.square")


@dataclass(frozen=True)
class Pack(_Packing):
    """Lay images into blocks of channels; lanes past the last channel become zero.

    Shapes:   x (n, c, h, w) → y (n, blocks, h, w, lanes)
    """

    def square(self, code: Code, plain: Index, blocked: Index, channels: int, pixels: int) -> None:
        """Write one square, of fewer channels or pixels at the edges."""
        x, y = code.pointer("x") + plain, code.pointer("y") + blocked
        if self.pixels == 1:
            y.store(x.load_first(channels))
            return
        if pixels == self.lanes:
            rows = [x.load(row * self.pixels) for row in range(channels)]
        else:
            rows = [x.load_first(pixels, row * self.pixels) for row in range(channels)]
        columns = transposed(rows + code.zeros(self.lanes - channels))
        for pixel in range(pixels):
            y.store(columns[pixel], pixel * self.lanes)


@dataclass(frozen=True)
class Unpack(_Packing):
    """Lay blocks of channels out as images.

    Shapes:   x (n, blocks, h, w, lanes) → y (n, c, h, w)
    """

    def square(self, code: Code, plain: Index, blocked: Index, channels: int, pixels: int) -> None:
        """Write one square, of fewer channels or pixels at the edges."""
        x, y = code.pointer("x") + blocked, code.pointer("y") + plain
        if self.pixels == 1:
            y.store_first(x.load(), channels)
            return
        rows = [x.load(pixel * self.lanes) for pixel in range(pixels)]
        columns = transposed(rows + code.zeros(self.lanes - pixels))
        for row in range(channels):
            if pixels == self.lanes:
                y.store(columns[row], row * self.pixels)
            else:
                y.store_first(columns[row], pixels, row * self.pixels)
