"""Hostile and damaged files: one clear message each."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import helper

import convscope as cs
from convscope.errors import BadFile, BadShape, ConvscopeError
from convscope.interop.onnx import converter as converter
from convscope.interop.onnx import reader, values
from interop.onnx.invalid_files import conv_model, refused
from interop.onnx.models import field, model, numbers, one, saved

node = helper.make_node


def test_huge_constant_is_refused_before_it_is_filled(tmp_path):
    """A few bytes that ask for a terabyte."""
    nodes = [node("ConstantOfShape", ["s"], ["c"], "fill"), node("Reshape", ["x", "c"], ["y"])]
    path = saved(model(nodes, (1, 3), {"s": np.array([2**20, 2**20], np.int64)}), tmp_path)
    message = (
        "A constant of {path} cannot be computed (got an array of shape 1048576×1048576 at node 'fill', "
        "ConstantOfShape). Simplify the model with an ONNX optimizer. [onnx-constant]"
    )
    refused(path, BadFile, message)


@pytest.mark.parametrize(
    ("operator", "tensors"),
    [
        ("Range", {"a": np.int64(0), "b": np.int64(2**40), "c": np.int64(1)}),
        ("Expand", {"a": np.zeros(1, np.int64), "b": np.array([2**20, 2**20], np.int64)}),
        ("Tile", {"a": np.zeros(2, np.int64), "b": np.array([2**40], np.int64)}),
        ("Gather", {"a": np.zeros((2, 2**18), np.int64), "b": np.zeros(2**10, np.int64)}),
        ("Mul", {"a": np.zeros((2**13, 1), np.int64), "b": np.zeros((1, 2**13), np.int64)}),
        (
            "Div",
            {"b": np.zeros((2, 3, 4), np.float32), "c": np.zeros(5, np.float32)},
        ),
    ],
)
def test_failing_constant_computation_is_refused(operator, tensors, tmp_path):
    nodes = [node(operator, list(tensors), ["made"], "much"), node("Reshape", ["x", "made"], ["y"])]
    with pytest.raises(
        BadFile, match=r"^A constant of .* cannot be computed \(got .* at node 'much', .*\[onnx-constant\]$"
    ):
        cs.from_onnx(saved(model(nodes, (1, 3), tensors), tmp_path))


def test_computation_on_large_constants_is_refused(tmp_path, monkeypatch):
    """Weights are transposed on demand, but sums of large ones are refused."""
    monkeypatch.setattr(values, "MAX_ARRAY_ELEMENTS", 60)
    nodes = [node("Add", ["a", "b"], ["w"], "sum"), one("MatMul", {}, ("x", "w"))]
    path = saved(model(nodes, (1, 9), {"a": numbers((9, 7)), "b": numbers((9, 7))}), tmp_path)
    message = (
        "A constant of {path} cannot be computed (got an array of shape 9×7 at node 'sum', Add). "
        "Simplify the model with an ONNX optimizer. [onnx-constant]"
    )
    refused(path, BadFile, message)


@pytest.mark.parametrize("dims", [(2**31, 2**31), (-3, 4), (2**20, 2**20)])
def test_tensor_of_impossible_size_is_refused(dims, tmp_path):
    made = conv_model()
    made.graph.initializer[0].dims[:] = dims
    with pytest.raises(BadFile, match=r"^Tensor 'w' of .* must have at most 2,147,483,647 elements \(got shape .*\[onnx-tensor\]$"):  # fmt: skip
        cs.from_onnx(saved(made, tmp_path))


def test_input_of_impossible_size_is_refused(tmp_path):
    path = saved(model([one("Relu")], (1, 3, 2**40)), tmp_path)
    rule = (
        "The inputs of {path} must have sizes of at most 2,147,483,647 (got 1×3×1099511627776). Export it again. "
        "[onnx-input]"
    )
    refused(path, BadFile, rule)


def nested_model(levels: int) -> onnx.ModelProto:
    """Return a model of nested branches."""
    result = [helper.make_tensor_value_info("t", 1, None)]
    graph = helper.make_graph([node("Relu", ["x"], ["t"])], "g", [], result)
    for _ in range(levels - 1):
        inner = node("If", ["c"], ["t"], then_branch=graph, else_branch=onnx.GraphProto(name="empty"))
        graph = helper.make_graph([inner], "g", [], result)
    choice = node("If", ["c"], ["y"], "deep", then_branch=graph, else_branch=graph)
    return model([choice], (1, 3), {"c": np.array(True)})


def test_deeply_nested_graphs_are_refused(tmp_path):
    """Sixteen levels are allowed; more are refused without a stack overflow."""
    network = cs.from_onnx(saved(nested_model(16), tmp_path))
    assert [layer.kind for layer in network.layers] == ["ReLU"]
    message = "{path} must nest graphs at most 16 deep. Simplify it with an ONNX optimizer. [onnx-depth]"
    refused(saved(nested_model(17), tmp_path), BadFile, message)
    path = tmp_path / "bomb.onnx"
    graph = field(10, b"text" * 400)
    for _ in range(500):
        graph = field(1, field(5, field(6, graph)))
    path.write_bytes(b"\x08\x0a" + field(7, graph))
    message = "{path} is damaged (got messages nested deeper than 64). Copy or download it again. [onnx-damaged]"
    refused(path, BadFile, message)


def test_recursive_function_is_refused(tmp_path):
    call = node("Again", ["a"], ["b"], domain="mine")
    function = helper.make_function("mine", "Again", ["a"], ["b"], [call], [helper.make_opsetid("mine", 1)])
    made = model([node("Again", ["x"], ["y"], domain="mine")], (1, 3), functions=[function])
    made.opset_import.add(domain="mine", version=1)
    message = (
        "{path} must nest graphs and functions at most 16 deep. Simplify it with an ONNX optimizer. [onnx-depth]"
    )
    refused(saved(made, tmp_path), BadFile, message)


def test_exponentially_expanding_functions_are_refused(tmp_path, monkeypatch):
    """Each function calls the next twice: nodes are counted after expansion."""
    monkeypatch.setattr(converter, "MAX_NODES", 1000)
    functions = []
    for level in range(12):
        inner = "Relu" if level == 11 else f"F{level + 1}"
        domain = "" if level == 11 else "mine"
        body = [node(inner, ["a"], ["m"], domain=domain), node(inner, ["m"], ["b"], domain=domain)]
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("mine", 1)]
        functions.append(helper.make_function("mine", f"F{level}", ["a"], ["b"], body, opsets))
    made = model([node("F0", ["x"], ["y"], domain="mine")], (1, 3), functions=functions)
    message = (
        "{path} must have at most 1,000 nodes, with functions expanded (got 1,001). Split the model. [onnx-nodes]"
    )
    refused(saved(made, tmp_path), BadFile, message)


def test_huge_structure_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_STRUCTURE_BYTES", 1 << 20)
    made = conv_model()
    made.graph.doc_string = "x" * (1 << 20)
    with pytest.raises(BadFile, match=r"must contain at most 1 MiB besides its tensors \(got .* bytes\)\. Store weights as initializers. \[onnx-size\]$"):  # fmt: skip
        cs.from_onnx(saved(made, tmp_path))


def test_cycle_is_refused(tmp_path):
    nodes = [
        node("Add", ["x", "b"], ["a"], "one"),
        node("Relu", ["a"], ["b"], "two"),
        node("Relu", ["b"], ["y"], "three"),
    ]
    message = (
        "{path} contains a cycle: node 'one' (Add) depends on its own output. Export the model again. [onnx-cycle]"
    )
    refused(saved(model(nodes, (1, 3)), tmp_path), BadFile, message)


def test_value_computed_twice_or_never_is_refused(tmp_path):
    nodes = [node("Relu", ["x"], ["y"], "one"), node("Tanh", ["x"], ["y"], "two")]
    message = "{path} must compute each value once (got 'y' from two nodes). Export the model again. [onnx-twice]"
    refused(saved(model(nodes, (1, 3)), tmp_path, "twice"), BadFile, message)
    message = (
        "{path} uses a value that no node computes: 'z', an input of node 'made' (Relu). "
        "Export the model again. [onnx-value]"
    )
    refused(saved(model([one("Relu", {}, ("z",))], (1, 3)), tmp_path, "never"), BadFile, message)


def test_unsupported_operator_without_a_shape_is_refused(tmp_path):
    made = model([one("Frobnicate", domain="elsewhere")], (1, 3), opsets=[helper.make_opsetid("elsewhere", 1)])
    message = (
        "The shape of 'y' in {path} is unknown: node 'made' has the unsupported operator elsewhere.Frobnicate. "
        "Run onnx.shape_inference.infer_shapes on the file, or add value_info. [onnx-operator]"
    )
    refused(saved(made, tmp_path), BadFile, message)


def test_open_size_and_wrong_rank_are_refused(tmp_path):
    made = model([one("Conv", {}, ("x", "w"))], ("N", 3, "H", 9), {"w": numbers((4, 3, 3, 3))})
    path = saved(made, tmp_path)
    message = (
        "The size of input 'x' of {path} is unknown (got 3×?×9). "
        "Pass input_shape=(3, 224, 9), or --input 3x224x9. [onnx-dims]"
    )
    refused(path, BadShape, message)
    message = (
        "input_shape must have the 3 axes of input 'x' of {path}, without the batch (got 11×9). "
        "Omit it to use the file's own. [onnx-rank]"
    )
    refused(path, BadShape, message, input_shape=(11, 9))


def test_layer_error_names_the_node(tmp_path):
    made = model([one("Conv", {"kernel_shape": [9, 3]}, ("x", "w"))], (1, 3, 7, 8), {"w": numbers((4, 3, 9, 3))})
    message = "Node 'made' (Conv) of {path}: Conv2d.kernel_size must fit into the input (got height 7, kernel 9). Use a smaller kernel, or an input of height 9 or more. [kernel-too-large]"
    refused(saved(made, tmp_path), BadShape, message)


def test_batch_combined_with_another_axis_is_refused(tmp_path):
    """A fixed batch that a reshape combines with another axis cannot be removed."""
    nodes = [node("Reshape", ["x", "s"], ["y"], "fold")]
    path = saved(model(nodes, (4, 3, 5), {"s": np.array([12, 5], np.int64)}), tmp_path)
    message = (
        "The batch axis is combined with another axis (got a batch of 4 and an output of shape (12, 5)). "
        "Export the model with a batch of 1 or a symbolic one. [onnx-batch]"
    )
    refused(path, BadFile, message)


def test_graph_without_input_or_of_constants_is_refused(tmp_path):
    made = model([one("Neg", {}, ("c",))], (1, 3), {"c": numbers((1, 3))})
    message = "No output of {path} depends on its input. Export the model in evaluation mode. [onnx-input]"
    refused(saved(made, tmp_path), BadFile, message)
    del made.graph.input[:]
    message = "{path} must have an input (got a graph of constants). Export it with its input. [onnx-input]"
    refused(saved(made, tmp_path), BadFile, message)


def test_command_line_reports_a_damaged_file_and_exits_with_2(tmp_path):
    """Without a traceback."""
    (tmp_path / "cut.onnx").write_bytes(saved(conv_model(), tmp_path).read_bytes()[:-9])
    command = [sys.executable, "-m", "convscope", "inspect"]
    done = subprocess.run([*command, str(tmp_path / "cut.onnx")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is damaged (" in done.stderr
    assert "Traceback" not in done.stderr
    done = subprocess.run([*command, str(tmp_path / "made.onnx")], capture_output=True, text=True)
    assert (done.returncode, "Conv2d" in done.stdout) == (0, True)


def test_node_that_violates_its_schema_is_refused(tmp_path):
    path = saved(model([node("Add", ["x"], ["y"], "plus")], (1, 3)), tmp_path, "few")
    message = (
        "Node 'plus' (Add) of {path} must have 2 inputs (got 1). Export or download the model again. [onnx-node]"
    )
    refused(path, BadFile, message)
    path = saved(model([one("LeakyRelu", {"alpha": [1, 2]})], (1, 3)), tmp_path, "type")
    message = (
        "Attribute alpha of node 'made' (LeakyRelu) in {path} must have type FLOAT (got INTS). "
        "Export or download the model again. [onnx-node]"
    )
    refused(path, BadFile, message)


def test_shapes_that_do_not_broadcast_are_refused(tmp_path):
    made = model([one("MatMul", {}, ("x", "w"))], (1, 4, 3, 5), {"w": numbers((3, 5, 2))})
    message = (
        "Node 'made' (MatMul) of {path}: Shapes cannot be broadcast together (got 4 and 3). "
        "Export the model again. [onnx-node]"
    )
    refused(saved(made, tmp_path), BadShape, message)


def test_names_that_are_not_utf8_are_refused(tmp_path):
    whole = saved(model([node("Relu", ["x"], ["y"], "reluABC")], (1, 3)), tmp_path).read_bytes()
    path = tmp_path / "bytes.onnx"
    path.write_bytes(whole.replace(b"reluABC", b"relu\xff\xfe\xfd"))
    message = (
        "{path} must have names in UTF-8 (got the bytes b'relu\\xff\\xfe\\xfd'). "
        "Copy or download it again. [onnx-damaged]"
    )
    refused(path, BadFile, message)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_bytes_give_a_clear_error_or_a_network(seed, tmp_path):
    """Bytes changed at random in a file's structure never raise another exception."""
    generator = np.random.default_rng(seed)
    original = np.frombuffer(reader.structure(memoryview(saved(conv_model(), tmp_path).read_bytes())), np.uint8)
    path = tmp_path / "damaged.onnx"
    for _ in range(150):
        damaged = original.copy()
        damaged[generator.integers(0, len(damaged), 2)] = generator.integers(0, 256, 2)
        path.write_bytes(damaged.tobytes())
        try:
            cs.from_onnx(path)
        except ConvscopeError:
            continue
