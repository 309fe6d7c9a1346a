"""Every verb takes networks of other frameworks, and refuses bad ones with exit code 2."""

from __future__ import annotations

import json
import sys

import pytest

import convscope as cs
from convscope.cli import main

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

NETS = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.conv = nn.Conv2d(3, width, (3, 5), stride=(2, 1), padding=(1, 0))
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(width * 5 * 5, 4)

    def forward(self, x):
        return self.fc(self.pool(torch.relu(self.conv(x))).flatten(1))

class DataDependent(nn.Module):
    def forward(self, x):
        return x * 2 if x.sum() > 0 else x

class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y

def broken():
    raise RuntimeError("no weights")

number = 3
"""
SHAPE = (3, 20, 15)
PARAMS = (3 * 3 * 5 + 1) * 6 + (6 * 5 * 5 + 1) * 4


@pytest.fixture(params=["torch", "onnx"])
def network(request, tmp_path, monkeypatch):
    """Return the arguments that name the same network as a PyTorch module or an ONNX file."""
    (tmp_path / "nets_for_verbs.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    arguments = ["torch:nets_for_verbs:Block", "--input", "3x20x15"]
    if request.param == "onnx":
        loaded = cs.load("torch:nets_for_verbs:Block", input_shape=SHAPE)
        cs.to_onnx(cs.Model(loaded), tmp_path / "block.onnx")
        arguments = ["block.onnx"]
    yield arguments
    sys.modules.pop("nets_for_verbs", None)


def output_of(capsys, *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_inspect_reports_the_parameters(network, capsys):
    document = json.loads(output_of(capsys, "inspect", *network, "--json"))
    assert document["totals"]["params"] == PARAMS
    assert [layer["output_shape"] for layer in document["layers"]][-1] == [4]
    assert "conv" in output_of(capsys, "inspect", *network)


def test_field_reports_the_box(network, capsys):
    model, *options = network
    document = json.loads(output_of(capsys, "field", model, "pool", "--at", "1,2", *options, "--json"))
    assert document["box"] == [3, 4, 8, 10]


def test_explain_derives_the_parameters(network, capsys):
    model, *options = network
    arguments = ["explain", model, "conv", *options, "--format", "markdown"]
    assert "276" in output_of(capsys, *arguments)
    assert "参数" in output_of(capsys, *arguments, "--lang", "zh")


def test_diagnose_prints_findings(network, capsys):
    assert output_of(capsys, "diagnose", *network)


def test_compare_accepts_the_model(network, capsys):
    model, *options = network
    assert output_of(capsys, "compare", model, model, *options)


def test_check_fails_above_the_limit(network, capsys):
    assert main(["check", *network, "--max-params", str(PARAMS)]) == 0
    assert main(["check", *network, "--max-params", str(PARAMS - 1)]) == 1
    capsys.readouterr()


def test_convert_writes_the_same_network(network, capsys, tmp_path):
    """The converted network is the same, and does not need its framework."""
    model, *options = network
    output_of(capsys, "convert", model, "block.yaml", *options)
    for module in ("torch", "onnx"):
        assert f"{module}:" not in (tmp_path / "block.yaml").read_text()
    written = json.loads(output_of(capsys, "inspect", "block.yaml", "--json"))
    read = json.loads(output_of(capsys, "inspect", *network, "--json"))
    assert [{**layer, "origin": None} for layer in read["layers"]] == [
        {**layer, "origin": None} for layer in written["layers"]
    ]


@pytest.mark.parametrize("figure", ["field", "network"])
def test_plot_writes_a_figure(network, figure, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    model, *options = network
    output_of(capsys, "plot", figure, model, *options, "--save", "figure.svg")
    assert "<svg" in (tmp_path / "figure.svg").read_text()[:1000]


def truncated(folder):
    network = cs.Model("input 3x9x8 | conv 4 3 | relu")
    cs.to_onnx(network, folder / "bad.onnx")
    (folder / "bad.onnx").write_bytes((folder / "bad.onnx").read_bytes()[:-40])


def huge(folder):
    made = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Relu", ["x"], ["y"], "act")],
            "huge",
            [onnx.helper.make_tensor_value_info("x", 1, (1, 2**40, 2**40))],
            [onnx.helper.make_tensor_value_info("y", 1, None)],
        )
    )
    (folder / "bad.onnx").write_bytes(made.SerializeToString())


def nested(folder):
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [], [])
    empty, result = onnx.GraphProto(name="empty"), [onnx.helper.make_tensor_value_info("y", 1, None)]
    for _ in range(20):
        graph.output.extend(result)
        node = onnx.helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=empty)
        graph = onnx.helper.make_graph([node], "g", [], [])
    made = onnx.helper.make_model(graph)
    made.graph.input.extend([onnx.helper.make_tensor_value_info("x", 1, (1, 3))])
    made.graph.output.extend(result)
    made.graph.initializer.extend([onnx.helper.make_tensor("c", 9, (), [True])])
    (folder / "bad.onnx").write_bytes(made.SerializeToString())


def unknown(folder):
    made = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Frobnicate", ["x"], ["y"], "odd", domain="elsewhere")],
            "unknown",
            [onnx.helper.make_tensor_value_info("x", 1, (1, 3, 5))],
            [onnx.helper.make_tensor_value_info("y", 1, None)],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 21), onnx.helper.make_opsetid("elsewhere", 1)],
    )
    (folder / "bad.onnx").write_bytes(made.SerializeToString())


BAD_FILES = {truncated: "[onnx-damaged]", huge: "[onnx-input]", nested: "[onnx-depth]", unknown: "[onnx-operator]"}


@pytest.mark.parametrize("make", BAD_FILES, ids=lambda make: make.__name__)
def test_bad_file_gives_one_message_and_exit_code_2(make, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    assert_refused(["inspect", "bad.onnx"], BAD_FILES[make], capsys)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("number", "[torch-model]"),
        ("broken", "[torch-raised]"),
        ("DataDependent", "[torch-control-flow]"),
        ("TwoInputs", "[torch-inputs]"),
        ("Block(depth=2)", "[torch-arguments]"),
        ("missing", "[torch-callable]"),
    ],
)
def test_bad_module_gives_one_message_and_exit_code_2(name, code, tmp_path, monkeypatch, capsys):
    (tmp_path / "nets_for_verbs.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    assert_refused(["inspect", f"torch:nets_for_verbs:{name}", "--input", "3x20x15"], code, capsys)
    sys.modules.pop("nets_for_verbs", None)


@pytest.mark.parametrize(("package", "model"), [("torch", "torch:nets_for_verbs:Block"), ("onnx", "bad.onnx")])
def test_missing_package_is_named_with_its_install_command(package, model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    unknown(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    command = {"torch": "`pip install torch`", "onnx": "`pip install onnx`"}[package]
    assert_refused(["inspect", model], command, capsys)


def assert_refused(arguments: list[str], code: str, capsys) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count(code) == 1
    assert "Traceback" not in captured.err
