"""Least recently used values, bounded by their bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import RLock

from ..arrays import Array


class ArrayCache:
    """Arrays by key, of at most `limit` bytes in total; the ones used longest ago leave first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._arrays: OrderedDict[Hashable, Array] = OrderedDict()
        self._lock = RLock()
        self.bytes = 0

    def get(self, key: Hashable) -> Array | None:
        """Return an array, or None."""
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
            return self._arrays.get(key)

    def put(self, key: Hashable, array: Array) -> None:
        """Keep an array. One that is larger than the limit is not kept."""
        with self._lock:
            if key in self._arrays:
                self.bytes -= self._arrays.pop(key).nbytes
            if array.nbytes > self._limit:
                return
            self._arrays[key] = array
            self.bytes += array.nbytes
            while self.bytes > self._limit:
                self.bytes -= self._arrays.popitem(last=False)[1].nbytes

    def get_or_compute(self, key: Hashable, compute: Callable[[], Array]) -> Array:
        """Return an array, computed and kept if it is not there."""
        found = self.get(key)
        if found is None:
            found = compute()
            self.put(key, found)
        return found
