"""Base of kernels that treat every channel of a blocked image separately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Mask, Pointer, Vector
from ...layout import blocks_of


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
