"""One unit's region traced back to the image, for chains on which the field differs from unit to unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..axis import AxisMap, Bins, Folded, Resize, TransposedWindow, Window
from ..axis.map import Index
from ..network import Node
from . import texts
from .derivation import Derivation, Text
from .path import PathStep
from .worksheet import Worksheet, written


def unit_region(
    chain: Sequence[PathStep], unit: int, node: Node, axes: Text | None, truth: tuple[int, int], largest: int
) -> Derivation:
    """Derive the first and last pixel that a unit sees; `truth` is the exact region over all paths."""
    sheet = Worksheet()
    sheet.know("i", unit, texts.UNIT)
    sheet.label(texts.FROM_UNIT)
    sheet.step("a", "i")
    sheet.step("b", "i")
    seen = np.array([unit], dtype=np.int64)
    for link in reversed(chain):
        if link.whole:
            sheet.label(texts.BACK_WHOLE.fill(name=link.node.name))
            sheet.step("a", "0")
            sheet.step("b", f"{link.n} - 1")
            seen = np.arange(link.n, dtype=np.int64)
        elif link.map is not None:
            seen = _back(sheet, link, link.map, seen)
        if not seen.size:
            break
    _join(sheet, bool(seen.size), *truth)
    if seen.size or truth[1] > truth[0]:
        sheet.step("r", "b - a + 1", texts.EXTENT)
    else:
        sheet.step("r", "0", texts.EXTENT)
    sheet.note(texts.DIFFERS, name=node.name, size=largest)
    sheet.note(texts.CLIPPED)
    title = texts.VARYING
    if axes is not None:
        title = Text(f"{title.en} ({axes.en})", f"{title.zh}（{axes.zh}）")
    return sheet.finish("region", title)


def _join(sheet: Worksheet, seen: bool, first: int, end: int) -> None:
    """Add what other paths see, where it reaches beyond the followed one."""
    if first >= end or (seen and (sheet["a"], sheet["b"]) == (first, end - 1)):
        return
    sheet.know("u", first, texts.OVER_PATHS)
    sheet.know("v", end - 1, texts.OVER_PATHS)
    sheet.label(texts.OTHER_PATHS)
    sheet.step("a", "min(a, u)" if seen else "u")
    sheet.step("b", "max(b, v)" if seen else "v")


def _back(sheet: Worksheet, link: PathStep, one: AxisMap, seen: Index) -> Index:
    """Derive the first and last input position of the positions seen, and return them all.

    The formula holds for an unbroken stretch; where holes meet the edge the ends are listed instead.
    """
    taps = one.taps(link.n)[seen]
    positions = np.unique(taps[taps >= 0])
    name = link.node.name
    if not positions.size:
        sheet.label(texts.BACK_NOTHING.fill(name=name))
        return positions
    sheet.bind("n", link.n)
    ends = int(positions[0]), int(positions[-1])
    formulas = _formulas(sheet, name, one)
    if formulas is not None:
        label, first, last = formulas
        first, last = f"max({first}, 0)", f"min({last}, n - 1)"
        if (sheet.value(first), sheet.value(last)) != ends:
            formulas = None
    if formulas is None:
        label, first, last = texts.BACK_LISTED.fill(name=name), written(ends[0]), written(ends[1])
    sheet.label(label)
    sheet.step("a", first)
    sheet.step("b", last)
    return positions


def _formulas(sheet: Worksheet, name: str, one: AxisMap) -> tuple[Text, str, str] | None:
    """Return what the layer does, and the formulas of the first position from a and the last from b."""
    match one:
        case Window():
            _bind(sheet, k=one.reach, s=one.stride, p=one.before)
            label = texts.BACK_WINDOW.fill(name=name, k=one.reach, s=one.stride, p=one.before)
            return label, "a·s - p", "b·s - p + k - 1"
        case TransposedWindow():
            _bind(sheet, k=one.size, s=one.stride, p=one.before)
            label = texts.BACK_TRANSPOSED.fill(name=name, k=one.size, s=one.stride, p=one.before)
            return label, "⌈(a + p - k + 1) / s⌉", "⌊(b + p) / s⌋"
        case Resize(support=1 | 2):
            _bind(sheet, m=one.size)
            return texts.BACK_RESIZE.fill(name=name, n=one.n, m=one.size), *_resized(one)
        case Bins():
            _bind(sheet, m=one.size)
            return texts.BACK_BINS.fill(name=name, n=one.n, m=one.size), "⌊a·n / m⌋", "⌈(b + 1)·n / m⌉ - 1"
        case Folded():
            _bind(sheet, t=one.inner)
            label = texts.FOLDED.fill(name=name, inner=one.inner)
            return label, "⌊a / t⌋ - n·⌊⌊a / t⌋ / n⌋", "⌊b / t⌋ - n·⌊⌊b / t⌋ / n⌋"
    return None


def _bind(sheet: Worksheet, **numbers: int) -> None:
    for symbol, value in numbers.items():
        sheet.bind(symbol, value)


def _resized(one: Resize) -> tuple[str, str]:
    if one.support == 1:
        return "⌊a·n / m⌋", "⌊b·n / m⌋"
    if one.align_corners and one.size > 1:
        return "⌊a·(n - 1) / (m - 1)⌋", "⌈b·(n - 1) / (m - 1)⌉"
    return "⌊(a + 1 / 2)·n / m - 1 / 2⌋", "⌈(b + 1 / 2)·n / m - 1 / 2⌉"
