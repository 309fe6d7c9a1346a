"""`convscope tune`: choices measured on this machine and kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import convscope as cs
from convscope.bench import tune
from convscope.cli import main
from convscope.engines.native.runtime.program import NativeProgram
from convscope.engines.native.tuning import cache as choices

NET = "input 16x9x8 | conv 16 3 p1 | relu | conv 8 5 | relu | conv 16 3 p1 g2 | flatten | dense 3"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))
    choices._read.cache_clear()
    yield tmp_path / "choices"
    choices._read.cache_clear()


def kernels() -> set[str]:
    program = cs.Model(NET, engine="native").program
    assert isinstance(program, NativeProgram)
    return {type(kernel).__name__ for kernel in program.plan("training").kernels}


def test_fastest_algorithm_is_cached_and_used(cache, monkeypatch, capsys):
    """Every pass of the one layer that can be computed in several ways is measured; plans then follow."""
    order = iter([3.0, 3.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    monkeypatch.setattr(tune, "fastest", lambda work, seconds: next(order))
    assert main(["tune", NET, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [choice["pass"] for choice in document["choices"]] == [
        "forward",
        "input gradient",
        "weight gradient",
        "inference",
    ]
    assert {choice["layer"] for choice in document["choices"]} == {"conv1"}
    assert {choice["chosen"] for choice in document["choices"]} == {"F(2,3)"}
    assert len(list(cache.iterdir())) == 4
    assert "WinogradConvolution" in kernels()


def test_measured_choice_overrides_heuristic(cache, monkeypatch, capsys):
    """Where the direct way was fastest, no kernel of Winograd's is left."""
    monkeypatch.setattr(tune, "fastest", lambda work, seconds: 1.0)
    assert main(["tune", NET]) == 0
    assert "direct" in capsys.readouterr().out
    assert not [name for name in kernels() if name.startswith("Winograd")]
    for file in cache.iterdir():
        file.write_text("{")
    choices._read.cache_clear()
    assert kernels()


def test_algorithms_give_the_same_results(cache):
    """What is measured is the pass itself: all three ways agree on its result."""
    import numpy as np

    from convscope.bench.passes import passes_of_network
    from convscope.notation import parse

    results = []
    for tile in tune.TILES:
        with choices.trying(tile):
            passes = passes_of_network(parse("input 16x9x8 | convolution: conv 32 3 p1"), 2)
        results.append({purpose: passes.result(purpose) for purpose in ("forward", "weight gradient")})
    for other in results[1:]:
        for purpose, array in other.items():
            np.testing.assert_allclose(array, results[0][purpose], atol=2e-4)


def test_tune_without_alternatives_prints_a_note(cache, capsys):
    """Nothing is measured for a dense network."""
    assert main(["tune", "input 4 | dense 3"]) == 0
    assert "Nothing to measure" in capsys.readouterr().out
