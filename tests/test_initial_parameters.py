"""Models with existing weights draw no random parameters that would be overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convscope as cs
from convscope.cli import main
from convscope.errors import BadSetting, BadShape
from convscope.optim import initialization

TEXT = "input 2x7x6 | conv 5 3 p1 nobias | batchnorm | prelu | conv 4 2 | flatten | dense 3"


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every random initialization fail."""

    def fail(layer: object, name: str, *rest: object) -> None:
        raise AssertionError(f"{name} of {layer} is drawn")

    monkeypatch.setattr(initialization, "initial", fail)


def arrays_of(model: cs.Model) -> dict[str, np.ndarray]:
    return {**model.parameters, **model.buffers}


def moved(model: cs.Model) -> dict[str, np.ndarray]:
    return {name: array + np.float32(0.25) for name, array in arrays_of(model).items()}


@pytest.mark.parametrize("engine", ["native", "reference", "torch"])
def test_model_with_all_parameters_draws_none(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = moved(cs.Model(TEXT))
    copies = {name: array.copy() for name, array in given.items()}
    monkeypatch.setattr(initialization, "initial", None)
    model = cs.Model(TEXT, engine=engine, parameters=given)
    for name, array in given.items():
        array[...] = 0  # the model has copies
        np.testing.assert_array_equal(arrays_of(model)[name], copies[name], strict=True)


def test_model_with_some_parameters_draws_the_others() -> None:
    drawn = cs.Model(TEXT, seed=5)
    given = {name: array for name, array in moved(drawn).items() if name.startswith(("conv1", "bn1"))}
    model = cs.Model(TEXT, seed=5, parameters=given)
    for name, array in arrays_of(drawn).items():
        np.testing.assert_array_equal(arrays_of(model)[name], given.get(name, array), strict=True)


def test_model_with_parameters_of_another_network_is_refused() -> None:
    with pytest.raises(
        BadSetting, match=r"^The network has no parameter 'conv9\.weight'\. Did you mean conv2\.weight"
    ):
        cs.Model(TEXT, parameters={"conv9.weight": np.zeros((5, 2, 3, 3), np.float32)})
    with pytest.raises(BadShape, match=r"'conv1\.weight' must be 5×2×3×3 \(got 5×2×3\)"):
        cs.Model(TEXT, parameters={"conv1.weight": np.zeros((5, 2, 3), np.float32)})


@pytest.mark.parametrize("name", ["net.safetensors", "folder"])
def test_loading_a_model_draws_nothing(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = cs.Model(TEXT, seed=3, parameters=moved(cs.Model(TEXT)))
    model.save(tmp_path / name)
    monkeypatch.setattr(initialization, "initial", None)
    loaded = cs.Model.load(tmp_path / name)
    for key, array in arrays_of(model).items():
        np.testing.assert_array_equal(arrays_of(loaded)[key], array, strict=True)


def test_plan_draws_nothing(undrawn: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", TEXT, "--plan"]) == 0
    assert "conv1" in capsys.readouterr().out


def test_resumed_training_draws_nothing_and_is_bit_identical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(6)
    x = draw.integers(0, 256, (30, 2, 7, 6)).astype(np.uint8)
    np.savez("data.npz", x=x, y=draw.integers(0, 3, 30))
    options = ["--data", "data.npz", "--batch-size", "8", "--seed", "5"]
    assert main(["train", TEXT, *options, "--epochs", "3", "--run", "whole"]) == 0
    assert main(["train", TEXT, *options, "--epochs", "1", "--run", "parts"]) == 0
    monkeypatch.setattr(initialization, "initial", None)
    assert main(["train", "--resume", "parts", "--epochs", "3"]) == 0
    capsys.readouterr()
    whole, parts = (cs.Model.load(Path(run) / "last.safetensors") for run in ("whole", "parts"))
    for name, array in arrays_of(whole).items():
        np.testing.assert_array_equal(arrays_of(parts)[name], array, strict=True)


def test_importing_from_torch_draws_nothing(undrawn: None) -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(
        torch.nn.Conv2d(2, 5, 3), torch.nn.BatchNorm2d(5), torch.nn.Flatten(), torch.nn.Linear(5 * 5 * 4, 3).half()
    )
    model = cs.from_torch(module, (2, 7, 6), parameters=True)
    theirs = [tensor.float().numpy() for name, tensor in module.state_dict().items() if "tracked" not in name]
    assert same(theirs, arrays_of(model))


def test_importing_from_onnx_draws_nothing(tmp_path: Path, undrawn: None) -> None:
    pytest.importorskip("onnx")
    model = cs.Model(TEXT, parameters=moved_shapes())
    cs.to_onnx(model, tmp_path / "net.onnx")
    imported = cs.from_onnx(tmp_path / "net.onnx", parameters=True)
    x = np.random.default_rng(1).normal(size=(3, 2, 7, 6)).astype(np.float32)
    np.testing.assert_allclose(imported.predict(x), model.predict(x), rtol=1e-5, atol=1e-6)


def moved_shapes() -> dict[str, np.ndarray]:
    """Return arrays for TEXT that no initialization has drawn."""
    from convscope.engines.reference.layers.graph import buffer_shapes, parameter_shapes

    network, draw = cs.load(TEXT), np.random.default_rng(4)
    shapes = {**parameter_shapes(network), **buffer_shapes(network)}
    return {name: draw.uniform(0.1, 1, shape).astype(np.float32) for name, shape in shapes.items()}


def same(theirs: list[Any], ours: dict[str, np.ndarray]) -> bool:
    """Return whether the arrays are the same, whatever their names."""
    return sorted(array.tobytes() for array in theirs) == sorted(array.tobytes() for array in ours.values())
