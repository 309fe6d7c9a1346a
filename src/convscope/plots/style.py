"""The one look of all figures: colors, sizes, letters, and how a figure is saved.

Everything is set on the artists themselves; matplotlib's global settings are neither read on purpose nor changed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from ..derivations.derivation import LANGUAGES, Text
from ..errors import BadFile, BadSetting, missing_library
from ..files.atomic import write_file

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager, get_font
except ImportError as error:
    raise missing_library("figures need matplotlib", "matplotlib pillow", "plot-extra") from error

# Okabe & Ito 2008: eight colors that everybody can tell apart.
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
INK, GRAY, PALE = "#1F2328", "#6B7280", "#D9DDE3"

DPI = 100
SLIDE = (12.8, 7.2)
"""Inches of a figure that fills a 16:9 slide."""

TITLE, LABEL, SMALL, TINY = 17, 13, 11, 9
"""Points."""

CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Hiragino Sans GB",
    "Heiti SC",
    "SimHei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
    "SimSun",
)
LATIN_FONT = "DejaVu Sans"
NO_GLYPH = "□"

ENDINGS = (".png", ".svg")


@dataclass(frozen=True)
class Letters:
    """The language and the fonts of one figure."""

    lang: str
    families: tuple[str, ...]
    has_bold: bool = True

    def say(self, words: Text, **values: object) -> str:
        """Return words in the figure's language, their places filled."""
        return self.drawable(words.fill(**values).to(self.lang))

    def drawable(self, text: str) -> str:
        """Return the text with a box for every sign that no font here has, as in a layer's name."""
        if text.isascii():
            return text
        known = _charmaps(self.families)
        return "".join(sign if sign.isspace() or ord(sign) in known else NO_GLYPH for sign in text)

    def font(self, size: float = LABEL, bold: bool = False, **more: Any) -> dict[str, Any]:
        """Return the settings of a text artist; a dollar sign in a name is a dollar sign."""
        return {
            "fontfamily": list(self.families),
            "fontsize": size,
            "fontweight": "bold" if bold and self.has_bold else "normal",
            "parse_math": False,
            "color": INK,
        } | more

    def properties(self, size: float = SMALL) -> FontProperties:
        """Return the same for a legend."""
        return FontProperties(family=list(self.families), size=size)


def letters(lang: str = "en") -> Letters:
    """Choose fonts for a language: Chinese needs one that the computer has, else English is written.

    Errors:   BadSetting [figure-language]
    """
    if lang not in LANGUAGES:
        raise BadSetting(
            f'Figure.lang must be "en" or "zh"; got lang={lang!r}; use one of them. [figure-language]'
        )
    chinese = chinese_font()
    if lang == "zh" and chinese is None:
        _take_in_new_fonts()
        chinese = chinese_font()
    if lang == "zh" and chinese is None:
        _say_no_chinese()
        lang = "en"
    if chinese is None:
        return Letters(lang, (LATIN_FONT,))
    has_bold = _has_bold(chinese)
    return Letters(lang, (LATIN_FONT, chinese), has_bold or lang == "en")


def chinese_font() -> str | None:
    """Return the first installed font that has Chinese signs."""
    installed = {font.name for font in fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in installed), None)


@cache
def _take_in_new_fonts() -> None:
    """Look for fonts that were installed since matplotlib wrote its list of them, once."""
    listed = {font.fname for font in fontManager.ttflist}
    for path in findSystemFonts():
        if path not in listed:
            with suppress(Exception):  # a damaged font, or a kind that matplotlib does not read
                fontManager.addfont(path)


@cache
def _has_bold(family: str) -> bool:
    """Tell whether a font has a bold face.

    One of a single weight is listed as normal and bold too: matplotlib takes it anyway, and complains each time.
    """
    faces = [font for font in fontManager.ttflist if font.name == family]
    normal, bold = (any(font.weight in one for font in faces) for one in (("normal", 400), ("bold", 700)))
    fontManager.ttflist += [replace(faces[0], weight=one) for one, has in ((400, normal), (700, bold)) if not has]
    return bold


@cache
def _say_no_chinese() -> None:
    print(
        "convscope: no font with Chinese signs is installed, so the figures are labeled in English; "
        "install Noto Sans CJK SC, for example.",
        file=sys.stderr,
    )


@cache
def _charmaps(families: tuple[str, ...]) -> frozenset[int]:
    fonts = (get_font(findfont(FontProperties(family=name))) for name in families)
    return frozenset().union(*(font.get_charmap() for font in fonts))


def new_figure(width: float = SLIDE[0], height: float = SLIDE[1]) -> Figure:
    """Return an empty white figure of so many inches."""
    return Figure(figsize=(width, height), dpi=DPI, facecolor="white")


def tidy(axes: Axes, text: Letters, size: float = SMALL) -> None:
    """Leave two thin axis lines and quiet ticks."""
    axes.set_facecolor("white")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRAY)
        spine.set_linewidth(0.8)
    axes.grid(False)
    axes.tick_params(colors=INK, color=GRAY, labelsize=size, length=4, width=0.8, labelfontfamily=text.families[0])


def bare(axes: Axes) -> None:
    """Leave nothing but what is drawn."""
    axes.set_axis_off()


def number(value: float) -> str:
    """Write a number in at most four digits, with a real minus sign."""
    return f"{value:.4g}".replace("-", "−")


def times(sizes: Iterable[int]) -> str:
    """Write sizes as people do: 3×5."""
    return "×".join(map(str, sizes))


def shortened(name: str, longest: int) -> str:
    """Leave out the middle of a long name."""
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[len(name) - (longest - 1 - head) :]}"


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG or SVG, by the file's ending; the file appears complete or not at all.

    Errors:   BadFile [figure-ending], [save]
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise BadFile(
            f"a figure's file must end in .png or .svg; got {str(path)!r}; choose one of the two. [figure-ending]"
        )
    content = BytesIO()
    # No date and no program name: the same figure is the same file.
    unsaid = {"Date": None} if ending == ".svg" else {"Software": None}
    figure.savefig(content, format=ending[1:], dpi=figure.dpi, facecolor="white", metadata=unsaid)
    write_file(path, content.getvalue())
