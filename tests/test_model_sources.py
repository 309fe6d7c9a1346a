"""Networks from objects of frameworks, and shapes for one or several inputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import convscope as cs
from convscope.errors import BadSetting, UnknownModel
from convscope.network import Entry

SHAPE = (3, 10, 9)


def build_torch_module() -> Any:
    torch = pytest.importorskip("torch")
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, (3, 5)), torch.nn.ReLU())


def build_keras_model() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    image = keras.Input((10, 9, 3))
    return keras.Model(image, keras.layers.Conv2D(4, (3, 5), activation="relu")(image))


def build_model() -> Any:
    return cs.Model("input 3x10x9 | conv 4 3x5 | relu")


SOURCES = [build_torch_module, build_keras_model, build_model]


@pytest.mark.parametrize("build", SOURCES)
def test_inspect_takes_objects_of_frameworks(build: Any) -> None:
    report = cs.inspect(build(), input_shape=SHAPE)
    assert report.totals.params == 4 * 3 * 3 * 5 + 4
    assert report.rows[-1].output_shape == (4, 8, 5)


@pytest.mark.parametrize("build", SOURCES)
def test_other_functions_take_objects_of_frameworks(build: Any) -> None:
    one = build()
    first = cs.load(one, SHAPE).layers[0].name
    assert "184" in cs.explain(one, first, input_shape=SHAPE).text()
    assert cs.diagnose(one, input_shape=SHAPE) == cs.diagnose(cs.load(one, SHAPE))
    assert cs.check(one, max_params=184, input_shape=SHAPE).ok
    assert cs.compare(one, one, input_shape=SHAPE).same


def test_shape_of_a_module_follows_its_first_layer() -> None:
    assert cs.inspect(build_torch_module()).network.input_shape == (3, 224, 224)


def test_other_objects_are_refused() -> None:
    with pytest.raises(UnknownModel) as caught:
        cs.inspect(7)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "A model must be a name, a path, a Network, a Model, a torch.nn.Module or a keras.Model (got "
        "int). Pass one of these. [model-type]"
    )


def test_model_of_a_module_is_refused_since_its_weights_would_be_lost() -> None:
    with pytest.raises(BadSetting, match=r"from_torch or from_keras with parameters=True\. \[model-network\]$"):
        cs.Model(build_torch_module())


def two_inputs() -> cs.Network:
    L = cs.layers
    entries = [
        Entry("image", L.Input((3, 6, 5))),
        Entry("state", L.Input((2, 6, 5))),
        Entry("both", L.Concat(), ("image", "state")),
        Entry("conv", L.Conv2d(4, 3), ("both",)),
    ]
    return cs.Network(entries, "two")


def test_with_input_sets_inputs_by_name() -> None:
    resized = two_inputs().with_input({"state": (7, 11, 13), "image": (3, 11, 13)})
    assert [node.output_shape for node in resized.inputs] == [(3, 11, 13), (7, 11, 13)]
    assert resized["conv"].facts.param_shapes["weight"] == (4, 10, 3, 3)


def test_with_input_of_one_shape_sets_the_first_input() -> None:
    resized = cs.load("input 3x6x5 | conv 4 3").with_input((1, 8, 7))
    assert resized.input_shape == (1, 8, 7)


def test_several_inputs_are_listed() -> None:
    report = cs.inspect(two_inputs())
    assert str(report).splitlines()[0] == "two: inputs image 3×6×5, state 2×6×5, 2 layers"
    assert report.to_dict()["input_shapes"] == {"image": [3, 6, 5], "state": [2, 6, 5]}
    assert "input_shapes" not in cs.inspect("input 3x6x5 | relu").to_dict()


@pytest.mark.parametrize("shape", [(224, 224, 3), (224, 224, 1), (32, 48, 4)])
def test_channels_last_shape_is_refused(shape: tuple[int, ...]) -> None:
    last, sizes = shape[-1], shape[:-1]
    given, right = "x".join(map(str, shape)), "x".join(map(str, (last, *sizes)))
    with pytest.raises(BadSetting) as caught:
        cs.load("resnet18", shape)
    assert str(caught.value) == (
        rf"Shapes must have channels first (got {given} for 'input', which has 3 channels). Write {right}. "
        "[channels-last]"
    )


def test_channels_last_shape_of_a_module_is_reported() -> None:
    with pytest.raises(BadSetting, match=r"got 32x48x3 for 'input', which has 3 channels\). Write 3x32x48"):
        cs.inspect(build_torch_module(), input_shape=(32, 48, 3))


def test_channels_last_shape_of_an_onnx_file_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    made = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["image"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("image", 1, ["n", 3, "h", "w"])],
        [onnx.helper.make_tensor_value_info("y", 1, None)],
    )
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(made, opset_imports=[opset], ir_version=8), tmp_path / "relu.onnx")
    with pytest.raises(BadSetting, match=r"got 32x48x3 for 'image', which has 3 channels\). Write 3x32x48"):
        cs.load(tmp_path / "relu.onnx", (32, 48, 3))
    assert cs.load(tmp_path / "relu.onnx", {"image": (3, 32, 48)}).input_shape == (3, 32, 48)


def test_network_of_many_channels_takes_a_narrow_image() -> None:
    assert cs.load("input 224x224x3 | conv 4 3").with_input((224, 100, 3)).input_shape == (224, 100, 3)


def test_images_larger_than_an_array_are_counted() -> None:
    """Reports allocate nothing; only arrays of a Model are limited in size."""
    net = cs.load("input 3x30000x30000 | conv 4 3")
    assert cs.inspect(net).totals.macs == 4 * 3 * 9 * 29998**2
    assert net.field("conv1", at=(29997, 0)).box == (29997, 0, 30000, 3)
    volume = cs.inspect("input 32x512x512x512 | conv 32 3 same")
    assert volume["conv1"].activation_bytes == 4 * 32 * 512**3


def test_large_images_keep_their_layers_from_pytorch() -> None:
    torch = pytest.importorskip("torch")
    net = cs.from_torch(torch.nn.Conv2d(3, 4, 3), (3, 30000, 30000))
    assert [node.kind for node in net.layers] == ["Conv2d"]


def test_model_with_too_large_array_names_the_layer() -> None:
    with pytest.raises(cs.ConvscopeError) as caught:
        cs.Model("input 3x30000x30000 | conv 4 3 | relu")
    assert str(caught.value) == (
        "Arrays of a Model must have at most 2,147,483,647 elements (got 3×30000×30000 = 2,700,000,000 for "
        "'input.output'). Inspect the network without a Model, or use smaller images. [array-size]"
    )


@pytest.mark.parametrize("name", ["z" * 9_000_000, "torch:" + "z" * 9_000_000, "z" * 9_000_000 + ".yaml"])
def test_message_about_a_long_name_stays_short(name: str) -> None:
    with pytest.raises(cs.ConvscopeError) as caught:
        cs.load(name)
    assert len(str(caught.value)) < 1000
