"""A region drawn with characters: enough to see where a unit looks, in any terminal."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..analysis.region import Region, Units

SEEN, PARTLY, PADDING, GLOBAL, UNSEEN, BEYOND, CENTER = "█", "▒", "░", ":", "·", " ", "+"
_MEANINGS = {
    SEEN: "seen",
    PARTLY: "seen in part",
    PADDING: "padding",
    GLOBAL: "seen over the global path alone",
    UNSEEN: "not seen",
    CENTER: "center",
}

USUAL_LINES, MOST_LINES = 24, 34
"""A sketch has about as many lines as a terminal; a few more where that saves it from joining pixels."""

Mask = NDArray[np.bool_]


class Frame(NamedTuple):
    """Rows and columns of pixels, half-open."""

    top: int
    left: int
    bottom: int
    right: int

    def around(self, other: Frame) -> Frame:
        """Return the smallest frame that holds both."""
        return Frame(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))

    def meets(self, other: Frame) -> bool:
        """Tell whether the two have a pixel in common."""
        rows = self.top < other.bottom and other.top < self.bottom
        return rows and self.left < other.right and other.left < self.right


def sketch_region(region: Region, width: int = 72) -> str:
    """Draw one unit's region on the image, padding included, and say what the signs mean.

    Of a volume the rows and columns are drawn, with its slices joined.
    """
    seen = _plane(region.local_mask) + 2 * _plane(region.mask)
    rank = len(region.box) // 2
    box = region.box if rank > 1 else (0, region.box[0], 1, region.box[1])
    center = region.center if rank > 1 else (0.5, region.center[0])
    rank = max(rank, 2)
    frame = Frame(box[rank - 2], box[rank - 1], box[-2], box[-1])
    return _drawn(seen, frame, (center[-2], center[-1]), width)


def sketch_units(units: Units, width: int = 72) -> str:
    """Draw which units of a layer's map see a pixel."""
    seen = _plane(units.local_mask) + 2 * _plane(units.mask)
    return _drawn(seen, Frame(0, 0, *seen.shape), None, width)


def _plane(mask: Mask) -> Mask:
    """Return rows and columns of a mask: one row for a line of positions, slices joined for a volume."""
    if mask.ndim < 2:
        return mask.reshape(1, -1)
    return np.asarray(mask.any(axis=tuple(range(mask.ndim - 2))))


def _drawn(seen: NDArray[np.int_], box: Frame, center: tuple[float, float] | None, width: int) -> str:
    # Odd where seen over a local path, not zero where seen at all.
    image = Frame(0, 0, *seen.shape)
    canvas = image.around(box)
    step = _step(canvas.bottom - canvas.top, canvas.right - canvas.left, width)
    across = [(left, left + max(step // 2, 1)) for left in range(canvas.left, canvas.right, max(step // 2, 1))]
    if step == 1:
        across = [cut for cut in across for _ in range(2)]
    lines = [
        "".join(_sign(Frame(up, left, up + step, right), seen, image, box, center) for left, right in across)
        for up in range(canvas.top, canvas.bottom, step)
    ]
    used = set("".join(lines))
    meanings = [f"{sign} {word}" for sign, word in _MEANINGS.items() if sign in used]
    if step > 1:
        meanings.append(f"one sign is {step}×{step // 2} pixels")
    return "\n".join([*(line.rstrip() for line in lines), "", "   ".join(meanings)])


def _step(rows: int, columns: int, width: int) -> int:
    """Return the pixels per line, 1 or even: a sign is half as wide as high, so a single pixel takes two signs."""
    if rows <= MOST_LINES and 2 * columns <= width:
        return 1
    return 2 * ceil(max(rows / USUAL_LINES, 2 * columns / width) / 2)


def _sign(
    cell: Frame, seen: NDArray[np.int_], image: Frame, box: Frame, center: tuple[float, float] | None
) -> str:
    if center is not None and cell.top <= center[0] < cell.bottom and cell.left <= center[1] < cell.right:
        return CENTER
    if not cell.meets(image):
        return PADDING if cell.meets(box) else BEYOND
    under = seen[max(cell.top, 0) : cell.bottom, max(cell.left, 0) : cell.right]
    local = under % 2
    if not local.any():
        return GLOBAL if under.any() else UNSEEN
    return SEEN if 2 * int(local.sum()) > under.size else PARTLY
