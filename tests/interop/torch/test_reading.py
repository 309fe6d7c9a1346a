"""Modules with several inputs, lazy layers, and code that cannot be recorded."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.engines.reference.layers import run
from convscope.errors import BadNetwork, BadSetting, BadShape, ConvscopeError
from convscope.interop.torch.importer import load_module
from interop.torch.parity import images, randomized

SHAPES = {"image": (3, 16, 20), "state": (7,), "depth": (2, 12, 14), "scale": (8, 10)}


class Robot(nn.Module):
    """An image and a state are required, a depth map and a keyword are not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.side = nn.Conv2d(2, 8, 5)
        self.gate = nn.Linear(7, 8)
        self.head = nn.Conv2d(16, 5, (3, 4))

    def forward(self, image, state, depth=None, *, scale=None):
        y = self.conv(image).relu() * self.gate(state).sigmoid()[:, :, None, None]
        z = self.side(depth) if depth is not None else y
        return self.head(torch.cat([y * scale[:, None] if scale is not None else y, z], 1))


def message(act, error: type[ConvscopeError]) -> str:
    with pytest.raises(error) as raised:
        act()
    return str(raised.value)


@pytest.mark.parametrize("names", [("state", "image"), ("depth", "state", "image"), tuple(reversed(SHAPES))])
def test_inputs_have_argument_names_and_order(names):
    network = cs.from_torch(Robot(), {name: SHAPES[name] for name in names})
    ordered = [name for name in SHAPES if name in names]
    assert [(node.name, node.output_shape) for node in network.inputs] == [(n, SHAPES[n]) for n in ordered]
    assert network["gate"].inputs == ("state",)


@pytest.mark.parametrize("names", [("image", "state"), ("image", "state", "scale"), tuple(SHAPES)])
def test_several_inputs_match_pytorch(names):
    module = randomized(Robot())
    network = cs.from_torch(module, {name: SHAPES[name] for name in names})
    given = {name: images(SHAPES[name], seed=place) for place, name in enumerate(names)}
    with torch.no_grad():
        expected = module(**given).numpy()
    arrays = {name: array.detach().numpy() for name, array in module.named_parameters()}
    found = run(network, {name: tensor.numpy() for name, tensor in given.items()}, arrays)
    np.testing.assert_allclose(found.values["head"], expected, rtol=1e-5, atol=1e-5)


def test_single_shape_in_mapping_is_named_input():
    network = cs.from_torch(nn.Conv2d(3, 4, 3), {"input": (3, 9, 8)})
    assert network == cs.from_torch(nn.Conv2d(3, 4, 3), (3, 9, 8))
    assert [node.name for node in network.inputs] == ["input"]


def test_unused_input_is_left_out():
    module = nn.Module()
    module.forward = lambda x, y, z: x + z
    network = cs.from_torch(module, {"x": (3, 4), "y": (5,), "z": (3, 1)})
    assert [node.name for node in network.inputs] == ["x", "z"]
    assert [node.name for node in network.outputs] == ["add1"]


def test_inputs_of_variadic_forward_keep_their_order():
    module = nn.Module()
    module.forward = lambda *xs: xs[0] - 2 * xs[1]
    network = cs.from_torch(module, {"left": (3, 4), "right": (3, 1)})
    assert network.layers[-1].inputs[0] == "left"
    module.forward = lambda **xs: xs["left"] - 2 * xs["right"]
    assert cs.from_torch(module, {"right": (3, 1), "left": (3, 4)}).layers[-1].inputs[0] == "left"


class Denoiser(nn.Module):
    """A diffusion step: an image and a scalar per image, with only a batch axis."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.embed = nn.Linear(6, 4)
        self.rank = rank

    def forward(self, x, t):
        angles = (t[:, None] if self.rank == 1 else t) * torch.arange(3.0)
        step = self.embed(torch.cat([angles.sin(), angles.cos()], -1))
        assert t.dim() == self.rank
        return self.conv(x) + step[:, :, None, None]


@pytest.mark.parametrize("rank", [1, 2])
def test_scalar_inputs_may_have_only_a_batch_axis(rank):
    module = randomized(Denoiser(rank))
    network = cs.from_torch(module, {"x": (3, 9, 8), "t": (1,)})
    x, t = images((3, 9, 8)), torch.tensor([[0.5], [1.5], [4.0]])
    with torch.no_grad():
        expected = module(x, t[:, 0] if rank == 1 else t).numpy()
    arrays = {name: one.detach().numpy() for name, one in module.named_parameters()}
    constants = {f"{n.name}.value": np.arange(3.0) for n in network.layers if n.kind == "Parameter"}
    found = run(network, {"x": x.numpy(), "t": t.numpy()}, arrays, constants)
    np.testing.assert_allclose(found.values["add1"], expected, rtol=1e-5, atol=1e-5)


def test_missing_shape_error_names_the_argument():
    expected = (
        "input_shape must have a shape for every required argument of Robot.forward(image, state, depth, scale) (got "
        "none for 'state'). Pass input_shape={'image': (3, 16, 20), 'state': (…)}, or wrap the module in one that "
        "creates the others. [torch-inputs]"
    )
    assert message(lambda: cs.from_torch(Robot(), (3, 16, 20)), BadNetwork) == expected
    assert message(lambda: cs.from_torch(Robot(), {"image": (3, 16, 20)}), BadNetwork) == expected
    with pytest.raises(BadNetwork, match=r"Robot.*got none for 'image' and 'state'.*'depth': \(2, 12, 14\)"):
        cs.from_torch(Robot(), {"depth": (2, 12, 14)})


def test_unknown_inputs_and_bad_shapes_are_refused():
    assert message(lambda: cs.from_torch(Robot(), {"stat": (7,), "image": (3, 9, 9)}), BadSetting) == (
        "input_shape must name inputs of the model (got 'stat'). Did you mean state? [input-name]"
    )
    with pytest.raises(BadSetting, match=r"got input_shape=\(0,\).*\[input-shape\]$"):
        cs.from_torch(Robot(), {"state": (0,), "image": (3, 9, 9)})
    assert message(lambda: cs.from_torch(Robot(), {"image": (3, 16, 20), "state": (9,)}), BadShape) == (
        "The module does not accept inputs of image 3×16×20, state 9 (got RuntimeError: a and b must have same "
        "reduction dim, but got [n, 9] X [7, 8]., in module 'gate'). Pass the shapes it was built for, without the "
        "batch. [torch-forward]"
    )


@pytest.fixture
def robot():
    return cs.from_torch(Robot(), SHAPES, name="robot")


def test_commands_accept_several_inputs(robot):
    """Counts derived by hand, and regions derived from the windows."""
    totals = cs.inspect(robot).totals
    assert totals.params == 8 * 28 + 8 * 51 + 8 * 8 + 5 * (16 * 12 + 1)
    assert totals.macs == 80 * 8 * 27 + 80 * 8 * 50 + 56 + 6 * 7 * 5 * 192
    assert robot.field("head", at=(1, 2)).box == (1, 3, 8, 12)
    assert robot.field("head", at=(1, 2), origin="depth").box == (1, 2, 8, 10)
    assert robot.field("head", at=(1, 2), origin="state").status == "global"
    assert robot.seen_by((4, 5), "side", origin="depth").count == 25
    for name in ("conv", "side", "gate", "head"):
        assert name in cs.explain(robot, name).text(lang="zh")
    assert not [one for one in cs.diagnose(robot) if one.severity == "error"]
    halved = cs.from_torch(Robot(), {**SHAPES, "depth": (2, 12, 14), "state": (7,)})
    assert str(cs.compare(robot, halved)).startswith(
        "robot → Robot: layers: 11 same, 0 changed, 0 added, 0 removed"
    )
    assert cs.check(robot, max_params=totals.params).ok
    assert not cs.check(robot, max_params=totals.params - 1).ok
    assert json.loads(json.dumps(cs.inspect(robot).to_dict()))["totals"]["params"] == totals.params


def test_named_module_accepts_shapes_by_input(tmp_path, monkeypatch):
    source = "from torch import nn\nclass Pair(nn.Module):\n    def forward(self, x, y):\n        return x * y\n"
    (tmp_path / "pair_for_tests.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    network = load_module("torch:pair_for_tests:Pair", {"y": (3, 1), "x": (3, 5)})
    assert [(node.name, node.output_shape) for node in network.inputs] == [("x", (3, 5)), ("y", (3, 1))]
    assert "'y': (…)" in message(lambda: load_module("torch:pair_for_tests:Pair"), BadNetwork)
    sys.modules.pop("pair_for_tests")


class Lazy(nn.Module):
    """Lazy layers of three kinds, one of them within another module, and one that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.LazyConv2d(6, (3, 4)), nn.LazyBatchNorm2d(), nn.ReLU())
        self.head = nn.LazyLinear(5)
        self.unused = nn.LazyLinear(9)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(F.avg_pool2d(self.body(x), 2).flatten(1))


def test_lazy_layers_are_inferred_and_stay_lazy():
    module = Lazy()
    network = cs.from_torch(module, (3, 11, 13))
    assert module.head.has_uninitialized_params()
    assert isinstance(module.body[0], nn.LazyConv2d)
    ran = Lazy()
    ran(torch.zeros(2, 3, 11, 13))
    counted = sum(one.numel() for name, one in ran.named_parameters() if not name.startswith("unused"))
    assert cs.inspect(network).totals.params == counted == 6 * 37 + 12 + 5 * (6 * 4 * 5 + 1)
    flat = cs.from_torch(nn.Sequential(nn.Flatten(), nn.LazyLinear(32)), (4, 4))
    assert cs.inspect(flat).totals.params == 544


def test_lazy_layers_have_values_in_models():
    model = cs.from_torch(Lazy(), (3, 11, 13), parameters=True)
    assert model.parameters["body.0.weight"].std() > 0
    with torch.device("meta"):
        module = Lazy()
    assert cs.inspect(cs.from_torch(module, (3, 11, 13))).totals.params == 6 * 37 + 12 + 5 * 121


def test_lazy_layers_that_cannot_be_copied_are_refused():
    module = nn.Sequential(nn.LazyLinear(3))
    module.lock = iter([])
    module.file = sys.stdout
    assert message(lambda: cs.from_torch(module, (4,)), BadNetwork) == (
        "A module with lazy layers must support copy.deepcopy (got TypeError from Sequential). Run it on a batch of "
        "inputs once before importing it. [torch-lazy]"
    )


@pytest.mark.filterwarnings("ignore:`torch.jit", "ignore:.*TorchScript")
@pytest.mark.parametrize("how", ["script", "trace"])
def test_torchscript_is_refused(how):
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    made = torch.jit.script(plain) if how == "script" else torch.jit.trace(plain, torch.zeros(1, 3, 8, 8))
    assert message(lambda: cs.from_torch(made, (3, 8, 8)), BadNetwork) == (
        "A module must be Python code to be recorded (got TorchScript in the module itself). Pass the module that "
        "was scripted or traced, or the same network as an ONNX file. [torch-script]"
    )
    within = nn.Sequential(nn.Conv2d(3, 3, 1), made, nn.Conv2d(4, 2, 1))
    assert "got TorchScript in module '1'). Pass" in message(lambda: cs.from_torch(within, (3, 8, 8)), BadNetwork)


@pytest.mark.filterwarnings("ignore:`torch.jit", "ignore:.*TorchScript")
def test_torchscript_outside_submodules_is_refused():
    scripted = torch.jit.script(nn.Sequential(nn.Conv2d(3, 3, 1)).to("meta"))

    class Hidden(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + scripted(x)

    with pytest.raises(BadNetwork, match=r"got TorchScript in module '1'\)\. .*\[torch-script\]$"):
        cs.from_torch(nn.Sequential(nn.ReLU(), Hidden()), (3, 8, 8))


@pytest.mark.filterwarnings("ignore:`torch.jit", "ignore:.*TorchScript")
def test_scripted_function_is_opaque_and_restored():
    plain = torch.jit.ScriptFunction.__call__

    @torch.jit.script
    def gated_sum(x: torch.Tensor, y: torch.Tensor):
        return x.sigmoid() * y + x

    module = nn.Module()
    module.forward = lambda x: gated_sum(x, x.relu()) * 2
    network = cs.from_torch(module, (3, 8, 9))
    assert [(node.kind, node.inputs) for node in network.layers] == [
        ("ReLU", ("input",)),
        ("Opaque(gated_sum)", ("input", "relu1")),
        ("Affine", ("gated_sum1",)),
    ]
    assert torch.jit.ScriptFunction.__call__ is plain
    assert gated_sum(torch.zeros(2), torch.ones(2)).tolist() == [0.5, 0.5]


def test_unrecorded_tensors_are_refused():
    class Hidden(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch._C.DisableTorchFunction():
                y = x.exp()
            return x + y

    assert message(lambda: cs.from_torch(nn.Sequential(nn.ReLU(), Hidden()), (3, 8, 8)), BadNetwork) == (
        "A module must call PyTorch's functions from Python to be recorded (got a tensor in module '1' that other "
        "code, such as an operator in C++, computed from its input). Write that part in Python, or import the network "
        "without it. [torch-unseen]"
    )


@pytest.mark.parametrize(
    ("forward", "size"),
    [
        (lambda x: x + np.zeros(1 << 50).sum(), "of 8.00 PiB"),
        (lambda x: x + len(torch.UntypedStorage(1 << 50)), "of 1,125,899,906,842,624 bytes"),
        (lambda x: x + len(bytearray(1 << 60)), "too large"),
    ],
    ids=["numpy", "torch", "python"],
)
def test_failed_allocation_is_reported_with_its_size(forward, size):
    module = nn.Module()
    module.forward = forward
    assert message(lambda: cs.from_torch(module, (3, 8, 9)), BadNetwork) == (
        "The module's forward needs too much memory: arrays that depend on no input are computed while it is "
        f"recorded (got one {size}, in the module itself). Pass a smaller input_shape, or import the part without "
        "that array. [torch-memory]"
    )
