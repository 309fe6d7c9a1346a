"""Weights from files of any origin: what is read, how names are matched, and what is refused."""

from __future__ import annotations

import pickle
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import convscope as cs
from convscope.errors import BadFile
from convscope.weights import match_arrays, read_weights

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

NOTATION = "input 2x9x8 | conv 4 3 | bn | relu | conv 5 3 | relu | flatten | dense 3"
X = np.random.default_rng(4).standard_normal((3, 2, 9, 8)).astype(np.float32)


class Small(nn.Module):
    """The network of NOTATION, with other names."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU()
        )
        self.head = nn.Linear(5 * 5 * 4, 3)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def small() -> nn.Module:
    """Return a module with random weights and statistics, in evaluation mode."""
    torch.manual_seed(11)
    module = Small()
    with torch.no_grad():
        module.features[1].running_mean.normal_()
        module.features[1].running_var.uniform_(0.5, 2)
    return module.eval()


def output_of(module: nn.Module) -> np.ndarray:
    with torch.no_grad():
        return module(torch.from_numpy(X)).numpy()


def same(model: cs.Model, module: nn.Module) -> None:
    np.testing.assert_allclose(model.predict(X), output_of(module), rtol=1e-5, atol=1e-5)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n"
        "class Small(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.features = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU())\n"
        "        self.head = nn.Linear(5 * 5 * 4, 3)\n"
        "    def forward(self, x):\n"
        "        return self.head(self.features(x).flatten(1))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "nets", raising=False)
    return tmp_path


STATES = {
    "plain": lambda state: state,
    "nested": lambda state: {"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}},
    "under model": lambda state: {"model": state, "args": {"a": 1}},
    "parallel": lambda state: {"state_dict": {f"module.{name}": value for name, value in state.items()}},
    "lightning": lambda state: {"state_dict": {f"net.{name}": value for name, value in state.items()}},
}


@pytest.mark.parametrize("form", STATES)
@pytest.mark.parametrize("suffix", [".pt", ".pth"])
def test_pytorch_files_fill_a_torch_network(here, form, suffix):
    module = small()
    torch.save(STATES[form](module.state_dict()), f"w{suffix}")
    same(cs.load_model("torch:nets:Small", f"w{suffix}", input_shape=(2, 9, 8)), module)


def test_safetensors_fill_a_torch_network_and_a_module(here):
    module, other = small(), Small()
    save_file(module.state_dict(), "w.safetensors")
    same(cs.load_model("torch:nets:Small", "w.safetensors", input_shape=(2, 9, 8)), module)
    before = other.head.weight.clone()
    same(cs.load_model(other, "w.safetensors", input_shape=(2, 9, 8)), module)
    assert torch.equal(other.head.weight, before), "the module itself is not changed"


def test_torch_callables_and_modules_have_weights_of_their_own(here):
    module = small()
    same(cs.load_model(module, input_shape=(2, 9, 8)), module)
    twins = [cs.load_model("torch:nets:Small", input_shape=(2, 9, 8)).predict(X) for _ in range(2)]
    np.testing.assert_array_equal(*twins)  # random initial weights are drawn from a seed


def test_other_names_are_matched_by_order_and_shape(here):
    module = small()
    torch.save(module.state_dict(), "w.pt")
    with pytest.warns(
        UserWarning, match=r"^w\.pt: matched 4 layers of network by order and shape, since their names differ$"
    ):
        same(cs.load_model(NOTATION, "w.pt"), module)


def test_unordered_files_are_matched_by_unique_shapes(here):
    """Every layer has a shape of its own here; two equal layers would be ambiguous."""
    module = small()
    save_file(module.state_dict(), "w.safetensors")
    with pytest.warns(UserWarning, match="by order and shape"):
        same(cs.load_model(NOTATION, "w.safetensors"), module)
    twice = nn.Sequential(nn.Conv2d(2, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.Flatten())
    network = "input 2x9x8 | conv 2 3 | relu | conv 2 3 | flatten"
    save_file(twice.state_dict(), "twice.safetensors")
    with pytest.raises(BadFile, match=r"\[other-network\]"):
        cs.load_model(network, "twice.safetensors")
    torch.save(twice.state_dict(), "twice.pt")
    with pytest.warns(UserWarning, match="by order and shape"):
        np.testing.assert_allclose(
            cs.load_model(network, "twice.pt").predict(X), output_of(twice), rtol=1e-5, atol=1e-5
        )


def test_remaining_layers_are_matched_beside_those_with_equal_names(here):
    """Only the head has another name, as the shortcuts of a ResNet have."""
    model = cs.Model(NOTATION, seed=3)
    arrays = {**model.parameters, **model.buffers}
    state = {name.replace("dense1", "fc"): torch.from_numpy(array.copy()) for name, array in arrays.items()}
    save_file(state, "w.safetensors")
    with pytest.warns(UserWarning, match=r"^w\.safetensors: matched 1 layer of network by order"):
        loaded = cs.load_model(NOTATION, "w.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_onnx_keras_and_run_weights_fill_notation(here):
    model = cs.Model(NOTATION, seed=5)
    cs.to_onnx(model, "w.onnx")
    model.save("saved")
    model.save("w.safetensors")
    for file in ("w.onnx", "saved", "w.safetensors"):
        loaded = cs.load_model(NOTATION, file)
        np.testing.assert_allclose(loaded.predict(X), model.predict(X), rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_files_fill_a_keras_network_and_notation(here):
    from convscope.interop.keras.backend import require_keras

    keras = require_keras()
    layers = [
        keras.Input((9, 8, 2)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(3),
    ]
    model = keras.Sequential(layers)
    model.save("w.keras")
    expected = keras.ops.convert_to_numpy(model(X.transpose(0, 2, 3, 1)))
    loaded = cs.load_model("keras:keras.models:load_model(filepath='w.keras')")
    np.testing.assert_allclose(loaded.predict(X), expected, rtol=1e-4, atol=1e-5)
    again = cs.load_model(loaded.network, "w.keras")
    np.testing.assert_allclose(again.predict(X), expected, rtol=1e-4, atol=1e-5)
    (here / "bad.keras").write_bytes(b"PK nothing")
    with pytest.raises(BadFile, match=r"\[file-damaged\]$"):
        read_weights("bad.keras")


def test_unused_arrays_are_reported(here):
    module = small()
    state = {**module.state_dict(), "aux.weight": torch.zeros(7, 5), "aux.bias": torch.zeros(7)}
    torch.save(state, "w.pt")
    with pytest.warns(UserWarning, match=r"^w\.pt: 2 arrays are not used by Small: aux\.weight, aux\.bias$"):
        same(cs.load_model("torch:nets:Small", "w.pt", input_shape=(2, 9, 8)), module)


def test_missing_and_misshapen_arrays_are_listed(here):
    state = small().state_dict()
    state["head.weight"] = torch.zeros(4, 100)
    del state["features.1.running_var"]
    state["extra.bias"] = torch.zeros(2)
    torch.save(state, "w.pt")
    message = (
        "'w.pt' does not have the weights of Small. Name the network that they belong to. [other-network]\n"
        "  features.1.running_var: missing, 4 expected\n"
        "  head.weight: 4×100, 3×100 expected\n"
        "  extra.bias: 2, unknown name"
    )
    with pytest.raises(BadFile, match=f"^{re.escape(message)}$"):
        cs.load_model("torch:nets:Small", "w.pt", input_shape=(2, 9, 8))


def test_weights_of_another_network_name_the_first_difference(here):
    torch.save(small().state_dict(), "w.pt")
    message = (
        "'w.pt' does not have the weights of network. Name the network that they belong to. [other-network]\n"
        "  no names in common; layers with weights: 2 expected, 4 in the file\n"
        "  first difference in order: conv1 (weight 4×2×5×5, bias 4) expected, features.0 (weight 4×2×3×3, bias 4) "
        "in the file"
    )
    with pytest.raises(BadFile, match=f"^{re.escape(message)}$"):
        cs.load_model("input 2x9x8 | conv 4 5 | flatten | dense 3", "w.pt")


class Payload:
    """A pickle that writes a file when it is loaded."""

    def __reduce__(self):
        return open, ("owned", "w")


def test_pickled_code_is_not_run(here):
    torch.save({"state_dict": Payload()}, "w.pt")
    with pytest.raises(BadFile, match=r"must have tensors only.*\[weights-pickle\]$"):
        cs.load_model(NOTATION, "w.pt")
    assert not (here / "owned").exists()
    torch.save(small(), "module.pt")
    with pytest.raises(BadFile, match=r"\[weights-pickle\]$"):
        read_weights("module.pt")
    Path("plain.pth").write_bytes(pickle.dumps(Payload(), 4))
    with pytest.raises(BadFile, match=r"^'plain.pth' must have tensors only.*\[weights-pickle\]$") as error:
        read_weights("plain.pth")
    assert "weights_only" not in str(error.value)
    assert not (here / "owned").exists()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("w.pt", b"no zip", "file-damaged"),
        ("w.pth", b"", "file-damaged"),
        ("w.safetensors", b"no header", "file-damaged"),
        ("w.bin", b"x", "weights-kind"),
        ("w.weights.h5", b"x", "weights-kind"),
        ("missing.pt", None, "file-missing"),
    ],
)
def test_unusable_files_are_refused(here, name, content, code):
    if content is not None:
        (here / name).write_bytes(content)
    with pytest.raises(BadFile) as error:
        cs.load_model(NOTATION, name)
    assert error.value.code in (code, "weights-pickle" if code == "file-damaged" else code)


def test_truncated_pytorch_files_are_reported_in_plain_words(here):
    torch.save({"weight": torch.zeros(400)}, "w.pt")
    (here / "w.pt").write_bytes((here / "w.pt").read_bytes()[:900])
    with pytest.raises(BadFile) as error:
        read_weights("w.pt")
    assert str(error.value) == (
        "'w.pt' is not a readable PyTorch file (its zip archive is incomplete or damaged). Use another copy. "
        "[file-damaged]"
    )


def test_truncated_file_of_a_model_is_damaged_rather_than_without_a_network(here):
    cs.Model(NOTATION).save("own.safetensors")
    (here / "own.safetensors").write_bytes((here / "own.safetensors").read_bytes()[:-100])
    for read in (cs.load, cs.load_model):
        with pytest.raises(BadFile, match=r"\[file-damaged\]$"):
            read("own.safetensors")


def test_keras_weights_in_hdf5_name_the_way_to_read_them(here):
    (here / "w.weights.h5").write_bytes(b"x")
    with pytest.raises(BadFile, match=r"model\.save\('model\.keras'\), and name that file. \[weights-kind\]$"):
        read_weights("w.weights.h5")


def test_imported_network_that_ends_in_softmax_is_a_classifier(here):
    model = cs.Model(f"{NOTATION} | softmax")
    cs.to_onnx(model, "soft.onnx")
    cs.to_onnx(cs.Model(NOTATION), "plain.onnx")
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 3), nn.Softmax(1))
    assert cs.from_onnx("soft.onnx", parameters=True).task == "classification"
    assert cs.load_model("soft.onnx").task == "classification"
    assert cs.from_torch(module, (1, 3, 4), parameters=True).task == "classification"
    assert cs.load_model("plain.onnx").task is None
    assert cs.from_torch(module[:2], (1, 3, 4), parameters=True).task is None


def test_checkpoints_without_a_state_dict_are_refused(here):
    torch.save({"epoch": 3, "lr": 0.1}, "w.pt")
    with pytest.raises(BadFile, match=r"\(got keys epoch, lr\).*\[weights-pickle\]$"):
        read_weights("w.pt")


def test_half_precision_is_read_as_float(here):
    module = small()
    torch.save({name: value.bfloat16() for name, value in module.state_dict().items()}, "w.pt")
    loaded = cs.load_model("torch:nets:Small", "w.pt", input_shape=(2, 9, 8))
    np.testing.assert_allclose(loaded.predict(X), output_of(module), atol=0.05)


def test_structures_without_weights_are_refused(here):
    message = (
        "'lenet' is a structure only, without weights. Set load_model.weights to a file with weights or a run, or name "
        "a run, as `convscope train` writes, an .onnx file, or a torch: or keras: callable. [no-weights]"
    )
    with pytest.raises(BadFile, match=f"^{re.escape(message)}$"):
        cs.load_model("lenet")


def test_classes_normalization_and_task_travel_with_the_weights_of_a_run(here):
    model = cs.Model(NOTATION, seed=1, task="classification")
    model.classes = ("ash", "birch", "cedar")
    model.normalization = ((0.1, 0.2), (0.3, 0.4))
    model.save("saved")
    cs.to_onnx(model, "w.onnx")
    for loaded in (cs.Model.load("saved"), cs.load_model(NOTATION, "saved"), cs.load_model("saved")):
        assert (loaded.classes, loaded.normalization, loaded.task) == (
            model.classes,
            model.normalization,
            "classification",
        )
    for loaded in (cs.load_model("w.onnx"), cs.from_onnx("w.onnx", parameters=True)):
        assert (loaded.classes, loaded.normalization) == (model.classes, model.normalization)


def test_arrays_are_read_when_they_are_asked_for(here):
    torch.save({"conv1.weight": torch.zeros(4, 2, 3, 3), "conv1.bias": torch.zeros(4)}, "w.pt")
    file = read_weights("w.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = match_arrays({"conv1.weight": (4, 2, 3, 3), "conv1.bias": (4,)}, file, "net")
    assert list(found) == ["conv1.weight", "conv1.bias"]
    assert found["conv1.bias"].shape == (4,)
