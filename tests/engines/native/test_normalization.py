"""Batch normalization: statistics, forward and backward against the float64 reference, on every instruction set.

Bounds are shares of the largest number. A sum of n numbers that are added in short runs is off by some √n · 6e-8 of
the sum of their sizes; the whole layer does two such sums and a few roundings more, so 2e-6 leaves room.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.normalization.batch_norm import (
    ChannelMoments,
    FoldStatistics,
    Normalize,
    NormGradient,
    NormGradientFinish,
    NormGradientSums,
    NormStatistics,
)
from convscope.engines.native.layout import Blocked, Channels
from convscope.engines.reference.layers.rules import Context, backward, forward
from convscope.layers import BatchNorm

from .assembly import TARGETS, spills_in_loops
from .harness import SMALLER, assert_close, call, target_named

BOUND = 2e-6


@dataclass
class Engine:
    """The kernels of one layer, run one after the other as a plan would."""

    channels: int
    height: int
    width: int
    kind: str = "host"
    slices: int = 3
    relu: bool = False
    residual: bool = False
    addends: int = 1
    store: bool = False
    affine: bool = True
    eps: float = 1e-5
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lanes = target_named(self.kind).width
        self.sizes = (self.channels, self.height, self.width, self.lanes)
        self.layout = Blocked(*self.sizes)
        self.vectors = Channels(self.channels, self.lanes)

    def run(self, kernel, batch, **renamed):
        """Call a kernel with the arrays it names; results that do not exist yet begin as NaN."""
        wanted = {name: renamed.get(name, name) for name in kernel.pointers}
        for name in wanted.values():
            if name not in self.arrays:
                self.arrays[name] = np.full(self.size(name, batch), np.nan, np.float32)
        given_arrays = {name: self.arrays[own] for name, own in wanted.items()}
        for name, array in call(kernel, batch, given_arrays, kind=self.kind).items():
            self.arrays[wanted[name]] = array

    def size(self, name, batch):
        if name in ("y", "g", "dx"):
            return (batch, self.layout.floats)
        rows = {"parts": 2 * self.slices, "gradient_parts": 2 * self.slices, "coefficients": 2}.get(name, 1)
        return (rows * self.vectors.floats,)

    def forward(self, x, parameters, running, residual=None):
        self.arrays |= {"x": self.layout.pack(x)}
        self.arrays |= {name: self.vectors.pack(array) for name, array in (parameters | running).items()}
        if residual is not None:
            self.arrays["residual"] = self.layout.pack(residual)
        self.run(ChannelMoments(*self.sizes, self.slices), len(x))
        self.run(NormStatistics(*self.sizes, self.slices, self.eps, 0.1, self.affine), len(x))
        self.run(Normalize(*self.sizes, self.relu, self.residual), len(x))

    def backward(self, gradients):
        batch = len(gradients[0])
        self.arrays |= {f"dy{n}": self.layout.pack(one) for n, one in enumerate(gradients)}
        settings = {"relu": self.relu, "residual": self.residual, "addends": self.addends}
        sums = NormGradientSums(*self.sizes, **settings, slices=self.slices, store=self.store)
        self.run(sums, batch, parts="gradient_parts")
        finish = NormGradientFinish(*self.sizes, self.slices, self.affine)
        self.run(finish, batch, parts="gradient_parts")
        if self.store:
            self.run(NormGradient(*self.sizes), batch, dy0="g")
        else:
            self.run(NormGradient(*self.sizes, **settings), batch)

    def image(self, name):
        """Return an image, once its empty lanes are seen to be zero."""
        array = self.arrays[name]
        np.testing.assert_array_equal(self.layout.pack(self.layout.unpack(array)), array)
        return self.layout.unpack(array)

    def vector(self, name):
        array = self.arrays[name]
        np.testing.assert_array_equal(self.vectors.pack(self.vectors.unpack(array)), array)
        return self.vectors.unpack(array)[:, 0]


def draw_case(shape, seed, mean=0.0):
    draw = np.random.default_rng(seed)
    channels = shape[1]
    spread = draw.uniform(0.5, 2, (1, channels, 1, 1))
    center = mean + draw.normal(size=(1, channels, 1, 1))
    x = ((draw.normal(size=shape) + center) * spread).astype(np.float32)
    parameters = {
        "weight": draw.uniform(0.5, 1.5, channels).astype(np.float32),
        "bias": draw.normal(size=channels).astype(np.float32),
    }
    running = {
        "running_mean": draw.normal(size=channels).astype(np.float32),
        "running_var": draw.uniform(1, 2, channels).astype(np.float32),
    }
    return draw, x, parameters, running


def truth(engine, x, parameters, running, residual, gradients):
    """Return y, dx, g, parameter gradients and buffers in float64; the ReLU's kinks are the engine's own."""
    layer = BatchNorm(eps=engine.eps, affine=engine.affine)
    double = [{name: np.float64(array) for name, array in one.items()} for one in (parameters, running)]
    context = Context(training=True, buffers=double[1])
    own = double[0] if engine.affine else {}
    y = forward(layer, (np.float64(x),), own, context)
    y = y + np.float64(residual) if residual is not None else y
    g = np.sum([np.float64(one) for one in gradients], axis=0)
    if engine.relu:
        y, g = np.maximum(y, 0), g * (engine.image("y") > 0)
    grads = backward(layer, g, (np.float64(x),), own, context)
    return y, grads.inputs[0], g, grads.parameters, context.new_buffers


def check(engine, batch, seed, mean=0.0, bound=BOUND):
    shape = (batch, *engine.sizes[:3])
    draw, x, parameters, running = draw_case(shape, seed, mean)
    residual = draw.normal(size=shape).astype(np.float32) if engine.residual else None
    gradients = [draw.normal(size=shape).astype(np.float32) for _ in range(engine.addends)]
    engine.forward(x, parameters if engine.affine else {}, running, residual)
    engine.backward(gradients)
    y, dx, g, grads, buffers = truth(engine, x, parameters, running, residual, gradients)
    assert_close(engine.image("y"), y, bound)
    # dx is what is left of g after two projections: errors are a share of g.
    scale = max(1.0, float(np.abs(g).max() / max(np.abs(dx).max(), 1e-9)))
    assert_close(engine.image("dx"), dx, bound * scale)
    if engine.store:
        assert_close(engine.image("g"), g, 1e-7 * engine.addends)
    for name, expected in buffers.items():
        assert_close(engine.vector(name), expected, bound)
    count = np.sqrt(x.size / x.shape[1])
    for name, expected in grads.items():
        assert_close(engine.vector(f"d{name}"), expected, bound * count * np.abs(g).max() / np.abs(expected).max())


@settings(max_examples=6)
@given(
    st.integers(2, 7), st.integers(1, 35), st.integers(1, 9), st.integers(1, 11), st.booleans(), st.booleans(),
    st.integers(1, 3), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_any_size_matches_reference(batch, channels, height, width, relu, residual, addends, store, seed) -> None:
    """Sizes around the vectors of a trip, shares without images, every mixture of ReLU and second images."""
    engine = Engine(
        channels, height, width, relu=relu, residual=residual, addends=addends, store=store, affine=seed % 3 > 0
    )
    check(engine, batch, seed)


@pytest.mark.parametrize("kind", SMALLER)
@pytest.mark.parametrize(("relu", "residual", "store"), [(True, False, False), (True, True, True)])
def test_kernels_match_on_other_instruction_sets(kind, relu, residual, store) -> None:
    """The same text is right with fewer lanes and without fused multiply-add."""
    check(Engine(19, 7, 5, kind, relu=relu, residual=residual, addends=2, store=store), 4, 1)


def test_statistics_are_accurate_far_from_zero() -> None:
    """A mean of a hundred deviations costs the float32 numbers themselves, not the sums.

    x · scale and offset are near 100, so each rounds by 4e-6 at most: y is off by 8e-6, of a largest number near 4.
    """
    check(Engine(20, 40, 13, slices=4), 9, 3, mean=100.0, bound=4e-6)


def test_variance_of_a_far_channel() -> None:
    """Mean and deviation at 1,000 deviations from zero, where sums of squares would have lost every digit."""
    engine = Engine(17, 23, 9, slices=5)
    _, x, parameters, running = draw_case((11, 17, 23, 9), 5, mean=1000.0)
    engine.forward(x, parameters, running)
    exact = np.float64(x)
    np.testing.assert_allclose(engine.vector("inverse"), 1 / np.sqrt(exact.var((0, 2, 3)) + 1e-5), rtol=1e-6)
    np.testing.assert_allclose(engine.vector("mean"), exact.mean((0, 2, 3)), rtol=1.2e-7)


def test_constant_channel_normalizes_to_the_bias() -> None:
    """A constant channel gives its bias; eps = 0 gives NaN there, as 0/0, and zeros in empty lanes."""
    for eps, expected in ((1e-5, 0.5), (0.0, np.nan)):
        engine = Engine(3, 4, 5, eps=eps)
        x = np.full((2, 3, 4, 5), 7, np.float32)
        parameters = {"weight": np.ones(3, np.float32), "bias": np.full(3, 0.5, np.float32)}
        engine.forward(x, parameters, {"running_mean": np.zeros(3), "running_var": np.ones(3)})
        np.testing.assert_array_equal(engine.image("y"), np.full_like(x, expected))


def test_nan_stays_in_its_channel() -> None:
    """One NaN or infinity spoils its channel, through the ReLU as well, and no other."""
    for bad in (np.nan, np.inf):
        engine = Engine(5, 3, 7, relu=True)
        draw, x, parameters, running = draw_case((4, 5, 3, 7), 2)
        x[1, 2, 1, 3] = bad
        engine.forward(x, parameters, running)
        engine.backward([draw.normal(size=x.shape).astype(np.float32)])
        spoilt = np.arange(5) == 2
        for name in ("y", "dx"):
            assert (np.isnan(engine.image(name)).all((0, 2, 3)) == spoilt).all()
            assert (np.isnan(engine.image(name)).any((0, 2, 3)) == spoilt).all()
        assert (np.isnan(engine.vector("running_var")) == spoilt).all()


@pytest.mark.parametrize("affine", [True, False])
def test_running_statistics_become_scale_and_offset(affine) -> None:
    """Inference is the running statistics' scale and offset, applied in the same pass."""
    engine = Engine(21, 5, 3, affine=affine)
    _, x, parameters, running = draw_case((2, 21, 5, 3), 4)
    engine.arrays |= {"x": engine.layout.pack(x)}
    engine.arrays |= {name: engine.vectors.pack(array) for name, array in (parameters | running).items()}
    engine.run(FoldStatistics(*engine.sizes, 1e-5, affine), 2)
    engine.run(Normalize(*engine.sizes), 2)
    double = {name: np.float64(array) for name, array in parameters.items()}
    context = Context(buffers={name: np.float64(array) for name, array in running.items()})
    y = forward(BatchNorm(affine=affine), (np.float64(x),), double if affine else {}, context)
    assert_close(engine.image("y"), y, BOUND)


@pytest.mark.parametrize("kind", TARGETS)
def test_no_register_is_spilled_anywhere(kind) -> None:
    """All that the loops carry stays in registers."""
    sizes = (64, 32, 32, target_named(kind).width)
    passes = [ChannelMoments(*sizes, 8), Normalize(*sizes, relu=True, residual=True)]
    for residual in (False, True):
        passes.append(NormGradientSums(*sizes, relu=True, residual=residual, addends=2, store=residual))
        passes.append(NormGradient(*sizes, relu=True, residual=residual, addends=2))
    assert [spills_in_loops(kernel, kind) for kernel in passes] == [0] * len(passes)
