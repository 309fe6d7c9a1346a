"""Dense layers and their gradients against the float64 product, on every instruction set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.codegen.compiler import assembled
from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.codegen.target import named
from convscope.engines.native.kernels.activation.pointwise import RELU
from convscope.engines.native.kernels.dense.product import DenseInputGradient, DenseKernel, DenseWeightGradient
from convscope.engines.native.layout import Blocked, Channels, DenseBlocks, blocks_of

from .assembly import ARM, TARGETS, inner_loops, moves_in_loops, spills
from .harness import KINDS, call, target_named

UNIT = 2.0**-24
"""Half a unit in the last place of 1."""
LONGEST = 512
"""Most products added up one after the other before sums are added to sums."""


class Case:
    """A dense layer behind an image whose channels fill no whole blocks, and float64 answers to compare with."""

    def __init__(self, batch: int, source: tuple[int, int, int], outputs: int, kind: str = "host", seed: int = 0):
        draw, self.kind, self.batch, self.outputs = np.random.default_rng(seed), kind, batch, outputs
        self.lanes = target_named(kind).width
        self.source = Blocked(*source, self.lanes)
        self.layout = DenseBlocks(outputs, self.source)
        self.depth, self.width = self.source.floats, blocks_of(outputs, self.lanes) * self.lanes
        size = int(np.prod(source))
        self.x, self.w, self.dy = (
            draw.normal(size=shape).astype(np.float32)
            for shape in ((batch, size), (outputs, size), (batch, outputs))
        )
        self.b = draw.normal(size=outputs).astype(np.float32)

    def packed_rows(self, rows: np.ndarray) -> np.ndarray:
        return np.pad(rows, ((0, 0), (0, self.width - self.outputs)))

    def forward(self, bias: bool = True, relu: bool = False) -> np.ndarray:
        arrays = {
            "x": self.source.pack(self.x),
            "weight": self.layout.pack(self.w),
            "y": unset(self.batch, self.width),
        }
        if bias:
            arrays["bias"] = Channels(self.outputs, self.lanes).pack(self.b)
        got = call(
            DenseKernel(self.depth, self.outputs, self.lanes, bias, RELU if relu else None),
            self.batch,
            arrays,
            kind=self.kind,
        )["y"]
        assert not got[:, self.outputs :].any(), "padding lanes"
        return got[:, : self.outputs]

    def input_gradient(self) -> np.ndarray:
        kernel = DenseInputGradient(self.depth, self.outputs, self.lanes)
        arrays = {"dy": self.packed_rows(self.dy), "weight": self.layout.pack(self.w)}
        got = call(kernel, self.batch, arrays | {"dx": unset(self.batch, self.depth)}, kind=self.kind)["dx"]
        unpacked = self.source.unpack(got)
        if np.isfinite(self.dy).all():
            np.testing.assert_array_equal(self.source.pack(unpacked), got, err_msg="padding lanes")
        return unpacked.reshape(self.batch, -1)

    def weight_gradient(self) -> np.ndarray:
        kernel = DenseWeightGradient(self.depth, self.outputs, self.lanes)
        arrays = {"x": self.source.pack(self.x), "dy": self.packed_rows(self.dy)}
        got = call(kernel, self.batch, arrays | {"dweight": unset(self.layout.floats)}, kind=self.kind)["dweight"]
        unpacked = self.layout.unpack(got)
        if np.isfinite(self.dy).all():
            np.testing.assert_array_equal(self.layout.pack(unpacked), got, err_msg="padding lanes")
        return unpacked


def unset(*shape: int) -> np.ndarray:
    """Return memory that nobody has written to yet."""
    return np.full(shape, np.nan, np.float32)


def assert_product(got: np.ndarray, left: np.ndarray, right: np.ndarray, start: np.ndarray | float = 0.0) -> None:
    """Compare with left · right + start, element by element.

    A sum of k products, added up by LONGEST at most, is off by (min(k, LONGEST) + k / LONGEST + 3) roundings of
    the sum of their absolute values at most.
    """
    left, right = left.astype(np.float64), right.astype(np.float64)
    roundings = min(left.shape[1], LONGEST) + left.shape[1] / LONGEST + 3
    bound = roundings * UNIT * (np.abs(left) @ np.abs(right) + np.abs(start))
    assert (np.abs(got - (left @ right + start)) <= bound).all()


def assert_all(case: Case) -> None:
    assert_product(case.forward(), case.x, case.w.T, case.b)
    assert_product(case.input_gradient(), case.dy, case.w)
    assert_product(case.weight_gradient(), case.dy.T, case.x)


@settings(max_examples=10)
@given(
    batch=st.integers(1, 30),
    source=st.tuples(st.integers(1, 40), st.integers(1, 3), st.integers(1, 4)),
    outputs=st.integers(1, 150),
    seed=st.integers(0, 99),
)
def test_dense_layers_equal_the_float64_product(
    batch: int, source: tuple[int, int, int], outputs: int, seed: int
) -> None:
    """Any batch, channels and outputs that fill no whole vectors, forward and both gradients."""
    assert_all(Case(batch, source, outputs, seed=seed))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("batch", "source", "outputs"),
    [
        (1, (3, 1, 1), 1),
        (7, (37, 2, 3), 67),  # one row more than a tile, one block more than a group
        (13, (5, 3, 7), 12),
    ],
)
def test_edges_of_tiles_on_every_instruction_set(
    kind: str, batch: int, source: tuple[int, int, int], outputs: int
) -> None:
    """A single number, and sizes one beyond those of tiles and groups."""
    assert_all(Case(batch, source, outputs, kind))


@pytest.mark.parametrize("batch", [1, 3, 4, 5])
def test_depth_and_outputs_are_split_into_panels(batch: int) -> None:
    """More inputs and outputs than a panel holds, the last panel a part of one; few rows take another way."""
    case = Case(batch, (67, 5, 2), 1030)
    assert case.depth > LONGEST
    assert_all(case)


@pytest.mark.parametrize("batch", [63, 64, 65, 131])
def test_the_batch_is_summed_in_steps(batch: int) -> None:
    """Batches around the number of images that one sum takes."""
    assert_all(Case(batch, (17, 2, 1), 19, seed=batch))


@pytest.mark.parametrize("outputs", [509, 512])
def test_conflicting_gradient_rows_are_copied_to_contiguous_memory(outputs: int) -> None:
    """Rows 2 KiB apart are copied first; the answers are the same."""
    case = Case(67, (3, 5, 7), outputs)
    assert DenseWeightGradient(case.depth, outputs, case.lanes).gathers_dy
    assert_all(case)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("bias", "relu"), [(False, False), (False, True), (True, True)])
@pytest.mark.parametrize("depth", [20, 1040])
def test_bias_and_relu_are_fused_into_dense(kind: str, bias: bool, relu: bool, depth: int) -> None:
    """With and without, in one panel and in several, where only the last one may cut at zero."""
    case = Case(5, (depth, 1, 1), 21, kind)
    got, plain = case.forward(bias, relu), case.forward(bias, False)
    np.testing.assert_array_equal(got, np.maximum(plain, 0) if relu else plain)
    assert (plain < 0).any()
    assert_product(plain, case.x, case.w.T, case.b if bias else 0.0)


def test_nan_and_infinity_propagate() -> None:
    """They reach what depends on them, pass the ReLU as in PyTorch, and leave padding lanes at zero."""
    case = Case(5, (20, 1, 1), 10)
    case.w = np.abs(case.w) + np.float32(0.1)
    case.x[1, 3], case.x[2, 4], case.x[3, 5] = np.nan, np.inf, -np.inf
    got = case.forward(relu=True)
    assert np.isfinite(got[[0, 4]]).all()
    assert np.isnan(got[1]).all()
    assert (got[2] == np.inf).all()
    assert (got[3] == 0).all()
    case = Case(5, (20, 1, 1), 16)
    case.dy[1, 3] = np.nan
    gradient = case.input_gradient()
    assert np.isnan(gradient[1]).all()
    assert np.isfinite(gradient[[0, 2, 3, 4]]).all()
    weights = case.weight_gradient()
    assert np.isnan(weights[3]).all()
    assert np.isfinite(np.delete(weights, 3, axis=0)).all()


def test_long_sums_are_as_accurate_as_products_of_blocks() -> None:
    """Sums of 3136 products: the root mean square error is below 4e-7 of the results' own, as PyTorch's is."""
    case = Case(6, (64, 7, 7), 20)
    exact = case.x.astype(np.float64) @ case.w.T
    error = case.forward(bias=False) - exact
    assert np.sqrt(np.mean(error**2)) < 4e-7 * np.sqrt(np.mean(exact**2))


def test_batch_of_ones_is_summed_exactly() -> None:
    """20,000 images of ones: a running sum of whole numbers loses nothing, and none is counted twice."""
    case = Case(20_003, (3, 1, 1), 2)
    case.x[...], case.dy[...] = 1, 1
    assert (case.weight_gradient() == 20_003).all()


@pytest.mark.parametrize("name", TARGETS)
def test_no_register_is_spilled_in_a_loop(name: str) -> None:
    """All sums of a tile stay in registers, whatever the instruction set."""
    for kernel in kernels_for(name):
        assert max(len(loop) for loop in inner_loops(kernel, name)) > 40
        assert moves_in_loops(kernel, name) == 0


@pytest.mark.parametrize("name", [name for name in TARGETS if named(name).width == 16])
def test_no_register_is_spilled_at_all_on_32_wide_ones(name: str) -> None:
    """There is room for all that stands between the loops, too."""
    assert [spills(kernel, name) for kernel in kernels_for(name)] == [0, 0, 0]


@pytest.mark.parametrize("name", TARGETS)
def test_transposing_weights_causes_no_spills(name: str) -> None:
    """A square of lanes by lanes passes through few registers, and needs no constants that products would push out."""
    assert spills(kernels_for(name)[1], name) == 0


def kernels_for(name: str) -> tuple[Kernel, Kernel, Kernel]:
    lanes = named(name).width
    return (
        DenseKernel(1056, 130, lanes, True, RELU),
        DenseInputGradient(1056, 130, lanes),
        DenseWeightGradient(1056, 130, lanes),
    )


def test_arm_code_uses_fused_multiply_add() -> None:
    """The same text becomes NEON's fused multiply-add."""
    for kernel in (
        DenseKernel(40, 30, 4, True, RELU),
        DenseInputGradient(40, 30, 4),
        DenseWeightGradient(40, 30, 4),
    ):
        text = assembled(kernel, named(ARM))
        assert text.count("fmla") > 8


def test_every_thread_of_eight_has_work_for_one_image() -> None:
    """Few outputs, many outputs, few inputs."""
    for depth, outputs in ((3136, 128), (2048, 1000), (128, 512)):
        assert DenseKernel(depth, outputs, 16, True, None).items(1) >= 8
        assert DenseInputGradient(depth, outputs, 16).items(1) >= 8
        assert DenseWeightGradient(depth, outputs, 16).items(1) >= 8
