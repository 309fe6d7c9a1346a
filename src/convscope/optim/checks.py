"""Rules that settings of several kinds share."""

from __future__ import annotations

import math
import operator
from numbers import Real

from ..errors import BadSetting

MOST_SHOWN = 60
"""Characters of a wrong value that a message repeats."""


def check_number(
    owner: str,
    name: str,
    value: object,
    least: float = -math.inf,
    below: float = math.inf,
    *,
    above: bool = False,
    way_out: str,
) -> float:
    """Return a number from `least` (or strictly above it) to below `below`.

    Errors:   BadSetting [setting]
    """
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if not math.isfinite(number) or number < least or (above and number == least) or number >= below:
        start = f"above {least:g}" if above else f"from {least:g}"
        end = "" if below == math.inf else f" and below {below:g}"
        raise BadSetting(
            f"{owner}.{name} must be a number {start}{end}; got {name}={_shown(value)}; {way_out}. [setting]"
        )
    return number


def check_integer(owner: str, name: str, value: object, least: int, way_out: str) -> int:
    """Return a whole number from `least`.

    Errors:   BadSetting [setting]
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise BadSetting(
            f"{owner}.{name} must be a whole number from {least}; got {name}={_shown(value)}; {way_out}. [setting]"
        )
    return number


def check_flag(owner: str, name: str, value: object) -> bool:
    """Return a flag.

    Errors:   BadSetting [setting]
    """
    if not isinstance(value, bool):
        raise BadSetting(
            f"{owner}.{name} must be True or False; got {name}={_shown(value)}; choose one. [setting]"
        )
    return value


def keep(owner: object, name: str, value: object) -> None:
    """Set a field of a frozen dataclass to its checked value, which is a plain number, whatever was given."""
    object.__setattr__(owner, name, value)


def _shown(value: object) -> str:
    """Return a value as text of bounded length; Python does not write integers of thousands of digits."""
    try:
        text = repr(value)
    except ValueError:
        return f"a very large {type(value).__name__}"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
