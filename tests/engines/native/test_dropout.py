"""Philox against published answers, and dropout's masks against the same generator in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.ir import Code
from convscope.engines.native.kernels.update.dropout import DropoutGradient, DropoutKernel, random_bits

from .assembly import TARGETS, spills_in_loops
from .harness import KINDS, call, target_named

PUBLISHED = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
"""Counter, key and words of Philox4×32-10, from the known answers that Random123's authors publish."""


@dataclass(frozen=True)
class Words(Kernel):
    """Random words for counters and keys read from memory, one vector of each word."""

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("counter", "key", "out")

    def items(self, batch: int) -> int:
        return 1

    def write(self, code: Code) -> None:
        lanes = code.target.width
        counter = [code.pointer("counter").load_integers(word * lanes) for word in range(4)]
        key = [code.pointer("key").load_integers(word * lanes) for word in range(2)]
        for word, bits in enumerate(random_bits(code, counter, key)):
            code.pointer("out").store(bits, word * lanes)


def numpy_words(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Return Philox4×32-10's words (4, n) for the first counter word; the others hold its upper half and zeros."""
    low = np.uint64(0xFFFFFFFF)
    a, b = counter & low, counter >> np.uint64(32)
    c, d = np.zeros_like(a), np.zeros_like(a)
    left, right = key
    for _ in range(10):
        by_a, by_c = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b = (by_c >> np.uint64(32)) ^ b ^ np.uint64(left), by_c & low
        c, d = (by_a >> np.uint64(32)) ^ d ^ np.uint64(right), by_a & low
        left, right = (left + 0x9E3779B9) % 2**32, (right + 0xBB67AE85) % 2**32
    return np.stack([a, b, c, d])


def numpy_factors(floats: int, lanes: int, rate: float, key: tuple[int, int]) -> np.ndarray:
    """Return what each element is multiplied by."""
    element = np.arange(floats, dtype=np.uint64)
    counter = element // np.uint64(4 * lanes) * np.uint64(lanes) + element % np.uint64(lanes)
    word = (element // np.uint64(lanes) % np.uint64(4)).astype(np.int64)
    drawn = np.take_along_axis(numpy_words(counter, key), word[None], axis=0)[0]
    return np.where(drawn < rate * 2.0**32, 0, np.float32(1 / (1 - rate)) if rate < 1 else 0).astype(np.float32)


def dropped(
    x: np.ndarray, rate: float, key: tuple[int, int], kind: str = "host", back: bool = False
) -> np.ndarray:
    kernel, source, result = (DropoutGradient(rate), "dy", "dx") if back else (DropoutKernel(rate), "x", "y")
    numbers = {"floats": x.size, "key_low": key[0], "key_high": key[1]}
    return call(kernel, 1, {source: x, result: np.full_like(x, np.nan)}, numbers, kind)[result]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("counter", "key", "words"), PUBLISHED)
def test_philox_matches_published_values(
    kind: str, counter: tuple[int, ...], key: tuple[int, ...], words: tuple[int, ...]
) -> None:
    lanes = target_named(kind).width
    arrays = {
        name: np.repeat(np.array(values, np.uint32), lanes).view(np.int32)
        for name, values in (("counter", counter), ("key", key), ("out", (0,) * 4))
    }
    got = call(Words(), 1, arrays, kind=kind)["out"].view(np.uint32)
    np.testing.assert_array_equal(got, np.repeat(np.array(words, np.uint32), lanes))


@settings(max_examples=15)
@given(
    vectors=st.integers(1, 300),
    rate=st.sampled_from([0.1, 0.5, 0.9]),
    key=st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    kind=st.sampled_from(KINDS),
)
def test_dropout_masks_match_numpy_for_any_size(
    vectors: int, rate: float, key: tuple[int, int], kind: str
) -> None:
    """The same bits on every instruction set, however the elements are shared out; the gradient's are the same."""
    lanes = target_named(kind).width
    x = np.random.default_rng(vectors).normal(size=vectors * lanes).astype(np.float32)
    expected = x * numpy_factors(x.size, lanes, rate, key)
    np.testing.assert_array_equal(dropped(x, rate, key, kind), expected)
    np.testing.assert_array_equal(dropped(x, rate, key, kind, back=True), expected)


def test_dropout_rate_and_mean_are_correct() -> None:
    """Of 160,000 elements at 0.3: within four standard deviations, in every word of the counters."""
    y = dropped(np.ones(160_000, np.float32), 0.3, (12, 34))
    spread = np.sqrt(0.3 * 0.7 / y.size)
    assert abs((y == 0).mean() - 0.3) < 4 * spread
    assert abs(y.mean() - 1) < 4 * spread / 0.7
    lanes = target_named("host").width
    for word in np.moveaxis(y.reshape(-1, 4, lanes), 1, 0):
        assert abs((word == 0).mean() - 0.3) < 8 * spread


def test_other_keys_draw_other_masks() -> None:
    """Each half of the key matters, and two masks agree as often as chance has it."""
    x = np.ones(40_000, np.float32)
    masks = [dropped(x, 0.5, key) > 0 for key in ((1, 2), (1, 3), (2, 2))]
    for one, two in ((0, 1), (0, 2), (1, 2)):
        assert abs((masks[one] == masks[two]).mean() - 0.5) < 4 * 0.5 / np.sqrt(x.size)


@pytest.mark.parametrize(("rate", "factor"), [(0.0, 1), (1.0, 0)])
def test_functions_match_numpy_at_the_ends_of_the_range(rate: float, factor: float) -> None:
    """Nothing is dropped at 0, everything at 1."""
    x = np.arange(1, 161, dtype=np.float32)
    np.testing.assert_array_equal(dropped(x, rate, (5, 6)), factor * x)


def test_nan_and_infinity_propagate() -> None:
    """As in PyTorch, a dropped NaN or infinity is NaN, since 0 · NaN is."""
    x = np.ones(640, np.float32)
    x[::2], x[1::4] = np.nan, np.inf
    y = dropped(x, 0.5, (7, 8))
    kept = dropped(np.ones_like(x), 0.5, (7, 8)) > 0
    assert np.isnan(y[::2]).all()
    assert (y[1::4][kept[1::4]] == np.inf).all()
    assert np.isnan(y[1::4][~kept[1::4]]).all()


@pytest.mark.parametrize("kind", TARGETS)
def test_no_register_is_spilled_in_the_loop(kind: str) -> None:
    assert spills_in_loops(DropoutKernel(0.5), kind) == 0
