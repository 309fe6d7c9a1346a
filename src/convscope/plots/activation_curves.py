"""Figures of activation functions with their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import layers as all_layers
from ..derivations.derivation import Text
from ..engines.reference.layers.activation import derivative, value
from ..engines.reference.layers.rules import Array
from ..errors import BadSetting, suggest
from ..layers.activation import Activation, Properties, ReLU, Sigmoid, Tanh
from ..text.language import Message
from ..text.lists import listed
from ..text.numbers import number
from .style import (
    BLUE,
    GRAY,
    LABEL,
    ORANGE,
    PALE,
    SMALL,
    TINY,
    TITLE,
    VERMILLION,
    Letters,
    bare,
    letters,
    new_figure,
    tidy,
)

REACH = 6.0
"""Curves are drawn from −REACH to at least REACH."""

SATURATED = 0.05
"""Slopes below this fraction of the largest count as saturated."""

POINTS_PER_UNIT = 200

FUNCTION = Text("function", "函数")
DERIVATIVE = Text("derivative", "导数")
LARGEST = Text("max {slope}", "最大值 {slope}")
SATURATES = Text("saturates", "饱和")
FLAT = Text("flat: slope 0", "平坦：斜率为 0")
SHADED = Text(
    "Shaded: the slope is below 5 % of its maximum, so almost no gradient flows back.",
    "阴影：斜率低于最大值的 5%，几乎没有梯度传回。",
)
YES, NO = Text("yes", "是"), Text("no", "否")
SIDES = {"left": Text("left", "左侧"), "right": Text("right", "右侧")}
NOWHERE = Text("nowhere", "无")
CARDS = (
    Text("range", "值域"),
    Text("zero-centered", "零中心"),
    Text("saturates", "饱和"),
    Text("units can die", "可能死亡"),
    Text("monotone", "单调"),
    Text("largest slope", "最大斜率"),
    Text("cost per element", "每元素运算"),
)
COSTS = {
    "multiplications": Text("{n} mul", "{n} 次乘法"),
    "additions": Text("{n} add", "{n} 次加法"),
    "comparisons": Text("{n} compare", "{n} 次比较"),
    "divisions": Text("{n} div", "{n} 次除法"),
    "exponentials": Text("{n} exp", "{n} 次指数"),
}


@cache
def known() -> dict[str, type[Activation]]:
    """Return the activation functions by their names in the notation."""
    kinds = (item for item in vars(all_layers).values() if isinstance(item, type) and issubclass(item, Activation))
    return {kind.keyword: kind for kind in kinds if kind.keyword}


def named(name: str, **settings: Any) -> Activation:
    """Return an activation function by PyTorch's name or the notation's, with these settings.

    Errors:   BadSetting [activation-name], [activation-setting], [setting]
    """
    word = name.lower().replace("-", "").replace("_", "")
    if word not in known():
        raise BadSetting(
            "{setting} must be an elementwise activation function (got {got!r}). {hint} [activation-name]",
            setting="Activation.name",
            got=name,
            hint=suggest(word, known()),
        )
    kind = known()[word]
    allowed = [setting for setting, _ in kind.forms()]
    for setting, chosen in settings.items():
        if setting not in allowed:
            use, omit = Message("Use {names}.", names=listed(allowed)), Message("Leave it out.")
            raise BadSetting(
                "{activation} has no setting {name!r} (got {name}={got!r}). {hint} [activation-setting]",
                activation=kind.__name__,
                name=setting,
                got=chosen,
                hint=use if allowed else omit,
            )
    return kind(**settings)


def activations(lang: str = "en") -> Figure:
    """Draw sigmoid, tanh and ReLU with their derivatives and guide lines."""
    text = letters(lang)
    figure = new_figure(11.25, 10.25)
    grid = figure.subplots(3, 2, gridspec_kw={"hspace": 0.36, "wspace": 0.14})
    figure.subplots_adjust(left=0.055, right=0.975, top=0.945, bottom=0.075)
    for row, (layer, title) in zip(
        grid,
        ((Sigmoid(), "sigmoid"), (Tanh(), "tanh"), (ReLU(), "ReLU")),
        strict=True,
    ):
        _value_panel(row[0], layer, title, text)
        _derivative_panel(row[1], layer, f"{title}′", text)
    figure.text(0.515, 0.018, text.translate(SHADED), ha="center", **text.font(SMALL, color=GRAY))
    return figure


def activation(name: str, lang: str = "en", **settings: Any) -> Figure:
    """Draw one activation function with its derivative and properties.

    Errors:   BadSetting [activation-name], [activation-setting], [setting], [figure-language]
    """
    layer = named(name, **settings)
    text = letters(lang)
    figure = new_figure(12.8, 6.8)
    left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.13})
    figure.subplots_adjust(left=0.045, right=0.98, top=0.84, bottom=0.3)
    given = ", ".join(f"{setting} = {form.format(getattr(layer, setting))}" for setting, form in layer.forms())
    title = f"{layer.kind} ({given})" if given else layer.kind
    figure.text(0.045, 0.93, title, **text.font(TITLE, bold=True))
    _value_panel(left, layer, text.translate(FUNCTION), text)
    _derivative_panel(right, layer, text.translate(DERIVATIVE), text)
    if layer.properties.saturates:
        figure.text(0.98, 0.93, text.translate(SHADED), ha="right", **text.font(SMALL, color=GRAY))
    _cards(figure.add_axes((0.045, 0.02, 0.935, 0.19)), layer.properties, text)
    return figure


def _domain(layer: Activation) -> Array:
    """Return the interval to draw, which extends past an upper bound."""
    high = layer.properties.high
    right = max(REACH, np.ceil(high) + 3) if np.isfinite(high) and high < 100 else REACH
    return np.linspace(-REACH, right, round((REACH + right) * POINTS_PER_UNIT) + 1)


def _value_panel(axes: Axes, layer: Activation, title: str, text: Letters) -> None:
    x = _domain(layer)
    y = value(layer, x)
    known = layer.properties
    _panel(axes, layer, x, y, title, text, BLUE)
    for bound, side in ((known.low, "right"), (known.high, "left")):  # labels keep clear of the curve
        if np.isfinite(bound):
            _level(axes, bound, number(bound), text, side)


def _derivative_panel(axes: Axes, layer: Activation, title: str, text: Letters) -> None:
    x = _domain(layer)
    slope = derivative(layer, x)
    cuts = jumps(lambda at: derivative(layer, at), x)
    largest = layer.properties.max_slope
    drawn = _panel(axes, layer, *_broken(x, slope, cuts), title, text, ORANGE)
    for place, before, after in cuts:
        axes.plot([place] * 2, [before, after], color=ORANGE, lw=1.2, ls=(0, (1, 2)), label="_jump")
    _level(axes, largest, text.translate(LARGEST, slope=number(largest)), text)
    top = np.flatnonzero(np.abs(slope - largest) < 1e-4 * abs(largest))
    if 0 < len(top) < POINTS_PER_UNIT // 2:  # a peak, not a plateau
        at = float(x[top].mean())
        axes.plot([at], [largest], "o", color=ORANGE, ms=6, zorder=4, label="_maximum")
        if abs(at) > 0.01:
            axes.plot([at, at], [axes.get_ylim()[0], largest], color=GRAY, lw=1, ls=":", label="_guide")
    drawn.set_zorder(3)


def _panel(axes: Axes, layer: Activation, x: Array, y: Array, title: str, text: Letters, color: str) -> Any:
    tidy(axes, text)
    axes.set_title(title, loc="left", pad=8, **text.font(LABEL, bold=True))
    low, high = min(0.0, float(np.nanmin(y))), max(0.0, float(np.nanmax(y)))
    room = 0.12 * (high - low) or 1.0
    axes.set_xlim(x[0], np.nanmax(x))
    axes.set_ylim(low - room, high + 1.4 * room)
    axes.axhline(0, color=PALE, lw=1.2, zorder=1)
    axes.axvline(0, color=PALE, lw=1.2, zorder=1)
    _shade(axes, layer, text)
    return axes.plot(x, y, color=color, lw=2.8, label=title, solid_capstyle="butt", zorder=3)[0]


def _level(axes: Axes, at: float, label: str, text: Letters, side: str = "left") -> None:
    """Draw a dashed horizontal guide with its label at one side."""
    axes.axhline(at, color=VERMILLION, lw=1.2, ls=(0, (5, 4)), zorder=2, label="_level")
    axes.annotate(
        label,
        (0.015 if side == "left" else 0.985, at),
        ha=side,
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        va="bottom",
        **text.font(SMALL, color=VERMILLION),
    )


def saturation(layer: Activation, x: Array) -> dict[str, float]:
    """Return, for each side that saturates, where the slope starts to stay small."""
    small = np.abs(derivative(layer, x)) <= SATURATED * layer.properties.max_slope
    found: dict[str, float] = {}
    for side in layer.properties.saturates:
        run = small if side == "left" else small[::-1]
        length = len(run) if run.all() else int(np.argmin(run))
        if length > 1:
            found[side] = float(x[length - 1] if side == "left" else x[-length])
    return found


def _shade(axes: Axes, layer: Activation, text: Letters) -> None:
    x = _domain(layer)
    for side, edge in saturation(layer, x).items():
        end = float(x[0] if side == "left" else x[-1])
        axes.axvspan(*sorted((edge, end)), color=GRAY, alpha=0.13, lw=0, zorder=0, label="_saturated")
        flat = not derivative(layer, np.linspace(edge, end, 50)[1:]).any()
        axes.annotate(
            text.translate(FLAT if flat else SATURATES),
            ((edge + end) / 2, 0.015),
            xycoords=("data", "axes fraction"),
            ha="center",
            **text.font(TINY, color=GRAY),
        )


def jumps(function: Callable[[Array], Array], x: Array) -> list[tuple[float, float, float]]:
    """Return the discontinuities of a function: (x, value before, value after).

    A step between two points is halved again and again; a jump keeps its height, a slope does not.
    """
    y = function(x)
    found = []
    for start in np.flatnonzero(np.abs(np.diff(y)) > 1e-3 * max(np.ptp(y), 1e-12)):
        ends = np.array([x[start], x[start + 1]])
        height = abs(y[start + 1] - y[start])
        for _ in range(30):
            middle = ends.mean()
            low, between, high = function(np.array([ends[0], middle, ends[1]]))
            ends = np.array([ends[0], middle] if abs(between - low) >= abs(high - between) else [middle, ends[1]])
        before, after = function(ends)
        if abs(after - before) > height / 2:
            found.append((float(ends.mean()), float(before), float(after)))
    # A jump that ends exactly on a point of x shows on both sides of it.
    return [jump for place, jump in enumerate(found) if place == 0 or jump[0] - found[place - 1][0] > 1e-6]


def _broken(x: Array, y: Array, cuts: list[tuple[float, float, float]]) -> tuple[Array, Array]:
    """Return the curve with a gap at each jump."""
    for place, before, after in cuts:
        at = int(np.searchsorted(x, place))
        x = np.concatenate([x[:at], [place, np.nan, place], x[at:]])
        y = np.concatenate([y[:at], [before, np.nan, after], y[at:]])
    return x, y


def _cards(axes: Axes, known: Properties, text: Letters) -> None:
    """Print the properties in one row."""
    bare(axes)
    sides = ", ".join(text.translate(SIDES[side]) for side in known.saturates) or text.translate(NOWHERE)
    costs = [
        text.translate(words, n=getattr(known.cost, name))
        for name, words in COSTS.items()
        if getattr(known.cost, name)
    ]
    rows = [", ".join(costs[start : start + 2]) for start in range(0, len(costs), 2)]
    answers = (
        known.range_text,
        text.translate(YES if known.zero_centered else NO),
        sides,
        text.translate(YES if known.dies else NO),
        text.translate(YES if known.monotone else NO),
        number(known.max_slope),
        ",\n".join(rows),
    )
    places = (0.0, 0.155, 0.29, 0.43, 0.56, 0.67, 0.815)
    for place, heading, answer in zip(places, CARDS, answers, strict=True):
        axes.text(place, 0.86, text.translate(heading), va="top", **text.font(SMALL, color=GRAY))
        for line, shown in enumerate(answer.split("\n")):
            axes.text(place, 0.44 - 0.22 * line, text.drawable(shown), **text.font(LABEL, bold=True))
