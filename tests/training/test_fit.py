"""Training: learning, reproducibility, input checks and stopping."""

import json
import re

import numpy as np
import pytest

import convscope as cs
from convscope.data import ArrayDataset, load_data
from convscope.data.transforms import shift
from convscope.errors import BadData, BadSetting, NotFinite
from convscope.optim.randomness import generator
from convscope.training.history import read_log
from convscope.training.monitoring import Observer

NET = "input 2x6x5 | conv 4 3x2 | bn | relu | flatten | dropout 0.2 | dense 3"


def data(size=50, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, size)
    x = rng.normal(size=(size, 2, 6, 5)) + labels[:, None, None, None]
    return x.astype(np.float32), labels


def fit(model=None, given=None, **more):
    model = cs.Model(NET) if model is None else model
    settings = {"epochs": 2, "batch_size": 16, "progress": False, **more}
    return model, model.fit(data() if given is None else given, **settings)


def bits(model):
    return {name: array.tobytes() for name, array in {**model.parameters, **model.buffers}.items()}


def test_training_learns_real_digits():
    """A small network reaches 90 % test accuracy after three epochs."""
    net = "input 1x8x8 | conv 8 3 same | relu | maxpool 2 | flatten | dense 10"
    model = cs.Model(net, seed=1)
    history = model.fit("digits", epochs=3, batch_size=32, optimizer=cs.Adam(lr=0.01), progress=False)
    test = model.evaluate(load_data("digits", "test"))
    assert test["accuracy"] > 0.93
    assert history.column("loss") == sorted(history.column("loss"), reverse=True)
    assert model.classes == tuple("0123456789")


def test_same_seed_gives_identical_bits():
    """Another seed gives other bits. NumPy's global generator has no effect."""
    first, history = fit(augment="shift=1,flip")
    np.random.seed(7)
    again, history_again = fit(augment="shift=1,flip")
    other, _ = fit(cs.Model(NET, seed=1), augment="shift=1,flip")
    assert bits(first) == bits(again)
    assert history == history_again
    assert bits(first) != bits(other)


def test_random_choices_depend_on_seed():
    """Dropout, shuffling and augmentation each affect the result."""
    plain, _ = fit()
    assert bits(plain) != bits(fit(cs.Model(NET.replace("0.2", "0.3")))[0])
    assert bits(plain) != bits(fit(augment="flip")[0])
    x, labels = data()
    assert bits(plain) != bits(fit(given=(x[::-1], labels[::-1]))[0])


def test_dataset_and_arrays_train_alike():
    assert bits(fit()[0]) == bits(fit(given=ArrayDataset(*data(), classes="abc"))[0])


def test_fit_is_steps_in_shuffled_order(tmp_path):
    """The same batches passed to train_step give the same parameters and statistics."""
    optimizer = cs.SGD(lr=0.1, momentum=0.5)
    model, history = fit(epochs=2, optimizer=optimizer, augment="shift=1", run=tmp_path / "run")
    hand = cs.Model(NET)
    hand.compile(optimizer)
    x, labels = data()
    layers = []
    for epoch in (0, 1):
        observer, losses = Observer(), []
        for part in np.split(generator(0, "shuffle", epoch).permutation(50), [16, 32, 48]):
            moved = shift(x[part], 1, generator(0, "augment", hand.steps))
            losses.append(hand.step(moved, labels[part], 0.1, observe=True).loss)
            observer.add(hand.program.statistics())
        layers.append(observer.summary())
        assert history[epoch].loss == pytest.approx(np.average(losses, weights=[16, 16, 16, 2]), rel=1e-12)
    assert bits(model) == bits(hand)
    lines = map(json.loads, (tmp_path / "run" / "log.jsonl").read_text().splitlines())
    assert [event["layers"] for event in lines if event["event"] == "epoch"] == layers


def test_last_batch_of_one_image_is_dropped():
    """Batch norm has no statistics of a single vector: 49 images are three batches of 16."""
    model, history = fit(given=data(49), epochs=1)
    assert (model.steps, history[0].step) == (3, 3)
    assert fit(given=data(33), batch_size=33, epochs=1)[0].steps == 1
    assert fit(cs.Model("input 2x6x5 | flatten | dense 3"), data(3), batch_size=1, epochs=1)[0].steps == 3


def test_validation_is_reported_and_uses_running_statistics():
    model, history = fit(validation=data(20, 1))
    told = model.evaluate(data(20, 1))
    assert (history[1].validation_loss, history[1].validation_accuracy) == (told["loss"], told["accuracy"])
    assert str(history).splitlines()[1].startswith(f"epoch 2: loss {history[1].loss:.4f}, accuracy ")


def test_patience_ends_a_run_early():
    """With a tiny learning rate the first epoch stays the best."""
    model = cs.Model("input 2x6x5 | flatten | dense 3")
    _, history = fit(model, epochs=9, patience=2, optimizer=cs.SGD(lr=1e-30), validation=data(20, 1))
    assert (len(history), history.stopped) == (3, "patience")


def test_patience_restarts_at_every_lower_loss(monkeypatch):
    told = iter([1.0, 2.0, 0.5, 2.0, 3.0, 0.1])
    monkeypatch.setattr(cs.Model, "evaluate", lambda *_: {"loss": next(told), "accuracy": 0.5})
    _, history = fit(epochs=6, patience=2, validation=data(20, 1))
    assert history.column("validation_loss") == [1.0, 2.0, 0.5, 2.0, 3.0]


def test_best_is_the_epoch_of_lowest_validation_loss(tmp_path):
    """A run with a large learning rate gets worse: the folder's model is the best one, not the last."""
    model, history = fit(
        cs.Model("input 2x6x5 | flatten | dense 3"), epochs=4, optimizer=cs.SGD(lr=0.5), validation=data(20, 1),
        run=tmp_path / "run",
    )  # fmt: skip
    losses = history.column("validation_loss")
    assert losses.index(min(losses)) < 3
    best = cs.Model.load(tmp_path / "run")
    assert best.evaluate(data(20, 1))["loss"] == min(losses)
    assert model.evaluate(data(20, 1))["loss"] == losses[-1]


def test_schedule_covers_the_whole_run(tmp_path):
    _, history = fit(epochs=3, schedule="cosine", optimizer=cs.SGD(lr=0.2), run=tmp_path / "run")
    steps = 3 * 4
    wanted = [0.1 * (1 + np.cos(np.pi * (4 * epoch - 1) / steps)) for epoch in (1, 2, 3)]
    assert history.column("lr") == pytest.approx(wanted, rel=1e-12)


def test_compiled_settings_are_defaults_of_fit():
    compiled = cs.Model(NET)
    compiled.compile(cs.Adam(lr=0.02), clip_norm=0.3)
    fit(compiled)
    given, _ = fit(optimizer=cs.Adam(lr=0.02), clip_norm=0.3)
    assert bits(compiled) == bits(given)


def test_log_has_every_epoch_and_no_times(tmp_path):
    """Statistics of layers are logged: dead ReLU units, and norms of parameters."""
    fit(run=tmp_path / "run", validation=data(20, 1))
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["step", "epoch", "epoch"]
    assert set(events[1]) == {
        "event", "epoch", "step", "lr", "loss", "accuracy", "validation_loss", "validation_accuracy", "layers",
        "checksum",
    }  # fmt: skip
    assert events[1]["layers"]["relu1"] == {"dead": 0, "units": 4}
    assert set(events[1]["layers"]["conv1"]) == {"gradient_norm", "update_ratio"}
    assert set(events[1]["layers"]) == {"bn1", "conv1", "dense1", "relu1"}


def test_nan_stops_training_and_names_the_layer(tmp_path):
    """The step that would spread NaN is not applied."""
    model = cs.Model("input 2x6x5 | conv 4 3 | relu | conv 5 2 | relu | flatten | dense 3")
    with pytest.raises(NotFinite) as caught:
        fit(model, epochs=20, optimizer=cs.SGD(lr=1e12), run=tmp_path / "run")
    assert re.fullmatch(
        r"NaN or infinity in layer '(conv1|conv2|dense1)' \(.*\) at step \d+\. "
        r"Lower the learning rate \(now 1e\+12\), or clip the gradient norm to 1\. \[not-finite\]",
        str(caught.value),
    )
    assert all(np.isfinite(array).all() for array in model.parameters.values())
    *_, stop = read_log(tmp_path / "run" / "log.jsonl")
    assert stop == {"event": "stop", "reason": "not finite", "step": model.steps, "layer": caught.value.layer}


@pytest.mark.parametrize(
    ("given", "more", "error", "message"),
    [
        ((data()[0], data()[1] + 1), {}, BadData,
         "data must have at most 3 classes, the outputs of network (got 4). Give the network more outputs. "
         "[data-classes]"),
        ((data()[0], data()[1][:-1]), {}, BadData,
         "There must be one label per image (got 49 labels for 50 images). Check that both come from the same "
         "split. [label-count]"),
        ((data()[0][:, :, :5], data()[1]), {}, BadData,
         "data must be images of 2×6×5 for network (got 2×5×5). Resize them, or use network.with_input. "
         "[data-shape]"),
        ((data()[0], data()[1], 3), {}, BadData,
         "data must be (x, labels) or a dataset (got a tuple of 3). Pass two arrays. [data-kind]"),
        (np.zeros(3), {}, BadData,
         "data must be (x, labels) or a dataset (got ndarray). Use load_data, or pass a tuple of two arrays. "
         "[data-kind]"),
        (None, {"validation": (data()[0][:0], data()[1][:0])}, BadData,
         "x must contain at least one image with at least one pixel (got x=0×2×6×5). Check where the images "
         "come from. [data-empty]"),
        (None, {"epochs": 0}, BadSetting, "fit.epochs must be an integer of at least 1 (got 0). Use 5. "
                                          "[setting]"),
        (None, {"batch_size": 2.5}, BadSetting,
         "fit.batch_size must be an integer of at least 1 (got 2.5). 64 is usual. [setting]"),
        (None, {"optimizer": "sgd"}, BadSetting,
         "fit.optimizer must be SGD, Adam or AdamW (got 'sgd'). Use convscope.SGD(lr=0.05, momentum=0.9). [optimizer]"),
        (None, {"loss": "crossentropy"}, BadSetting,
         "fit.loss must be a loss or its name (got 'crossentropy'). Did you mean cross_entropy? [loss]"),
        (None, {"clip_norm": -1}, BadSetting,
         "fit.clip_norm must be a number above 0 (got -1). 1 is usual. [setting]"),
        (None, {"patience": 0}, BadSetting,
         "fit.patience must be an integer of at least 1 (got 0). 3 is usual. [setting]"),
        (None, {"augment": "shfit=2"}, BadSetting,
         "fit.augment has an unknown transformation (got 'shfit'). Did you mean shift? [augment-name]"),
        (None, {"tensorboard": True}, BadSetting,
         "tensorboard=True needs a run folder (got run=None). Pass run. [tensorboard-folder]"),
    ],
)  # fmt: skip
def test_bad_input_is_reported(given, more, error, message):
    with pytest.raises(error) as caught:
        fit(given=given, **more)
    assert str(caught.value) == message


def test_missing_data_is_an_error():
    with pytest.raises(BadSetting) as caught:
        cs.Model(NET).fit(progress=False)
    assert (
        str(caught.value)
        == "fit needs training data (got data=None). Pass (x, labels), a dataset or the name of one. [data-missing]"
    )


def test_nan_pixels_of_a_dataset_are_reported():
    """A dataset without checks of its own."""

    class Broken(ArrayDataset):
        def batch(self, indices):
            x, labels = super().batch(indices)
            x[0, 1, 2, 3] = np.nan
            return x, labels

    with pytest.raises(BadData) as caught:
        fit(given=Broken(*data()))
    assert str(caught.value) == (
        "x must be finite (got x[0, 1, 2, 3]=nan). Repair or remove such images. [images-nan]"
    )


def test_tensorboard_gets_the_values_of_the_log(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    _, history = fit(run=tmp_path / "run", tensorboard=True)
    (path,) = (tmp_path / "run" / "tensorboard").iterdir()
    told = {
        (value.tag, event.step): value.simple_value
        for event in LegacyEventFileLoader(str(path)).Load()
        for value in event.summary.value
    }
    assert told["epoch/loss", 8] == pytest.approx(history[1].loss, rel=1e-6)
    assert told["relu1/units", 4] == 4
