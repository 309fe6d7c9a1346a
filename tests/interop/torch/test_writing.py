"""Export to PyTorch: layers compute the same, names and values are kept, and round trips are exact."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs
from convscope import layers as L
from convscope.engines.reference.layers import run
from convscope.engines.torch.graph_module import module_path
from convscope.engines.torch.modules import module_of
from convscope.errors import NoRule
from convscope.network import Entry, Network
from engines.reference.oracle import as_type, case, close, run_case
from interop.torch.parity import images, randomized, same_values
from layers.examples import EXAMPLES, example_id

NOT_IN_PYTORCH = (L.Input, L.Opaque, L.StochasticPool)
WRITTEN = [example for example in EXAMPLES if not isinstance(example[0], NOT_IN_PYTORCH)]
UNEVEN = [
    (L.Conv1d(4, 4, padding="same"), ((6, 17),)),
    (L.Conv3d(4, 2, padding=((0, 1), (2, 0), (1, 1))), ((6, 7, 9, 11),)),
    (L.Conv2d(4, (2, 3), padding=((1, 0), (0, 2)), padding_mode="replicate"), ((6, 11, 14),)),
    (L.ConvTranspose2d(8, (3, 5), stride=(2, 3), padding=((1, 0), (0, 2)), output_padding=1), ((6, 11, 14),)),
    (L.ConvTranspose2d(8, (3, 2), stride=(2, 3), padding="same"), ((6, 11, 14),)),
    (L.MaxPool2d((3, 4), (2, 3), padding="same"), ((6, 11, 14),)),
    (L.MinPool2d((3, 4), (2, 3), padding=((1, 0), (0, 2)), ceil_mode=True), ((6, 11, 14),)),
    (L.AvgPool2d((3, 4), (2, 3), padding=((1, 0), (0, 2)), ceil_mode=True), ((6, 11, 14),)),
    (L.AvgPool2d((3, 4), (2, 3), padding=((1, 0), (0, 2)), count_include_pad=False), ((6, 11, 14),)),
    (L.AvgPool2d((3, 2), 2, dilation=(1, 3), padding=1), ((6, 11, 14),)),
    (L.LPPool2d((3, 4), (2, 3), padding=((1, 0), (0, 2)), norm_type=3.0), ((6, 11, 14),)),
    (L.Linear(7), ((24, 1, 1),)),
    (L.BatchNorm1d(), ((24,),)),
    (L.LayerNorm(axes=(0, 2)), ((6, 11, 14),)),
    (L.Pad(((-1, 2), (0, 3)), value=0.5), ((6, 11, 14),)),
]


def every(examples):
    return pytest.mark.parametrize("example", examples, ids=example_id)


@every([*WRITTEN, *UNEVEN])
def test_every_exported_layer_matches_reference(example):
    layer, shapes = example
    one = as_type(case(layer, shapes, batch=3), np.float64)
    module = module_of(layer, shapes).double().eval()
    ours = run_case(one)
    arrays = {**one.parameters, **one.buffers}
    state = module.state_dict()
    assert set(arrays) == {name for name in state if name in arrays}
    with torch.no_grad():
        for name, array in arrays.items():
            path, _, own = name.rpartition(".")
            assert tuple(state[name].shape) == array.shape, name
            getattr(module.get_submodule(path), own).copy_(torch.tensor(array))
        theirs = module(*(torch.tensor(x) for x in one.inputs))
    close(ours.output, theirs.detach().numpy(), 1e-9, layer.kind)


@every([*WRITTEN, *UNEVEN])
def test_parameters_are_named_after_layers(example):
    """An LSTM with one bias is PyTorch's with two, the second frozen at 0."""
    layer, shapes = example
    module = module_of(layer, shapes)
    named = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    assert named == set(layer.param_shapes(*shapes))


@every([example for example in EXAMPLES if isinstance(example[0], L.Opaque | L.StochasticPool)])
def test_export_of_unsupported_layer_is_refused(example):
    layer, shapes = example
    with pytest.raises(NoRule) as raised:
        module_of(layer, shapes)
    assert str(raised.value) == (
        f"{layer.kind} has no equivalent PyTorch module. Replace it by layers that PyTorch has. [no-torch]"
    )


TEXT = "input 3x18x14 | stem: conv 6 3x5 s2x1 same nobias | bn | relu | maxpool 3 s2 ceil | flatten | dense 4"


def test_export_keeps_names_and_values():
    model = cs.Model(TEXT, seed=3)
    model.train_step(images((3, 18, 14)).numpy(), np.array([0, 3, 1]))
    module = cs.to_torch(model)
    assert {name for name, _ in module.named_parameters()} == set(model.parameters)
    for name, parameter in module.named_parameters():
        np.testing.assert_array_equal(parameter.detach().numpy(), model.parameters[name])
    for name in model.buffers:
        np.testing.assert_array_equal(module.get_buffer(name).numpy(), model.buffers[name])
    x = images((3, 18, 14))
    with torch.no_grad():
        logits = module.eval()(x).numpy()
    np.testing.assert_allclose(logits, model.logits(x.numpy()), rtol=1e-5, atol=1e-6)


def test_export_is_a_tree_of_plain_modules():
    """Names with dots are nested modules; a layer may contain others."""
    network = Network(
        [
            Entry("input", L.Input((3, 9, 8))),
            Entry("block.0.conv", L.Conv2d(4, 3), ("input",)),
            Entry("block.0", L.ReLU(), ("block.0.conv",)),
            Entry("out", L.Flatten(), ("block.0",)),
        ]
    )
    assert str(cs.to_torch(network)) == (
        "GraphModule(\n"
        "  (block): Module(\n"
        "    (0): ReLU(\n"
        "      (conv): Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1))\n"
        "    )\n"
        "  )\n"
        "  (out): Flatten(start_dim=1, end_dim=-1)\n"
        ")"
    )


def attributes_of_modules() -> list[str]:
    """Return all names that PyTorch's modules, or ours, reserve."""
    made = [nn.Conv2d(1, 2, 3), cs.to_torch("input 1x6x5 | conv 4 3"), module_of(L.Reshape((-1,)), ((3, 4),))]
    return sorted({name for module in made for name in dir(module)})


@pytest.mark.parametrize("form", ["{}", "first.{}", "{}.last", "{}_layer"])
def test_layers_named_like_module_attributes_are_exported(form):
    for name in [*attributes_of_modules(), "", "_"]:
        layer = form.format(name)
        if not layer:
            continue
        network = Network(
            [
                Entry("input", L.Input((1, 7, 6))),
                Entry("first", L.Conv2d(2, 3), ("input",)),
                Entry(layer, L.Conv2d(3, (2, 1)), ("first",)),
                Entry("end", L.Flatten(), (layer,)),
            ]
        )
        model = cs.Model(network, seed=3)
        module = cs.to_torch(model).eval()
        assert set(module.state_names) == set(model.parameters)
        assert sorted(module.state_names.values()) == sorted(module.state_dict())
        x = images((1, 7, 6))
        expected = model.activations(x.numpy())["end"]
        with torch.no_grad():
            np.testing.assert_allclose(module(x).numpy(), expected, rtol=1e-5, atol=1e-6)
        twin = cs.Model(network, seed=3, engine="torch")
        np.testing.assert_allclose(twin.activations(x.numpy())["end"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "paths"),
    [
        (
            ["train", "train_layer", "train_layer_layer"],
            ["train_layer", "train_layer_layer", "train_layer_layer_layer"],
        ),
        (["a..b", "a._layer.b", "a.b"], ["a._layer.b", "a._layer_layer.b", "a.b"]),
        (["conv.weight", "conv.weights", "relu.weight"], ["conv.weight_layer", "conv.weights", "relu.weight"]),
        (["half", "block.half", "block.0"], ["half_layer", "block.half_layer", "block.0"]),
    ],
)
def test_distinct_layer_names_have_distinct_paths(layers, paths):
    taken = {"": dir(nn.Module()), "conv": dir(nn.Conv2d(1, 2, 3)), "relu": dir(nn.ReLU())}
    assert [module_path(name, {key: set(names) for key, names in taken.items()}) for name in layers] == paths


def test_layers_nested_under_a_layer_name_are_exported():
    """A norm and a log-sum-exp become several layers, named after the last one."""

    class Cosine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.normalize(torch.logsumexp(self.conv(x), 2), dim=1)

    module = randomized(Cosine())
    model = cs.from_torch(module, (3, 8, 7), parameters=True)
    x = images((3, 8, 7))
    with torch.no_grad():
        expected = module(x).numpy()
        np.testing.assert_allclose(cs.to_torch(model).eval()(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    twin = cs.Model(model.network, engine="torch")
    for name in model.parameters:
        twin.parameters[name] = model.parameters[name]
    np.testing.assert_allclose(twin.activations(x.numpy())["normalize1"], expected, rtol=1e-5, atol=1e-6)


@every([example for example in EXAMPLES if not isinstance(example[0], L.Input) and len(example[1]) == 1])
def test_every_layer_is_exported_or_refused(example):
    layer, (shape,) = example
    network = Network([Entry("input", L.Input(shape)), Entry("train.half", layer, ("input",))])
    for act in (lambda: cs.to_torch(network), lambda: cs.Model(network, engine="torch")):
        if isinstance(layer, L.Opaque | L.StochasticPool):
            with pytest.raises(NoRule, match=r"\[no-torch\]$"):
                act()
        else:
            act()


def test_shared_parameters_are_one_tensor():
    shared = "input 4x12x10 | a: conv 4 3 p1 | b: conv 4 3 p1 share=a | c: conv 4 3 s2 share=a"
    model = cs.Model(shared, seed=1)
    module = cs.to_torch(model).eval()
    assert {name for name, _ in module.named_parameters()} == {"a.weight", "a.bias"}
    x = images((4, 12, 10))
    with torch.no_grad():
        found = module(x).numpy()
    expected = model.activations(x.numpy())["c"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_several_inputs_and_outputs():
    network = Network(
        [
            Entry("left", L.Input((3, 9, 8))),
            Entry("right", L.Input((3, 1, 8))),
            Entry("sum", L.Add(), ("left", "right")),
            Entry("up", L.ReLU(), ("sum",)),
            Entry("down", L.Function("neg"), ("sum",)),
        ]
    )
    from convscope.engines.torch.graph_module import GraphModule

    left, right = images((3, 9, 8)), images((3, 1, 8), seed=2)
    found = GraphModule(network)(left, right)
    expected = run(network, {"left": left.numpy(), "right": right.numpy()}, {})
    assert list(found) == ["up", "down"]
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor.numpy(), expected.values[name])


def test_exported_module_is_copied_saved_moved_and_trained():
    module = cs.to_torch(cs.Model(TEXT))
    x = images((3, 18, 14))
    twin = copy.deepcopy(module)
    memory = io.BytesIO()
    torch.save(module.state_dict(), memory)
    memory.seek(0)
    twin.load_state_dict(torch.load(memory))
    assert torch.equal(twin.eval()(x), module.eval()(x))
    assert module.double()(x.double()).dtype is torch.float64
    nn.functional.cross_entropy(twin.train()(x), torch.tensor([0, 3, 1])).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in twin.parameters())


@pytest.mark.parametrize("name", ["lenet", "squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x1_0"])
def test_round_trips_keep_structure_and_values(name):
    """A network exported to PyTorch and imported again has the same layers, inputs and values."""
    network = cs.load(name)
    small = network.with_input((network.input_shape[0], 64, 80)) if network.input_shape[1] > 64 else network
    module = randomized(cs.to_torch(small))
    back = same_values(module, small.input_shape, images(small.input_shape, 2)).network
    totals, again = cs.inspect(small).totals, cs.inspect(back).totals
    assert (again.params, again.macs) == (totals.params, totals.macs)
    assert {p for p, _ in module.named_parameters()} == set(cs.Model(small).parameters)
