"""Array types, and lazily computed arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
DType = type[np.float32] | type[np.float64]


class ComputedArrays(Mapping[str, Array]):
    """Mapping of arrays that are computed on access, so that they need not be in memory together."""

    def __init__(self, names: Iterable[str], compute: Callable[[str], Array]) -> None:
        self._names, self._compute = dict.fromkeys(names), compute

    def __getitem__(self, name: str) -> Array:
        if name not in self._names:
            raise KeyError(name)
        return self._compute(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
