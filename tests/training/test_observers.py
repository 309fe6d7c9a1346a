"""Layer statistics during an epoch, and diagnoses from the log."""

import json

import numpy as np
import pytest

import convscope as cs
from convscope.engines.protocol import LayerStatistics
from convscope.errors import BadFile
from convscope.training.monitoring import Observer
from convscope.training.run_diagnosis import diagnose_run


def test_unit_is_dead_if_no_observed_step_activates_it():
    observer = Observer()
    observer.add({"relu1": LayerStatistics(zero_fraction=np.array([1.0, 1.0, 0.2]))})
    observer.add({"relu1": LayerStatistics(zero_fraction=np.array([1.0, 0.9, 1.0]))})
    assert observer.summary() == {"relu1": {"dead": 1, "units": 3}}


def test_norms_are_means_over_observed_steps():
    observer = Observer()
    for gradient, update in ((2.0, 0.1), (4.0, 0.5)):
        seen = LayerStatistics(gradient_norm=gradient, update_norm=update, parameter_norm=10.0)
        observer.add({"conv1": seen, "tanh1": LayerStatistics(saturated_fraction=gradient / 8)})
    assert observer.summary() == {
        "conv1": {"gradient_norm": 3.0, "update_ratio": pytest.approx(0.03)},
        "tanh1": {"saturated": 0.375},
    }


def test_observer_state_survives_arrays():
    observer, other = Observer(), Observer()
    for seed in (1, 2):
        zeros = np.random.default_rng(seed).integers(0, 2, 5).astype(float)
        observer.add({"a/b.c": LayerStatistics(zeros, None, 0.1 * seed, 0.3, 7.0)})
        if seed == 1:
            other.restore({**observer.state(), "conv1.weight": np.zeros(3)})
            assert other.summary() == observer.summary()
    other.add({"a/b.c": LayerStatistics(zeros, None, 0.2, 0.3, 7.0)})
    assert other.summary() == observer.summary()


@pytest.mark.parametrize("batches", [1, 7, 23, 100, 1009])
def test_about_ten_steps_are_observed_including_the_last(batches):
    seen = [batch for batch in range(batches) if Observer().wants(batch, batches)]
    assert seen[-1] == batches - 1
    assert min(batches, 10) <= len(seen) < 20


DATA = (
    np.random.default_rng(0).normal(size=(40, 1, 6, 5)).astype(np.float32),
    np.arange(40) % 3,
)


def codes(tmp_path, net, change=None, epochs=2, **settings):
    model = cs.Model(net)
    if change is not None:
        change(model)
    model.fit(DATA, epochs=epochs, batch_size=10, run=tmp_path / "run", progress=False, **settings)
    return {finding.code: finding for finding in diagnose_run(tmp_path / "run")}


def test_dead_units_are_reported(tmp_path):
    """Four of six units have a bias that no input exceeds: exactly these are dead."""

    def kill(model):
        model.parameters["conv1.bias"] = np.array([0, -99, -99, 0, -99, -99.0])

    found = codes(tmp_path, "input 1x6x5 | conv 6 3 | relu | flatten | dense 3", kill)["dead-units"]
    assert str(found) == (
        "risk: 4 of 6 units of relu1 (67 %) output 0 for every image: dead, no gradient reaches them "
        "[dead-units]\n  → lower the learning rate, use LeakyReLU, or add batch normalization before it"
    )


def test_saturation_is_reported(tmp_path):
    def push(model):
        model.parameters["conv1.bias"] = np.full(6, 50.0)

    found = codes(tmp_path, "input 1x6x5 | conv 6 3 | tanh | flatten | dense 3", push)["saturated"]
    assert found.layers == ("tanh1",)
    assert found.numbers == {"saturated": 1.0}


def test_vanishing_gradients_are_reported(tmp_path):
    """Eight consecutive sigmoids, each with a slope of at most 1/4."""
    net = "input 1x6x5 | flatten | " + "dense 6 | sigmoid | " * 8 + "dense 3"
    found = codes(tmp_path, net)["vanishing-gradients"]
    assert found.severity == "risk"
    assert found.layers[0] == "dense1"
    assert "dense9" not in found.layers


def test_large_updates_and_no_progress_are_reported(tmp_path):
    found = codes(tmp_path, "input 1x6x5 | flatten | dense 3", epochs=3, optimizer=cs.SGD(lr=5, momentum=0.9))
    assert found["large-updates"].layers == ("dense1",)
    assert "no-progress" in found


def test_overfitting_is_reported(tmp_path):
    """Random labels are memorized: correct on the training images, wrong on the others."""
    rng = np.random.default_rng(4)
    validation = (rng.normal(size=(30, 1, 6, 5)).astype(np.float32), np.arange(30) % 3)
    net = "input 1x6x5 | flatten | dense 64 | relu | dense 3"
    found = codes(tmp_path, net, epochs=25, optimizer=cs.Adam(lr=0.01), validation=validation)
    assert found["overfitting"].numbers["gap"] > 0.3
    assert "still-improving" not in found


def test_good_run_has_no_risk(tmp_path):
    model = cs.Model("input 1x8x8 | conv 8 3 | relu | flatten | dense 10")
    model.fit("digits", epochs=2, run=tmp_path / "run", progress=False, optimizer=cs.Adam(lr=0.003))
    assert [finding.code for finding in diagnose_run(tmp_path / "run")] == ["still-improving"]


def test_stop_by_nan_is_reported(tmp_path):
    (tmp_path / "log.jsonl").write_text(
        json.dumps({"event": "stop", "reason": "not finite", "step": 7, "layer": "conv2"}) + '\n{"event": "cut o'
    )
    (found,) = diagnose_run(tmp_path)
    assert found.message == "training stopped at step 7: NaN or infinity occurred first in conv2"
    assert found.layers == ("conv2",)


def test_bad_logs_are_reported(tmp_path):
    path = tmp_path / "log.jsonl"
    with pytest.raises(BadFile) as caught:
        diagnose_run(tmp_path)
    assert str(caught.value) == (f"{str(path)!r} is not the readable log of a run. Check the path. [file-missing]")
    path.write_text('{"event": "step", "step": 0}\n[3]\n')
    with pytest.raises(BadFile) as caught:
        diagnose_run(tmp_path)
    assert str(caught.value) == (
        f"{str(path)!r} is damaged in line 2 (it is not a JSON object). Restore the original log. [log-line]"
    )
