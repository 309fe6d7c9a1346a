"""Common style of all figures: colors, sizes, fonts, small images, and saving.

Everything is set on the artists themselves; matplotlib's global settings are neither read on purpose nor changed.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from ..derivations.derivation import LANGUAGES, Text
from ..engines.protocol import Array
from ..errors import BadFile, BadSetting, missing_library
from ..files.atomic import write_file
from ..text.language import Message, localize

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager, get_font
except ImportError as error:
    raise missing_library(Message("Figures need matplotlib"), "matplotlib pillow", "plot-extra") from error

# Okabe & Ito 2008: eight colors that color-blind readers can tell apart.
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
    """Language and fonts of one figure."""

    lang: str
    families: tuple[str, ...]
    has_bold: bool = True

    def translate(self, words: Text, **values: object) -> str:
        """Return a text in the figure's language with its placeholders filled."""
        return self.drawable(words.fill(**values).to(self.lang))

    def drawable(self, text: str) -> str:
        """Return the text with a box for every character that the fonts lack."""
        if text.isascii():
            return text
        known = _charmaps(self.families)
        return "".join(one if one.isspace() or ord(one) in known else NO_GLYPH for one in text)

    def font(self, size: float = LABEL, bold: bool = False, **more: Any) -> dict[str, Any]:
        """Return the properties of a text artist; dollar signs are literal."""
        return {
            "fontfamily": list(self.families),
            "fontsize": size,
            "fontweight": "bold" if bold and self.has_bold else "normal",
            "parse_math": False,
            "color": INK,
        } | more

    def properties(self, size: float = SMALL) -> FontProperties:
        """Return the font properties of a legend."""
        return FontProperties(family=list(self.families), size=size)


def letters(lang: str = "en") -> Letters:
    """Choose fonts for a language; without an installed Chinese font, the language is English.

    Errors:   BadSetting [figure-language]
    """
    if lang not in LANGUAGES:
        raise BadSetting(
            '{setting} must be "en" or "zh" (got {got!r}). [figure-language]', setting="Figure.lang", got=lang
        )
    chinese = chinese_font()
    if lang == "zh" and chinese is None:
        _add_new_fonts()
        chinese = chinese_font()
    if lang == "zh" and chinese is None:
        _warn_no_chinese_font()
        lang = "en"
    if chinese is None:
        return Letters(lang, (LATIN_FONT,))
    has_bold = _has_bold(chinese)
    return Letters(lang, (LATIN_FONT, chinese), has_bold or lang == "en")


def chinese_font() -> str | None:
    """Return the first installed font with Chinese characters."""
    installed = {font.name for font in fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in installed), None)


@cache
def _add_new_fonts() -> None:
    """Add fonts that were installed after matplotlib cached its font list, once."""
    listed = {font.fname for font in fontManager.ttflist}
    for path in findSystemFonts():
        if path not in listed:
            with suppress(Exception):  # damaged or unsupported fonts
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
def _warn_no_chinese_font() -> None:
    print(
        localize(
            "convscope: no font with Chinese characters is installed, so figures are labeled in English. "
            "Install one, such as Noto Sans CJK SC."
        ),
        file=sys.stderr,
    )


@cache
def _charmaps(families: tuple[str, ...]) -> frozenset[int]:
    fonts = (get_font(findfont(FontProperties(family=name))) for name in families)
    return frozenset().union(*(font.get_charmap() for font in fonts))


def new_figure(width: float = SLIDE[0], height: float = SLIDE[1]) -> Figure:
    """Return an empty white figure of this size in inches."""
    return Figure(figsize=(width, height), dpi=DPI, facecolor="white")


def tidy(axes: Axes, text: Letters, size: float = SMALL) -> None:
    """Style axes with two thin lines and unobtrusive ticks."""
    axes.set_facecolor("white")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRAY)
        spine.set_linewidth(0.8)
    axes.grid(False)
    axes.tick_params(colors=INK, color=GRAY, labelsize=size, length=4, width=0.8, labelfontfamily=text.families[0])


def bare(axes: Axes) -> None:
    """Hide axis lines and ticks."""
    axes.set_axis_off()


def shortened(name: str, longest: int) -> str:
    """Elide the middle of a long name."""
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[len(name) - (longest - 1 - head) :]}"


def save(figure: Figure, path: str | Path) -> None:
    """Save a figure as PNG or SVG, by the file's suffix; the write is atomic.

    Errors:   BadFile [figure-ending], [save]
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise BadFile("A figure's file must end in .png or .svg (got {path!r}). [figure-ending]", path=str(path))
    content = BytesIO()
    # Without date and program name, equal figures are equal files.
    metadata = {"Date": None} if ending == ".svg" else {"Software": None}
    figure.savefig(content, format=ending[1:], dpi=figure.dpi, facecolor="white", metadata=metadata)
    write_file(path, content.getvalue())


SIGNED, POSITIVE = "PuOr_r", "cividis"
"""Color maps that color-blind readers can read: diverging around zero, and sequential."""


def show_input(axes: Axes, image: Array) -> None:
    """Draw a network's input as an image; values outside 0…1 are rescaled to it.

    Shapes:   image (c, h, w); 1 channel is gray, 3 are colors, of others the mean is shown
    """
    values = np.asarray(image, float)
    if values.min() < 0 or values.max() > 1:
        values = (values - values.min()) / ((values.max() - values.min()) or 1)
    if len(values) == 3:
        axes.imshow(values.transpose(1, 2, 0), interpolation="nearest")
    else:
        axes.imshow(values.mean(axis=0), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    frame(axes)


def show_map(axes: Axes, values: Array, low: float, high: float) -> None:
    """Draw one map; with negative values, the color map is centered at 0."""
    if low < 0:
        reach = max(-low, high)
        axes.imshow(values, cmap=SIGNED, vmin=-reach, vmax=reach, interpolation="nearest")
    else:
        axes.imshow(values, cmap=POSITIVE, vmin=0, vmax=high or 1, interpolation="nearest")
    frame(axes)


def frame(axes: Axes) -> None:
    """Draw a thin frame around the image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(INK)
        spine.set_linewidth(0.5)


def grid_of(count: int, aspect: float) -> tuple[int, int]:
    """Return rows and columns for `count` equal tiles in a space with this aspect ratio.

    >>> grid_of(6, 1.5)
    (2, 3)
    """
    rows = ceil(count / max(1, min(count, ceil((count * aspect) ** 0.5))))
    return rows, ceil(count / rows)
