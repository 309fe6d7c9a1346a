"""Every layer that ONNX can say is written, passes the checker, and computes the same in ONNX Runtime."""

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F

import convscope as cs
from convscope import Entry, Network
from convscope import layers as L
from convscope.engines.reference.layers import run
from convscope.engines.reference.layers.graph import buffer_shapes, parameter_shapes
from convscope.errors import BadFile, BadSetting, NoRule
from convscope.interop.onnx.exporter import as_onnx
from convscope.interop.onnx.writers.graph import OnnxGraph
from convscope.optim.initialization import initial_buffers, initial_parameters
from interop.onnx.models import model, one, saved
from interop.onnx.runtime import assert_close, by_reference, by_runtime
from layers.examples import EXAMPLES, READ_AS_OTHERS, example_id

BATCH = 3


def alone(layer: L.Layer, shapes: tuple[tuple[int, ...], ...]) -> Network:
    """Return a network of one layer."""
    inputs = [Entry(f"x{index}", L.Input(shape)) for index, shape in enumerate(shapes)]
    return Network([*inputs, Entry("made", layer, tuple(entry.name for entry in inputs))])


def arrays_of(network: Network, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Return parameters and statistics that no two of are alike; variances and indices stay legal."""
    arrays = {}
    for name, array in {**initial_parameters(network, 1), **initial_buffers(network)}.items():
        arrays[name] = array + 0.3 * generator.random(array.shape) if not name.endswith(".index") else array
    for node in network.layers:
        if isinstance(node.layer, L.IndexSelect):
            size = node.input_shapes[0][node.layer.axis]
            arrays[f"{node.name}.index"] = generator.permutation(size)[: node.layer.size].astype(float)
    return arrays


def numbers_for(network: Network, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Return inputs in [0.1, 1.1): every function is defined there; whole numbers for a table."""
    looks_up = any(isinstance(node.layer, L.Embedding) for node in network.layers)
    return {
        node.name: generator.integers(0, 7, (BATCH, *node.output_shape)).astype(np.int64)
        if looks_up
        else (generator.random((BATCH, *node.output_shape)) + 0.1).astype(np.float32)
        for node in network.inputs
    }


def can_be_written(layer: L.Layer) -> bool:
    return not isinstance(layer, L.Input | L.Opaque) and not (isinstance(layer, L.LSTM) and layer.proj_size)


def is_one_operator(layer: L.Layer, shapes: tuple[tuple[int, ...], ...]) -> bool:
    return (
        layer.kind not in READ_AS_OTHERS
        and len(set(map(len, shapes))) == 1
        and getattr(layer, "padding_mode", "zeros") == "zeros"
    )


MORE: list[tuple[L.Layer, tuple[tuple[int, ...], ...]]] = [
    (L.LocalResponseNorm(4), ((6, 5, 7),)),
    (L.Upsample(size=(15, 9)), ((6, 11, 14),)),
    (L.AvgPool2d((3, 2), 2, padding=(1, 0), ceil_mode=True), ((6, 11, 14),)),
    (L.AvgPool2d((3, 4), (2, 3), padding="same"), ((6, 11, 14),)),
    (L.MaxPool1d(3, 2, dilation=2, ceil_mode=True), ((6, 18),)),
    (L.LPPool2d((2, 3), (3, 2), ceil_mode=True), ((6, 11, 14),)),
    (L.ConvTranspose2d(4, (2, 5), stride=(3, 2), padding="same"), ((6, 5, 7),)),
    (L.LSTM(5, bidirectional=True, biases="none"), ((7, 4),)),
    (L.LayerNorm(axes=(0, 2), affine=False), ((6, 5, 7),)),
    (L.AdaptiveAvgPool2d((3, 7)), ((6, 9, 14),)),
    (L.Linear(5), ((6, 1, 1),)),
]
"""Settings that the layers' own examples leave out."""

WRITTEN = [example for example in [*EXAMPLES, *MORE] if can_be_written(example[0])]


@pytest.mark.parametrize("example", WRITTEN, ids=example_id)
def test_a_layer_computes_the_same_in_onnx_runtime_and_when_read_again(example, tmp_path):
    """Written from our arrays, run by ONNX Runtime; then read back with its weights and run here."""
    generator = np.random.default_rng(7)
    network = alone(*example)
    arrays = arrays_of(network, generator)
    x = numbers_for(network, generator)
    if isinstance(example[0], L.Pointwise | L.Activation | L.Softmax | L.Pool):
        x = {name: array - np.float32(0.6) for name, array in x.items()}
        if isinstance(example[0], L.Function) and example[0].function in ("log", "sqrt", "rsqrt"):
            x = {name: np.abs(array) for name, array in x.items()}
    model = as_onnx(network, arrays)
    onnx.checker.check_model(model, full_check=True)
    wide = {name: array.astype(np.float64) for name, array in x.items()}
    expected = run(network, wide, arrays, arrays).output
    assert_close(by_runtime(model.SerializeToString(), x)[0], expected)
    if isinstance(example[0], L.Parameter):
        return  # a network of constants alone is refused; one with a constant branch is read below
    path = tmp_path / "written.onnx"
    path.write_bytes(model.SerializeToString())
    one_image = {name: array[:1] for name, array in x.items()}
    again_network, again = by_reference(path, one_image)
    assert_close(again, expected[:1])
    if example not in MORE and is_one_operator(*example):
        (here,), (there,) = network.layers, again_network.layers
        assert (there.name, there.kind, there.output_shape) == (here.name, here.kind, here.output_shape)
        assert there.facts.operations == here.facts.operations or not getattr(here.layer, "affine", True)


def moved(model: cs.Model, seed: int = 5) -> cs.Model:
    """Return the model with statistics unlike those of a fresh one."""
    generator = np.random.default_rng(seed)
    for name in model.buffers:
        model.buffers[name] = (model.buffers[name] + 0.2 * generator.random(model.buffers[name].shape)).astype(
            np.float32
        )
    return model


@pytest.mark.parametrize("name", sorted(set(cs.zoo_names()) - {"alexnet-torchvision"}))
def test_a_network_of_the_zoo_comes_back_the_same(name, tmp_path, monkeypatch):
    """Written and read: the same layers by name, settings and inputs. Its weights are not written here."""
    monkeypatch.setattr(OnnxGraph, "tensor", tensor_without_data)
    network = cs.load(name)
    shapes = {**parameter_shapes(network), **buffer_shapes(network)}
    arrays = {array: np.broadcast_to(np.float32(0), shape) for array, shape in shapes.items()}
    path = tmp_path / f"{network.name}.onnx"
    path.write_bytes(as_onnx(network, arrays).SerializeToString())
    assert cs.from_onnx(path) == network


def tensor_without_data(graph: OnnxGraph, name: str, array: np.ndarray) -> str:
    """Store a tensor's shape; only the numbers of small ones, which shapes are computed from."""
    tensor = onnx.TensorProto(name=name, dims=array.shape, data_type=onnx.TensorProto.FLOAT)
    if array.size < 16:
        tensor = onnx.numpy_helper.from_array(np.asarray(array, order="C"), name)
    graph.initializers.append(tensor)
    return name


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mobilenet_v3_small", (3, 65, 48)),
        ("shufflenet_v2_x1_0", (3, 64, 53)),
        ("squeezenet1_1", (3, 50, 61)),
        ("efficientnet_b0", (3, 40, 33)),
        ("resnet18", (3, 45, 40)),
        ("unet", (1, 188, 204)),
    ],
)
def test_a_large_network_computes_the_same_in_onnx_runtime(name, shape, tmp_path):
    model = moved(cs.Model(cs.load(name, shape), seed=3))
    path = tmp_path / "zoo.onnx"
    cs.to_onnx(model, path)
    onnx.checker.check_model(str(path), full_check=True)
    x = np.random.default_rng(2).standard_normal((1, *shape)).astype(np.float32)
    expected = model.activations(x)[model.network.outputs[-1].name]
    assert_close(by_runtime(path, {"input": x})[0], expected)
    path.unlink()


@pytest.mark.parametrize("name", ["lenet", "seed-8x8", "digits", "rgb-4x4", "exercise"])
def test_a_model_of_the_zoo_computes_the_same_in_onnx_runtime_and_here_again(name, tmp_path):
    model = moved(cs.Model(name, seed=3))
    path = tmp_path / "zoo.onnx"
    cs.to_onnx(model, path)
    x = np.random.default_rng(2).standard_normal((3, *model.network.input_shape)).astype(np.float32)
    expected = model.activations(x)[model.network.outputs[-1].name]
    assert_close(by_runtime(path, {model.network.inputs[0].name: x})[0], expected)
    again = cs.from_onnx(path, parameters=True)
    assert {
        name: (array == model.parameters[name]).all() for name, array in again.parameters.items()
    } == dict.fromkeys(model.parameters, True)
    assert (again.activations(x)[again.network.outputs[-1].name] == expected).all()


def test_pieces_of_large_networks_compute_the_same(tmp_path):
    """Depthwise blocks, squeeze-and-excitation, shuffles, permutes, shared layers, a class token, several outputs."""
    entries = [
        Entry("input", L.Input((8, 9, 7))),
        Entry("conv", L.Conv2d(8, 3, padding=1, groups=8), ("input",)),
        Entry("again", L.Conv2d(8, 3, padding=1, groups=8), ("conv",), "conv"),
        Entry("silu", L.SiLU(), ("again",)),
        Entry("pool", L.GlobalAvgPool2d(), ("silu",)),
        Entry("fc", L.Conv2d(8, 1), ("pool",)),
        Entry("gate", L.Hardsigmoid(), ("fc",)),
        Entry("scaled", L.Multiply(), ("silu", "gate")),
        Entry("shuffled", L.ChannelShuffle(2), ("scaled",)),
        Entry("left", L.Slice(0, 0, 3), ("shuffled",)),
        Entry("turned", L.Permute((1, 2, 0)), ("left",)),
        Entry("norm", L.LayerNorm(), ("turned",)),
        Entry("wide", L.Linear(5), ("norm",)),
        Entry("rows", L.Reshape((63, 5)), ("wide",)),
        Entry("token", L.Parameter((1, 5)), ("rows",)),
        Entry("joined", L.Concat(), ("token", "rows")),
        Entry("attended", L.MultiheadAttention(1), ("joined",)),
        Entry("side", L.AdaptiveMaxPool2d((4, 3)), ("scaled",)),
    ]
    network = Network(entries)
    model = moved(cs.Model(network, seed=4))
    path = tmp_path / "pieces.onnx"
    cs.to_onnx(model, path)
    onnx.checker.check_model(str(path), full_check=True)
    x = np.random.default_rng(2).standard_normal((2, 8, 9, 7)).astype(np.float32)
    values = model.activations(x)
    for output, theirs in zip(reversed(network.outputs), by_runtime(path, {"input": x}), strict=True):
        assert_close(theirs, values[output.name])
    read, last = by_reference(path, {"input": x[:1]})
    assert_close(last, values[network.outputs[-1].name][:1])
    assert read["again"].parameters_of == "conv"
    ours, theirs = cs.inspect(network).totals, cs.inspect(read).totals
    assert (ours.params, ours.macs) == (theirs.params, theirs.macs)


ENDS = ["flatten | dense 3", "flatten | dense 3 | softmax", "flatten | dense 3 | logsoftmax", "flatten | dense 1"]
ENDS += ["flatten | dense 4 | sigmoid", "conv 3 2 | sigmoid", "conv 1 2", "conv 3 2"]


@pytest.mark.parametrize("probabilities", [None, True, False])
@pytest.mark.parametrize("task", [None, "classification", "multi_label", "regression"])
def test_written_file_gives_what_predict_gives(tmp_path, task, probabilities):
    """Logits, probabilities, masks and single outputs, whatever is declared or asked for."""
    x = np.random.default_rng(2).standard_normal((5, 2, 6, 7)).astype(np.float32)
    path = tmp_path / "model.onnx"
    for end in ENDS:
        model = moved(cs.Model(f"input 2x6x7 | {end}", seed=3, task=task))
        cs.to_onnx(model, path, probabilities)
        onnx.checker.check_model(str(path), full_check=True)
        expected = model.predict(x, probabilities)
        assert_close(by_runtime(path, {"input": x})[0], expected)
        assert_close(cs.from_onnx(path, parameters=True).predict(x), expected)


@pytest.mark.parametrize("loss", ["cross_entropy", "bce", "mse"])
def test_written_file_of_a_trained_model_gives_what_predict_gives(tmp_path, loss):
    x = np.random.default_rng(2).standard_normal((5, 2, 6, 7)).astype(np.float32)
    path = tmp_path / "model.onnx"
    for end in ("dense 3", "dense 3 | softmax", "dense 3 | sigmoid"):
        model = cs.Model(f"input 2x6x7 | flatten | {end}", seed=3)
        model.compile(loss=loss)
        model.train_step(x, np.arange(5) % 3)
        for probabilities in (None, True, False):
            cs.to_onnx(model, path, probabilities)
            assert_close(by_runtime(path, {"input": x})[0], model.predict(x, probabilities))


def test_written_file_says_what_it_gives(tmp_path):
    path = tmp_path / "model.onnx"
    said = []
    for task, probabilities in (
        (None, None),
        ("classification", None),
        ("multi_label", None),
        ("regression", True),
    ):
        cs.to_onnx(cs.Model("input 1x2x3 | flatten | dense 4", task=task), path, probabilities)
        written = onnx.load(path)
        output = written.graph.output[0]
        properties = {entry.key: entry.value for entry in written.metadata_props}
        assert properties["output"] == output.doc_string
        said.append((output.name, properties["task"], output.doc_string))
    softmax = "probabilities: softmax of dense1 over axis 1"
    assert said == [
        ("dense1", "none", "output of dense1"),
        ("dense1/probabilities", "classification", softmax),
        ("dense1/probabilities", "multi_label", "probabilities: sigmoid of dense1"),
        ("dense1/probabilities", "regression", softmax),
    ]


def test_what_onnx_cannot_say_is_refused_and_nothing_is_written(tmp_path):
    path = tmp_path / "none.onnx"
    message = (
        "Opaque(Odd) must have an ONNX operator to be written; got none for layer 'odd'; "
        "save the model with Model.save instead. [no-onnx]"
    )
    network = Network([Entry("input", L.Input((3, 4))), Entry("odd", L.Opaque("Odd", (2,)), ("input",))])
    with pytest.raises(NoRule, match=f"^{re.escape(message)}$"):
        as_onnx(network, {})
    message = (
        "LSTM.proj_size must be 0 to be written; got proj_size=2 in layer 'lstm1'; "
        "ONNX has no projection: save the model with Model.save instead. [no-onnx]"
    )
    with pytest.raises(NoRule, match=f"^{re.escape(message)}$"):
        cs.to_onnx(cs.Model("input 5x4 | lstm 3 proj_size=2"), path)
    message = (
        "to_onnx.model must be a Model; got model=str; use convscope.Model(network) for one with fresh weights. "
        "[onnx-model]"
    )
    with pytest.raises(BadSetting, match=f"^{re.escape(message)}$"):
        cs.to_onnx("lenet", path)
    assert not path.exists()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"what was there")
    monkeypatch.setattr("os.replace", raising)
    with pytest.raises(BadFile, match=r"\[write-failed\]$"):
        cs.to_onnx(cs.Model("input 1x5x4 | conv 2 3"), path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    assert path.read_bytes() == b"what was there"


def raising(*arguments: object) -> None:
    raise OSError(28, "No space left on device")


class Causal(torch.nn.Module):
    """Attention in which no row sees the rows after it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(x, x, x, is_causal=True)


def test_causal_mask_is_a_constant_and_predicts_the_same_when_read_again(tmp_path):
    """Its minus infinities are lawful: nobody learns it."""
    module, path = Causal().eval(), tmp_path / "causal.onnx"
    written = cs.from_torch(module, (2, 5, 3), parameters=True)
    cs.to_onnx(written, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    again = cs.from_onnx(path, parameters=True)
    assert cs.inspect(again.network).totals.params == 0
    (mask,) = again.buffers.values()
    np.testing.assert_array_equal(np.squeeze(mask), np.triu(np.full((5, 5), -np.inf), 1))
    x = np.random.default_rng(3).random((4, 2, 5, 3)).astype(np.float32)
    expected = module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(again.logits(x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(written.logits(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("value", "learned", "message"),
    [
        (np.nan, False, r"constants of .* must be numbers; got NaN in 'made\.constant1\.value'"),
        (np.nan, True, r"weights of .* must be finite numbers; got NaN or infinity in 'made\.constant1\.weight'"),
        (-np.inf, True, r"weights of .* must be finite numbers; got NaN or infinity in 'made\.constant1\.weight'"),
    ],
)
def test_array_with_a_number_that_it_may_not_have_is_refused_when_read_again(value, learned, message, tmp_path):
    kept = np.array([1, value, 2], np.float32)
    tensor = onnx.numpy_helper.from_array(kept, "c")
    constants = [] if learned else [onnx.helper.make_node("Constant", [], ["c"], value=tensor)]
    made = model([*constants, one("Add", {}, ("x", "c"))], (1, 4, 3), {"c": kept} if learned else {})
    path = saved(made, tmp_path)
    with pytest.raises(BadFile, match=message):
        cs.from_onnx(path, parameters=True)
