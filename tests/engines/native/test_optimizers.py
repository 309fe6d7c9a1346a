"""Updates of parameters and the gradients' norm against the reference engine's rules in float64.

An update makes about ten roundings, each of numbers no larger than the largest that it reads: 2e-6 of that leaves
room.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.common.updates import state_slots, update
from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.kernels.update.optimizers import AdamUpdate, SgdUpdate, SquaredNorm
from convscope.optim.optimizers import SGD, Adam, AdamW, Optimizer

from .assembly import TARGETS, spills
from .harness import KINDS, call, target_named

CHOICES: list[tuple[Optimizer, Kernel]] = [
    (SGD(), SgdUpdate()),
    (SGD(weight_decay=0.1), SgdUpdate(weight_decay=0.1)),
    (SGD(momentum=0.9), SgdUpdate(0.9)),
    (SGD(momentum=0.8, nesterov=True, weight_decay=0.01), SgdUpdate(0.8, True, 0.01)),
    (Adam(), AdamUpdate()),
    (Adam(betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1), AdamUpdate(0.8, 0.95, 1e-3, 0.1)),
    (AdamW(weight_decay=0.1), AdamUpdate(weight_decay=0.1, decoupled=True)),
]


def assert_update(optimizer: Optimizer, kernel: Kernel, vectors: int, seed: int, kind: str = "host") -> None:
    """Compare three updates, with other gradients and rates each, with the reference on float64."""
    draw, floats = np.random.default_rng(seed), vectors * target_named(kind).width
    names = state_slots(optimizer)
    ours = {name: np.zeros(floats, np.float32) for name in names}
    ours["weight"] = draw.normal(size=floats).astype(np.float32)
    exact = {name: array.astype(np.float64) for name, array in ours.items()}
    for step in range(3):
        gradient, lr = draw.normal(size=floats).astype(np.float32), float(np.float32(0.1 / (step + 1)))
        numbers = {"floats": floats, "lr": lr, "scale": 0.5}
        if not isinstance(optimizer, SGD):
            beta1, beta2 = optimizer.betas
            numbers["first_correction"] = 1 / (1 - beta1 ** (step + 1))
            numbers["second_correction"] = 1 / (1 - beta2 ** (step + 1)) ** 0.5
        ours |= call(kernel, 1, {**ours, "gradient": gradient}, numbers, kind)
        state = {name: exact[name] for name in names}
        update(optimizer, exact["weight"], 0.5 * gradient.astype(np.float64), state, lr, step)
        for name, array in exact.items():
            bound = 2e-6 * (step + 1) * max(1.0, np.abs(array).max())
            assert np.abs(ours[name] - array).max() <= bound, f"{name} at step {step}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("optimizer", "kernel"), CHOICES)
def test_updates_equal_the_reference(kind: str, optimizer: Optimizer, kernel: Kernel) -> None:
    """Every optimizer and setting, over several steps, on arrays of more pieces than vectors and of fewer."""
    for vectors in (1, 163):
        assert_update(optimizer, kernel, vectors, vectors, kind)


@settings(max_examples=12)
@given(vectors=st.integers(1, 400), choice=st.sampled_from(CHOICES), seed=st.integers(0, 99))
def test_optimizers_update_arrays_of_any_size(vectors: int, choice: tuple[Optimizer, Kernel], seed: int) -> None:
    """No vector is left out and none is updated twice."""
    assert_update(*choice, vectors, seed)


@pytest.mark.parametrize(("optimizer", "kernel"), CHOICES)
def test_nan_stays_in_its_element(optimizer: Optimizer, kernel: Kernel) -> None:
    floats = 40 * target_named("host").width
    arrays = {name: np.ones(floats, np.float32) for name in kernel.pointers}
    arrays["gradient"][37] = np.nan
    numbers = {"floats": floats, "lr": 0.1, "scale": 1.0, "first_correction": 1.0, "second_correction": 1.0}
    weight = call(kernel, 1, arrays, numbers)["weight"]
    assert np.flatnonzero(np.isnan(weight)).tolist() == [37]


@settings(max_examples=10)
@given(vectors=st.integers(0, 500), parts=st.sampled_from([1, 7, 16]), kind=st.sampled_from(KINDS))
def test_the_squared_norm_is_summed_in_parts(vectors: int, parts: int, kind: str) -> None:
    """A sum of k squares in at least four lanes and more is off by k / 4 roundings of itself at most."""
    floats = vectors * target_named(kind).width
    gradient = np.random.default_rng(vectors).normal(size=floats).astype(np.float32)
    arrays = {"gradient": gradient, "parts": np.full(parts, np.nan, np.float32)}
    got = call(SquaredNorm(parts), 1, arrays, {"floats": floats}, kind)["parts"]
    exact = np.square(gradient, dtype=np.float64).sum()
    assert abs(got.sum(dtype=np.float64) - exact) <= (floats / 4 + 8) * 2.0**-24 * exact


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_squared_norm_is_not_finite_if_a_gradient_is_not(wrong: float) -> None:
    gradient = np.ones(320, np.float32)
    gradient[301] = wrong
    arrays = {"gradient": gradient, "parts": np.zeros(16, np.float32)}
    assert not np.isfinite(call(SquaredNorm(16), 1, arrays, {"floats": 320})["parts"].sum())


@pytest.mark.parametrize("kind", TARGETS)
def test_no_register_is_spilled(kind: str) -> None:
    for kernel in (*(kernel for _, kernel in CHOICES), SquaredNorm(16)):
        assert spills(kernel, kind) == 0
