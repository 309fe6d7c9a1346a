"""Elementary functions against NumPy's and the standard library's in float64, in units in the last place."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.ir import Code
from convscope.engines.native.kernels.common import elementary
from convscope.engines.native.kernels.common.elementary import fitted

from .assembly import TARGETS, X86_64, spills_in_loops
from .harness import KINDS, call, target_named

NORMAL = 2.0**-126


@dataclass(frozen=True)
class Apply(Kernel):
    """One elementary function over rows of one vector; `part` picks one of several results."""

    function: str
    part: int = -1

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    def items(self, batch: int) -> int:
        return batch

    def write(self, code: Code) -> None:
        x, y, lanes = code.pointer("x"), code.pointer("y"), code.target.width
        with code.loop(code.first, code.last) as item:
            value = getattr(elementary, self.function)(code, x.load(item.index * lanes))
            y.store(value if self.part < 0 else value[self.part], item.index * lanes)


def applied(kernel: Apply, x: np.ndarray, kind: str) -> np.ndarray:
    arrays = {"x": x, "y": np.zeros_like(x)}
    return call(kernel, x.size // target_named(kind).width, arrays, kind=kind)["y"]


def over_the_range(seed: int) -> np.ndarray:
    """Draw numbers around 0, up to ±100, and of every exponent."""
    draw, size = np.random.default_rng(seed), 1 << 14
    every = np.exp(draw.uniform(-87, 88, size)) * draw.choice([-1, 1], size)
    return np.concatenate([draw.normal(0, 2, size), draw.uniform(-100, 100, size), every]).astype(np.float32)


def assert_within(got: np.ndarray, expected: np.ndarray, bound: float | np.ndarray) -> None:
    """Compare in units in the last place of what is expected; below the normal range zero will do."""
    inside = np.abs(expected) <= np.finfo(np.float32).max
    np.testing.assert_array_equal(got[~inside], expected[~inside])
    usual = inside & (np.abs(expected) >= NORMAL)
    assert (np.abs(got[inside & ~usual]) <= 1.0001 * NORMAL).all()
    result, exact = got[usual].astype(np.float64), expected[usual]
    errors = np.abs(result - exact) / np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    over = errors - np.broadcast_to(bound, expected.shape)[usual]
    worst = int(np.argmax(over))
    assert over[worst] <= 0, f"{errors[worst]:.2f} units off where {exact[worst]} is expected"


def in_range(expected: np.ndarray) -> np.ndarray:
    """Return ∞ for what no float can hold."""
    over = np.abs(expected) > np.finfo(np.float32).max
    return np.where(over, np.copysign(np.inf, expected), expected)


def error_function(x: np.ndarray) -> np.ndarray:
    return np.array([math.erf(one) for one in x.tolist()])


def cumulative(x: np.ndarray) -> np.ndarray:
    return np.array([0.5 * math.erfc(-one / math.sqrt(2)) for one in x.tolist()])


# The bounds are those that the functions' docstrings state; without fused multiply-add, one unit more.
TRUTH: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {
    "exponential": (np.exp, 1.5),
    "exponential_minus_one": (np.expm1, 2),
    "logarithm": (np.log, 2),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 3),
    "tanh": (np.tanh, 3),
    "softplus": (lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), 3),
    "error_function": (error_function, 3),
}


def sided(name: str, x: np.ndarray) -> np.ndarray:
    """Return numbers on the side where a function is defined."""
    return {"logarithm": np.abs(x), "exponential_minus_one": -np.abs(x)}.get(name, x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TRUTH)
def test_functions_keep_their_bound_over_the_whole_range(name: str, kind: str) -> None:
    """Around zero, over all exponents, past overflow and underflow."""
    function, bound = TRUTH[name]
    x = sided(name, over_the_range(7))
    with np.errstate(over="ignore"):
        expected = in_range(function(x.astype(np.float64)))
    assert_within(applied(Apply(name), x, kind), expected, bound + (kind == X86_64))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TRUTH)
def test_functions_match_numpy_for_special_values(name: str, kind: str) -> None:
    """±∞, NaN, both zeros, and the neighbors of the ends of the exponential's range."""
    function, bound = TRUTH[name]
    ends = [88.72283, 88.72284, 88.3, 88.4, -87.33654, -87.33655, 103.0, -104.0, 3.4e38, NORMAL, 1.0]
    x = sided(name, np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, *ends], np.float32))
    with np.errstate(all="ignore"):
        expected = in_range(function(x.astype(np.float64)))
    got = applied(Apply(name), x, kind)
    assert np.isnan(got[2])
    assert_within(got, expected, bound + (kind == X86_64))
    if name in ("tanh", "error_function"):
        np.testing.assert_array_equal(np.signbit(got[3:5]), [False, True])


@pytest.mark.parametrize("kind", KINDS)
def test_the_normal_distribution_is_exact_in_its_tail(kind: str) -> None:
    """Φ and the bell keep a relative error of x²/2 units and six; ends and NaN included."""
    x = over_the_range(3)
    exact = x.astype(np.float64)
    bound = 6 + np.minimum(exact**2, 200) / 2 + (kind == X86_64)
    assert_within(applied(Apply("normal_distribution", 0), x, kind), cumulative(exact), bound)
    assert_within(applied(Apply("normal_distribution", 1), x, kind), np.exp(-0.5 * exact**2), bound)
    ends = np.resize(np.array([np.inf, -np.inf, np.nan, 0], np.float32), 16)
    expected = np.resize([1, 0, np.nan, 0.5], 16)
    np.testing.assert_allclose(applied(Apply("normal_distribution", 0), ends, kind), expected, rtol=2e-7)


def test_the_logarithm_of_a_negative_number_is_nan() -> None:
    """Also of −∞; of zero it is −∞, whatever its sign."""
    x = np.resize(np.array([-1, -np.inf, 0.0, -0.0], np.float32), 16)
    got = applied(Apply("logarithm"), x, "host")
    np.testing.assert_array_equal(got[:4], [np.nan, np.nan, -np.inf, -np.inf])


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("name", [*TRUTH, "normal_distribution"])
def test_functions_spill_nothing_in_loops(name: str, kind: str) -> None:
    """No value that changes from vector to vector goes over the stack."""
    assert spills_in_loops(Apply(name, 0 if name == "normal_distribution" else -1), kind) == 0


def test_fitted_polynomial_is_accurate_and_a_lower_degree_is_not() -> None:
    """Degree 9 of cos on [0, 1] is exact to 1e-10; degree 3 is seen to be worse."""
    x = np.linspace(0, 1, 101)
    close, far = (np.polynomial.polynomial.polyval(x, fitted(math.cos, 0, 1, degree)) for degree in (9, 3))
    assert np.abs(close - np.cos(x)).max() < 1e-10
    assert 1e-5 < np.abs(far - np.cos(x)).max() < 1e-3


def test_comparison_detects_an_error() -> None:
    """One number off by four units fails a bound of three."""
    exact = np.array([1.0, 2.0])
    with pytest.raises(AssertionError, match=r"4\.00 units off where 2\.0 is expected"):
        assert_within(np.array([1.0, 2.0 + 4 * 2.0**-22]), exact, 3)
