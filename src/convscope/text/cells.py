"""Text in the cells of a terminal: Chinese characters take two, combining marks none."""

from __future__ import annotations

import textwrap
from unicodedata import combining, east_asian_width


def width_of(text: str) -> int:
    """Return how many terminal cells a text takes.

    >>> width_of("conv1"), width_of("卷积1")
    (5, 5)
    """
    if text.isascii():
        return len(text)
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def pad(text: str, width: int, right: bool = False) -> str:
    """Fill a text with blanks up to `width` cells; `right` puts the blanks before it."""
    blanks = " " * max(0, width - width_of(text))
    return blanks + text if right else text + blanks


def shorten(text: str, width: int) -> str:
    """Leave out the middle of a text that takes more than `width` cells; both ends tell names apart.

    >>> shorten("layer3.22.downsample.conv", 15)
    'layer3.…le.conv'
    """
    if width_of(text) <= width:
        return text
    tail = (width - 1) // 2
    return _leading(text, width - 1 - tail) + "…" + _leading(text[::-1], tail)[::-1]


def _leading(text: str, width: int) -> str:
    kept, used = [], 0
    for sign in text:
        used += width_of(sign)
        if used > width:
            break
        kept.append(sign)
    return "".join(kept)


def wrap(text: str, width: int) -> list[str]:
    """Break a sentence into lines; those after the first are indented by two cells."""
    return hang(text, width, 0, 2) or [""]


def hang(text: str, width: int, indent: int, later: int | None = None) -> list[str]:
    """Break a sentence into lines indented by `indent` cells, those after the first by `later`."""
    after = indent if later is None else later
    return textwrap.wrap(
        text,
        max(20 + indent, width),
        initial_indent=" " * indent,
        subsequent_indent=" " * after,
        break_long_words=False,
        break_on_hyphens=False,
    )
