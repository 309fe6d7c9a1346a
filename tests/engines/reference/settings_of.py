"""Random settings of windows and images, every dimension different."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st

from convscope.errors import ConvscopeError
from convscope.layers import Layer
from convscope.layers.facts import facts

SOME = settings(max_examples=100)
SEEDS = st.integers(0, 2**32 - 1)
RANKS = st.integers(1, 3)


def axes(rank: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw one number per axis."""
    return st.tuples(*[st.integers(low, high)] * rank)


@st.composite
def images(draw: st.DrawFn, rank: int, channels: Sequence[int] = (4, 6)) -> tuple[int, ...]:
    """Draw a shape without batch; no two axes are equal, and none is the batch of 2 or the channels."""
    widest = {1: 14, 2: 11, 3: 9}[rank]
    sizes = [n for n in range(3, widest + 1) if n not in channels]
    return (draw(st.sampled_from(channels)), *draw(st.permutations(sizes))[:rank])


def fits(layer: Layer, shape: tuple[int, ...]) -> bool:
    """Return whether the layer takes the input."""
    try:
        facts(layer, (shape,))
    except ConvscopeError:
        return False
    return True
