"""Diagnosis: risks and waste in a network's structure, with suggestions.

`finding.py` says what a finding is and writes its numbers, `subject.py` computes what they share.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...errors import BadSetting
from ...layers.connection import Shape
from ...network import Network
from .alignment import find_even_kernel_shift, find_misaligned_merges, find_same_drift
from .finding import SEVERITIES, Finding
from .heavy_layers import find_heavy_layers
from .input_size import find_smallest_input, find_unproductive_layers
from .lost_border import find_lost_rows
from .object_size import find_small_field
from .subject import Subject
from .useless_layers import (
    find_dead_ends,
    find_dropout,
    find_linear_stacks,
    find_opaque_layers,
    find_useless_biases,
    find_useless_relus,
)

__all__ = ["Finding", "diagnose"]

_FAMILIES: tuple[Callable[[Subject], list[Finding]], ...] = (
    find_opaque_layers,
    find_small_field,
    find_misaligned_merges,
    find_same_drift,
    find_even_kernel_shift,
    find_unproductive_layers,
    find_lost_rows,
    find_heavy_layers,
    find_useless_biases,
    find_useless_relus,
    find_linear_stacks,
    find_dropout,
    find_dead_ends,
    find_smallest_input,
)


def diagnose(
    network: Network,
    object_size: int | Sequence[int] | None = None,
    other_input: Sequence[int] | None = None,
) -> list[Finding]:
    """Return risks and waste in a network's structure, most severe first.

    `object_size` is the size of what should be seen whole, one
    number or one per axis. `other_input` is a second input shape the network will be used on; one pixel larger
    in every direction unless given.

    Units:    pixels of the input
    Errors:   BadSetting [object-size], [other-input]; BadShape when the network cannot take `other_input`
    """
    other = None if other_input is None else tuple(operator.index(n) for n in other_input)
    subject = Subject(network, None, other)
    if object_size is not None:
        subject.object_size = _object_size(object_size, len(subject.image))
    found = [finding for family in _FAMILIES for finding in family(subject)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _object_size(value: int | Sequence[int], rank: int) -> Shape:
    try:
        sizes = tuple(map(operator.index, value if isinstance(value, Sequence) else (value,) * rank))
    except TypeError:
        sizes = ()
    if len(sizes) != rank or min(sizes) < 1:
        raise BadSetting(
            "{setting} must be an integer of at least 1, or {rank}, one per axis (got {got!r}). Use 64 for "
            "objects of 64 pixels. [object-size]",
            setting="diagnose.object_size",
            rank=rank,
            got=value,
        )
    return sizes
