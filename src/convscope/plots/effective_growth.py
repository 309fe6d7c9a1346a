"""Figure of effective and theoretical receptive fields over the depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from ..derivations.derivation import Text
from .style import BLUE, GRAY, INK, LABEL, ORANGE, SMALL, TITLE, VERMILLION, letters, new_figure, shortened, tidy

if TYPE_CHECKING:
    from ..inside.effective_field import EffectiveField

GROWTH_TITLE = Text("Receptive fields of {name}, seen and used", "{name} 的理论感受野与有效感受野")
SIZE = Text("side of the field (pixels)", "感受野边长（像素）")
THEORETICAL = Text("can see, inside the image", "理论感受野（图像之内）")
LINES = {
    "initial": (ORANGE, Text("95 % of the influence, initial weights", "影响的 95%，初始权重")),
    "trained": (BLUE, Text("95 % of the influence, trained weights", "影响的 95%，训练后的权重")),
    "random": (ORANGE, Text("95 % of the influence, random weights", "影响的 95%，随机权重")),
    "own": (BLUE, Text("95 % of the influence", "影响的 95%")),
}
"""Color and label of each line, by whose weights it is."""

HALF = Text("dotted: 50 % of the influence", "点线：影响的 50%")
NOTE = Text("sides are the mean over the axes; dead units have 0", "边长为各轴的平均；失活单元为 0")
LONGEST_NAME = 24


def effective_growth_figure(fields: Mapping[str, Sequence[EffectiveField]], name: str, lang: str = "en") -> Figure:
    """Draw the sides of both fields for the middle unit of each layer.

    Args:
        fields: Effective fields of the same layers by the kind of weights: "initial" and "trained", "random" or
            "own".
        name: Name of the network.
        lang: "en" or "zh".

    Raises:
        BadSetting: [figure-language]
    """
    text = letters(lang)
    first = next(iter(fields.values()))
    names = [text.drawable(shortened(one.layer, LONGEST_NAME)) for one in first]
    figure = new_figure(max(8.0, 2.4 + 0.42 * len(first)), 5.6)
    width, height = figure.get_size_inches()
    bottom = (0.45 + 0.075 * max(map(len, names))) / height
    axes = figure.add_axes((0.8 / width, bottom, 1 - 1.1 / width, 1 - 0.95 / height - bottom))
    title = text.translate(GROWTH_TITLE, name=text.drawable(shortened(name, 30)))
    figure.text(0.3 / width, 1 - 0.42 / height, title, **text.font(TITLE, bold=True))
    notes = f"{text.translate(HALF)}{'；' if lang == 'zh' else '; '}{text.translate(NOTE)}"
    figure.text(0.3 / width, 1 - 0.68 / height, notes, **text.font(SMALL, color=GRAY))
    tidy(axes, text)
    at = np.arange(len(first))
    axes.plot(at, [_seen(one) for one in first], color=VERMILLION, ls="--", marker="s", ms=4, lw=1.6)
    handles = [(axes.lines[-1], text.translate(THEORETICAL))]
    for kind, own in fields.items():
        color, label = LINES[kind]
        axes.plot(at, [_side(one, 0.95) for one in own], color=color, marker="o", ms=5, lw=2)
        handles.append((axes.lines[-1], text.translate(label)))
        axes.plot(at, [_side(one, 0.5) for one in own], color=color, lw=1.3, ls=":")
    axes.set_ylabel(text.translate(SIZE), labelpad=8, **text.font(LABEL))
    axes.set_xticks(at, names, rotation=45, ha="right", rotation_mode="anchor", **text.font(SMALL))
    axes.set_xlim(-0.5, len(first) - 0.5)
    axes.set_ylim(0, None)
    axes.legend(
        *zip(*handles, strict=True), loc="upper left", frameon=False, prop=text.properties(SMALL), labelcolor=INK
    )
    return figure


def _seen(found: EffectiveField) -> float:
    rank = found.map.ndim
    box = found.theoretical.clipped
    return float(np.mean([box[rank + axis] - box[axis] for axis in range(rank)]))


def _side(found: EffectiveField, share: float) -> float:
    return float(np.mean(found.extent(share)))
