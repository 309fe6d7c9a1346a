"""Callbacks that parse the values of command-line options."""

from __future__ import annotations

import ast
import re
from math import isfinite

import click

from ..errors import BadSetting

_PREFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_BINARY = {"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40, "pi": 1 << 50}
_AMOUNT = re.compile(r"(\d[\d_,]*\.?\d*|\.\d+)(e\+?\d{1,2})?\s*([kmgtp]i?)?(b)?", re.IGNORECASE | re.ASCII)
_SIZE = re.compile(r"[1-9]\d{0,9}", re.ASCII)
_INDEX = re.compile(r"-?\d{1,10}", re.ASCII)

Context = click.Context | None


def shape(_context: Context, param: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Parse sizes joined by x, channels first, such as 3x224x224."""
    if text is None:
        return None
    parts = _by_x(text)
    if not all(map(_SIZE.fullmatch, parts)):
        raise BadSetting(
            "{option} must be sizes joined by x, channels first (got {got!r}). Example: 3x224x224. [shape]",
            option=param.opts[0],
            got=text,
        )
    return tuple(map(int, parts))


def input_shapes(
    context: Context, param: click.Parameter, texts: tuple[str, ...]
) -> tuple[int, ...] | dict[str, tuple[int, ...]] | None:
    """Parse one shape, such as 3x224x224, or one per named input, such as image=3x224x224 state=2x128."""
    if not texts:
        return None
    named: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, equals, sizes = text.rpartition("=")
        read = shape(context, param, sizes)
        assert read is not None
        if not equals and len(texts) == 1:
            return read
        if not name or name in named:
            raise BadSetting(
                "{option} must name a different input each time (got {got!r}). Give --input NAME=CxHxW once per "
                "input. [shape]",
                option=param.opts[0],
                got=text,
            )
        named[name] = read
    return named


def position(_context: Context, param: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Parse the position of a unit or pixel, such as 3,2."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(map(_INDEX.fullmatch, parts)):
        raise BadSetting(
            "{option} must be integers separated by commas (got {got!r}). Example: 3,2 for row 3, column 2. "
            "[place]",
            option=param.opts[0],
            got=text,
        )
    return tuple(map(int, parts))


def pixels(_context: Context, param: click.Parameter, text: str | None) -> int | tuple[int, ...] | None:
    """Parse a size for all axes, such as 32, or one per axis, such as 32x48 for rows and columns."""
    if text is None:
        return None
    parts = _by_x(text)
    if not all(map(_SIZE.fullmatch, parts)):
        raise BadSetting(
            "{option} must be a number of pixels (got {got!r}). Example: 32, or 32x48 for rows and columns. "
            "[extent]",
            option=param.opts[0],
            got=text,
        )
    return int(parts[0]) if len(parts) == 1 else tuple(map(int, parts))


def matrices(_context: Context, param: click.Parameter, texts: tuple[str, ...]) -> dict[str, list[list[float]]]:
    """Parse matrices written as 0,1,0/1,-4,1/0,1,0; the key of each is its text."""
    read = {}
    for text in texts:
        try:
            rows = [[float(value) for value in row.split(",")] for row in text.split("/")]
        except ValueError:
            rows = []
        if not rows or len({len(row) for row in rows}) != 1 or not all(isfinite(v) for row in rows for v in row):
            raise BadSetting(
                "{option} must be a matrix of numbers (got {got!r}). Write rows of equal length, such as "
                "0,1,0/1,-4,1/0,1,0. [kernel]",
                option=param.opts[0],
                got=text,
            )
        read[text] = rows
    return read


def amount(_context: Context, param: click.Parameter, text: str | None) -> int | None:
    """Parse a count with an optional SI or binary prefix and an optional B: 4G, 500M, 1.5e9, 16MiB."""
    if text is None:
        return None
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise BadSetting(
            "{option} must be a number of at least 0 (got {got!r}). Examples: 25000000, 4G, 500M, 1.5e9, 16MiB. "
            "[amount]",
            option=param.opts[0],
            got=text,
        )
    digits, exponent, prefix, _ = match.groups()
    whole, _, fraction = digits.replace("_", "").replace(",", "").partition(".")
    power = int((exponent or "e0")[1:]) - len(fraction)
    scaled = int(whole + fraction) * {**_PREFIXES, **_BINARY}[(prefix or "").lower()]
    return scaled * int(10**power) if power > 0 else scaled // int(10**-power)


def named_value(param: click.Parameter, text: str) -> tuple[str, object]:
    """Parse name=value; a value that is no Python literal is text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise BadSetting(
            "{option} must be name=value (got {got!r}). Example: weights=None. [arg]",
            option=param.opts[0],
            got=text,
        )
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name.strip(), value


def _by_x(text: str) -> list[str]:
    return [part.strip() for part in text.lower().replace("×", "x").split("x")]


def hyphens_to_underscores(
    _context: Context, _param: click.Parameter, value: str | tuple[str, ...] | None
) -> str | tuple[str, ...] | None:
    """Write the names of values as Python does, so that cross-entropy and cross_entropy are one."""
    if value is None or isinstance(value, str):
        return None if value is None else value.replace("-", "_")
    return tuple(one.replace("-", "_") for one in value)
