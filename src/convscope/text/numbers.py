"""Formatting of counts, bytes, sizes, values, percentages and durations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf


def count(value: float, exact: bool = True) -> str:
    """Format a count with all digits, or with four and an SI prefix where that is shorter.

    >>> count(105415200), count(105415200, exact=False), count(9999, exact=False)
    ('105,415,200', '105.4 M', '9,999')
    """
    if exact or abs(value) < 10_000:
        return f"{value:,}"
    return _scaled(value, 1000, ("", "k", "M", "G", "T", "P", "E"))


def memory(value: float, _exact: bool = True) -> str:
    """Format a number of bytes with a binary unit.

    >>> memory(1161600), memory(2048), memory(100)
    ('1.108 MiB', '2 KiB', '100 B')
    """
    return _scaled(value, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))


def _scaled(value: float, base: int, units: Sequence[str]) -> str:
    power = 0
    while power < len(units) - 1 and abs(value) >= base:
        value, power = value / base, power + 1
    if float(f"{abs(value):.4g}") >= base and power < len(units) - 1:  # 999.99 k reads as 1 M
        value, power = value / base, power + 1
    digits = f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    return f"{digits} {units[power]}".rstrip()


def decimal(value: float) -> str:
    """Format a position or stride in pixels without trailing zeros.

    >>> decimal(4), decimal(5.5), decimal(1 / 3)
    ('4', '5.5', '0.333')
    """
    return str(value) if isinstance(value, int) else f"{value:.3f}".rstrip("0").rstrip(".")


def per_axis(values: Sequence[float], join: str = "×") -> str:
    """Format one value if all axes agree, else one per axis."""
    return decimal(values[0]) if len(set(values)) == 1 else join.join(map(decimal, values))


def times(sizes: Iterable[float]) -> str:
    """Join sizes, one per axis.

    >>> times((3, 224, 224)), times((5.5, 2.0))
    ('3×224×224', '5.5×2')
    """
    return "×".join(number(size, 6) for size in sizes)


def number(value: float, digits: int = 4) -> str:
    """Format a value with few significant digits, without trailing zeros. Integers keep all digits.

    >>> number(-2.50), number(1 / 3), number(1234567), number(-float("inf"))
    ('−2.5', '0.3333', '1234567', '−∞')
    """
    if hasattr(value, "__index__"):
        text = str(value)
    else:
        text = "∞" if value == inf else "-∞" if value == -inf else f"{value:.{digits}g}"
    return text.replace("-", "−")


def percent(part: float) -> str:
    """Format a fraction as a percentage.

    >>> percent(0.0551), percent(1.0), percent(0.00004)
    ('5.5 %', '100 %', '< 0.1 %')
    """
    if 0 < part < 0.001:
        return "< 0.1 %"
    return f"{100 * part:.1f}".removesuffix(".0") + " %"


def accuracy_percent(part: float) -> str:
    """Format a fraction with two decimals, so that one image in ten thousand is visible.

    >>> accuracy_percent(0.9), accuracy_percent(0.9999)
    ('90.00 %', '99.99 %')
    """
    return f"{100 * part:.2f} %"


def whole_percent(part: float) -> str:
    """Format a fraction in whole percent.

    >>> whole_percent(0.126)
    '13 %'
    """
    return f"{100 * part:.0f} %"


def short_time(seconds: float) -> str:
    """Format the duration of a computation.

    >>> short_time(0.25), short_time(0.0000123)
    ('250.00 ms', '12.3 µs')
    """
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def clock(seconds: float) -> str:
    """Format a duration as a clock does.

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
