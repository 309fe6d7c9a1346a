"""Rules that settings of several kinds share."""

from __future__ import annotations

import math
import operator
import sys

from ..errors import BadSetting


def real_number(
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
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if abs(number) > sys.float_info.max:  # an integer can be, without being infinite
        number = math.inf
    if not math.isfinite(number) or number < least or (above and number == least) or number >= below:
        start = f"above {least:g}" if above else f"from {least:g}"
        end = "" if below == math.inf else f" and below {below:g}"
        raise BadSetting(
            f"{owner}.{name} must be a number {start}{end}; got {name}={value!r}; {way_out}. [setting]"
        )
    return float(number)


def whole_number(owner: str, name: str, value: object, least: int, way_out: str) -> int:
    """Return a whole number from `least`.

    Errors:   BadSetting [setting]
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise BadSetting(
            f"{owner}.{name} must be a whole number from {least}; got {name}={value!r}; {way_out}. [setting]"
        )
    return number
