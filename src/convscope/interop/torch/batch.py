"""The batch axis of recorded tensors, recognized by its size.

A network is recorded for a batch of B images, where the prime B is larger than every size of the network. A size
that is a multiple of B therefore contains the batch: B alone is the batch axis, k·B is the batch with another axis
of k elements folded into it.
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
    """A batch size, and what it implies for the shapes of recorded tensors.

    >>> batch = Batch(1009)
    >>> batch.image_shape((1009, 3, 8)), batch.image_shape((8, 4 * 1009, 5)), batch.image_shape((7, 7))
    ((3, 8), (8, 4, 5), (7, 7))
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def axis(self, shape: Sequence[int]) -> int | None:
        """Return the axis that contains the batch; None for an array of the module.

        Raises:
            UnsupportedOperator: Where two axes do.
        """
        found = [axis for axis, size in enumerate(shape) if size and size % self.size == 0]
        if len(found) > 1:
            raise UnsupportedOperator("the batch axis is combined with another axis")
        return found[0] if found else None

    def fold_factor(self, shape: Sequence[int]) -> int:
        """Return the number of elements folded into the batch axis per image; 1 where there is no batch."""
        axis = self.axis(shape)
        return 1 if axis is None else shape[axis] // self.size

    def image_axes(self, shape: Sequence[int]) -> list[int]:
        """Return the axes that an image has; a batch axis with others folded into it is one of them."""
        batch = self.axis(shape)
        return [a for a in range(len(shape)) if a != batch or shape[a] != self.size]

    def image_shape(self, shape: Sequence[int]) -> Shape:
        """Return the shape without the batch; that of a scalar is (1,)."""
        return tuple(self.image_size(shape[axis]) for axis in self.image_axes(shape)) or (1,)

    def image_size(self, size: int) -> int:
        """Return a size without the batch."""
        return size // self.size if size and size % self.size == 0 else size

    def image_axis(self, shape: Sequence[int], axis: int) -> int:
        """Return the index of an axis in the shape without the batch.

        Raises:
            UnsupportedOperator: For the batch axis.
        """
        axis %= len(shape) or 1
        if axis == self.axis(shape):
            raise UnsupportedOperator("the batch axis is combined with another axis")
        return self.image_axes(shape).index(axis)

    def refold(self, old: Sequence[int], within: int, new: Sequence[int]) -> int:
        """Return the number of elements inside the batch after a reshape, when there were `within` before.

        An axis of k·B may be ordered as (B, k), (k/2, B, 2), …, (k, B). Elements inside the batch belong to one
        image and move with it; those outside do not.

        Raises:
            UnsupportedOperator: Where the reshape would separate the elements of an image.
        """
        old_axis, new_axis = self.axis(old), self.axis(new)
        if old_axis is None or new_axis is None:
            if old_axis is not new_axis:
                raise UnsupportedOperator("the batch axis is combined with another axis")
            return 1
        inside = within * prod(old[old_axis + 1 :])
        after = prod(new[new_axis + 1 :])
        if inside % after or self.fold_factor(new) % (inside // after):
            raise UnsupportedOperator("the batch axis is combined with another axis")
        return inside // after

    def require_images(self, shape: Sequence[int]) -> Shape:
        """Return the shape without the batch, which must be the first axis.

        Raises:
            UnsupportedOperator: Where it is not, or has other axes folded into it.
        """
        if not shape or shape[0] != self.size:
            raise UnsupportedOperator("not a batch of images")
        return self.image_shape(shape)
