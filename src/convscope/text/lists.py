"""Lists in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .language import Message


def shortened(items: Sequence[str], limit: int) -> str:
    """Join items by commas, with an ellipsis in place of those beyond the limit.

    >>> shortened(["a", "b", "c"], 2), shortened(["a", "b"], 2)
    ('a, b, …', 'a, b')
    """
    return listed([*items[:limit], *(["…"] if len(items) > limit else [])])


def shortened_with_count(items: Sequence[str], limit: int) -> str:
    """Join items by commas, with the count of those beyond the limit.

    >>> shortened_with_count(["a", "b", "c", "d"], 2)
    'a, b and 2 more'
    """
    first = listed(items[:limit])
    if len(items) > limit:
        return Message("{first} and {more} more", first=first, more=len(items) - limit)
    return first


def listed(items: Iterable[str]) -> str:
    """Join names or messages by commas, each translated with the whole.

    >>> listed([Message("one"), Message("two"), Message("three")])
    'one, two, three'
    """
    return _joined(list(items))


def _joined(items: list[str]) -> str:
    """Return halves within halves, so that a long list is no deep message."""
    if len(items) < 2:
        return items[0] if items else ""
    half = len(items) // 2
    return Message("{first}, {last}", first=_joined(items[:half]), last=_joined(items[half:]))


def join_and(items: Iterable[str]) -> str:
    """Join items as a sentence does.

    >>> join_and(["a"]), join_and(["a", "b"]), join_and(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *first, last = items
    return Message("{first} and {last}", first=listed(first), last=last) if first else last


def join_or(items: Iterable[str]) -> str:
    """Join alternatives as a sentence does.

    >>> join_or(["a", "b", "c"])
    'a, b or c'
    """
    *first, last = items
    return Message("{first} or {last}", first=listed(first), last=last) if first else last


def counted(count: int, noun: str) -> Message:
    """Return a count with its noun, in the plural unless the count is 1.

    >>> counted(1, "layer"), counted(1200, "layer")
    ('1 layer', '1,200 layers')
    """
    template = f"{{count:,}} {noun}(s)"
    return Message(template, count=count)
