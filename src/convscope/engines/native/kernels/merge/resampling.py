"""Images made larger by repeating positions, given a frame of zeros, or cropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from ...ir import Code, Pointer, Vector
from ..common.loops import ChannelKernel, Position, sweep
from ..common.shapes import Pair


@dataclass(frozen=True)
class _Upsampling(ChannelKernel):
    """A pass over a small image, whose sizes these are, and a large one, `scale` times as high and wide."""

    scale: Pair

    @property
    def copies(self) -> list[int]:
        """Return how far the copies of a position lie from the first of them."""
        rows, columns = self.scale
        row_floats = self.width * columns * self.lanes
        return [row * row_floats + column * self.lanes for row in range(rows) for column in range(columns)]

    def rows(self, code: Code, small: Pointer, large: Pointer, step: Callable[[Pointer, Pointer], None]) -> None:
        """Write `step` for each position, told where it lies in the small image and where its copies begin."""
        rows, columns = self.scale
        row_floats = self.width * self.lanes
        with code.loop(code.first * self.height, code.last * self.height) as row:
            one, many = small + row.index * row_floats, large + row.index * (row_floats * rows * columns)
            sweep(code, self.width, self.lanes, lambda at: step(one + at, many + at * columns))


@dataclass(frozen=True)
class UpsampleNearest(_Upsampling):
    """Repeat every position in rows and columns: x (n, blocks, h, w, lanes) → y (n, blocks, h·r, w·s, lanes)."""

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    def write(self, code: Code) -> None:

        def step(x: Pointer, y: Pointer) -> None:
            value = x.load()
            for copy in self.copies:
                y.store(value, copy)

        self.rows(code, code.pointer("x"), code.pointer("y"), step)


@dataclass(frozen=True)
class UpsampleNearestGradient(_Upsampling):
    """Add up the gradients of the copies of every position: dy → dx."""

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "dx")

    def write(self, code: Code) -> None:

        def step(dx: Pointer, dy: Pointer) -> None:
            dx.store(reduce(Vector.__add__, [dy.load(copy) for copy in self.copies]))

        self.rows(code, code.pointer("dx"), code.pointer("dy"), step)


@dataclass(frozen=True)
class Frame(ChannelKernel):
    """Move an image into a frame: positive margins are filled with zeros, negative ones cut away: x → y.

    The gradient is the frame with all margins' signs turned round, over an image of y's size.

    Units:    margins (before, after), of rows and of columns
    """

    rows: Pair
    columns: Pair

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    @property
    def output(self) -> Pair:
        """Return y's height and width."""
        return self.height + sum(self.rows), self.width + sum(self.columns)

    def write(self, code: Code) -> None:
        """Write each block of each image: zeros above, the rows there are, zeros below."""
        height, width = self.output
        with code.loop(code.first, code.last) as item:
            x = code.pointer("x") + item.index * self.block_floats
            y = code.pointer("y") + item.index * (height * width * self.lanes)
            before, read, kept = _overlap(self.height, self.rows)
            self._zeros(code, y, 0, before * width)
            if kept:
                with code.loop(0, kept) as row:
                    from_row = x + (row.index + read) * (self.width * self.lanes)
                    self._row(code, from_row, y + (row.index + before) * (width * self.lanes))
            self._zeros(code, y, (before + kept) * width, (height - before - kept) * width)

    def _row(self, code: Code, x: Pointer, y: Pointer) -> None:
        before, read, kept = _overlap(self.width, self.columns)
        self._zeros(code, y, 0, before)
        source, to = x + read * self.lanes, y + before * self.lanes
        sweep(code, kept, self.lanes, lambda at: to.store(source.load(at), at))
        self._zeros(code, y, before + kept, self.output[1] - before - kept)

    def _zeros(self, code: Code, y: Pointer, position: int, count: int) -> None:
        """Write zeros from a position on."""

        def step(at: Position) -> None:
            y.store(code.constant(0), at + position * self.lanes)

        sweep(code, count, self.lanes, step)


def _overlap(size: int, margins: Pair) -> tuple[int, int, int]:
    """Return where the old positions begin in the new axis, the first of them that is kept, and how many are."""
    before, after = margins
    kept = max(size + min(before, 0) + min(after, 0), 0)
    return min(max(before, 0), size + before + after - kept), max(-before, 0), kept
