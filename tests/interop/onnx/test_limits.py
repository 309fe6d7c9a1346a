"""Limits: a file of a few bytes cannot ask for much memory or work."""

from __future__ import annotations

import os
import tracemalloc
from math import prod

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import convscope as cs
from convscope.errors import BadFile, BadShape, ConvscopeError
from convscope.interop.onnx import importer, values
from interop.onnx.invalid_files import conv_model, refused
from interop.onnx.models import model, numbers, one, saved, whole

node = helper.make_node
ONE = numpy_helper.from_array(whole(1))

MEMORY = 256 << 20
"""Bytes that refusing a file may take: one array of the largest size, and a little more."""


STRUCTURE = 16 << 20
"""Bytes that importing the structure of a small file may take."""


def doubled(operator, times=60):
    """Return nodes that double a constant repeatedly."""
    nodes = []
    for index in range(times):
        before, after = f"c{index}", f"c{index + 1}"
        inputs = {"Concat": [before, before], "Tile": [before, "two"]}.get(operator)
        if inputs is None:
            nodes += [node("Unsqueeze", [before, "zero"], [f"u{index}"])]
            nodes += [node("Expand", [f"u{index}", "pair"], [f"e{index}"])]
            nodes += [node("Reshape", [f"e{index}", "flat"], [after])]
        else:
            nodes.append(node(operator, inputs, [after], **({"axis": 0} if operator == "Concat" else {})))
    return [*nodes, node("Add", ["x", f"c{times}"], ["y"])]


def refused_with_little_memory(path, **arguments):
    """Import a file that must be refused, and return the message."""
    tracemalloc.start()
    try:
        with pytest.raises(ConvscopeError) as caught:
            cs.from_onnx(path, **arguments)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
    return str(caught.value)


@pytest.mark.parametrize("operator", ["Concat", "Tile", "Expand"])
def test_constant_doubled_sixty_times_is_refused(operator, tmp_path):
    tensors = {"c0": numbers((3,)), "two": whole(2), "zero": whole(0), "pair": whole(2, 1), "flat": whole(-1)}
    made = model(doubled(operator), (1, 3), {**tensors, "c0": np.arange(3)}, 17)
    assert "elements" in (message := refused_with_little_memory(saved(made, tmp_path))) or "array" in message


def test_constant_added_to_itself_sixty_times_stays_small(tmp_path):
    """Its size is constant, and its key does not contain those of its inputs twice."""
    nodes = [node("Add", [f"c{index}"] * 2, [f"c{index + 1}"]) for index in range(60)]
    path = saved(model([*nodes, node("Add", ["x", "c60"], ["y"])], (1, 3), {"c0": numbers((3,))}), tmp_path)
    tracemalloc.start()
    assert cs.inspect(cs.from_onnx(path)).totals.params == 3
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_total_size_of_constants_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(values, "MAX_TOTAL_ELEMENTS", 100)
    nodes = [node("Neg", [f"c{index}"], [f"c{index + 1}"], f"neg{index}") for index in range(9)]
    path = saved(model([*nodes, node("Add", ["x", "c9"], ["y"])], (1, 20), {"c0": np.arange(20)}), tmp_path)
    message = (
        "A constant of {path} cannot be computed (got more than 100 elements in all constants together at node "
        "'neg4', Neg). Simplify the model with an ONNX optimizer. [onnx-constant]"
    )
    refused(path, BadFile, message)


def model_with_padded_channels(size, folder):
    """Return a file that pads an image with 3 channels by eight million."""
    pads = whole(0, 0, 0, 0, 0, 8_000_000, 0, 0)
    return saved(model([node("Pad", ["x", "p"], ["y"], "made")], (1, 3, *size), {"p": pads}, 17), folder)


def test_pad_of_eight_million_channels_is_imported_but_no_model(tmp_path):
    path = model_with_padded_channels((64, 65), tmp_path)
    tracemalloc.start()
    network = cs.from_onnx(path)
    assert network["made"].output_shape == (8_000_003, 64, 65)
    with pytest.raises(BadShape, match=r"33,280,000,000 .* \[array-size\]$"):
        cs.Model(network)
    assert tracemalloc.get_traced_memory()[1] < STRUCTURE
    tracemalloc.stop()


def test_pad_of_eight_million_small_channels_with_weights_is_refused(tmp_path):
    """With 4 × 5 zeros each they would fit into an array, but are too many for a file of 200 bytes."""
    path = model_with_padded_channels((4, 5), tmp_path)
    assert cs.from_onnx(path)["made"].output_shape == (8_000_003, 4, 5)
    message = refused_with_little_memory(path, parameters=True)
    assert "67,108,864 weights without storing them (got 160,000,000)." in message


def test_pad_with_many_channels_takes_no_memory(tmp_path):
    """A million channels of 8 × 8 zeros would take 0.25 GiB."""
    pads = whole(0, 0, 0, 0, 0, 1_000_000, 0, 0)
    path = saved(model([node("Pad", ["x", "p"], ["y"], "made")], (1, 3, 8, 8), {"p": pads}, 17), tmp_path)
    tracemalloc.start()
    assert cs.from_onnx(path)["made"].output_shape == (1_000_003, 8, 8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


LISTS = {
    "Slice": ["{}", "c", "c"],
    "Expand": ["{}", "c"],
    "Tile": ["{}", "c"],
    "Squeeze": ["{}", "c"],
    "Unsqueeze": ["{}", "c"],
    "Reshape": ["{}", "c"],
    "Gather": ["{}", "c"],
    "GatherND": ["{}", "cc"],
    "ReduceSum": ["{}", "c"],
    "Split": ["{}", "c"],
    "MatMul": ["{}", "r"],
    "Add": ["{}", "r"],
    "Pow": ["{}", "r"],
    "Where": ["b", "{}", "{}"],
}


@pytest.mark.parametrize("source", ["x", "k"])
@pytest.mark.parametrize("operator", LISTS)
def test_constant_of_a_billion_elements_takes_no_memory_as_any_argument(operator, source, tmp_path):
    """Refused, or imported by its shape: no operator iterates over it as a list of axes or indices."""
    nodes = [
        node("ConstantOfShape", ["s"], ["c"], value=ONE),
        node("Unsqueeze", ["c", "last"], ["cc"]),
        node("Cast", ["c"], ["r"], to=TensorProto.FLOAT),
        node("Cast", ["c"], ["b"], to=TensorProto.BOOL),
        node(operator, [name.format(source) for name in LISTS[operator]], ["d"], "much"),
        node("Add", ["x", "d"], ["y"]),
    ]
    tensors = {"s": whole(10**9), "last": whole(-1), "k": numbers((1, 3))}
    path = saved(model(nodes, (1, 3), tensors, 17), tmp_path)
    tracemalloc.start()
    try:
        network = cs.from_onnx(path)
        assert max(prod(layer.output_shape) for layer in network.nodes) >= 10**9
    except ConvscopeError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < STRUCTURE
    refused_with_little_memory(path, parameters=True)


@pytest.mark.parametrize(
    ("operator", "tensors"),
    [
        ("Range", {"a": np.float32(0), "b": np.float32(1e9), "c": np.float32(1)}),
        ("Range", {"a": np.float32(0), "b": np.float32(np.nan), "c": np.float32(0)}),
        ("MatMul", {"a": np.ones((2000, 100), np.int64), "b": np.ones((100, 2000), np.int64)}),
    ],
)
def test_expensive_computation_is_refused(operator, tensors, tmp_path):
    nodes = [
        node(operator, list(tensors), ["m"], "much"),
        node("Cast", ["m"], ["r"], to=TensorProto.FLOAT),
        node("Add", ["x", "r"], ["y"]),
    ]
    message = refused_with_little_memory(saved(model(nodes, (1, 3), tensors, 17), tmp_path))
    assert "[onnx-constant]" in message


def test_too_many_computed_weights_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(importer, "MAX_COMPUTED_WEIGHTS", 1000)
    nodes = [node("ConstantOfShape", ["s"], ["w"]), node("MatMul", ["x", "w"], ["y"], "made")]
    path = saved(model(nodes, (1, 70), {"s": whole(70, 80)}), tmp_path)
    assert cs.inspect(cs.from_onnx(path)).totals.params == 5600
    message = (
        "{path} must describe at most 1,000 weights without storing them (got 5,600). "
        "Import its structure only. [onnx-weights]"
    )
    refused(path, BadFile, message, parameters=True)


def test_weights_transposed_a_thousand_times_are_refused(tmp_path):
    turns = [node("Transpose", [f"w{index}"], [f"w{index + 1}"], perm=[1, 0]) for index in range(2000)]
    nodes = [*turns, node("MatMul", ["x", "w2000"], ["y"], "made")]
    path = saved(model(nodes, (1, 1100), {"w0": np.zeros((1100, 1100), np.float32)}), tmp_path)
    message = (
        "{path} must compute its weights from stored ones in a few steps (got too many for 'made.weight'). "
        "Simplify the model with an ONNX optimizer. [onnx-weights]"
    )
    refused(path, BadFile, message, parameters=True)


def external(folder, location, length=None):
    """Return a model whose kernel is in another file."""
    made = conv_model()
    kernel = made.graph.initializer[0]
    kernel.ClearField("raw_data")
    kernel.data_location = onnx.TensorProto.EXTERNAL
    kernel.external_data.add(key="location", value=location)
    if length is not None:
        kernel.external_data.add(key="length", value=str(length))
    return saved(made, folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes by name")
def test_named_pipe_is_refused(tmp_path):
    """Opening it would wait for a writer forever."""
    os.mkfifo(tmp_path / "data.bin")
    path = external(tmp_path, "data.bin")
    message = (
        f"The data of tensor 'w' of {{path}} cannot be read (got {str(tmp_path / 'data.bin')!r}: "
        "not a regular file). Copy that file into the model's folder too. [onnx-external]"
    )
    refused(path, BadFile, message, parameters=True)
    os.mkfifo(tmp_path / "pipe.onnx")
    message = "{path} cannot be read (got not a regular file). Check the path. [file-missing]"
    refused(tmp_path / "pipe.onnx", BadFile, message)


def test_external_data_longer_than_its_tensor_is_not_read(tmp_path):
    """A sparse file may have a size of a terabyte."""
    with open(tmp_path / "data.bin", "wb") as file:
        file.truncate(1 << 40)
    path = external(tmp_path, "data.bin", 1 << 40)
    message = (
        "Tensor 'w' of {path} has wrong external data (got 1,099,511,627,776 bytes instead of 3,840). "
        "Export or download the model again. [onnx-tensor]"
    )
    refused(path, BadFile, message, parameters=True)


def test_concat_of_many_inputs_runs_on_the_reference(tmp_path):
    """A native kernel with hundreds of inputs would take minutes to compile."""
    path = saved(model([one("Concat", {"axis": 1}, ["x"] * 300)], (1, 3, 2, 5)), tmp_path)
    engine = cs.Model(cs.from_onnx(path))
    x = numbers((2, 3, 2, 5))
    np.testing.assert_array_equal(engine.logits(x), np.concatenate([x] * 300, 1))


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.INT32])
@pytest.mark.parametrize("equation", ["....", "ab..c", ". .", "a...b...", "a->b->c", "ab,1", "é", "a-b", "a>b"])
def test_malformed_einsum_is_refused_without_shape_inference(equation, kind, tmp_path, monkeypatch):
    """ONNX's shape inference does not terminate on some equations."""
    monkeypatch.setattr(onnx.shape_inference, "infer_node_outputs", lambda *_, **__: pytest.fail("ONNX was asked"))
    made = model([one("Einsum", {"equation": equation})], (1, 3), kind=kind)
    message = (
        "The equation of node 'made' (Einsum) in {path} must consist of letters and commas, with at most one '...' "
        f"in a term and one '->' (got {equation!r}). Export or download the model again. [onnx-node]"
    )
    refused(saved(made, tmp_path), BadFile, message)


def test_malformed_einsum_over_constants_is_refused(tmp_path):
    nodes = [node("Einsum", ["c"], ["d"], equation="...."), node("Add", ["x", "d"], ["y"])]
    path = saved(model(nodes, (1, 3), {"c": numbers((3,))}), tmp_path)
    with pytest.raises(BadFile, match=r"must consist of letters and commas"):
        cs.from_onnx(path)


def test_einsum_with_ellipsis_and_spaces_is_opaque(tmp_path):
    made = model([one("Einsum", {"equation": " ... i j -> j i ... "})], (1, 3, 4, 5))
    assert cs.from_onnx(saved(made, tmp_path))["made"].kind == "Opaque(Einsum)"
