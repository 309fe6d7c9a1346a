"""Checks of settings."""

from __future__ import annotations

import math
import operator
from numbers import Real

from ..errors import BadSetting

MOST_SHOWN = 60
"""Maximum length of a value in an error message."""


def check_number(
    owner: str,
    name: str,
    value: object,
    least: float = -math.inf,
    below: float = math.inf,
    *,
    above: bool = False,
    hint: str,
) -> float:
    """Check a number and return it as a float.

    Args:
        owner: The class or function that has the setting; "" for none.
        name: The setting's name.
        value: Its value.
        least: The lower bound, inclusive unless `above` is set.
        below: The upper bound, exclusive.
        above: Whether the lower bound is exclusive.
        hint: How to fix a wrong value.

    Raises:
        BadSetting: [setting]
    """
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if not math.isfinite(number) or number < least or (above and number == least) or number >= below:
        start = f"above {least:g}" if above else f"from {least:g}"
        end = "" if below == math.inf else f" and below {below:g}"
        raise BadSetting(
            "{owner} must be a number {start}{end}; got {name}={value}; {hint}. [setting]",
            owner=_named(owner, name),
            start=start,
            end=end,
            name=name,
            value=_shown(value),
            hint=hint,
        )
    return number


def check_integer(owner: str, name: str, value: object, least: int, hint: str) -> int:
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
            "{owner} must be an integer from {least}; got {name}={value}; {hint}. [setting]",
            owner=_named(owner, name),
            least=least,
            name=name,
            value=_shown(value),
            hint=hint,
        )
    return number


def check_flag(owner: str, name: str, value: object) -> bool:
    """Check a flag and return it.

    Raises:
        BadSetting: [setting]
    """
    if not isinstance(value, bool):
        raise BadSetting(
            "{owner} must be True or False; got {name}={value}; choose one. [setting]",
            owner=_named(owner, name),
            name=name,
            value=_shown(value),
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
        return f"a very large {type(value).__name__}"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _named(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name
