"""Errors of the importer."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from torch import nn

import convscope as cs
from convscope.cli import main
from convscope.errors import BadNetwork, BadSetting, BadShape, ConvscopeError, MissingExtra, UnknownModel

NETS = """
import torch
from torch import nn

def plain():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

def deep(depth, width=4):
    return nn.Sequential(*[nn.Conv2d(3 if i == 0 else width, width, 3) for i in range(depth)])

def counted():
    sizes = torch.arange(3).tolist()
    return nn.Conv2d(len(sizes), 4, 3)

def broken():
    raise RuntimeError("no weights\\non this machine")

def nothing():
    return "a string"

def leaves():
    raise SystemExit(0)

class Leaves(nn.Module):
    def forward(self, x):
        raise SystemExit("enough")

instance = plain()
number = 3
"""


@pytest.fixture(autouse=True)
def nets(tmp_path, monkeypatch):
    """Put a module with networks into the current folder."""
    (tmp_path / "nets_for_tests.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("nets_for_tests", None)


def refused(act, error: type[ConvscopeError]) -> str:
    with pytest.raises(error) as raised:
        act()
    return str(raised.value)


@pytest.mark.parametrize("module", ["resnet", nn.Conv2d, torch.zeros(3)], ids=["text", "class", "tensor"])
def test_other_objects_are_refused(module):
    assert refused(lambda: cs.from_torch(module, (3, 9, 9)), BadSetting) == (
        f"from_torch.module must be a torch.nn.Module (got {type(module).__name__}). "
        "Pass an instance, as in from_torch(MyNet(), (3, 224, 224)). [torch-module]"
    )


@pytest.mark.parametrize("shape", [(), (3, 0, 4), (3, -1), 224, "3x4"])
def test_invalid_shapes_are_refused(shape):
    assert refused(lambda: cs.from_torch(nn.ReLU(), shape), BadSetting) == (
        "input_shape must be positive integers, channels first and without the batch, or a mapping from input "
        f"names to such shapes (got input_shape={tuple(shape) if shape == '3x4' else shape!r}). Use (3, 224, 224). "
        "[input-shape]"
    )


def test_shape_of_too_many_axes_is_refused():
    assert refused(lambda: cs.from_torch(nn.ReLU(), (1,) * 9), BadSetting) == (
        "input_shape must have at most 8 axes (got 9 in (1, 1, 1, 1, 1, 1, 1, 1, 1)). Leave out the batch axis, or "
        "merge axes. [torch-input]"
    )


def test_input_shape_that_module_rejects_is_refused():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(100, 2))
    assert refused(lambda: cs.from_torch(module, (3, 9, 9)), BadShape) == (
        "The module does not accept inputs of 3×9×9 (got RuntimeError: a and b must have same reduction dim, but "
        "got [n, 196] X [100, 2]., in module '2'). Pass the shape it was built for, without the batch. "
        "[torch-forward]"
    )
    assert refused(lambda: cs.from_torch(module, (5, 9, 9)), BadShape) == (
        "The module does not accept inputs of 5×9×9 (got RuntimeError: Invalid channel dimensions, in module '0'). "
        "Pass the shape it was built for, without the batch. [torch-forward]"
    )


class Asks(nn.Module):
    """Branches on the brightness of an image."""

    def __init__(self, question) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.question = question

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        return x.relu() if self.question(x) else x


@pytest.mark.parametrize(
    ("question", "word"),
    [
        (lambda x: x.mean() > 0.5, "bool"),
        (lambda x: x.sum().item() > 0, "item"),
        (lambda x: float(x.max()) > 0, "float"),
        (lambda x: x.flatten().tolist(), "tolist"),
        (lambda x: x[x > 0].shape[0], "getitem"),
        (lambda x: (x > 0).nonzero().shape[0], "nonzero"),
    ],
    ids=["bool", "item", "float", "tolist", "getitem", "nonzero"],
)
def test_control_flow_on_values_is_refused(question, word):
    module = nn.Sequential(nn.Identity(), Asks(question))
    assert refused(lambda: cs.from_torch(module, (3, 9, 9)), BadNetwork) == (
        f"The network depends on the values in a tensor, which has none here (got {word}() of a tensor "
        "in module '1'). Compute it from shapes, or import the part without it. [torch-control-flow]"
    )


def test_missing_shape_of_required_argument_is_refused():
    assert refused(lambda: cs.from_torch(nn.Bilinear(3, 4, 5), (3,)), BadNetwork) == (
        "input_shape must have a shape for every required argument of Bilinear.forward(input1, input2) (got none for "
        "'input2'). Pass input_shape={'input1': (3,), 'input2': (…)}, or wrap the module in one that creates the "
        "others. [torch-inputs]"
    )


def test_forward_that_returns_no_tensor_is_refused():
    module = nn.Module()
    module.forward = lambda x: x.shape
    assert refused(lambda: cs.from_torch(module, (3, 9, 9)), BadNetwork) == (
        "The module's forward must return a tensor computed from its input (got Size). "
        "Import the part of the module that does. [torch-output]"
    )


def test_weights_without_values_are_refused():
    with torch.device("meta"):
        module = nn.Conv2d(3, 4, 3)
    assert refused(lambda: cs.from_torch(module, (3, 9, 9), parameters=True), BadNetwork) == (
        "The module's weights have no values (got 'conv2d1.weight' on the meta device). "
        "Build the module on the CPU, or leave out parameters=True. [torch-no-numbers]"
    )


def test_missing_pytorch_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    message = (
        "Reading, writing and running PyTorch modules needs PyTorch, which is not installed. Run `pip install torch`. "
        "[torch-missing]"
    )
    assert refused(lambda: cs.from_torch(object(), (3, 9, 9)), MissingExtra) == message
    assert refused(lambda: cs.to_torch("lenet"), MissingExtra) == message
    assert refused(lambda: cs.load("torch:nets_for_tests:plain"), MissingExtra) == message


def test_named_modules_are_built_with_their_arguments():
    assert [node.name for node in cs.load("torch:nets_for_tests:plain").layers] == ["0", "1"]
    assert cs.load("torch:nets_for_tests:instance", input_shape=(3, 9, 11))["0"].output_shape == (4, 7, 9)
    deep = cs.load("torch:nets_for_tests:deep(depth=3, width=7)")
    assert (deep.name, deep.input_shape, deep["2"].output_shape) == ("deep", (3, 224, 224), (7, 218, 218))


def test_module_that_fails_on_meta_device_is_built_on_cpu():
    assert cs.load("torch:nets_for_tests:counted").input_shape == (3, 224, 224)


@pytest.mark.parametrize(
    "name", ["torch:nets", "torch::plain", "torch:nets:f(1)", "torch:a b:c", "torch:nets:f(x"]
)
def test_malformed_name_is_refused(name):
    assert refused(lambda: cs.load(name), UnknownModel) == (
        f"The model must have the form torch:package.module:callable (got {name!r}). "
        "For example, use torch:torchvision.models:resnet50, and pass arguments by --arg name=value. [torch-name]"
    )


@pytest.mark.parametrize("name", ["torch:", "torch::", "torch:nets"])
def test_malformed_name_is_refused_without_pytorch(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refused(lambda: cs.load(name), UnknownModel).endswith("[torch-name]")


def test_missing_package_is_refused():
    assert refused(lambda: cs.load("torch:no_such_nets:plain"), UnknownModel) == (
        "Module 'no_such_nets' cannot be imported (got ModuleNotFoundError: No module named 'no_such_nets'). "
        "Check the name, and install the package. [torch-import]"
    )


def test_missing_callable_is_refused():
    assert refused(lambda: cs.load("torch:nets_for_tests:plane"), UnknownModel) == (
        "Module nets_for_tests has no attribute plane (got no 'plane' in it). Did you mean plain? [torch-callable]"
    )


@pytest.mark.parametrize(("name", "kind"), [("nothing", "str"), ("number", "int")])
def test_name_of_no_module_is_refused(name, kind):
    assert refused(lambda: cs.load(f"torch:nets_for_tests:{name}"), BadSetting) == (
        f"{name} must be a torch.nn.Module or return one (got {kind}). "
        "Name a model, or a function that builds one. [torch-model]"
    )


def test_callable_that_raises_is_refused():
    assert refused(lambda: cs.load("torch:nets_for_tests:broken"), BadSetting) == (
        "broken failed to build a torch.nn.Module (got RuntimeError: no weights). "
        "Pass other arguments by --arg name=value. [torch-raised]"
    )


def test_code_that_exits_gives_one_message_and_exit_code_2(tmp_path, capsys):
    (tmp_path / "leaving_for_tests.py").write_text("raise SystemExit(0)")
    for name, message in {
        "torch:nets_for_tests:leaves": "leaves failed to build a torch.nn.Module (got SystemExit: 0). ",
        "torch:sys:exit": "exit failed to build a torch.nn.Module (got SystemExit). ",
        "torch:leaving_for_tests:net": "Module 'leaving_for_tests' cannot be imported (got SystemExit: 0). ",
        "torch:nets_for_tests:Leaves": "The module's forward cannot run on tensors without memory (got SystemExit: enough",
    }.items():
        assert main(["inspect", name]) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert message in said.err


def test_missing_arguments_of_callable_are_refused():
    assert refused(lambda: cs.load("torch:nets_for_tests:deep"), BadSetting) == (
        "deep does not accept these arguments (got missing a required argument: 'depth'). "
        "Its arguments are depth, width; pass them by --arg name=value. [torch-arguments]"
    )
    assert refused(lambda: cs.load("torch:nets_for_tests:plain(depth=3)"), BadSetting) == (
        "plain does not accept these arguments (got an unexpected keyword argument 'depth'). "
        "It takes no arguments. [torch-arguments]"
    )


def test_command_line_accepts_arguments_and_shapes(capsys):
    asked = ["inspect", "torch:nets_for_tests:deep", "--arg", "depth=2", "--arg", "width=5", "--input", "3x20x31"]
    assert main([*asked, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [(layer["name"], layer["output_shape"]) for layer in document["layers"]] == [
        ("0", [5, 18, 29]),
        ("1", [5, 16, 27]),
    ]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["torch:nets_for_tests:deep"], "[torch-arguments]"),
        (["torch:nets_for_tests:deep", "--arg", "depth"], "--arg must be name=value (got 'depth')"),
        (["lenet", "--arg", "depth=3"], "[arg-model]"),
        (["torch:nets_for_tests:nothing"], "[torch-model]"),
        (["torch:nets_for_tests:plain", "--input", "5x9x9"], "[torch-forward]"),
    ],
    ids=["needed", "malformed", "zoo", "no-module", "shape"],
)
def test_command_line_reports_errors_and_exits_with_2(asked, message, capsys):
    assert main(["inspect", *asked]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err
