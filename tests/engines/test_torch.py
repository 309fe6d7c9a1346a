"""The engine of PyTorch: what the reference computes, layer by layer and step by step."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import convscope as cs
from convscope import layers as L
from convscope.engines.protocol import Training
from convscope.engines.registry import engine_named
from convscope.errors import BadSetting, BadShape, MissingExtra, NoRule
from convscope.network import Entry, Network
from convscope.optim.losses import CrossEntropy, objective
from convscope.optim.optimizers import Optimizer
from layers.examples import EXAMPLES, example_id

pytest.importorskip("torch")

WITHOUT = (L.Input, L.Opaque, L.StochasticPool, L.Embedding)
"""Not in PyTorch; or fed with whole numbers, which no image is."""
LAYERS = [(layer, shapes) for layer, shapes in EXAMPLES if not isinstance(layer, WITHOUT) and shapes]

NET = "input 2x9x7 | conv 4 3x2 | bn | relu | dropout 0.4 | maxpool 2 | flatten | dense 5 | dropout 0.2 | dense 3"
NETWORKS = {
    "chain": NET,
    "residual": "input 2x9x7 | a: conv 4 3 same | relu | conv 4 3 same | add a conv1 | groupnorm 2 | flatten | dense 3",
    "classes by softmax": "input 2x9x7 | conv 4 3 | elu | globalavgpool | dense 3 | softmax",
}


def alike(network, loss="cross_entropy", optimizer=None, clip_norm=None, seed=5):
    """Return the reference's program and PyTorch's, for training in float64, with the same numbers in both."""
    network = cs.load(network) if isinstance(network, str) else network
    training = Training(optimizer or cs.SGD(lr=0.1, momentum=0.9), objective(network, loss), clip_norm)
    programs = [engine_named(name).compile(network, training, seed, np.float64) for name in ("reference", "torch")]
    rng = np.random.default_rng(7)
    ours, theirs = programs
    assert ours.names() == theirs.names()
    for name in ours.names():
        if not name.endswith(("momentum", "moment")):
            values = rng.normal(size=ours.read(name).shape) * 0.5
            if name.endswith("index"):
                values = rng.integers(0, 3, values.shape).astype(float)
            array = np.abs(values) + 0.1 if name.endswith("running_var") else values
            for program in programs:
                program.write(name, array)
    return ours, theirs


def close(ours, theirs, relative=1e-9):
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        scale = max(np.abs(array).max(initial=0), 1e-6)  # what should be 0 is so but for rounding
        assert np.abs(array - theirs[name]).max(initial=0) <= relative * scale, name


def state(program):
    return {name: program.read(name) for name in program.names()}


def images(network, size=6, seed=1):
    return np.random.default_rng(seed).normal(size=(size, *network.input_shape))


def around(layer, shapes):
    """Return a network of one layer: images, a factor that makes gradients reach it, the layer, a flat output."""
    if len(set(shapes)) == 1 or len(shapes) == 1:
        first, names = shapes[0], []
        entries = [Entry("input", L.Input(first))]
        for index, _ in enumerate(shapes):
            entries.append(Entry(f"part{index}", L.Affine(1.0 + index, 0.1 * index), ("input",)))
            names.append(f"part{index}")
    else:
        size = max(int(np.prod(shape)) for shape in shapes)
        entries, names = [Entry("input", L.Input((size,)))], []
        for index, shape in enumerate(shapes):
            entries.append(Entry(f"cut{index}", L.Slice(0, 0, int(np.prod(shape)), 1), ("input",)))
            entries.append(Entry(f"part{index}", L.Reshape(shape), (f"cut{index}",)))
            names.append(f"part{index}")
    entries += [Entry("made", layer, tuple(names)), Entry("flat", L.Reshape((-1,)), ("made",))]
    return entries


def alone(layer, shapes):
    entries = around(layer, shapes)
    made = Network(entries[:-1])["made"].output_shape
    entries[-1] = Entry("flat", L.Reshape((int(np.prod(made)),)), ("made",))
    return Network(entries)


@pytest.mark.parametrize("example", LAYERS, ids=example_id)
def test_every_layer_trains_as_in_the_reference(example):
    """Outputs, gradients and the arrays after a step, under a loss that weighs every output."""
    network = alone(*example)
    ours, theirs = alike(network, "mse")
    x = images(network, 3)
    wanted = np.random.default_rng(3).normal(size=(3, *network.nodes[-1].output_shape))
    close(ours.activations(x), theirs.activations(x))
    close(ours.gradients(x, wanted, 4), theirs.gradients(x, wanted, 4), 1e-7)
    assert theirs.step(x, wanted, 0.1, 4).loss == pytest.approx(ours.step(x, wanted, 0.1, 4).loss, rel=1e-9)
    close(state(ours), state(theirs), 1e-7)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize(
    "optimizer",
    [
        cs.SGD(lr=0.1),
        cs.SGD(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
        cs.Adam(lr=0.01, betas=(0.8, 0.99), weight_decay=0.02),
        cs.AdamW(lr=0.01, eps=1e-4),
    ],
    ids=lambda one: type(one).__name__,
)
def test_training_matches_reference(network, optimizer):
    """Six steps with masks, statistics and clipping, at a rate that changes; batches of two sizes."""
    ours, theirs = alike(network, optimizer=optimizer, clip_norm=0.7)
    for step in range(6):
        x = images(cs.load(network), 5 + step % 2, step)
        labels = np.random.default_rng(step).integers(0, 3, len(x))
        one, two = (program.step(x, labels, 0.1 / (1 + step), step) for program in (ours, theirs))
        assert (one.correct, one.targets, one.fault) == (two.correct, two.targets, two.fault)
        assert two.loss == pytest.approx(one.loss, rel=1e-8)
    # What stands still but for rounding is moved by Adam as if it were not: biases before a normalization.
    close(state(ours), state(theirs), 1e-6)


@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        (CrossEntropy(label_smoothing=0.2), np.array([0, 2, 1, 1, 0, 2])),
        ("mse", np.array([0, 2, 1, 1, 0, 2])),
        ("bce", np.array([0, 2, 1, 1, 0, 2])),
        ("mse", np.random.default_rng(2).normal(size=(6, 3))),
        ("bce", np.random.default_rng(2).random((6, 3))),
    ],
)
def test_losses_match_reference(loss, labels):
    ours, theirs = alike(NET, loss)
    x = images(cs.load(NET))
    one, two = ours.evaluate(x, labels), theirs.evaluate(x, labels)
    assert two.loss == pytest.approx(one.loss, rel=1e-9)
    assert two[1:] == one[1:]
    close(ours.gradients(x, labels, 0), theirs.gradients(x, labels, 0), 1e-8)


@pytest.mark.parametrize("padding", [1, 0])
def test_shared_parameters_learn_from_both_uses(padding):
    """On images of one size, and of two: then PyTorch has a module for each."""
    entries = [
        Entry("input", L.Input((2, 9, 7))),
        Entry("one", L.Conv2d(2, 3, padding=padding), ("input",)),
        Entry("act", L.ReLU(), ("one",)),
        Entry("two", L.Conv2d(2, 3, padding=1), ("act",), shares="one"),
        Entry("flat", L.Flatten(), ("two",)),
        Entry("dense", L.Linear(3), ("flat",)),
    ]
    network = Network(entries)
    ours, theirs = alike(network)
    x, labels = images(network), np.array([0, 2, 1, 1, 0, 2])
    close(ours.gradients(x, labels, 0), theirs.gradients(x, labels, 0))


def test_layers_without_gradient_keep_their_parameters():
    """Their gradient is 0: nothing moves them but decay, as in the reference."""
    entries = [
        Entry("input", L.Input((2, 9, 7))),
        Entry("side", L.Conv2d(2, 3), ("input",)),
        Entry("flat", L.Flatten(), ("input",)),
        Entry("dense", L.Linear(3), ("flat",)),
    ]
    network = Network(entries)
    ours, theirs = alike(network, optimizer=cs.SGD(lr=0.1, weight_decay=0.5))
    x, labels = images(network), np.array([0, 2, 1, 1, 0, 2])
    assert not theirs.gradients(x, labels, 0)["side.weight"].any()
    for program in (ours, theirs):
        program.step(x, labels, 0.1, 0)
    close(state(ours), state(theirs))


def test_network_without_parameters_runs():
    ours, theirs = alike("input 2x9x7 | relu | flatten", "mse")
    x = images(cs.load("input 2x9x7 | relu"))
    wanted = np.zeros((6, 126))
    assert theirs.names() == ()
    assert theirs.step(x, wanted, 0.1, 0).loss == pytest.approx(ours.step(x, wanted, 0.1, 0).loss, rel=1e-12)


def test_gradients_leave_the_statistics():
    theirs = alike(NET)[1]
    before = state(theirs)
    theirs.gradients(images(cs.load(NET)), np.array([0, 2, 1, 1, 0, 2]), 3)
    theirs.evaluate(images(cs.load(NET)), np.array([0, 2, 1, 1, 0, 2]))
    assert all((array == before[name]).all() for name, array in state(theirs).items())


def test_layer_statistics_match_reference():
    ours, theirs = alike(NET)
    x, labels = images(cs.load(NET)), np.array([0, 2, 1, 1, 0, 2])
    for program in (ours, theirs):
        program.step(x, labels, 0.1, 0, observe=True)
    one, two = ours.statistics(), theirs.statistics()
    assert list(one) == list(two)
    for name, seen in one.items():
        for ours_is, theirs_is in zip(vars(seen).values(), vars(two[name]).values(), strict=True):
            assert (ours_is is None) == (theirs_is is None)
            if ours_is is not None:
                np.testing.assert_allclose(theirs_is, ours_is, rtol=1e-9)


def test_interrupted_run_resumes_bit_identically(tmp_path):
    """In single precision, with dropout, batch norm, Adam and a schedule: four epochs, and two and two."""
    few = cs.load_data("digits", "train").batch(np.arange(300))

    def trained(name, epochs, resume=None):
        model = cs.Model("input 1x8x8 | conv 6 3 same | bn | relu | dropout 0.3 | flatten | dense 10", 3, "torch")
        settings = {"optimizer": cs.Adam(lr=0.01), "batch_size": 32, "progress": False}
        if resume is None:
            model.fit(few, epochs=epochs, run=tmp_path / name, **settings)
        else:
            model.fit(few, epochs=epochs, resume=tmp_path / resume, progress=False)
        return model

    straight, twice = trained("straight", 4), trained("again", 4)
    trained("half", 2)
    resumed = trained("half", 4, resume="half")
    for other in (twice, resumed):
        for name, array in straight.parameters.items():
            np.testing.assert_array_equal(other.parameters[name], array)
        for name, array in straight.buffers.items():
            np.testing.assert_array_equal(other.buffers[name], array)
    assert straight.engine == "torch"
    assert straight.parameters["conv1.weight"].dtype == np.float32


def test_saved_model_loads_in_another_engine(tmp_path):
    model = cs.Model(NET, seed=4, engine="torch")
    model.save(tmp_path / "model.safetensors")
    x = images(cs.load(NET)).astype(np.float32)
    for engine in ("native", "reference"):
        other = cs.Model.load(tmp_path / "model.safetensors", engine=engine)
        np.testing.assert_allclose(other.predict(x), model.predict(x), rtol=1e-4, atol=1e-6)
    assert cs.Model.load(tmp_path / "model.safetensors", engine="torch").engine == "torch"


def test_layer_unknown_to_pytorch_is_rejected():
    with pytest.raises(NoRule, match=r"^StochasticPool2d has no equivalent PyTorch module\. .* \[no-torch\]$"):
        cs.Model("input 2x8x8 | stochasticpool 2 | flatten | dense 3", engine="torch")


def test_layer_that_pytorch_cannot_run_is_one_message():
    """Instance normalization of a single position has no spread, which PyTorch does not take."""
    model = cs.Model("input 2x4x4 | conv 3 4 | instancenorm | flatten | dense 3", engine="torch")
    x = images(model.network, 2).astype(np.float32)
    with pytest.raises(BadShape, match=r"^PyTorch cannot run layer 'instancenorm1' \(.*\)\. .* \[torch-run\]$"):
        model.train_step(x, np.array([0, 1]))


def test_unknown_optimizer_is_rejected():
    from convscope.engines.torch.arrays import optimizer_of

    with pytest.raises(
        BadSetting, match=r"^The torch engine has no rule for the optimizer Optimizer\..* \[no-optimizer\]$"
    ):
        optimizer_of(Optimizer(), [])


def test_missing_pytorch_error_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra) as raised:
        cs.Model(NET, engine="torch")
    assert str(raised.value) == (
        "Reading, writing and running PyTorch modules needs PyTorch, which is not installed. Run `pip install torch`. "
        "[torch-missing]"
    )


def test_other_engines_do_not_load_pytorch():
    code = (
        "import convscope as cs, sys; cs.Model('input 1x4x4 | flatten | dense 2'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
