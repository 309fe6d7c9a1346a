"""Loops over vectors in memory, and the bases of kernels that walk flat arrays or the channels of an image.

Loops are unrolled to hide latencies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Mask, Pointer, Vector, minimum
from ...layout import blocks_of

PIECES = 32
"""Work items of a flat array: a multiple of the usual numbers of threads."""


def for_vectors(
    code: Code,
    piece: Index,
    pieces: int,
    write: Callable[[Index, tuple[Vector, ...]], tuple[Vector, ...]],
    unroll: int,
    carry: tuple[Vector, ...] = (),
) -> tuple[tuple[Vector, ...], ...]:
    """Write a loop over the vectors of one of `pieces` equal pieces of an array of whole vectors.

    `write(offset, carried)` is unrolled `unroll` times, each with its own carried values. Return the final carried
    values, one tuple for each.
    """
    lanes = code.target.width
    vectors = code.number("floats") // lanes
    at, end = vectors * piece // pieces * lanes, vectors * (piece + 1) // pieces * lanes
    values = carry * unroll
    for count in (unroll, 1):
        whole = end - (end - at) % (count * lanes)
        with code.loop(at, whole, count * lanes, carry=values) as loop:
            following = list(loop.values)
            for number in range(count):
                own = slice(number * len(carry), (number + 1) * len(carry))
                following[own] = write(loop.index + number * lanes, tuple(following[own]))
            loop.next(following)
        at, values = whole, tuple(loop.results)
    return tuple(values[at : at + len(carry)] for at in range(0, len(values), len(carry))) if carry else ()


@dataclass(frozen=True)
class FlatKernel(Kernel):
    """A kernel over flat arrays of `floats` floats, a whole number of vectors, in a fixed number of pieces."""

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("floats",)

    def items(self, batch: int) -> int:
        return PIECES


UNROLL = 4
"""Vectors per iteration: enough independent sums to hide the latency of an addition."""
CHUNK = 256
"""Vectors summed before their sum is added to the total, as long running sums lose precision."""

MAX_STRIPS = 8
MIN_POSITIONS = 32

Position = int | Index
Step = Callable[[Position], None]
Adding = Callable[[Position, Sequence[Vector]], Sequence[Vector]]


def strips_of(positions: int) -> int:
    """Return the number of equal strips an image is split into, so that threads can share a single image.

    Fewer are faster, as long contiguous accesses are.
    """
    fitting = [count for count in range(1, MAX_STRIPS + 1) if positions % count == 0]
    return max((count for count in fitting if positions // count >= MIN_POSITIONS), default=1)


def sweep(code: Code, count: int, stride: int, step: Step) -> None:
    """Write `step(offset)` for `count` vectors, `stride` floats apart. The remainder is written without a loop."""
    whole = count - count % UNROLL
    if whole:
        with code.loop(0, whole * stride, UNROLL * stride) as loop:
            for own in range(UNROLL):
                step(loop.index + own * stride)
    for own in range(whole, count):
        step(own * stride)


def flat_sweep(code: Code, first: Index, last: Index, step: Step) -> None:
    """Write `step(offset)` for the vectors from index `first` up to `last`, which are known at run time."""
    lanes = code.target.width
    whole = first + (last - first) // UNROLL * UNROLL
    with code.loop(first * lanes, whole * lanes, UNROLL * lanes) as loop:
        for own in range(UNROLL):
            step(loop.index + own * lanes)
    with code.loop(whole * lanes, last * lanes, lanes) as single:
        step(single.index)


def sweep_sums(code: Code, count: int, stride: int, sums: int, adding: Adding) -> list[Vector]:
    """Return sums, lane by lane, over `count` vectors, `stride` floats apart.

    `adding(offset, sums)` returns the sums with the terms of one vector added. Sums take a quarter of the
    registers, the terms the others.
    """
    unroll = min(UNROLL, code.target.registers // (4 * sums))
    totals, whole = code.zeros(sums), count - count % unroll
    if whole:
        with code.loop(0, whole * stride, CHUNK * stride, carry=totals) as chunk:
            end = whole * stride if whole <= CHUNK else minimum(chunk.index + CHUNK * stride, whole * stride)
            with code.loop(chunk.index, end, unroll * stride, carry=code.zeros(unroll * sums)) as loop:
                parts: list[Vector] = []
                for own in range(unroll):
                    before = loop.values[own * sums : (own + 1) * sums]
                    parts += adding(loop.index + own * stride, before)
                loop.next(parts)
            chunk.next(_added(chunk.values, _reduced(loop.results, sums)))
        totals = chunk.results
    for own in range(whole, count):
        totals = list(adding(own * stride, totals))
    return totals


def _added(sums: Sequence[Vector], others: Sequence[Vector]) -> list[Vector]:
    return [one + other for one, other in zip(sums, others, strict=True)]


def _reduced(parts: Sequence[Vector], sums: int) -> list[Vector]:
    """Add the independent sums of one iteration, pairwise."""
    halves = list(parts)
    while len(halves) > sums:
        middle = len(halves) // 2
        halves = _added(halves[:middle], halves[middle:])
    return halves


def added(values: Sequence[Vector]) -> Vector:
    """Return the sum of 1, 2, 4, … vectors, added pairwise."""
    left = list(values)
    while len(left) > 1:
        left = [one + two for one, two in zip(left[::2], left[1::2], strict=True)]
    return left[0]


@dataclass(frozen=True)
class ChannelKernel(Kernel):
    """A kernel over channels; sizes are those of the image."""

    channels: int
    height: int
    width: int
    lanes: int

    @property
    def blocks(self) -> int:
        """Return the channel blocks."""
        return blocks_of(self.channels, self.lanes)

    @property
    def positions(self) -> int:
        """Return the positions of one image."""
        return self.height * self.width

    @property
    def block_floats(self) -> int:
        """Return the floats of one channel block of one image."""
        return self.positions * self.lanes

    def items(self, batch: int) -> int:
        return batch * self.blocks

    def loaded(self, code: Code, names: Sequence[str], block: int | Index) -> list[Vector]:
        """Load a block's values from arrays with one value per channel."""
        return [code.pointer(name).load(block * self.lanes) for name in names]

    def real_lanes(self, code: Code, block: int | Index) -> Mask:
        """Say which lanes of a block hold channels."""
        return code.first_lanes(self.channels - block * self.lanes)

    def parts(self, code: Code, part: int | Index, block: int | Index) -> tuple[Pointer, Pointer]:
        """Return the addresses of the two sums of a block in parts (slices, 2, channels)."""
        first = code.pointer("parts") + (block + part * (2 * self.blocks)) * self.lanes
        return first, first + self.blocks * self.lanes


def share(batch: Index, part: int | Index, parts: int) -> tuple[Index, Index]:
    """Return the range of images in a part of the batch, which may be empty."""
    return batch * part // parts, batch * (part + 1) // parts
