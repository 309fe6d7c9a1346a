"""Channels put together, taken apart, dealt out: kernels that only move lanes.

Each kernel says, for every channel it writes, where that channel comes from. A block to be written is a shuffle of
the few blocks its channels come from; neighboring blocks that are made in the same way share one loop. Lanes
without a channel are written as zeros, whatever the source holds there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Pointer, Vector
from ...layout import blocks_of
from ..common.loops import Position, strips_of, sweep

Origin = tuple[int, int] | None
"""The source's number and its channel; None for zeros."""


@dataclass(frozen=True)
class BlockRun:
    """Neighboring blocks that are written alike.

    `sources` are (number of the source, its block for the first block written, pairs (lane written, lane read)).
    """

    first: int
    blocks: int
    sources: tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...]

    def is_followed_by(self, other: BlockRun) -> bool:
        """Say whether another run writes the following block in the same way from following blocks."""
        moved = tuple((number, block + self.blocks, lanes) for number, block, lanes in self.sources)
        return self.first + self.blocks == other.first and moved == other.sources


def runs_of(origins: Sequence[Origin], lanes: int) -> Iterator[BlockRun]:
    """Yield the runs that write an image whose channels come from `origins`."""
    last: BlockRun | None = None
    for block in range(blocks_of(len(origins), lanes)):
        places: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for lane, origin in enumerate(origins[block * lanes : (block + 1) * lanes]):
            if origin is not None:
                number, channel = origin
                places.setdefault((number, channel // lanes), []).append((lane, channel % lanes))
        one = BlockRun(block, 1, tuple((*place, tuple(pairs)) for place, pairs in places.items()))
        if last is not None and last.is_followed_by(one):
            last = BlockRun(last.first, last.blocks + 1, last.sources)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


class ChannelMove(Kernel):
    """A kernel that moves channels; its subclasses have the fields, and say which channels."""

    height: int
    width: int
    lanes: int

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Return height, width and lanes."""
        return self.height, self.width, self.lanes

    @property
    def sources(self) -> dict[str, int]:
        """Return the names of the images read, with their channels."""
        raise NotImplementedError(f"{type(self).__name__}.sources")

    @property
    def results(self) -> dict[str, list[Origin]]:
        """Return the names of the images written, with the origin of each channel."""
        raise NotImplementedError(f"{type(self).__name__}.results")

    @property
    def pointers(self) -> tuple[str, ...]:
        return (*self.sources, *self.results)

    @property
    def strips(self) -> int:
        """Return into how many strips every image is cut."""
        return strips_of(self.sizes[0] * self.sizes[1])

    def items(self, batch: int) -> int:
        return batch * self.strips

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            image, strip = item.index // self.strips, item.index % self.strips
            sources = [self._strip(code, name, count, image, strip) for name, count in self.sources.items()]
            for name, origins in self.results.items():
                y = self._strip(code, name, len(origins), image, strip)
                for run in runs_of(origins, self.sizes[2]):
                    self._write_run(code, run, sources, y)

    def _strip(self, code: Code, name: str, channels: int, image: Index, strip: Index) -> Pointer:
        """Return where a strip of the first block of an image lies."""
        plane = prod(self.sizes)
        at = image * (blocks_of(channels, self.sizes[2]) * plane)
        return code.pointer(name) + at + strip * (plane // self.strips)

    def _write_run(self, code: Code, run: BlockRun, sources: Sequence[Pointer], y: Pointer) -> None:
        plane, lanes = prod(self.sizes), self.sizes[2]
        with code.loop(0, run.blocks) as block:
            places = [sources[number] + (block.index + first) * plane for number, first, _ in run.sources]
            to = y + (block.index + run.first) * plane

            def step(at: Position) -> None:
                to.store(self._gathered(code, run, places, at), at)

            sweep(code, plane // lanes // self.strips, lanes, step)

    def _gathered(self, code: Code, run: BlockRun, places: Sequence[Pointer], at: Position) -> Vector:
        """Return the vector of one position; a block that is copied whole needs no shuffle."""
        lanes = self.sizes[2]
        result = code.constant(0)
        for place, (_, _, pairs) in zip(places, run.sources, strict=True):
            read = place.load(at)
            if pairs == tuple((lane, lane) for lane in range(lanes)):
                return read
            chosen = list(range(lanes))
            for lane, origin in pairs:
                chosen[lane] = lanes + origin
            result = result.shuffle(chosen, read)
        return result


@dataclass(frozen=True)
class Concatenate(ChannelMove):
    """Put images' channels one after the other: x0, x1, … → y."""

    channels: tuple[int, ...]
    height: int
    width: int
    lanes: int

    @property
    def sources(self) -> dict[str, int]:
        """Return the images that are put together."""
        return {f"x{number}": count for number, count in enumerate(self.channels)}

    @property
    def results(self) -> dict[str, list[Origin]]:
        """Return the whole."""
        return {"y": [(number, own) for number, count in enumerate(self.channels) for own in range(count)]}


@dataclass(frozen=True)
class Split(ChannelMove):
    """Take an image's channels apart, the gradient of `Concatenate`: dy → dx0, dx1, …"""

    channels: tuple[int, ...]
    height: int
    width: int
    lanes: int

    @property
    def sources(self) -> dict[str, int]:
        """Return the whole."""
        return {"dy": sum(self.channels)}

    @property
    def results(self) -> dict[str, list[Origin]]:
        """Return the images that were put together."""
        starts = accumulate(self.channels[:-1], initial=0)
        return {
            f"dx{number}": [(0, start + own) for own in range(count)]
            for number, (start, count) in enumerate(zip(starts, self.channels, strict=True))
        }


@dataclass(frozen=True)
class ChannelShuffleKernel(ChannelMove):
    """Deal the channels out of `groups` equal groups, one of each in turn: x → y.

    The gradient is the shuffle with channels / groups groups.
    """

    channels: int
    groups: int
    height: int
    width: int
    lanes: int

    @property
    def sources(self) -> dict[str, int]:
        """Return the image."""
        return {"x": self.channels}

    @property
    def results(self) -> dict[str, list[Origin]]:
        """Return the image with its channels dealt out."""
        size = self.channels // self.groups
        return {"y": [(0, group * size + own) for own in range(size) for group in range(self.groups)]}


@dataclass(frozen=True)
class ChannelSlice(ChannelMove):
    """Take channels start, start + step, … before `stop`: x → y; backwards, put them among zeros: dy → dx."""

    channels: int
    start: int
    stop: int
    step: int
    height: int
    width: int
    lanes: int
    backward: bool = False

    @property
    def _taken(self) -> list[int]:
        return list(range(self.start, self.stop, self.step))

    @property
    def sources(self) -> dict[str, int]:
        """Return the image, or the gradient of the slice."""
        return {"dy": len(self._taken)} if self.backward else {"x": self.channels}

    @property
    def results(self) -> dict[str, list[Origin]]:
        """Return the slice, or the gradient of the image."""
        if not self.backward:
            return {"y": [(0, channel) for channel in self._taken]}
        places = {channel: place for place, channel in enumerate(self._taken)}
        return {"dx": [(0, places[own]) if own in places else None for own in range(self.channels)]}
