"""The native engine where things go wrong, get mixed or happen at once."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

import convscope as cs
from convscope.engines.native.codegen.compiler import Loader
from convscope.engines.native.runtime.program import NativeProgram
from convscope.engines.native.runtime.threads import ThreadPool
from convscope.errors import ConvscopeError, NotFinite
from convscope.optim.optimizers import SGD

from .harness import SMALLER, target_named
from .test_program import batch, close, network, pair

DROPPED = (
    "input 3x9x8 | conv 20 3 p1 | batchnorm | relu | maxpool 2 | flatten | dropout 0.4 | dense 12 | relu | dense 5"
)
WIDE = "input 32x14x13 | conv 48 3 p1 nobias | batchnorm | relu | conv 32 3 p1 | relu | globalavgpool | flatten | dense 5"


def data(model: cs.Model, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng((count, seed))
    x = draw.normal(size=(count, *model.network.input_shape)).astype(np.float32)
    return x, draw.integers(0, model.network.outputs[-1].output_shape[0], count)


def compiled(text: object, engine: str = "native", precision: str = "fast", dtype: str = "float32") -> cs.Model:
    model = cs.Model(text, seed=5, engine=engine, precision=precision, dtype=dtype)  # type: ignore[arg-type]
    model.compile(optimizer=SGD(lr=0.02, momentum=0.9))
    return model


def program_of(model: cs.Model) -> NativeProgram:
    assert isinstance(model.program, NativeProgram)
    return model.program


def state(model: cs.Model) -> dict[str, bytes]:
    return {name: model.program.read(name).tobytes() for name in model.program.names()}


# smaller instruction sets


@pytest.mark.parametrize("kind", SMALLER)
@pytest.mark.parametrize("name", ["digits", "norm", "residual", "depthwise", "joined", "twice"])
def test_whole_networks_run_on_smaller_instruction_sets(name: str, kind: str) -> None:
    """Output, gradients and three steps are the reference's with vectors of eight and of four floats."""
    native, reference = pair(name)
    loader = Loader(target_named(kind))
    pool = ThreadPool(loader, 2)
    program = NativeProgram(native.network, native.training, 3, False, loader, pool)
    for key in native.program.names():
        program.write(key, native.program.read(key))
    x, labels = batch(name, 6)
    exact = x.astype(np.float64)
    close(program.predict(x), reference.program.predict(exact), 2e-5, "predict")
    theirs = reference.gradients(exact, labels)
    largest = max(float(np.abs(array).max()) for array in theirs.values())
    for key, array in program.gradients(x, labels, 0).items():
        close(array / largest, theirs[key] / largest, 1e-4 if np.abs(theirs[key]).max() > 1e-9 else 1.0, key)
    for step in range(3):
        ours = program.step(x, labels, 0.05, step)
        assert ours.fault is None
        assert ours.loss == pytest.approx(reference.train_step(exact, labels), rel=2e-3)
    pool.close()


# NaN and infinity


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "name", ["plain", "digits", "norm", "overlap", "depthwise", "residual", "joined", "twice"]
)
def test_non_finite_values_propagate_as_in_the_reference(name: str, bad: float) -> None:
    """One bad number in one image: the same NaNs and infinities in every layer, and none in other images.

    "strict", since Winograd's algorithm mixes the pixels of a tile.
    """
    native, reference = (compiled(network(name), engine, "strict") for engine in ("native", "reference"))
    for key in native.parameters:
        reference.parameters[key] = native.parameters[key]
    x, labels = batch(name, 4)
    x[1, -1, 3, 4] = bad
    ours, theirs = native.program.activations(x), reference.program.activations(x)
    for key, array in theirs.items():
        for kind in (np.isnan, np.isposinf, np.isneginf):
            np.testing.assert_array_equal(kind(ours[key]), kind(array), err_msg=key)
    np.testing.assert_array_equal(
        np.isfinite(native.program.predict(x)), np.isfinite(reference.program.predict(x))
    )
    before = state(native)
    assert native.program.step(x, labels, 0.1, 0).fault == reference.program.step(x, labels, 0.1, 0).fault
    assert state(native) == before


@pytest.mark.parametrize("name", ["norm", "joined", "depthwise"])
def test_non_finite_parameter_is_located(name: str) -> None:
    """Whichever it is: a NaN's layer is named and nothing changed; infinity harms where it harms the reference."""
    native, reference = (compiled(network(name), engine) for engine in ("native", "reference"))
    start = {key: native.program.read(key) for key in native.program.names()}
    x, labels = batch(name, 4)
    for key in native.parameters:
        for bad in (np.nan, np.inf):
            faults = []
            for model in (native, reference):
                for other, array in start.items():
                    model.program.write(other, array)
                broken = start[key].copy()
                broken.flat[-1] = bad
                model.parameters[key] = broken
                before = state(model)
                faults.append(model.program.step(x, labels, 0.02, 0).fault)
                assert faults[-1] is None or state(model) == before
            assert faults[0] == faults[1], key
            if np.isnan(bad):
                assert faults[0] == (key.rpartition(".")[0], "parameters")


def test_non_finite_error_names_the_layer() -> None:
    """A NaN in a weight raises NotFinite with the layer's name."""
    model = compiled(network("norm"))
    weight = model.parameters["conv2.weight"].copy()
    weight.flat[7] = np.nan
    model.parameters["conv2.weight"] = weight
    with pytest.raises(NotFinite, match="NaN or infinity in layer 'conv2'"):
        model.train_step(*batch("norm", 4))


def test_rejected_batch_leaves_state_unchanged() -> None:
    """Targets that a loss in Python refuses after the forward pass leave running statistics as they were."""
    model = compiled("input 3x9x8 | conv 5 3 nobias | batchnorm | relu | flatten | dense 4")
    model.compile(optimizer=SGD(lr=0.1), loss="mse")
    x, labels = data(model, 6)
    before = state(model)
    with pytest.raises(ConvscopeError, match="labels-range"):
        model.train_step(x, labels + 4)
    with pytest.raises(ConvscopeError, match="labels-range"):
        model.gradients(x, labels + 4)
    assert state(model) == before


@pytest.mark.parametrize(
    ("count", "labels"),
    [(3, [0.0, np.nan, 1.0]), (3, [0.5, 1.0, 2.0]), (3, [0, -1, 2]), (3, [0, 1, 2**33]), (1, [2])],
    ids=["nan", "half", "negative", "huge", "one image"],
)
def test_native_errors_match_reference_errors(count: int, labels: list[float]) -> None:
    """Labels that are no classes, which a kernel must never look up, and a batch too small for a variance."""
    told = []
    for engine in ("native", "reference"):
        model = compiled("input 3x9x8 | conv 5 9x8 nobias | batchnorm | relu | flatten | dense 4", engine)
        before = state(model)
        with pytest.raises(ConvscopeError) as caught:
            model.train_step(data(model, count)[0], np.array(labels))
        told.append(str(caught.value))
        assert state(model) == before
    assert told[0] == told[1]


# batches of all sizes, all kinds of questions


@pytest.mark.parametrize("text", [DROPPED, WIDE])
def test_results_do_not_depend_on_earlier_calls(text: str) -> None:
    """Batches of six sizes, predictions, gradients and observed steps in turn: bit for bit as on fresh models."""
    mixed = compiled(text)
    for place, size in enumerate((64, 1, 65, 2, 17, 3, 64, 2)):
        fresh = compiled(text)
        for name in mixed.program.names():
            fresh.program.write(name, mixed.program.read(name))
        fresh.steps = mixed.steps
        x, labels = data(mixed, size, place)
        ours, other = mixed.gradients(x, labels), data(mixed, 65, place)[0]
        before = state(mixed)
        mixed.predict(other)
        mixed.activations(other[:7])
        mixed.evaluate((other[:3], labels[:1].repeat(3)))
        again = mixed.gradients(x, labels)
        assert state(mixed) == before
        for model in (mixed, fresh):
            model.step(x, labels, 0.02, observe=model is mixed and place % 2 == 0)
        assert state(mixed) == state(fresh)
        theirs = compiled_gradients(text, before, mixed, x, labels)
        for name, array in ours.items():
            np.testing.assert_array_equal(again[name], array)
            np.testing.assert_array_equal(theirs[name], array)
        np.testing.assert_array_equal(mixed.predict(x), fresh.predict(x))


def compiled_gradients(
    text: str, arrays: dict[str, bytes], like: cs.Model, x: np.ndarray, labels: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the gradients of a model of its own, at the step before the last."""
    model = compiled(text)
    for name, content in arrays.items():
        shape = model.program.read(name).shape
        model.program.write(name, np.frombuffer(content, np.float32).reshape(shape))
    model.steps = like.steps - 1
    return model.gradients(x, labels)


def test_predictions_after_activations_use_their_own_weights() -> None:
    """Normalization is in the weights of one plan and not in those of the other, both in Winograd's domain."""
    model = compiled("input 64x28x26 | conv 64 3 p1 nobias | batchnorm | relu | globalavgpool | flatten | dense 3")
    for name in model.buffers:
        moved = np.random.default_rng(1).uniform(0.5, 2, model.buffers.shape(name))
        model.buffers[name] = moved.astype(np.float32)
    x = data(model, 2)[0]
    first = model.predict(x)
    model.activations(x)
    np.testing.assert_array_equal(model.predict(x), first)
    kernels = {type(kernel).__name__ for kernel in program_of(model).plan("inference").kernels}
    assert "WinogradWeights" in kernels


def test_memory_follows_the_largest_batch_and_nothing_leaks() -> None:
    """Two hundred steps of two sizes keep what the largest batch takes, and Python's memory as it was."""
    model = compiled(DROPPED)
    program = program_of(model)
    x, labels = data(model, 64)
    for size in (3, 64, 17):
        model.train_step(x[:size], labels[:size])
    taken = {size: program.executable("training", size).activation_bytes for size in (3, 17, 64)}
    assert taken[3] < taken[17] < taken[64]
    activations, held = program._executables._memory.activations, program.nbytes
    assert taken[64] <= activations.nbytes <= 1.01 * taken[64]
    gc.collect()
    tracemalloc.start()
    for _ in range(20):
        model.train_step(x, labels)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for step in range(200):
        size = 64 if step % 2 else 17
        model.train_step(x[:size], labels[:size])
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert program._executables._memory.activations is activations
    assert program.nbytes == held
    assert grown < 20_000


# dropout


def masks(model: cs.Model, step: int) -> np.ndarray:
    """Return what dropout multiplies two images of ones by, found in the gradient of the dense layer after it."""
    x, labels = data(model, 2)[0], np.array([0, 1])
    gradient = program_of(model).gradients(x, labels, step)["dense1.weight"]
    arrived = (np.full((2, 3), 1 / 3) - np.eye(3)[labels]) / 2  # of scores that are all zero
    return np.linalg.lstsq(arrived.T, gradient, rcond=None)[0]


def test_dropout_redraws_its_mask_in_each_step() -> None:
    """The same step draws the same mask, another step and another image their own, and what stays is scaled."""
    model = compiled("input 4x11x9 | conv 72 1 | dropout 0.3 | flatten | dense 3")
    for name in model.parameters:
        model.parameters[name] = np.full(model.parameters.shape(name), float(name == "conv1.bias"), np.float32)
    first, again, later = masks(model, 0), masks(model, 0), masks(model, 1)
    np.testing.assert_array_equal(first, again)
    dropped = np.abs(first) < 1e-3
    np.testing.assert_allclose(first[~dropped], 1 / 0.7, rtol=1e-3)
    # Of 14,256 draws: shares lie within five standard deviations of what chance gives.
    assert abs(dropped.mean() - 0.3) < 0.02
    assert abs((dropped & (np.abs(later) < 1e-3)).mean() - 0.09) < 0.013
    assert abs((dropped[0] & dropped[1]).mean() - 0.09) < 0.017


def test_dropout_backward_uses_the_forward_mask() -> None:
    """The gradient is the slope of the loss along a direction, which only the same mask gives."""
    model = compiled("input 3x8x7 | conv 6 3 | tanh | dropout 0.5 | flatten | dense 4")
    x, labels = data(model, 9)
    program = program_of(model)
    gradients = program.gradients(x, labels, 3)
    draw = np.random.default_rng(2)
    start = {name: model.parameters[name].copy() for name in model.parameters}
    direction = {name: draw.normal(size=array.shape).astype(np.float32) for name, array in start.items()}
    losses = []
    for sign in (1, -1):
        for name, array in start.items():
            model.parameters[name] = array + sign * np.float32(1e-2) * direction[name]
        losses.append(program.step(x, labels, 0.0, 3).loss)
    slope = (losses[0] - losses[1]) / 2e-2
    assert slope == pytest.approx(
        sum(float((gradients[name] * direction[name]).sum()) for name in start), rel=5e-3
    )
