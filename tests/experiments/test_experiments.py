"""The experiments run with small settings, print their results and save their figure.

What they show is asserted where even the small setting shows it for any seed.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

FOLDER = Path(__file__).parents[2] / "benchmarks" / "experiments"
NAMES = ("dropout", "dead_units", "vanishing_gradients", "field_and_accuracy", "effective_fields")


@pytest.fixture
def experiments(monkeypatch):
    """Make modules next to the scripts importable, as when they are run."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    for name in (*NAMES, "experiment"):
        sys.modules.pop(name, None)


def test_every_script_is_tested():
    assert {path.stem for path in FOLDER.glob("*.py")} == {*NAMES, "experiment"}


@pytest.mark.parametrize("name", NAMES)
def test_script_runs_with_small_settings(name, tmp_path):
    """As on the command line: results on stdout, the figure's path on stderr."""
    figure = tmp_path / "new" / f"{name}.png"
    done = subprocess.run(
        [sys.executable, FOLDER / f"{name}.py", "--small", "--save", figure],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"figure: {figure}\n"
    assert len(done.stdout.splitlines()) >= 4
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("experiments")
def test_sigmoid_gradients_vanish_with_depth():
    """By more than a factor of 4 per layer, the best that its slope allows. ReLU and tanh keep most of it."""
    import vanishing_gradients as experiment

    result = experiment.measure(experiment.Setting((2, 8), 1, 100, (0, 1)))
    sigmoid, tanh, relu = (result.of(function)[-1].reaching for function in experiment.FUNCTIONS)
    assert sigmoid < 0.25**6
    assert tanh > 0.1
    assert relu > 0.1
    shallow = result.of("sigmoid")[0].reaching
    assert sigmoid < shallow / 100


@pytest.mark.usefixtures("experiments")
def test_large_learning_rates_kill_units():
    import dead_units as experiment

    gentle, violent = experiment.measure(experiment.Setting((0.01, 1.5), 2, 300, (0, 1))).rows
    assert sum(gentle.dead) < 0.15
    assert sum(violent.dead) > sum(gentle.dead) + 0.2


@pytest.mark.usefixtures("experiments")
def test_networks_have_equal_size_and_different_fields():
    """The fields are 1, 3, 5, 7 and 9; the sizes are within 10 % of the requested one."""
    import field_and_accuracy as experiment

    import convscope as cs

    for spatial in range(5):
        report = cs.inspect(experiment.sized(spatial, 12_000))
        (last,) = (row for row in report.rows if row.name == "conv4")
        assert last.receptive_field.size == (2 * spatial + 1,) * 2
        assert report.totals.params == pytest.approx(12_000, rel=0.1)


@pytest.mark.usefixtures("experiments")
def test_dropout_rows_match_the_printed_table():
    """The gap is test error − training error, per seed."""
    import dropout as experiment

    curve = experiment.Curve("x", (1, 2), ((0.5, 0.0), (0.5, 0.1)), ((0.5, 0.2), (0.5, 0.1)))
    (train, _), (test, _), (gap, spread) = curve.last()
    assert (train, test, gap) == pytest.approx((0.05, 0.15, 0.1))
    assert spread == pytest.approx(0.2 / 2**0.5)
    better = experiment.Curve("y", (1, 2), curve.training, ((0.5, 0.1), (0.5, 0.1)))
    result = experiment.Result(experiment.SMALL, (curve, better))
    assert str(result).endswith(
        "(with − without), per seed: -5.00 points ± 5.00 (standard error); lower in 1 of 2 seeds"
    )
    assert "x     5.0 % ± 7.1  15.0 % ± 7.1  10.0 % ± 14.1" in str(result)


@pytest.mark.usefixtures("experiments")
def test_width_of_random_fields_is_that_of_a_random_walk():
    """√(2n/3) of n layers within 15 %, and the measures of a known line."""
    import effective_fields as experiment
    import numpy as np

    (row,) = experiment.measure(experiment.Setting((2, 8), (0,), 1)).shapes["ReLU"]
    assert row[:, 0] == pytest.approx(np.sqrt([4 / 3, 16 / 3]), rel=0.15)
    line = np.array([0.25, 0.5, 0.25])
    shape = experiment.shape_of(np.outer(line, line))
    assert (shape.width, shape.kurtosis) == pytest.approx((0.5**0.5, -1))
    weights = np.exp([-1.0, 0.0, -1.0])
    assert shape.distance == pytest.approx(np.abs(line - weights / weights.sum()).sum() / 2)
