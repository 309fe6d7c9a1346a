"""Lists in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def shortened(items: Sequence[str], limit: int) -> str:
    """Join items by commas, with an ellipsis in place of those beyond the limit.

    >>> shortened(["a", "b", "c"], 2), shortened(["a", "b"], 2)
    ('a, b, …', 'a, b')
    """
    return ", ".join([*items[:limit], *(["…"] if len(items) > limit else [])])


def shortened_with_count(items: Sequence[str], limit: int) -> str:
    """Join items by commas, with the count of those beyond the limit.

    >>> shortened_with_count(["a", "b", "c", "d"], 2)
    'a, b and 2 more'
    """
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more


def join_and(items: Iterable[str], conjunction: str = "and") -> str:
    """Join items as a sentence does.

    >>> join_and(["a"]), join_and(["a", "b"]), join_and(["a", "b", "c"], "or")
    ('a', 'a and b', 'a, b or c')
    """
    *first, last = items
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural unless the count is 1.

    >>> counted(1, "layer"), counted(1200, "layer")
    ('1 layer', '1,200 layers')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
