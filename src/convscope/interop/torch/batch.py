"""The batch axis of a recorded tensor: found by a batch size that nothing else has, and taken out of shapes.

A network is recorded for a batch of B images, B being a prime larger than every size of the network. A size that
B divides therefore holds the batch: B alone is the batch axis, k·B is the batch folded with k other indices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from ...layers.connection import Shape
from ..errors import UnsupportedOperator


def batch_size(sizes: Iterable[int]) -> int:
    """Return a prime above 1,000 that is larger than all these sizes."""
    candidate = max(1000, *sizes) + 1
    while any(candidate % divisor == 0 for divisor in range(2, int(candidate**0.5) + 1)):
        candidate += 1
    return candidate


class Batch:
    """What a batch size says about shapes.

    >>> batch = Batch(1009)
    >>> batch.free((1009, 3, 8)), batch.free((8, 4 * 1009, 5)), batch.free((7, 7))
    ((3, 8), (8, 4, 5), (7, 7))
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def axis(self, shape: Sequence[int]) -> int | None:
        """Return which axis holds the batch; None for an array of the network's own.

        Errors:   UnsupportedOperator where two axes do
        """
        found = [axis for axis, size in enumerate(shape) if size and size % self.size == 0]
        if len(found) > 1:
            raise UnsupportedOperator("images are mixed")
        return found[0] if found else None

    def folded(self, shape: Sequence[int]) -> int:
        """Return how many other indices share the batch axis; 1 where there is none."""
        axis = self.axis(shape)
        return 1 if axis is None else shape[axis] // self.size

    def kept(self, shape: Sequence[int]) -> list[int]:
        """Return the axes that stay without the batch."""
        batch = self.axis(shape)
        return [a for a in range(len(shape)) if a != batch or shape[a] != self.size]

    def free(self, shape: Sequence[int]) -> Shape:
        """Return the shape for one image; a single number counts as a vector of one."""
        return tuple(self.one(shape[axis]) for axis in self.kept(shape)) or (1,)

    def one(self, size: int) -> int:
        """Return a size for one image."""
        return size // self.size if size and size % self.size == 0 else size

    def place(self, shape: Sequence[int], axis: int) -> int:
        """Return the place of an axis (negative ones count from the end) in the shape for one image.

        Errors:   UnsupportedOperator for the batch axis itself
        """
        axis %= len(shape) or 1
        if axis == self.axis(shape):
            raise UnsupportedOperator("images are mixed")
        return self.kept(shape).index(axis)

    def refolded(self, old: Sequence[int], within: int, new: Sequence[int]) -> int:
        """Return how many indices stand inside the batch of a reshaped tensor's axis; `within` did before.

        An axis of k·B may be B·k, (k/2)·B·2, …, k·B: what stands inside moves with the image, what outside not.

        Errors:   UnsupportedOperator where the elements of one image would be torn apart
        """
        axis, place = self.axis(old), self.axis(new)
        if axis is None or place is None:
            if axis is not place:
                raise UnsupportedOperator("images are mixed")
            return 1
        inner = within * prod(old[axis + 1 :])
        after = prod(new[place + 1 :])
        if inner % after or self.folded(new) % (inner // after):
            raise UnsupportedOperator("images are mixed")
        return inner // after

    def images(self, shape: Sequence[int]) -> Shape:
        """Return the shape for one image of a tensor whose first axis is the batch alone.

        Errors:   UnsupportedOperator for any other
        """
        if not shape or shape[0] != self.size:
            raise UnsupportedOperator("no batch of images")
        return self.free(shape)
