"""One unit's region worked back to the picture, for chains on which units do not all see alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..axis import AxisMap, Bins, Folded, Resize, TransposedWindow, Window
from ..network import Node
from . import field_texts as words
from .derivation import Derivation, Text
from .path import Link
from .worksheet import Worksheet


def unit_region(
    chain: Sequence[Link], unit: int, node: Node, axes: Text | None, truth: tuple[int, int], largest: int
) -> Derivation:
    """Derive the first and last pixel that a unit sees; `truth` is the exact region over all paths."""
    sheet = Worksheet()
    sheet.know("i", unit, words.UNIT)
    sheet.label(words.FROM_UNIT)
    sheet.step("a", "i")
    sheet.step("b", "i")
    for link in reversed(chain):
        if link.whole:
            sheet.label(words.BACK_WHOLE.fill(name=link.node.name))
            sheet.step("a", "0")
            sheet.step("b", f"{link.n} - 1")
        elif link.map is not None:
            _back(sheet, link.node.name, link.map, link.n)
    first, end = truth
    if (sheet["a"], sheet["b"]) != (first, end - 1):
        sheet.label(words.OTHER_PATHS)
        sheet.know("u", first, words.OVER_PATHS)
        sheet.know("v", end - 1, words.OVER_PATHS)
        sheet.step("a", "min(a, u)")
        sheet.step("b", "max(b, v)")
    sheet.step("r", "b - a + 1", words.EXTENT)
    sheet.note(words.DIFFERS, name=node.name, size=largest)
    sheet.note(words.CLIPPED)
    title = words.VARYING
    if axes is not None:
        title = Text(f"{title.en} ({axes.en})", f"{title.zh}（{axes.zh}）")
    return sheet.finish("region", title)


def _back(sheet: Worksheet, name: str, one: AxisMap, n: int) -> None:
    """Work out the first and last input position of the interval a … b."""
    label, first, last = _formulas(sheet, name, one)
    sheet.label(label)
    sheet.step("a", f"max({first}, 0)")
    sheet.step("b", f"min({last}, {n} - 1)")


def _formulas(sheet: Worksheet, name: str, one: AxisMap) -> tuple[Text, str, str]:
    """Return what the layer does, and the formulas of the first position from a and the last from b."""
    match one:
        case Window():
            label = words.BACK_WINDOW.fill(name=name, k=one.size, s=one.stride, p=one.before)
            return label, f"a·{one.stride} - {one.before}", f"b·{one.stride} - {one.before} + {one.reach} - 1"
        case TransposedWindow(dilation=1):
            label = words.BACK_TRANSPOSED.fill(name=name, k=one.size, s=one.stride, p=one.before)
            first = f"⌈(a + {one.before} - {one.size} + 1) / {one.stride}⌉"
            return label, first, f"⌊(b + {one.before}) / {one.stride}⌋"
        case Resize(support=1 | 2):
            label = words.BACK_RESIZE.fill(name=name, n=one.n, m=one.size)
            return label, *_resized(one)
        case Bins():
            label = words.BACK_BINS.fill(name=name, n=one.n, m=one.size)
            return label, f"⌊a·{one.n} / {one.size}⌋", f"⌈(b + 1)·{one.n} / {one.size}⌉ - 1"
        case Folded():
            return words.FOLDED.fill(name=name), _modulo(one, "a"), _modulo(one, "b")
    low, high = int(sheet["a"]), int(sheet["b"])
    firsts, lasts = one.span(np.arange(low, high + 1, dtype=np.int64))
    reached = lasts >= firsts
    return words.BACK_LISTED.fill(name=name), str(firsts[reached].min()), str(lasts[reached].max())


def _resized(one: Resize) -> tuple[str, str]:
    if one.support == 1:
        return f"⌊a·{one.n} / {one.size}⌋", f"⌊b·{one.n} / {one.size}⌋"
    if one.align_corners and one.size > 1:
        return f"⌊a·{one.n - 1} / {one.size - 1}⌋", f"⌈b·{one.n - 1} / {one.size - 1}⌉"
    place = f"{one.n} / {one.size} - 1 / 2"
    return f"⌊(a + 1 / 2)·{place}⌋", f"⌈(b + 1 / 2)·{place}⌉"


def _modulo(one: Folded, letter: str) -> str:
    place = f"⌊{letter} / {one.inner}⌋"
    return f"{place} - {one.n}·⌊{place} / {one.n}⌋"
