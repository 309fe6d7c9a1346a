"""The vector language: loops, conditions, arithmetic and memory on every instruction set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from convscope.engines.native.codegen.compiler import assembled
from convscope.engines.native.codegen.kernel import Kernel, generate
from convscope.engines.native.codegen.target import named
from convscope.engines.native.ir import Code, minimum
from convscope.engines.native.kernels.common.gemm_tile import Operands, accumulate, evenly

from .assembly import ARM
from .harness import KINDS, call, target_named


@dataclass(frozen=True)
class Product(Kernel):
    """Rows × columns of one vector, from a product over `depth`."""

    rows: int
    depth: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("left", "right", "out")

    def items(self, batch: int) -> int:
        return batch

    def write(self, code: Code) -> None:
        left, right, out = (code.pointer(name) for name in self.pointers)
        lanes = code.target.width
        operands = Operands([row * self.depth for row in range(self.rows)], 1, [0], lanes)
        with code.loop(code.first, code.last) as item:
            start = left + item.index * (self.rows * self.depth)
            sums = accumulate(code, code.zeros(self.rows), start, right, operands, self.depth)
            for row, total in enumerate(sums):
                out.store(total, (item.index * self.rows + row) * lanes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", [1, 3, 4, 7, 16])
def test_tile_multiplies_matrices_of_any_depth(kind: str, depth: int) -> None:
    """Depths around the unrolling, on three instruction sets, equal NumPy's product."""
    lanes, draw = target_named(kind).width, np.random.default_rng(depth)
    left = draw.normal(size=(2, 5, depth)).astype(np.float32)
    right = draw.normal(size=(depth, lanes)).astype(np.float32)
    out = np.zeros((2, 5, lanes), np.float32)
    got = call(Product(5, depth), 2, {"left": left, "right": right, "out": out}, kind=kind)["out"]
    np.testing.assert_allclose(got, left.astype(np.float64) @ right, rtol=0, atol=1e-5)


@dataclass(frozen=True)
class Lanes(Kernel):
    """Elementary operations of the language, one row of output each."""

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "out")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("count",)

    def items(self, batch: int) -> int:
        return 1

    def write(self, code: Code) -> None:
        x, out, lanes = code.pointer("x"), code.pointer("out"), code.target.width
        a = x.load()
        rows = [
            a.maximum(0),
            a.reduce_sum(),
            a.reduce_max(),
            a.rint(),
            (a.as_bits() & 0x7FFFFFFF).as_floats(),
            a.is_nan().select(code.constant(7), a),
            code.number("count").to_float(),
        ]
        with code.loop(0, minimum(code.number("count"), 9), carry=[code.constant(0)]) as loop:
            loop.next([loop.values[0] + a])
        rows.append(loop.results[0])
        for row, value in enumerate(rows):
            out.store(value, row * lanes)
        with code.when(code.number("count") > 100):
            out.store(code.constant(-1))


@pytest.mark.parametrize("kind", KINDS)
def test_lanes_are_computed_as_numpy_does(kind: str) -> None:
    """Comparison, sums, rounding, bits, NaN, loops with bounds that are known only at run time."""
    lanes = target_named(kind).width
    x = np.resize(np.array([-2.5, 1.5, 0.5, 3.25], np.float32), lanes)
    got = call(Lanes(), 1, {"x": x, "out": np.zeros((8, lanes), np.float32)}, {"count": 5}, kind)["out"]
    rows = [np.maximum(x, 0), x * 0 + x.sum(), x * 0 + x.max(), np.rint(x), np.abs(x), x, x * 0 + 5, 5 * x]
    np.testing.assert_array_equal(got, np.stack(rows))


@pytest.mark.parametrize("kind", KINDS)
def test_nan_propagates(kind: str) -> None:
    """NaN is not swallowed by a ReLU, a sum or a maximum."""
    lanes = target_named(kind).width
    x = np.ones(lanes, np.float32)
    x[lanes - 1] = np.nan
    got = call(Lanes(), 1, {"x": x, "out": np.zeros((8, lanes), np.float32)}, {"count": 5}, kind)["out"]
    assert np.isnan(got[0, -1])
    assert np.isnan(got[1]).all()
    assert np.isnan(got[2]).all()
    assert got[5, -1] == 7


def test_kernels_compile_for_arm() -> None:
    """NEON's fused multiply-add by vectors is what the tile becomes on ARM."""
    text = assembled(Product(5, 8), named(ARM))
    assert "fmla" in text
    assert ".4s" in text


def test_empty_loop_is_rejected() -> None:
    """What would never run must not be written."""

    @dataclass(frozen=True)
    class Empty(Product):
        def write(self, code: Code) -> None:
            with code.loop(3, 3):
                pass

    with pytest.raises(ValueError, match="a loop from 3 to 3 has no iteration"):
        generate(Empty(1, 1), named(ARM), "empty")


def test_parts_are_even() -> None:
    """Parts differ by one at most and none is larger than allowed."""
    assert evenly(27, 14) == [14, 13]
    assert evenly(14, 14) == [14]
    assert evenly(1, 6) == [1]


@dataclass(frozen=True)
class First(Kernel):
    """Copy the first floats of a vector: as many as is said at generation, and as many as is said at run time."""

    fixed: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "fixed", "counted", "loaded")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("count",)

    def items(self, batch: int) -> int:
        return 1

    def write(self, code: Code) -> None:
        x, count = code.pointer("x"), code.number("count")
        code.pointer("fixed").store_first(x.load_first(self.fixed), self.fixed)
        code.pointer("counted").store_first(x.load_first(count), count)
        code.pointer("loaded").store(x.load_first(count))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 3])
def test_partial_vectors_leave_other_elements_unchanged(kind: str, count: int) -> None:
    """Arrays of fewer floats than a vector between pages that nobody may touch; what is not read is zero."""
    x = np.arange(1, count + 1, dtype=np.float32)
    loaded = np.full(target_named(kind).width, np.nan, np.float32)
    arrays = {"x": x, "fixed": np.zeros_like(x), "counted": np.zeros_like(x), "loaded": loaded}
    got = call(First(count), 1, arrays, {"count": count}, kind)
    np.testing.assert_array_equal(got["fixed"], x)
    np.testing.assert_array_equal(got["counted"], x)
    np.testing.assert_array_equal(got["loaded"], np.pad(x, (0, len(loaded) - count)))


@dataclass(frozen=True)
class High(Kernel):
    """The upper halves of products of whole numbers."""

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("a", "b", "out")

    def items(self, batch: int) -> int:
        return 1

    def write(self, code: Code) -> None:
        a, b = (code.pointer(name).load_integers() for name in "ab")
        code.pointer("out").store(a.multiply_high(b))


@pytest.mark.parametrize("kind", KINDS)
def test_high_product_is_unsigned(kind: str) -> None:
    """Numbers of 32 bits, large ones among them, multiplied to 64."""
    lanes, draw = target_named(kind).width, np.random.default_rng(2)
    a, b = (draw.integers(0, 1 << 32, lanes, dtype=np.uint64) for _ in range(2))
    a[0] = b[0] = (1 << 32) - 1
    arrays = {"a": a.astype(np.uint32).view(np.int32), "b": b.astype(np.uint32).view(np.int32)}
    out = call(High(), 1, {**arrays, "out": np.zeros(lanes, np.int32)}, kind=kind)["out"]
    np.testing.assert_array_equal(out.view(np.uint32), (a * b >> np.uint64(32)).astype(np.uint32))
