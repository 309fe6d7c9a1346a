"""Access pattern of a convolution along an axis, and tile sizes.

The forward pass and the input gradient are the same sum, y[out] = Σ x[in] · w[tap], over triples (out, tap, in) on
lines. The input gradient of a strided convolution splits into phases: positions with the same remainder modulo the
stride share their taps. A tile is the block of results that is accumulated in registers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..common.gemm_tile import evenly

Mask = tuple[tuple[bool, ...], ...]
"""For each tap, which positions of a tile read inside the image with it."""


@dataclass(frozen=True)
class Axis:
    """One axis, or one phase of it.

    The j-th of `count` results lies at `start + j·step`. With its t-th of `taps` taps it reads the source at
    `j·stride + offset + t·spread`, unless that is outside 0 … `limit`; the weight is `first_tap + t·tap_step`.
    Of `phases` that are alike, each starts one later and takes the weights one later than the phase before.
    """

    count: int
    start: int
    step: int
    stride: int
    offset: int
    spread: int
    taps: int
    first_tap: int
    tap_step: int
    limit: int
    phases: int = 1

    def reads(self, result: int, tap: int) -> bool:
        """Say whether a tap of a result falls inside the source."""
        return 0 <= result * self.stride + self.offset + tap * self.spread < self.limit

    @property
    def padded(self) -> bool:
        """Say whether any tap of any result falls outside the source."""
        return not all(self.reads(result, tap) for result in (0, self.count - 1) for tap in range(self.taps))


@dataclass(frozen=True)
class Strip:
    """Consecutive equal tiles: `count` tiles of `size` results, starting at result `start`."""

    start: int
    size: int
    count: int
    first_tile: int
    mask: Mask


@dataclass(frozen=True)
class TapRun:
    """Consecutive taps that contribute to the same positions of a tile."""

    first: int
    count: int
    live: tuple[int, ...]


def forward_axis(size: int, kernel: int, stride: int, before: int, dilation: int, output: int) -> Axis:
    """Return an axis of the forward pass: result o reads at o·stride + tap·dilation − before."""
    return Axis(output, 0, 1, stride, -before, dilation, kernel, 0, 1, size)


def gradient_phases(
    size: int, kernel: int, stride: int, before: int, dilation: int, output: int
) -> tuple[Axis, ...]:
    """Return the phases of the input gradient along the same axis; equal neighbors are merged.

    Input i was read by output o with tap t where i = o·stride + t·dilation − before. For i = phase + j·stride this
    gives o = j + (phase + before − t·dilation) / stride, for the taps where the division leaves nothing.
    """
    found: list[Axis] = []
    for phase in range(min(stride, size)):
        axis = _phase(phase, size, kernel, stride, before, dilation, output)
        if found:
            last, more = found[-1], found[-1].phases
            if axis == replace(last, start=last.start + more, first_tap=last.first_tap + more, phases=1):
                found[-1] = replace(last, phases=more + 1)
                continue
        found.append(axis)
    return tuple(found)


def _phase(phase: int, size: int, kernel: int, stride: int, before: int, dilation: int, output: int) -> Axis:
    count = -(-(size - phase) // stride)
    taps = [tap for tap in reversed(range(kernel)) if (phase + before - tap * dilation) % stride == 0]
    outputs = [(phase + before - tap * dilation) // stride for tap in taps]
    spread = outputs[1] - outputs[0] if len(taps) > 1 else 1
    tap_step = taps[1] - taps[0] if len(taps) > 1 else 1
    first, offset = (taps[0], outputs[0]) if taps else (0, 0)
    return Axis(count, phase, stride, 1, offset, spread, len(taps), first, tap_step, output)


def strips(axis: Axis, most: int) -> list[Strip]:
    """Split an axis into even tiles of bounded size; equal neighbors form one strip."""
    found: list[Strip] = []
    start = 0
    for tile, size in enumerate(evenly(axis.count, most)):
        results = range(start, start + size)
        mask = tuple(tuple(axis.reads(result, tap) for result in results) for tap in range(axis.taps))
        if found and (found[-1].size, found[-1].mask) == (size, mask):
            last = found[-1]
            found[-1] = Strip(last.start, size, last.count + 1, last.first_tile, mask)
        else:
            found.append(Strip(start, size, 1, tile, mask))
        start += size
    return found


def runs(mask: Mask) -> list[TapRun]:
    """Return runs of taps with the same live positions; taps without any are omitted."""
    found: list[TapRun] = []
    for tap, row in enumerate(mask):
        live = tuple(place for place, inside in enumerate(row) if inside)
        if not live:
            continue
        if found and found[-1].live == live and found[-1].first + found[-1].count == tap:
            found[-1] = TapRun(found[-1].first, found[-1].count + 1, live)
        else:
            found.append(TapRun(tap, 1, live))
    return found


MOST_VECTORS = 6
REGISTERS = {4: 12, 8: 16, 16: 32}
"""Vector registers by lanes, as every such processor has; SSE needs some for its products."""
ENOUGH_SUMS = 12
"""Sums that keep the multipliers busy: more would only make longer code."""
NARROW = 7
"""Rows up to so long are put into one tile with the rows below them."""


@dataclass(frozen=True)
class Tile:
    """Results accumulated in registers: blocks of filters × rows × columns of the image."""

    vectors: int
    rows: int
    columns: int


def best_tile(lanes: int, blocks: int, rows: int, columns: int) -> Tile:
    """Return the tile with the fewest cycles for these filter blocks, by a simple model."""
    registers = REGISTERS[lanes]
    candidates = [
        Tile(vectors, high, wide)
        for vectors in range(1, min(MOST_VECTORS, blocks) + 1)
        for high in range(1, rows + 1 if columns <= NARROW else 2)
        for wide in range(1, min(columns, (registers - vectors - 1) // vectors // high) + 1)
        if high == 1 or wide == columns
    ]
    return min(candidates, key=lambda tile: _cycles(tile, blocks, rows, columns))


def across_tile(lanes: int, channels: int, columns: int) -> Tile:
    """Return the tile whose results are whole vectors until their lanes are summed."""
    most = min(-(-ENOUGH_SUMS // channels), (REGISTERS[lanes] - channels - 1) // channels)
    return Tile(channels, 1, min(columns, max(most, 1)))


def _cycles(tile: Tile, blocks: int, rows: int, columns: int) -> float:
    """Return the cycles for one step of the depth, for all tiles.

    Two multiply-adds and two loads start in a cycle, and a multiply-add takes four: sums must wait for themselves
    where a tile has fewer than eight. Loads cost a little even when they fit in between, and weights more so: they
    come from farther away.
    """
    total = 0.0
    for vectors in evenly(blocks, tile.vectors):
        for high in evenly(rows, tile.rows):
            for wide in evenly(columns, tile.columns):
                pixels = high * wide
                total += max(vectors * pixels / 2, (vectors + pixels) / 2, 4) + vectors / 8 + pixels / 64
    return total
