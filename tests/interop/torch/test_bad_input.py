"""What cannot be imported is refused with one clear message."""

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
def test_what_is_no_module(module):
    assert refused(lambda: cs.from_torch(module, (3, 9, 9)), BadSetting) == (
        f"from_torch.module must be a torch.nn.Module; got {type(module).__name__}; "
        "pass an instance, as in from_torch(MyNet(), (3, 224, 224)). [torch-module]"
    )


@pytest.mark.parametrize("shape", [(), (3, 0, 4), (3, -1), 224, "3x4"])
def test_what_is_no_shape(shape):
    assert refused(lambda: cs.from_torch(nn.ReLU(), shape), BadSetting) == (
        "input_shape must be positive integers, channels first and without the batch, or a mapping from input "
        f"names to such shapes; got input_shape={tuple(shape) if shape == '3x4' else shape!r}; use (3, 224, 224). "
        "[input-shape]"
    )


def test_a_shape_of_too_many_axes_is_refused():
    assert refused(lambda: cs.from_torch(nn.ReLU(), (1,) * 9), BadSetting) == (
        "input_shape must have at most 8 axes; got 9 in (1, 1, 1, 1, 1, 1, 1, 1, 1); leave out the batch and join "
        "axes. [torch-input]"
    )


def test_images_that_the_module_cannot_take():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(100, 2))
    assert refused(lambda: cs.from_torch(module, (3, 9, 9)), BadShape) == (
        "a module must take images of 3×9×9; got RuntimeError: a and b must have same reduction dim, but "
        "got [n, 196] X [100, 2]. (in module '2'); give the shape that it was made for, batch left out. "
        "[torch-forward]"
    )
    assert refused(lambda: cs.from_torch(module, (5, 9, 9)), BadShape) == (
        "a module must take images of 5×9×9; got RuntimeError: Invalid channel dimensions (in module '0'); "
        "give the shape that it was made for, batch left out. [torch-forward]"
    )


class Asks(nn.Module):
    """Goes on only where an image is bright."""

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
def test_control_flow_that_depends_on_numbers(question, word):
    module = nn.Sequential(nn.Identity(), Asks(question))
    assert refused(lambda: cs.from_torch(module, (3, 9, 9)), BadNetwork) == (
        f"a network's layers must not depend on the numbers in an image; got {word}() of a tensor "
        "in module '1'; compute it from shapes, or import the part without it. [torch-control-flow]"
    )


def test_a_forward_that_takes_more_than_images():
    assert refused(lambda: cs.from_torch(nn.Bilinear(3, 4, 5), (3,)), BadNetwork) == (
        "input_shape must have a shape for every argument that a module's forward requires; got none for 'input2' of "
        "Bilinear.forward(input1, input2); give input_shape={'input1': (3,), 'input2': (…)}, or wrap the module in "
        "one that makes the others. [torch-inputs]"
    )


def test_a_forward_without_a_tensor():
    module = nn.Module()
    module.forward = lambda x: x.shape
    assert refused(lambda: cs.from_torch(module, (3, 9, 9)), BadNetwork) == (
        "a module's forward must return a tensor made from its input; got Size; "
        "import the part that does. [torch-output]"
    )


def test_weights_without_numbers():
    with torch.device("meta"):
        module = nn.Conv2d(3, 4, 3)
    assert refused(lambda: cs.from_torch(module, (3, 9, 9), parameters=True), BadNetwork) == (
        "a module's arrays must have numbers to be brought along; got 'conv2d1.weight' on the meta device; "
        "make the module on the CPU, or leave out parameters=True. [torch-no-numbers]"
    )


def test_without_pytorch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    message = (
        "Reading, writing and running PyTorch modules needs PyTorch, which is not installed. Run `pip install torch`. "
        "[torch-missing]"
    )
    assert refused(lambda: cs.from_torch(object(), (3, 9, 9)), MissingExtra) == message
    assert refused(lambda: cs.to_torch("lenet"), MissingExtra) == message
    assert refused(lambda: cs.load("torch:nets_for_tests:plain"), MissingExtra) == message


def test_modules_by_name_with_and_without_arguments():
    assert [node.name for node in cs.load("torch:nets_for_tests:plain").layers] == ["0", "1"]
    assert cs.load("torch:nets_for_tests:instance", input_shape=(3, 9, 11))["0"].output_shape == (4, 7, 9)
    deep = cs.load("torch:nets_for_tests:deep(depth=3, width=7)")
    assert (deep.name, deep.input_shape, deep["2"].output_shape) == ("deep", (3, 224, 224), (7, 218, 218))


def test_a_module_that_the_meta_device_cannot_build_is_built_for_real():
    assert cs.load("torch:nets_for_tests:counted").input_shape == (3, 224, 224)


@pytest.mark.parametrize(
    "name", ["torch:nets", "torch::plain", "torch:nets:f(1)", "torch:a b:c", "torch:nets:f(x"]
)
def test_a_name_that_says_nothing(name):
    assert refused(lambda: cs.load(name), UnknownModel) == (
        f"a model must be named torch:package.module:callable; got model={name!r}; "
        "write torch:torchvision.models:resnet50, with arguments by --arg name=value. [torch-name]"
    )


@pytest.mark.parametrize("name", ["torch:", "torch::", "torch:nets"])
def test_a_name_that_says_nothing_without_pytorch_is_refused_for_what_it_is(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refused(lambda: cs.load(name), UnknownModel).endswith("[torch-name]")


def test_a_package_that_is_not_there():
    assert refused(lambda: cs.load("torch:no_such_nets:plain"), UnknownModel) == (
        "a module must be importable; got ModuleNotFoundError: No module named 'no_such_nets' for 'no_such_nets'; "
        "check the name, and install the package. [torch-import]"
    )


def test_a_callable_that_is_not_there():
    assert refused(lambda: cs.load("torch:nets_for_tests:plane"), UnknownModel) == (
        "nets_for_tests must have plane; got no 'plane' in it; did you mean plain? [torch-callable]"
    )


@pytest.mark.parametrize(("name", "kind"), [("nothing", "str"), ("number", "int")])
def test_what_a_name_leads_to_is_no_module(name, kind):
    assert refused(lambda: cs.load(f"torch:nets_for_tests:{name}"), BadSetting) == (
        f"{name} must be a torch.nn.Module or return one; got {kind}; "
        "name a model or a function that builds it. [torch-model]"
    )


def test_a_callable_that_raises():
    assert refused(lambda: cs.load("torch:nets_for_tests:broken"), BadSetting) == (
        "broken must build a torch.nn.Module; got RuntimeError: no weights; "
        "pass other arguments by --arg name=value. [torch-raised]"
    )


def test_code_that_ends_the_process_is_one_message_and_exit_code_2(tmp_path, capsys):
    (tmp_path / "leaving_for_tests.py").write_text("raise SystemExit(0)")
    for name, message in {
        "torch:nets_for_tests:leaves": "leaves must build a torch.nn.Module; got SystemExit: 0; ",
        "torch:sys:exit": "exit must build a torch.nn.Module; got SystemExit; ",
        "torch:leaving_for_tests:net": "a module must be importable; got SystemExit: 0 for 'leaving_for_tests'; ",
        "torch:nets_for_tests:Leaves": "a module's forward must run on tensors without memory; got SystemExit: enough",
    }.items():
        assert main(["inspect", name]) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert message in said.err


def test_a_callable_that_needs_arguments():
    assert refused(lambda: cs.load("torch:nets_for_tests:deep"), BadSetting) == (
        "deep must be called with arguments it takes; got missing a required argument: 'depth'; "
        "it takes depth, width: pass them by --arg name=value. [torch-arguments]"
    )
    assert refused(lambda: cs.load("torch:nets_for_tests:plain(depth=3)"), BadSetting) == (
        "plain must be called with arguments it takes; got an unexpected keyword argument 'depth'; "
        "it takes none: pass them by --arg name=value. [torch-arguments]"
    )


def test_the_command_line_takes_arguments_and_shapes(capsys):
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
        (["torch:nets_for_tests:deep", "--arg", "depth"], "--arg must be name=value; got 'depth'"),
        (["lenet", "--arg", "depth=3"], "[arg-model]"),
        (["torch:nets_for_tests:nothing"], "[torch-model]"),
        (["torch:nets_for_tests:plain", "--input", "5x9x9"], "[torch-forward]"),
    ],
    ids=["needed", "malformed", "zoo", "no-module", "shape"],
)
def test_the_command_line_says_what_is_wrong_and_exits_with_2(asked, message, capsys):
    assert main(["inspect", *asked]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err
