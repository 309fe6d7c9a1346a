"""What users type on a command line, as values: callbacks for click's options."""

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
    """Read sizes joined by x, channels first, as in 3x224x224."""
    if text is None:
        return None
    parts = _by_x(text)
    if not all(map(_SIZE.fullmatch, parts)):
        raise _refuse(param, "be sizes joined by x", text, "write channels first, as in 3x224x224", "shape")
    return tuple(map(int, parts))


def input_shapes(
    context: Context, param: click.Parameter, texts: tuple[str, ...]
) -> tuple[int, ...] | dict[str, tuple[int, ...]] | None:
    """Read one shape, as in 3x224x224, or one for each of several inputs, as in image=3x224x224 state=2x128."""
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
            way_out = "write --input NAME=CxHxW once for each input"
            raise _refuse(param, "name a different input each time", text, way_out, "shape")
        named[name] = read
    return named


def position(_context: Context, param: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Read a unit or pixel, as in 3,2."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(map(_INDEX.fullmatch, parts)):
        raise _refuse(param, "be whole numbers with commas between", text, "write row,column, as in 3,2", "place")
    return tuple(map(int, parts))


def extent(_context: Context, param: click.Parameter, text: str | None) -> int | tuple[int, ...] | None:
    """Read pixels for all axes, as in 32, or for each, as in 32x48 for rows and columns."""
    if text is None:
        return None
    parts = _by_x(text)
    if not all(map(_SIZE.fullmatch, parts)):
        raise _refuse(param, "be a number of pixels", text, "write 32, or 32x48 for rows x columns", "extent")
    return int(parts[0]) if len(parts) == 1 else tuple(map(int, parts))


def matrices(_context: Context, param: click.Parameter, texts: tuple[str, ...]) -> dict[str, list[list[float]]]:
    """Read matrices as 0,1,0/1,-4,1/0,1,0; the text is the name of each."""
    read = {}
    for text in texts:
        try:
            rows = [[float(value) for value in row.split(",")] for row in text.split("/")]
        except ValueError:
            rows = []
        if not rows or len({len(row) for row in rows}) != 1 or not all(isfinite(v) for row in rows for v in row):
            way_out = "write rows of equal length, as in 0,1,0/1,-4,1/0,1,0"
            raise _refuse(param, "be a matrix of numbers", text, way_out, "kernel")
        read[text] = rows
    return read


def amount(_context: Context, param: click.Parameter, text: str | None) -> int | None:
    """Read a number with an SI or binary prefix, B for bytes after it if wanted: 4G, 500M, 1.5e9, 16MiB."""
    if text is None:
        return None
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        way_out = "write it as in 25000000, 4G, 500M, 1.5e9 or 16MiB"
        raise _refuse(param, "be a number that is not negative", text, way_out, "amount")
    digits, exponent, prefix, _ = match.groups()
    whole, _, fraction = digits.replace("_", "").replace(",", "").partition(".")
    power = int((exponent or "e0")[1:]) - len(fraction)
    scaled = int(whole + fraction) * {**_PREFIXES, **_BINARY}[(prefix or "").lower()]
    return scaled * int(10**power) if power > 0 else scaled // int(10**-power)


def named_value(param: click.Parameter, text: str) -> tuple[str, object]:
    """Read name=value; the value is a Python number, text in quotes, None, True, a tuple, or else plain text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise _refuse(param, "be name=value", text, "write it as in weights=None", "arg")
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name.strip(), value


def _by_x(text: str) -> list[str]:
    return [part.strip() for part in text.lower().replace("×", "x").split("x")]


def _refuse(param: click.Parameter, rule: str, value: str, way_out: str, code: str) -> BadSetting:
    return BadSetting(f"{param.opts[0]} must {rule}; got {value!r}; {way_out}. [{code}]")
