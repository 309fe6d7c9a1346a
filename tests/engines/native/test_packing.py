"""Images into blocks of channels and back: the same bits as the layout says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.merge.packing import Pack, Unpack
from convscope.engines.native.layout import Blocked

from .assembly import TARGETS, spills
from .harness import KINDS, call, target_named


def assert_there_and_back(n: int, channels: int, height: int, width: int, kind: str) -> None:
    sizes = (channels, height, width, target_named(kind).width)
    own = Blocked(*sizes)
    x = np.random.default_rng(0).normal(size=(n, channels, height, width)).astype(np.float32)
    x.flat[:: max(1, x.size // 3)] = [np.nan, np.inf, -0.0, np.nan][: len(x.flat[:: max(1, x.size // 3)])]
    packed = call(Pack(*sizes), n, {"x": x, "y": np.full((n, own.floats), np.nan, np.float32)}, kind=kind)["y"]
    assert packed.tobytes() == own.pack(x).tobytes()
    unpacked = call(Unpack(*sizes), n, {"x": packed, "y": np.zeros_like(x)}, kind=kind)["y"]
    assert unpacked.tobytes() == x.tobytes()


@settings(max_examples=15)
@given(n=st.integers(1, 3), channels=st.integers(1, 40), height=st.integers(1, 7), width=st.integers(1, 9))
def test_images_of_any_size_are_packed_and_unpacked(n: int, channels: int, height: int, width: int) -> None:
    """NaN, infinity and the sign of zero included; lanes past the last channel are zero."""
    assert_there_and_back(n, channels, height, width, "host")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("channels", "height", "width"), [(1, 1, 1), (35, 1, 1), (3, 4, 4), (16, 3, 5), (17, 1, 16), (5, 17, 2)]
)
def test_edges_of_squares_on_every_instruction_set(kind: str, channels: int, height: int, width: int) -> None:
    """Single pixels, whole squares, and one channel or pixel more."""
    assert_there_and_back(2, channels, height, width, kind)


@pytest.mark.parametrize("kind", TARGETS)
def test_no_register_is_spilled(kind: str) -> None:
    for kernel in (Pack, Unpack):
        assert spills(kernel(20, 9, 13, target_named(kind).width), kind) == 0
