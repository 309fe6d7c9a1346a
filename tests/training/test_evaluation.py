"""What a model gets right, counted by hand."""

import numpy as np
import pytest

import convscope as cs
from convscope.cli.data_fit import refuse_misfit
from convscope.data import ArrayDataset
from convscope.errors import BadData, BadFile
from convscope.training import evaluation
from convscope.training.evaluation import OTHER, class_probabilities, evaluate_classes
from convscope.training.run_folder import SavedRun


def certain(outputs, scale=8.0):
    """Return a model whose class is the place of the one pixel that is lit."""
    model = cs.Model(f"input 1x2x3 | flatten | dense {outputs}", seed=1)
    model.parameters["dense1.weight"] = scale * np.eye(outputs, 6, dtype=np.float32)
    model.parameters["dense1.bias"] = np.zeros(outputs, np.float32)
    return model


def lit(places):
    """Return images with one lit pixel each."""
    return np.eye(6, dtype=np.float32)[places].reshape(-1, 1, 2, 3)


def test_confusion_counts_rows_of_true_classes():
    """Pixel 1 is found as class 1, whatever the label says."""
    source = ArrayDataset(lit([0, 1, 1, 2, 2, 2]), [0, 1, 0, 2, 1, 1], ("a", "b", "c"))
    result = evaluate_classes(certain(3), source)
    assert result.counts().tolist() == [[1, 1, 0], [0, 1, 2], [0, 0, 1]]
    assert (result.images, result.correct, result.accuracy) == (6, 3, 0.5)
    assert [known["accuracy"] for known in result.per_class()] == [0.5, pytest.approx(1 / 3), 1.0]
    assert [(m.index, m.label, m.predicted) for m in result.mistakes] == [(2, 0, 1), (4, 1, 2), (5, 1, 2)]
    sure = np.exp(8) / (np.exp(8) + 2)
    assert result.mistakes[0].score == pytest.approx(sure, rel=1e-6)
    assert result.mistakes[0].class_score == pytest.approx(1 / (np.exp(8) + 2), rel=1e-5)
    expected = (3 * -np.log(sure) + 3 * np.log(np.exp(8) + 2)) / 6
    assert result.loss == pytest.approx(expected, rel=1e-6)


def test_an_output_without_a_class_is_another(monkeypatch):
    """A network of six outputs on three classes; batches do not matter."""
    source = ArrayDataset(lit([0, 5, 4, 1, 2]), [0, 1, 2, 1, 0], ("a", "b", "c"))
    monkeypatch.setattr(evaluation, "CHUNK", 3)
    result = evaluate_classes(certain(6), source)
    assert result.predicted_names == ("a", "b", "c", OTHER)
    assert result.counts().tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 1]]
    assert [m.index for m in result.mistakes] == [1, 2, 4]
    assert result.to_dict()["mistakes"][0]["predicted"] == OTHER


def test_only_the_surest_mistakes_are_kept():
    """The surest first; of equals the first."""
    x = lit([1, 1, 1, 1]) * np.array([0.2, 0.9, 0.5, 0.9], np.float32)[:, None, None, None]
    result = evaluate_classes(certain(3), ArrayDataset(x, [0, 0, 2, 0], ("a", "b", "c")), most_mistakes=3)
    assert [m.index for m in result.mistakes] == [1, 3, 2]


def test_a_single_output_means_no_or_yes():
    """Two probabilities come from one."""
    model = cs.Model("input 1x2x3 | flatten | dense 1 | sigmoid")
    model.compile(loss="bce")
    chances = class_probabilities(model, lit([0, 3]))
    assert chances.shape == (2, 2)
    assert chances.sum(axis=1) == pytest.approx([1, 1])
    assert np.array_equal(chances[:, 1:], model.predict(lit([0, 3])))


def test_a_network_of_maps_has_no_classes():
    """The message says how to end it."""
    with pytest.raises(BadData) as caught:
        class_probabilities(cs.Model("input 1x2x3 | conv 2 1"), lit([0]))
    assert str(caught.value) == (
        "a network must give one number per class; got an output of 2×2×3 from network; "
        "end it in globalavgpool or flatten, and dense. [no-classes]"
    )


def test_what_fits_is_not_refused():
    """Fewer classes than outputs are allowed."""
    refuse_misfit(cs.load("input 1x2x3 | flatten | dense 4"), ArrayDataset(lit([0, 1]), [0, 1]), "some")


def test_a_saved_model_has_no_log_and_no_data(tmp_path):
    """Its folder is no run."""
    certain(3).save(tmp_path / "saved")
    saved = SavedRun(tmp_path / "saved")
    assert (saved.is_run, saved.data) == (False, None)
    assert saved.model().network == certain(3).network
    with pytest.raises(BadFile, match=r"\[file-missing\]$"):
        saved.events()


def test_a_path_that_is_not_there(tmp_path):
    """Runs beside it are offered, else how to make one."""
    with pytest.raises(BadFile) as caught:
        SavedRun(tmp_path / "runs" / "one")
    assert str(caught.value) == (
        f"{str(tmp_path / 'runs' / 'one')!r} must be a run's folder; got no such folder; "
        "make one by `convscope train`. [no-model]"
    )
