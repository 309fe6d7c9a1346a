"""Model randomization: whether an attribution depends on what the network has learned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..arrays import Array
from ..model import Model


def cascade(model: Model, seed: int = 1) -> Iterator[tuple[str, Model]]:
    """Yield copies of a model in which more and more layers have random weights, from the last to the first.

    Each copy comes with the layer that was randomized last. An attribution that hardly changes does not show what
    the network has learned.

    Args:
        model: A trained model. It is not changed.
        seed: Seed of the random weights, which are drawn as initial weights are.

    Source:   Adebayo et al. 2018, "Sanity checks for saliency maps"
    """
    dtype = np.dtype(model.dtype).name
    drawn = Model(model.network, seed, model.engine, dtype)
    arrays = {**model.parameters, **model.buffers}
    random = {**drawn.parameters, **drawn.buffers}
    for node in reversed(model.network.layers):
        own = [name for name in arrays if name.rpartition(".")[0] == node.parameters_of]
        if own and not all(np.array_equal(arrays[name], random[name]) for name in own):
            arrays |= {name: random[name] for name in own}
            yield node.name, Model(model.network, model.seed, model.engine, dtype, parameters=arrays)


def rank_correlation(one: Array, two: Array) -> float:
    """Return Spearman's correlation of the absolute values of two attributions; 0 if one of them is constant."""
    ranks = [_ranks(np.abs(values).ravel()) for values in (one, two)]
    centered = [values - values.mean() for values in ranks]
    norm = float(np.sqrt(np.square(centered[0]).sum() * np.square(centered[1]).sum()))
    return float((centered[0] * centered[1]).sum() / norm) if norm > 0 else 0.0


def _ranks(values: Array) -> Array:
    """Return ranks; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]
