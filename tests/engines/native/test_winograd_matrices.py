"""Winograd's matrices in exact fractions, and each transform's function against its matrix."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.ir import Code
from convscope.engines.native.kernels.winograd.matrices import TRANSFORMS, Matrix, Transform

from .harness import KINDS, call, target_named

NAMES = ("input", "weight", "output", "output_gradient", "weight_gradient")


def unit(size: int, at: int) -> list[Fraction]:
    return [Fraction(number == at) for number in range(size)]


def times(matrix: Matrix, vector: list[Fraction]) -> list[Fraction]:
    return [sum((a * b for a, b in zip(row, vector, strict=True)), Fraction(0)) for row in matrix]


def is_correlation(output: Matrix, weight: Matrix, inputs: Matrix, tile: int) -> bool:
    """Say whether Aᵀ[(G·g) ⊙ (Bᵀ·d)] is a correlation, for every pair of unit vectors."""
    for tap, place in product(range(3), range(tile + 2)):
        g, d = times(weight, unit(3, tap)), times(inputs, unit(tile + 2, place))
        got = times(output, [a * b for a, b in zip(g, d, strict=True)])
        if got != [Fraction(place == q + tap) for q in range(tile)]:
            return False
    return True


@pytest.mark.parametrize("tile", [2, 4])
def test_winograd_matrices_are_exact(tile: int) -> None:
    """Bilinear, so unit vectors suffice: output q reads input q + tap."""
    own = TRANSFORMS[tile]
    assert is_correlation(own.output.matrix, own.weight.matrix, own.input.matrix, tile)


@pytest.mark.parametrize("tile", [2, 4])
def test_wrong_matrix_entry_is_detected(tile: int) -> None:
    """The test above can fail: any one number of the input's matrix changed breaks the identity."""
    own = TRANSFORMS[tile]
    wrong = [list(row) for row in own.input.matrix]
    wrong[1][2] += Fraction(1, 100)
    changed = tuple(tuple(row) for row in wrong)
    assert not is_correlation(own.output.matrix, own.weight.matrix, changed, tile)


@pytest.mark.parametrize("tile", [2, 4])
def test_gradients_are_the_transposed_matrices(tile: int) -> None:
    """Gᵀ[(Bᵀ·d) ⊙ (A·dy)] is the gradient of the correlation for its taps."""
    own = TRANSFORMS[tile]
    for place, q in product(range(tile + 2), range(tile)):
        d, dy = times(own.input.matrix, unit(tile + 2, place)), times(own.output_gradient.matrix, unit(tile, q))
        got = times(own.weight_gradient.matrix, [a * b for a, b in zip(d, dy, strict=True)])
        assert got == [Fraction(place == q + tap) for tap in range(3)]


@dataclass(frozen=True)
class Applied(Kernel):
    """One transform, of the vectors that come."""

    tile: int
    name: str

    @property
    def transform(self) -> Transform:
        found = getattr(TRANSFORMS[self.tile], self.name)
        assert isinstance(found, Transform)
        return found

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    def items(self, batch: int) -> int:
        return 1

    def write(self, code: Code) -> None:
        lanes = code.target.width
        values = [code.pointer("x").load(at * lanes) for at in range(self.transform.inputs)]
        for at, value in enumerate(self.transform.apply(values)):
            code.pointer("y").store(value, at * lanes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tile", [2, 4])
def test_transform_equals_its_matrix(tile: int, name: str, kind: str) -> None:
    """Unit vectors, a lane or so each, give the matrix's columns to a few roundings (1/6 is no float)."""
    lanes, kernel = target_named(kind).width, Applied(tile, name)
    matrix = np.array(kernel.transform.matrix, dtype=np.float64)
    for start in range(0, kernel.transform.inputs, lanes):
        x = np.zeros((kernel.transform.inputs, lanes), np.float32)
        own = range(start, min(start + lanes, kernel.transform.inputs))
        for at in own:
            x[at, at - start] = 1
        y = np.full((kernel.transform.outputs, lanes), np.nan, np.float32)
        got = call(kernel, 1, {"x": x, "y": y}, kind=kind)["y"]
        np.testing.assert_allclose(got[:, : len(own)], matrix[:, own], rtol=0, atol=2e-7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tile", [2, 4])
def test_sums_of_all_inputs_follow_the_matrix(tile: int, name: str) -> None:
    """Random vectors: terms that unit vectors keep apart add up, too."""
    lanes, kernel = target_named("host").width, Applied(tile, name)
    x = np.random.default_rng(tile).normal(size=(kernel.transform.inputs, lanes)).astype(np.float32)
    y = np.full((kernel.transform.outputs, lanes), np.nan, np.float32)
    got = call(kernel, 1, {"x": x, "y": y})["y"]
    matrix = np.array(kernel.transform.matrix, dtype=np.float64)
    np.testing.assert_allclose(got, matrix @ x, rtol=0, atol=1e-5)
