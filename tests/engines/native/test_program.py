"""Whole networks: the native engine beside the reference in float64."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

import convscope as cs
from convscope.engines.native.plan import FallbackStep
from convscope.engines.native.runtime.program import NativeProgram
from convscope.optim.optimizers import SGD, Adam, AdamW, Optimizer

NETWORKS = {
    "plain": "input 3x13x11 | conv 20 3x5 s2x1 p1x2 | relu | conv 33 3 p1 | relu | maxpool 2 | flatten | dense 7",
    "digits": "input 1x14x12 | conv 32 3 same | relu | maxpool 2 | conv 64 3 same | relu | maxpool 2 | flatten | "
    "dense 24 | relu | dense 10",
    "norm": "input 3x12x10 | conv 17 3 p1 nobias | bn | relu | conv 34 3 p1 s2 nobias | bn | relu | globalavgpool | flatten | "
    "dense 5",
    "overlap": "input 2x15x17 | conv 19 5 | relu | maxpool 3 s2 p1 | conv 9 1 | sigmoid | avgpool 2 | flatten | dense 4",
    "depthwise": "input 3x14x14 | conv 18 3 s2 p1 nobias | bn | relu6 | conv 18 3 p1 g18 | relu6 | conv 26 1 nobias | bn | "
    "relu | globalavgpool | flatten | dense 6",
    "groups": "input 12x9x10 | conv 24 3 p1 g4 | relu | conv 32 3 g2 d2 p2 | relu | flatten | dense 3",
    "shape": "input 3x8x8 | conv 16 3 p1 | tanh | dropout 0 | flatten | relu | dense 9 | softmax",
    "odd": "input 5x10x9 | conv 8 3 | elu | lrn 3 | convtranspose 6 3 s2 | gelu | adaptiveavgpool 3x2 | flatten | dense 4",
    "image norms": "input 3x9x8 | conv 20 3 p1 | layernorm 0 | relu | conv 18 3 p1 | groupnorm 3 | elu | "
    "conv 6 1 | instancenorm | sigmoid | flatten | layernorm | dense 5",
}

BRANCHED = {
    "residual": """
input: 3x12x12
layers:
  - conv 16 3 p1 nobias | bn | relu
  - add:
      - ""
      - conv 16 3 p1 nobias | bn | relu | conv 16 3 p1 nobias | bn
  - relu
  - add:
      - conv 24 1 s2 nobias | bn
      - conv 24 3 s2 p1 nobias | bn | relu | conv 24 3 p1 nobias | bn
  - relu
  - globalavgpool | flatten | dense 5
""",
    "joined": """
input: 3x11x9
layers:
  - conv 12 3 | relu
  - concat:
      - conv 5 1 | relu
      - conv 16 3 p1 | relu
      - maxpool 3 s1 p1 | conv 7 1
  - relu
  - mul:
      - ""
      - globalavgpool | conv 7 1 | relu | conv 28 1 | sigmoid
  - flatten | dense 6
""",
    "twice": """
input: 2x9x8
layers:
  - conv 16 3 p1 | relu
  - add:
      - ""
      - ""
      - conv 16 3 p1
  - mul:
      - ""
      - conv 16 1 | tanh
  - flatten | dense 3
""",
}


@lru_cache
def network(name: str) -> cs.Network:
    from convscope.notation import parse, parse_yaml

    return parse(NETWORKS[name]) if name in NETWORKS else parse_yaml(BRANCHED[name])


def pair(name: str, optimizer: Optimizer | None = None, **settings: object) -> tuple[cs.Model, cs.Model]:
    """Return the native model and the float64 reference with the same parameters."""
    native = cs.Model(network(name), seed=3, engine="native", **settings)  # type: ignore[arg-type]
    reference = cs.Model(network(name), seed=3, engine="reference", dtype="float64")
    for key in native.parameters:
        reference.parameters[key] = native.parameters[key].astype(np.float64)
    for model in (native, reference):
        model.compile(optimizer=optimizer or SGD(lr=0.05, momentum=0.9))
    assert isinstance(native.program, NativeProgram)
    return native, reference


def batch(name: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(size)
    x = draw.normal(size=(size, *network(name).input_shape)).astype(np.float32)
    return x, draw.integers(0, network(name).outputs[-1].output_shape[0], size)


def close(got: np.ndarray, expected: np.ndarray, bound: float, what: str) -> None:
    scale = max(float(np.abs(expected).max()), 1e-6)
    worst = float(np.abs(got.astype(np.float64) - expected).max())
    assert worst <= bound * scale, f"{what}: off by {worst / scale:.1e} of the largest number"


@pytest.mark.parametrize("name", [*NETWORKS, *BRANCHED])
def test_inference_matches_reference(name: str) -> None:
    """Output, every layer's output, for several batch sizes, with statistics that have moved."""
    native, reference = pair(name)
    for key in native.buffers:
        moved = np.random.default_rng(1).uniform(0.5, 1.5, native.buffers.shape(key))
        native.buffers[key] = moved.astype(np.float32)
        reference.buffers[key] = native.buffers[key].astype(np.float64)
    for size in (5, 1, 2, 7):
        x, _ = batch(name, size)
        close(native.predict(x), reference.predict(x.astype(np.float64)), 2e-5, "predict")
    theirs = reference.activations(x.astype(np.float64))
    ours = native.activations(x)
    assert list(ours) == list(theirs)
    for key, array in theirs.items():
        assert ours[key].shape == array.shape
        close(ours[key], array, 2e-5, key)


@pytest.mark.parametrize("name", [*NETWORKS, *BRANCHED])
def test_gradients_match_reference(name: str) -> None:
    """Every parameter's gradient, for a first batch, a smaller and a larger one."""
    native, reference = pair(name)
    for size in (6, 3, 11):
        x, labels = batch(name, size)
        theirs = reference.gradients(x.astype(np.float64), labels)
        ours = native.gradients(x, labels)
        assert list(ours) == list(theirs)
        for key, array in theirs.items():
            if np.abs(array).max() < 1e-9:  # a bias before a normalization has no effect
                assert np.abs(ours[key]).max() < 1e-5
                continue
            close(ours[key], array, 1e-4, key)


@pytest.mark.parametrize("name", ["plain", "digits", "norm", "residual", "joined", "odd"])
@pytest.mark.parametrize("optimizer", [SGD(lr=0.02, momentum=0.9), Adam(lr=0.001), AdamW(lr=0.001)])
def test_native_training_matches_reference(name: str, optimizer: Optimizer) -> None:
    """Losses of several steps, statistics, and evaluation afterwards."""
    native, reference = pair(name, optimizer)
    x, labels = batch(name, 8)
    for step in range(4):
        ours, theirs = native.train_step(x, labels), reference.train_step(x.astype(np.float64), labels)
        assert ours == pytest.approx(theirs, rel=2e-3), f"step {step}"
    for key in reference.buffers:
        close(native.buffers[key], reference.buffers[key], 2e-3, key)
    assert native.evaluate((x, labels))["loss"] == pytest.approx(
        reference.evaluate((x.astype(np.float64), labels))["loss"], rel=5e-3
    )


@pytest.mark.parametrize("name", ["digits", "norm", "residual"])
def test_results_are_bit_identical_for_any_number_of_threads(name: str) -> None:
    """One, two and five threads train to identical parameters."""
    from convscope.engines.native.codegen.compiler import this_loader
    from convscope.engines.native.runtime.threads import ThreadPool

    results = []
    for threads in (1, 2, 5):
        native, _ = pair(name)
        program = native.program
        assert isinstance(program, NativeProgram)
        program._pool = ThreadPool(this_loader(), threads)
        x, labels = batch(name, 13)
        for _ in range(3):
            native.train_step(x, labels)
        results.append({key: native.parameters[key].tobytes() for key in native.parameters})
        program._pool.close()
    assert results[0] == results[1] == results[2]


def test_layers_without_kernel_run_on_the_reference_with_a_reason() -> None:
    """Local response normalization is a step in Python, forward and backward, with its reason."""
    native, _ = pair("odd")
    assert isinstance(native.program, NativeProgram)
    plan = native.program.plan("training")
    steps = [step for step in plan.steps if isinstance(step, FallbackStep)]
    assert {(step.layer, step.purpose) for step in steps} >= {("lrn1", "forward"), ("lrn1", "backward")}
    assert all(step.reason for step in steps)


def test_faulty_step_changes_nothing_and_is_located() -> None:
    """Infinity in an image is found, and parameters, statistics and state stay what they were."""
    native, _ = pair("norm")
    x, labels = batch("norm", 4)
    native.train_step(x, labels)
    before = {name: native.program.read(name).tobytes() for name in native.program.names()}
    native.parameters["conv2.weight"] = native.parameters["conv2.weight"] * np.float32(1e38)
    changed = {name: native.program.read(name).tobytes() for name in native.program.names()}
    with pytest.raises(cs.ConvscopeError, match="NaN or infinity in layer"):
        native.train_step(x, labels)
    assert {name: native.program.read(name).tobytes() for name in native.program.names()} == changed
    assert before != changed


def test_labels_out_of_range_are_rejected() -> None:
    """A kernel never reads past a row of scores."""
    native, _ = pair("plain")
    x, labels = batch("plain", 3)
    with pytest.raises(cs.ConvscopeError, match="labels-range"):
        native.train_step(x, labels + 7)


def test_clipping_scales_the_whole_gradient() -> None:
    """One step with a clipped gradient equals the reference's."""
    native, reference = pair("plain")
    x, labels = batch("plain", 6)
    for model in (native, reference):
        model.compile(optimizer=SGD(lr=0.5), clip_norm=0.1)
        model.train_step(x.astype(model.dtype), labels)
    for key in reference.parameters:
        close(native.parameters[key], reference.parameters[key], 1e-5, key)


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_other_losses_come_from_the_reference(loss: str) -> None:
    """Losses without a kernel train the same way."""
    native, reference = pair("plain")
    x, labels = batch("plain", 6)
    for model in (native, reference):
        model.compile(optimizer=SGD(lr=0.1), loss=loss)
    for _ in range(3):
        assert native.train_step(x, labels) == pytest.approx(
            reference.train_step(x.astype(np.float64), labels), rel=1e-4
        )


def test_observed_statistics_match_reference() -> None:
    """Dead units, saturation and norms of one step."""
    native, reference = pair("overlap")
    x, labels = batch("overlap", 6)
    for model in (native, reference):
        model.step(x.astype(model.dtype), labels, 0.05, observe=True)
    ours, theirs = native.program.statistics(), reference.program.statistics()
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        for field in ("saturated_fraction", "gradient_norm", "update_norm", "parameter_norm"):
            value = getattr(expected, field)
            assert getattr(ours[name], field) == (None if value is None else pytest.approx(value, rel=1e-3))
        if expected.zero_fraction is not None:
            np.testing.assert_allclose(ours[name].zero_fraction, expected.zero_fraction, atol=0.02)


def test_checkpoint_resumes_on_the_other_engine(tmp_path: object) -> None:
    """State written by one engine is read by the other, which resumes with the same losses."""
    native, _ = pair("digits")
    x, labels = batch("digits", 8)
    for _ in range(3):
        native.train_step(x, labels)
    other = cs.Model(network("digits"), engine="reference")
    other.compile(optimizer=SGD(lr=0.05, momentum=0.9))
    assert set(other.program.names()) == set(native.program.names())
    for name in native.program.names():
        other.program.write(name, native.program.read(name))
    other.steps = native.steps
    for _ in range(3):
        assert other.train_step(x, labels) == pytest.approx(native.train_step(x, labels), rel=1e-3)


def test_strict_precision_disables_winograd() -> None:
    """The plan of a strict model has no kernel of Winograd's, and one of a fast one does where it pays."""
    text = "input 64x28x28 | conv 64 3 p1 | relu | conv 64 3 p1 | flatten | dense 3"
    names = {}
    for precision in ("fast", "strict"):
        program = cs.Model(text, engine="native", precision=precision).program
        assert isinstance(program, NativeProgram)
        kernels = (*program.plan("training").kernels, *program.plan("inference").kernels)
        names[precision] = {type(kernel).__name__ for kernel in kernels}
    assert not [name for name in names["strict"] if name.startswith("Winograd")]
    assert "WinogradConvolution" in names["fast"]
