"""Names of spatial axes in formulas, and which axes can share a derivation."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from . import texts
from .derivation import Text

_INPUT = {1: ("l",), 2: ("h", "w"), 3: ("z", "h", "w")}
_OUTPUT = {1: ("l_{out}",), 2: ("h_{out}", "w_{out}"), 3: ("z_{out}", "h_{out}", "w_{out}")}
_TITLES = {
    1: (texts.LENGTH,),
    2: (texts.ROWS, texts.COLUMNS),
    3: (texts.PLANES, texts.ROWS, texts.COLUMNS),
}
_AND = Text(" and ", "和")


@dataclass(frozen=True)
class AxisGroup:
    """Spatial axes on which a layer does the same, counted from 0.

    `mark` is the subscript that tells the group's settings apart; empty where all axes are alike.
    """

    rank: int
    axes: tuple[int, ...]
    mark: str

    @property
    def first(self) -> int:
        """Return the axis that stands for the group."""
        return self.axes[0]

    @property
    def input(self) -> str:
        """Return the input's letters: `h`, or `h = w`."""
        return " = ".join(_INPUT[self.rank][axis] for axis in self.axes)

    @property
    def output(self) -> str:
        """Return the output's letters: `h_{out}`, or `h_{out} = w_{out}`."""
        return " = ".join(_OUTPUT[self.rank][axis] for axis in self.axes)

    @property
    def letter(self) -> str:
        """Return the input letter to use in formulas."""
        return _INPUT[self.rank][self.first]

    @property
    def out_letter(self) -> str:
        """Return the output letter to use in formulas."""
        return _OUTPUT[self.rank][self.first]

    @property
    def title(self) -> Text:
        """Return the names of the axes."""
        names = [_TITLES[self.rank][axis] for axis in self.axes]
        return Text(_AND.en.join(n.en for n in names), _AND.zh.join(n.zh for n in names))

    def sign(self, base: str, index: str = "") -> str:
        """Return a setting's symbol on this group: `k`, `k_h`, `p_{h1}`."""
        subscript = self.mark + index
        if not subscript:
            return base
        return f"{base}_{subscript}" if len(subscript) == 1 else f"{base}_{{{subscript}}}"


def groups(settings: Sequence[Hashable]) -> tuple[AxisGroup, ...]:
    """Group the axes with equal settings; one setting per spatial axis."""
    rank = len(settings)
    listed = [tuple(axis for axis in range(rank) if settings[axis] == one) for one in dict.fromkeys(settings)]
    if len(listed) == 1:
        return (AxisGroup(rank, listed[0], ""),)
    return tuple(AxisGroup(rank, axes, _INPUT[rank][axes[0]]) for axes in listed)


def output_letters(rank: int) -> tuple[str, ...]:
    """Return the letters of the output's spatial axes."""
    return _OUTPUT[rank]


def input_letters(rank: int) -> tuple[str, ...]:
    """Return the letters of the input's spatial axes."""
    return _INPUT[rank]


def kernel_letters(rank: int, grouped: Sequence[AxisGroup]) -> tuple[str, ...]:
    """Return the kernel's symbol on each axis."""
    return tuple(next(g for g in grouped if axis in g.axes).sign("k") for axis in range(rank))
