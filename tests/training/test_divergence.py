"""Failed training: divergence and constant predictions."""

import json

import numpy as np
import pytest

import convscope as cs
from convscope.data import ArrayDataset
from convscope.optim.losses import BinaryCrossEntropy, CrossEntropy, MeanSquaredError
from convscope.optim.schedules import StepDecay
from convscope.training.configuration import Configuration
from convscope.training.fit import TrainingLoop
from convscope.training.history import Epoch, Log
from convscope.training.model_io import read_model_file
from convscope.training.monitoring import STEPS, chance_loss, constant_class, has_diverged
from convscope.training.progress import Progress
from convscope.training.run_diagnosis import diagnose_run

NET = "input 1x6x5 | flatten | dense 3"


def data(count=60, seed=0):
    """Return images of three classes by brightness."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    x = 0.1 * generator.normal(size=(count, 1, 6, 5)) + labels[:, None, None, None] / 3
    return x.astype(np.float32), labels


def test_chance_loss_is_that_of_uniform_predictions():
    scores = np.zeros((12, 5))
    labels = np.arange(12) % 5
    even = -np.log(np.exp(scores)[np.arange(12), labels] / np.exp(scores).sum(axis=1)).mean()
    assert chance_loss(CrossEntropy(), 5, labels) == pytest.approx(even)
    assert chance_loss(BinaryCrossEntropy(), 5, labels) == pytest.approx(-np.log(0.5))
    targets = np.random.default_rng(1).normal(size=(7, 3))
    assert chance_loss(MeanSquaredError(), 3, targets) == pytest.approx(((0 - targets) ** 2).mean())


def watched(losses, batches=20):
    """Return for each step whether the run would be stopped after it, during training or at the end."""
    x, labels = data()
    loop = TrainingLoop(cs.Model(NET), ArrayDataset(x, labels), None, Configuration(), Progress(1, False), Log())
    answers = []
    for loss in losses:
        loop._watch_loss(loss, labels)
        loop.state.step += 1
        high = loop.state.high_steps
        answers.append((has_diverged(high, batches, ended=False), has_diverged(high, batches, ended=True)))
    return answers


def test_spikes_and_rough_starts_are_not_divergence():
    """A loss of 100 times chance may occur briefly, or for most of the first epoch, if it recovers."""
    spikes = [1.0, *[0.5, 0.4, 110.0] * 40, 0.3]
    assert not any(middle for middle, _ in watched(spikes))
    assert not watched(spikes)[-1][1]
    rough = [1.1, *np.geomspace(1e3, 0.5, 90)]
    assert not any(middle for middle, _ in watched(rough))
    assert not watched(rough)[-1][1]
    grown = [0.01, *np.linspace(0.01, 10, 300)]  # a network that was trained before: chance counts, not its start
    assert not any(middle or end for middle, end in watched(grown))


def test_persistently_high_loss_is_divergence():
    losses = [1.1, *[1e9] * STEPS]
    assert [middle for middle, _ in watched(losses)] == [False] * STEPS + [True]
    assert [end for _, end in watched([1.1, 50.0, *[1e5] * 12])] == [False] * 10 + [True] * 4


@pytest.mark.parametrize("engine", ["native", "reference", "torch"])
def test_diverged_run_keeps_the_best_epoch_and_names_the_step(tmp_path, capsys, engine):
    """Clipped steps with a large learning rate move a linear model far from the minimum without becoming NaN."""
    x, labels = data()
    model = cs.Model(NET, engine=engine)
    per_epoch = 60 // 4
    settings = {"loss": "mse", "clip_norm": 1.0, "progress": False}
    schedule = StepDecay(every=3 * per_epoch, gamma=5000.0)
    history = model.fit((x, labels), 6, 4, cs.SGD(lr=0.02), schedule=schedule, run=tmp_path / "run", **settings)
    assert history.stopped == "diverged"
    assert 3 * per_epoch <= history.diverged_at < 3 * per_epoch + 10
    assert history.to_dict()["diverged_at"] == history.diverged_at
    said = capsys.readouterr().err
    assert f"since step {history.diverged_at}, and is" in said
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert events[-1]["reason"] == "diverged"
    sound = cs.Model(NET, engine=engine)
    sound.fit((x, labels), 3, 4, cs.SGD(lr=0.02), **settings)
    best = cs.Model.load(tmp_path / "run")
    for name, array in sound.parameters.items():
        np.testing.assert_array_equal(best.parameters[name], array)
    (found,) = [one for one in diagnose_run(tmp_path / "run") if one.code == "diverged"]
    assert found.numbers["since"] == history.diverged_at
    assert "lower the learning rate" in found.suggestion
    assert "still-improving" not in [one.code for one in diagnose_run(tmp_path / "run")]


class Cut(ArrayDataset):
    """Dataset whose disk fails at one batch."""

    left = 70

    def batch(self, indices):
        self.left -= 1
        if not self.left:
            raise KeyError("disk")
        return super().batch(indices)


def test_resumed_run_diverges_at_the_same_step(tmp_path):
    """A run interrupted while diverging continues counting."""
    x, labels = data()
    schedule = StepDecay(every=45, gamma=5000.0)
    settings = {"loss": "mse", "schedule": schedule, "clip_norm": 1.0, "checkpoint_every": 1}
    whole = cs.Model(NET).fit(
        (x, labels), 12, 4, cs.SGD(lr=0.02), run=tmp_path / "whole", progress=False, **settings
    )
    with pytest.raises(KeyError, match="disk"):
        cs.Model(NET).fit(
            Cut(x, labels), 12, 4, cs.SGD(lr=0.02), run=tmp_path / "part", progress=False, **settings
        )
    part = cs.Model(NET).fit((x, labels), resume=tmp_path / "part", progress=False)
    again = cs.Model(NET).fit((x, labels), resume=tmp_path / "part", progress=False)
    assert whole.stopped == part.stopped == again.stopped == "diverged"
    assert whole.diverged_at == part.diverged_at == again.diverged_at
    one, two = (read_model_file(tmp_path / run / "last.safetensors") for run in ("whole", "part"))
    assert one.metadata == two.metadata
    assert (tmp_path / "whole" / "log.jsonl").read_bytes() == (tmp_path / "part" / "log.jsonl").read_bytes()


def test_constant_predictions_are_detected():
    x, labels = data()
    model = cs.Model("input 1x6x5 | flatten | dense 4")
    for name in model.parameters:
        model.parameters[name] = np.zeros(model.parameters.shape(name))
    model.parameters["dense1.bias"] = np.array([0.0, 3.0, 1.0, 0.0])
    assert constant_class(model, ArrayDataset(x, labels)) == 1
    assert constant_class(model, ArrayDataset(x, np.ones(60, int), ("a", "b", "c"))) is None
    model.parameters["dense1.weight"] = np.outer([0, 0, 1, 0], np.ones(30))
    assert constant_class(model, ArrayDataset(x, labels)) is None
    assert constant_class(cs.Model("input 1x6x5 | conv 3 2"), ArrayDataset(x, labels)) is None


def test_diagnosis_reports_constant_predictions(tmp_path):
    """All units are dead: the class with the largest bias is predicted for every image."""
    x, labels = data()
    model = cs.Model("input 1x6x5 | flatten | dense 7 | relu | dense 3")
    model.parameters["dense1.bias"] = np.full(7, -1e3)
    model.fit(
        ArrayDataset(x, labels, ("ash", "bone", "coal")),
        3,
        8,
        validation=data(20, 1),
        run=tmp_path / "run",
        progress=False,
    )
    codes = {one.code: one for one in diagnose_run(tmp_path / "run")}
    assert "still-improving" not in codes
    found = codes["constant-predictor"]
    assert found.numbers["class"] in ("ash", "bone", "coal")
    assert found.message == f"after epoch 3 the model predicts class {found.numbers['class']!r} for every image"


def test_exploded_loss_without_stop_event_is_divergence(tmp_path):
    """Older versions did not stop diverging runs."""
    epoch = {"event": "epoch", "epoch": 1, "step": 9, "lr": 0.1, "accuracy": 0.3, "layers": {}}
    events = [{"event": "step", "step": 0, "loss": 2.5, "lr": 0.1}, {**epoch, "loss": 1e33}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    (found,) = diagnose_run(tmp_path)
    assert (found.code, found.numbers["step"]) == ("diverged", 9)
    assert found.message == (
        "training diverged: the loss was 2.5000 in the first step and 1e+33 in epoch 1, up to step 9"
    )


def test_large_losses_are_abbreviated():
    assert str(Epoch(1, 9, 0.1, 1e33, 0.25, 3e20, 0.5)) == (
        "epoch 1: loss 1e+33, accuracy 25.00 %, validation 3e+20, 50.00 %"
    )
