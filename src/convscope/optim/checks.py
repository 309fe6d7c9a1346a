"""Checks of settings."""

from __future__ import annotations

import math
import operator
import re
from numbers import Real

from ..errors import BadSetting
from ..text.language import Message

MOST_SHOWN = 60
"""Maximum length of a value in an error message."""


def check_number(
    setting: str, value: object, least: float, below: float = math.inf, *, above: bool = False, hint: Message
) -> float:
    """Check a number and return it as a float.

    Args:
        setting: The setting's name, with the class or function that has it: "SGD.lr".
        value: Its value.
        least: The lower bound, inclusive unless `above` is set.
        below: The upper bound, exclusive.
        above: Whether the lower bound is exclusive; only without an upper bound.
        hint: How to fix a wrong value, as a sentence.

    Raises:
        BadSetting: [setting]
    """
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if not math.isfinite(number) or number < least or (above and number == least) or number >= below:
        if above:
            expected = Message("a number above {least:g}", least=least)
        elif below == math.inf:
            expected = Message("a number of at least {least:g}", least=least)
        else:
            expected = Message("a number of at least {least:g} and below {below:g}", least=least, below=below)
        raise BadSetting(
            "{setting} must be {expected} (got {got}). {hint} [setting]",
            setting=setting,
            expected=expected,
            got=_shown(value),
            hint=hint,
        )
    return number


def check_integer(setting: str, value: object, least: int, hint: Message) -> int:
    """Check an integer with the inclusive lower bound `least` and return it.

    Raises:
        BadSetting: [setting]
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise BadSetting(
            "{setting} must be an integer of at least {least} (got {got}). {hint} [setting]",
            setting=setting,
            least=least,
            got=_shown(value),
            hint=hint,
        )
    return number


def check_flag(setting: str, value: object) -> bool:
    """Check a flag and return it.

    Raises:
        BadSetting: [setting]
    """
    if not isinstance(value, bool):
        raise BadSetting(
            "{setting} must be True or False (got {got}). [setting]", setting=setting, got=_shown(value)
        )
    return value


def set_field(owner: object, name: str, value: object) -> None:
    """Set a field of a frozen dataclass to its checked value."""
    object.__setattr__(owner, name, value)


def _shown(value: object) -> str:
    """Return a value as text of bounded length. Python refuses to print integers of thousands of digits."""
    try:
        text = repr(value)
    except ValueError:
        return Message("a very large {kind}", kind=type(value).__name__)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?i?)b?\s*", re.IGNORECASE)
_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def check_bytes(setting: str, value: object) -> int:
    """Return a number of bytes, from an integer or a text such as "256MB" or "1.5GiB".

    Raises:
        BadSetting: [bytes]

    >>> check_bytes("fit.history", "256MB"), check_bytes("fit.history", "2KiB")
    (256000000, 2048)
    """
    size = -1
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str) and len(value) <= 40 and (found := _SIZE.fullmatch(value)):
        unit = found[2].lower()
        size = round(float(found[1]) * (1024 if unit.endswith("i") else 1000) ** _UNITS[unit.rstrip("i")])
    if size < 1:
        raise BadSetting(
            "{setting} must be a number of bytes (got {got!r}). Use 256MB. [bytes]", setting=setting, got=value
        )
    return size
