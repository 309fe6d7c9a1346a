"""What every engine keeps to behind the seam: its arrays, its randomness, its statistics, its faults."""

import numpy as np
import pytest

import convscope as cs
from convscope.engines.protocol import Fault, LayerStatistics, Training
from convscope.engines.registry import DEFAULT, engine_named
from convscope.errors import BadSetting, BadShape
from convscope.optim.losses import Loss, objective
from convscope.optim.optimizers import Optimizer
from convscope.optim.randomness import generator

NET = "input 2x6x5 | conv 4 3x2 | bn | relu | dropout 0.4 | flatten | dense 3"


@pytest.fixture(params=[DEFAULT, "reference", "torch"])
def compiled(request):
    """Return what makes a program for training in float64, filled with numbers, by one engine after another."""

    def program_of(net=NET, optimizer=None, seed=0, clip_norm=None):
        network = cs.parse(net)
        chosen = optimizer or cs.SGD(lr=0.1, momentum=0.9)
        training = Training(chosen, objective(network, "cross_entropy"), clip_norm)
        program = engine_named(request.param).compile(network, training, seed, np.float64)
        rng = np.random.default_rng(9)
        for name in program.names():
            if not name.endswith(("momentum", "moment")):
                program.write(name, np.abs(rng.normal(size=program.read(name).shape)) * 0.3)
        return program

    return program_of


def batch(size=6, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, 2, 6, 5)), rng.integers(0, 3, size)


def state(program):
    return {name: program.read(name) for name in program.names()}


def test_names_are_flat_and_complete(compiled):
    """Parameters, statistics and the optimizer's state alike."""
    parameters = ["conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "dense1.weight", "dense1.bias"]
    statistics = ["bn1.running_mean", "bn1.running_var"]
    assert list(compiled().names()) == [*parameters, *statistics, *(f"{name}.momentum" for name in parameters)]
    assert list(compiled(optimizer=cs.SGD()).names()) == [*parameters, *statistics]
    moments = [f"{name}.{which}_moment" for name in parameters for which in ("first", "second")]
    assert list(compiled(optimizer=cs.Adam()).names()) == [*parameters, *statistics, *moments]


def test_returned_arrays_are_copies(compiled):
    program = compiled()
    program.read("dense1.bias")[:] = 7
    assert not (program.read("dense1.bias") == 7).any()
    before = program.predict(batch()[0])
    kept = before.copy()
    program.step(*batch(), 0.5, 0)
    program.predict(batch(seed=3)[0])
    np.testing.assert_array_equal(before, kept)


def test_inputs_and_returned_activations_are_copies(compiled):
    program = compiled()
    x = batch()[0]
    kept, before = x.copy(), program.predict(x)
    for array in program.activations(x).values():
        array[...] = 7
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_array_equal(program.predict(x), before)


@pytest.mark.parametrize("name", [DEFAULT, "reference", "torch"])
def test_new_program_has_zero_arrays(name):
    """Momentum, statistics and parameters alike, whatever a layer's start is elsewhere."""
    network = cs.parse(NET.replace("relu", "prelu"))
    training = Training(cs.Adam(), objective(network, "cross_entropy"))
    program = engine_named(name).compile(network, training, 0, np.float64)
    assert not any(array.any() for array in state(program).values())


def test_restored_state_repeats_a_step_bit_identically(compiled):
    """What names() lists is the whole state: nothing else is remembered from step to step."""
    program, other = compiled(), compiled()
    for step in range(3):
        program.step(*batch(seed=step), 0.1, step)
    for name, array in state(program).items():
        other.write(name, array)
    program.step(*batch(4), 0.1, 3)
    other.step(*batch(4), 0.1, 3)
    for name, array in state(program).items():
        np.testing.assert_array_equal(other.read(name), array)


def test_dropout_of_a_step_depends_on_seed_and_step_only(compiled):
    x, labels = batch()

    def gradients(seed, step):
        return compiled(seed=seed).gradients(x, labels, step)["dense1.weight"]

    np.testing.assert_array_equal(gradients(0, 5), gradients(0, 5))
    assert not np.array_equal(gradients(0, 5), gradients(0, 6))
    assert not np.array_equal(gradients(0, 5), gradients(1, 5))


def test_draws_of_purposes_and_steps_differ():
    drawn = {
        generator(seed, purpose, step).random()
        for seed in (0, 1)
        for purpose in ("masks", "shuffle")
        for step in (0, 1, 11)
    }
    assert len(drawn) == 12
    assert generator(1, "a", 12).random() != generator(11, "a", 2).random()


def test_batches_may_differ_in_size(compiled):
    program = compiled()
    for step, size in enumerate((6, 3, 11)):
        result = program.step(*batch(size), 0.1, step)
        assert result.targets == size


def test_step_counts_correct_predictions(compiled):
    """Of the outputs with dropout, before the update."""
    program = compiled(net=NET.replace("dropout 0.4", "identity").replace("bn | ", ""))
    x, labels = batch(40)
    right = int((program.predict(x).argmax(axis=1) == labels).sum())
    assert program.evaluate(x, labels).correct == right
    assert program.step(x, labels, 0.5, 0).correct == right


def test_statistics_are_those_of_the_arrays(compiled):
    """Zero fractions per channel, norms of gradients and of the update, checked against the arrays themselves."""
    program = compiled()
    x, labels = batch()
    assert program.statistics() == {}
    before, gradients = state(program), program.gradients(x, labels, 0)
    program.step(x, labels, 0.1, 0, observe=True)
    seen, after = program.statistics(), state(program)
    assert list(seen) == ["conv1", "bn1", "relu1", "dense1"]
    assert seen["relu1"].zero_fraction.shape == (4,)
    assert 0 < seen["relu1"].zero_fraction.mean() < 1

    def norm(arrays):
        return np.linalg.norm(np.concatenate([array.ravel() for array in arrays]))

    names = ["conv1.weight", "conv1.bias"]
    assert seen["conv1"].gradient_norm == pytest.approx(norm([gradients[name] for name in names]), rel=1e-12)
    assert seen["conv1"].update_norm == pytest.approx(norm([after[n] - before[n] for n in names]), rel=1e-9)
    assert seen["conv1"].parameter_norm == pytest.approx(norm([before[name] for name in names]), rel=1e-12)
    program.step(x, labels, 0.1, 1)
    assert program.statistics() == seen


def test_zero_fractions_are_of_the_activation(compiled):
    """One channel driven below zero everywhere is wholly 0."""
    program = compiled(net="input 2x6x5 | conv 4 3x2 | relu | flatten | dense 3")
    program.write("conv1.bias", np.array([50.0, -50.0, 50.0, -50.0]))
    program.step(*batch(), 0.0, 0, observe=True)
    np.testing.assert_array_equal(program.statistics()["relu1"].zero_fraction, [0, 1, 0, 1])


@pytest.mark.parametrize("kind", ["sigmoid", "tanh"])
def test_saturation_is_a_slope_below_five_percent_of_the_maximum(kind, compiled):
    program = compiled(net=f"input 2x6x5 | {kind} | flatten | dense 3")
    x, labels = batch(30)
    x *= 4
    program.step(x, labels, 0.1, 0, observe=True)
    slope = 4 / (np.exp(x / 2) + np.exp(-x / 2)) ** 2 if kind == "sigmoid" else 1 / np.cosh(x) ** 2
    assert program.statistics()[f"{kind}1"] == LayerStatistics(saturated_fraction=(slope < 0.05).mean())


def broken(compiled, change):
    program = compiled(net="input 2x6x5 | conv 4 3x2 | bn | elu | conv 3 2 | flatten | dense 3")
    change(program)
    before = state(program)
    result = program.step(*batch(), 0.1, 0)
    for name, array in state(program).items():
        np.testing.assert_array_equal(array, before[name])
    return result.fault


def test_fault_is_located_and_nothing_changed(compiled):
    """Parameters that are no numbers, outputs that overflow."""
    assert broken(compiled, lambda p: p.write("conv2.bias", np.full(3, np.nan))) == Fault("conv2", "parameters")
    assert broken(compiled, lambda p: p.write("conv1.weight", np.full((4, 2, 3, 2), 1e308))) == Fault(
        "conv1", "output"
    )


def test_fault_of_a_gradient_is_located(compiled):
    """The forward pass is finite; carried back through two huge matrices the gradient is not."""
    program = compiled(net="input 2x6x5 | flatten | dense 4 | dense 4 | dense 4 | dense 3")
    for name in ("dense2", "dense3", "dense4"):
        program.write(f"{name}.weight", np.full_like(program.read(f"{name}.weight"), 1e200))
    program.write("dense1.weight", np.zeros((4, 60)))
    for name in ("dense1", "dense2", "dense3", "dense4"):
        program.write(f"{name}.bias", np.zeros_like(program.read(f"{name}.bias")))
    weight = np.full((3, 4), 1e200)
    weight[0] = -1e200
    program.write("dense4.weight", weight)
    fault = program.step(*batch(), 0.1, 0).fault
    assert fault == Fault("dense2", "gradient")


def test_rejected_batch_leaves_state_unchanged(compiled):
    """Labels that no class has, found after the forward pass; one value per channel, found before it."""
    program = compiled()
    x, labels = batch()
    before = state(program)
    for ask in (lambda: program.step(x, labels + 2, 0.1, 0), lambda: program.gradients(x, labels - 1, 0)):
        with pytest.raises(BadShape, match=r"\[labels-range\]$"):
            ask()
    single = compiled(net="input 2x6x5 | globalavgpool | bn | flatten | dense 3")
    kept = state(single)
    with pytest.raises(BadShape, match=r"\[batchnorm-one\]$"):
        single.step(x[:1], labels[:1], 0.1, 0)
    for own, arrays in ((program, before), (single, kept)):
        for name, array in state(own).items():
            np.testing.assert_array_equal(array, arrays[name])


def test_program_without_training_rejects_steps(compiled):
    program = engine_named("reference").compile(cs.parse(NET), None, 0, np.float32)
    assert program.predict(batch()[0].astype(np.float32)).shape == (6, 3)
    with pytest.raises(BadSetting) as caught:
        program.step(*batch(), 0.1, 0)
    assert str(caught.value) == (
        "The program was compiled for inference only. Compile it with an optimizer and a loss. [not-training]"
    )


def test_unknown_losses_and_optimizers_are_named():
    """The questions have no answer by default."""
    from convscope.engines.common.losses import score
    from convscope.engines.common.updates import state_slots, update

    with pytest.raises(BadSetting, match=r"^There is no rule to compute the loss Loss\. .* \[no-score\]$"):
        score(Loss(), np.zeros((1, 2)), np.zeros(1, int))
    with pytest.raises(
        BadSetting, match=r"^There is no state_slots rule for the optimizer Optimizer\. .* \[no-state-slots\]$"
    ):
        state_slots(Optimizer())
    with pytest.raises(
        BadSetting, match=r"^There is no update rule for the optimizer Optimizer\. .* \[no-update\]$"
    ):
        update(Optimizer(), np.zeros(1), np.zeros(1), {}, 0.1, 0)
