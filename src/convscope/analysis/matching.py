"""Matching of the layers of two networks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from difflib import SequenceMatcher

from .report import LayerRow

Pair = tuple[int, int]


def matched_layers(a: list[LayerRow], b: list[LayerRow]) -> dict[str, str]:
    """Return the matching layer of b for each layer of a, by name.

    Layers with weights are matched by name. Layers without are often numbered through, so their names count only
    where they are between the same neighbors. What is left between two matches is matched where runs of equal
    layers (type and all settings) follow one another in both.
    """
    place = {row.name: index for index, row in enumerate(b)}
    named = [(index, place[row.name]) for index, row in enumerate(a) if row.name in place]
    weighty = [(i, j) for i, j in named if a[i].node.facts.params and b[j].node.facts.params]
    chain = _longest_in_order(weighty)
    between = [(i, j) for i, j in named if (i, j) not in set(weighty) and _gap(chain, i, 0) == _gap(chain, j, 1)]
    chain = _longest_in_order(sorted({*chain, *between}))
    pairs = {*weighty, *chain}
    pairs |= set(_equal_runs(a, b, chain, pairs))
    taken_a, taken_b = {i for i, _ in pairs}, {j for _, j in pairs}
    pairs |= {(i, j) for i, j in named if i not in taken_a and j not in taken_b and a[i].kind == b[j].kind}
    return {a[i].name: b[j].name for i, j in pairs}


def _gap(chain: list[Pair], index: int, side: int) -> int:
    """Return the number of matches of the chain before a layer."""
    return bisect_right(chain, index, key=lambda pair: pair[side])


def _longest_in_order(pairs: list[Pair]) -> list[Pair]:
    """Return the longest list of pairs in the same order in both networks, by patience sorting."""
    tails: list[int] = []
    piles: list[int] = []
    before: list[int | None] = []
    for index, (_, j) in enumerate(pairs):
        pile = bisect_left(tails, j)
        before.append(piles[pile - 1] if pile else None)
        tails[pile : pile + 1] = [j]
        piles[pile : pile + 1] = [index]
    chain = []
    last = piles[-1] if piles else None
    while last is not None:
        chain.append(pairs[last])
        last = before[last]
    return chain[::-1]


def _equal_runs(a: list[LayerRow], b: list[LayerRow], chain: list[Pair], known: set[Pair]) -> Iterator[Pair]:
    """Yield pairs of equal layers that follow one another in both, between neighbors of the chain."""
    taken_a, taken_b = {i for i, _ in known}, {j for _, j in known}
    start_a = start_b = 0
    for end_a, end_b in (*chain, (len(a), len(b))):
        rest_a = [i for i in range(start_a, end_a) if i not in taken_a]
        rest_b = [j for j in range(start_b, end_b) if j not in taken_b]
        start_a, start_b = end_a, end_b
        if not rest_a or not rest_b:
            continue
        layers_a, layers_b = [a[i].node.layer for i in rest_a], [b[j].node.layer for j in rest_b]
        for block in SequenceMatcher(None, layers_a, layers_b, autojunk=False).get_matching_blocks():
            for offset in range(block.size):
                yield rest_a[block.a + offset], rest_b[block.b + offset]
