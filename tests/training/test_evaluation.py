"""Evaluation, compared with results counted by hand."""

import numpy as np
import pytest

import convscope as cs
from convscope.cli.data import refuse_misfit
from convscope.data import ArrayDataset
from convscope.errors import BadData, BadFile
from convscope.training import evaluation
from convscope.training.evaluation import OTHER, class_probabilities, evaluate_classes
from convscope.training.run_folder import SavedRun


def certain(outputs, scale=8.0):
    """Return a model that predicts the index of the one bright pixel."""
    model = cs.Model(f"input 1x2x3 | flatten | dense {outputs}", seed=1)
    model.parameters["dense1.weight"] = scale * np.eye(outputs, 6, dtype=np.float32)
    model.parameters["dense1.bias"] = np.zeros(outputs, np.float32)
    return model


def lit(places):
    """Return images with one bright pixel each."""
    return np.eye(6, dtype=np.float32)[places].reshape(-1, 1, 2, 3)


def test_confusion_rows_are_true_classes():
    """Pixel 1 is predicted as class 1, whatever the label."""
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


def test_output_without_class_counts_as_other(monkeypatch):
    """A network with six outputs on three classes. The batch size does not matter."""
    source = ArrayDataset(lit([0, 5, 4, 1, 2]), [0, 1, 2, 1, 0], ("a", "b", "c"))
    monkeypatch.setattr(evaluation, "CHUNK", 3)
    result = evaluate_classes(certain(6), source)
    assert result.predicted_names == ("a", "b", "c", OTHER)
    assert result.counts().tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 1]]
    assert [m.index for m in result.mistakes] == [1, 2, 4]
    assert result.to_dict()["errors"][0]["predicted"] == OTHER


def test_only_the_most_confident_mistakes_are_kept():
    """Sorted by confidence, then by index."""
    x = lit([1, 1, 1, 1]) * np.array([0.2, 0.9, 0.5, 0.9], np.float32)[:, None, None, None]
    result = evaluate_classes(certain(3), ArrayDataset(x, [0, 0, 2, 0], ("a", "b", "c")), most_mistakes=3)
    assert [m.index for m in result.mistakes] == [1, 3, 2]


def test_single_output_is_binary():
    model = cs.Model("input 1x2x3 | flatten | dense 1 | sigmoid")
    model.compile(loss="bce")
    chances = class_probabilities(model, lit([0, 3]))
    assert chances.shape == (2, 2)
    assert chances.sum(axis=1) == pytest.approx([1, 1])
    assert np.array_equal(chances[:, 1:], model.predict(lit([0, 3])))


def test_network_without_class_outputs_is_refused():
    with pytest.raises(BadData) as caught:
        class_probabilities(cs.Model("input 1x2x3 | conv 2 1"), lit([0]))
    assert str(caught.value) == (
        "network does not output one value per class (its output is 2×2×3). End it with globalavgpool or "
        "flatten, then dense. [no-classes]"
    )


def test_matching_data_is_accepted():
    """Fewer classes than outputs are allowed."""
    refuse_misfit(cs.load("input 1x2x3 | flatten | dense 4"), ArrayDataset(lit([0, 1]), [0, 1]), "some")


def test_saved_model_has_no_log_and_no_data(tmp_path):
    certain(3).save(tmp_path / "saved")
    saved = SavedRun(tmp_path / "saved")
    assert (saved.is_run, saved.data) == (False, None)
    assert saved.model().network == certain(3).network
    with pytest.raises(BadFile, match=r"\[file-missing\]$"):
        saved.events()


def test_missing_run_is_reported_with_suggestions(tmp_path):
    """Runs in the same folder are suggested, otherwise how to create one."""
    with pytest.raises(BadFile) as caught:
        SavedRun(tmp_path / "runs" / "one")
    assert str(caught.value) == (
        f"There is no run folder {str(tmp_path / 'runs' / 'one')!r}. Create one with `convscope train`. [no-model]"
    )
