"""Structure of imported networks: names, branches, reuse, control flow, side effects."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.layers import Opaque
from convscope.layers.structural import Parameter
from interop.torch.parity import images, randomized, same_as_pytorch, same_values, unknown

SHAPE = (3, 18, 14)


class Block(nn.Module):
    """A residual block that calls one ReLU twice, the second time in place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y += x
        return self.relu(y)


class Residual(nn.Module):
    """Control flow by settings and sizes, functional operators, a module used three times."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, (3, 5), stride=(2, 1))
        self.layers = nn.Sequential(Block(6), Block(6))
        self.norm = nn.BatchNorm2d(6)
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.stem(x))
        for _ in range(3 if x.shape[2] > 4 else 1):
            x = self.norm(x)
        x = self.layers(x)
        if x.shape[0] > 1:
            x = F.max_pool2d(x, 2)
        return self.head(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


def test_layers_are_named_by_module_path():
    network = same_as_pytorch(Residual(), SHAPE)
    assert [(node.name, node.kind) for node in network.layers] == [
        ("stem", "Conv2d"),
        ("relu1", "ReLU"),
        ("norm", "BatchNorm2d"),
        ("norm_2", "BatchNorm2d"),
        ("norm_3", "BatchNorm2d"),
        ("layers.0.conv1", "Conv2d"),
        ("layers.0.bn1", "BatchNorm2d"),
        ("layers.0.relu", "ReLU"),
        ("layers.0.add1", "Add"),
        ("layers.0.relu_2", "ReLU"),
        ("layers.1.conv1", "Conv2d"),
        ("layers.1.bn1", "BatchNorm2d"),
        ("layers.1.relu", "ReLU"),
        ("layers.1.add1", "Add"),
        ("layers.1.relu_2", "ReLU"),
        ("max_pool2d1", "MaxPool2d"),
        ("adaptive_avg_pool2d1", "AdaptiveAvgPool2d"),
        ("flatten1", "Flatten"),
        ("head", "Linear"),
    ]
    assert network["layers.1.add1"].inputs == ("layers.1.relu", "layers.0.relu_2")
    assert [node.parameters_of for node in network.layers if node.kind == "BatchNorm2d"][:3] == ["norm"] * 3


def test_layers_have_module_paths_as_origins():
    network = cs.from_torch(Residual(), SHAPE)
    origins = {node.name: node.origin for node in network.layers}
    assert origins["stem"] == "stem"
    assert origins["layers.0.add1"] == "layers.0"
    assert origins["relu1"] is None


def test_import_does_not_change_module():
    module = randomized(Residual()).train()
    module.layers[0].eval()
    before = copy.deepcopy(module.state_dict())
    modes = [one.training for one in module.modules()]
    cs.from_torch(module, SHAPE, parameters=True)
    assert [one.training for one in module.modules()] == modes
    assert all(torch.equal(array, module.state_dict()[name]) for name, array in before.items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_parameters_have_pytorch_names_and_values():
    module = randomized(Residual())
    model = cs.from_torch(module, SHAPE, parameters=True)
    assert set(model.parameters) == {name for name, _ in module.named_parameters()}
    for name, parameter in module.named_parameters():
        np.testing.assert_array_equal(model.parameters[name], parameter.detach().numpy())
    np.testing.assert_array_equal(model.buffers["norm.running_var"], module.norm.running_var.numpy())


def test_import_computes_nothing_and_allocates_nothing():
    """A network of 3·10¹³ multiply-adds and 4 TB of weights, made and read on the meta device."""
    with torch.device("meta"):
        module = nn.Sequential(nn.Conv2d(3, 1 << 16, 5), nn.ReLU(), nn.Conv2d(1 << 16, 1 << 16, (15, 16)))
    totals = cs.inspect(cs.from_torch(module, (3, 20, 20))).totals
    assert totals.params == (75 + 1) * 2**16 + 2**32 * 240 + 2**16
    assert totals.macs == 256 * 75 * 2**16 + 2 * 2**32 * 240


class Tied(nn.Module):
    """Weights shared by an embedding and a dense layer with its own bias."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(31, 8)
        self.head = nn.Linear(8, 31)
        self.head.weight = self.embed.weight

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.head(self.embed(words))


def test_shared_weight_with_separate_bias_is_counted_once():
    words = images((5,)).abs().mul(4).long()
    network = same_as_pytorch(Tied(), (5,), words)
    assert network["head.weight"].parameters_of == "embed"
    assert cs.inspect(network).totals.params == 31 * 8 + 31


class Prepared(nn.Module):
    """Arrays of a module that are modified, also in place, before they are combined with the input."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.zeros(18, 1))
        self.columns = nn.Parameter(torch.zeros(1, 14))
        self.table = nn.Parameter(torch.zeros(5, 3))
        self.mix = nn.Linear(3, 3)
        self.register_buffer("index", torch.tensor([0, 4, 4, 1, 2, 3]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        position = self.rows.repeat_interleave(14, dim=1)
        position.relu_()
        position += self.columns.expand(18, -1)
        bias = self.mix(self.table)[self.index].view(2, 3, 3).sum(0)[0]
        mask = torch.ones(18, 14)
        x = x * mask
        mask[2:7] = 0
        return (x + position + bias.view(1, 3, 1, 1)) * mask


def test_arrays_computed_from_parameters_become_layers():
    module = Prepared()
    network = same_as_pytorch_but_for_batches(module)
    assert cs.inspect(network).totals.params == 18 + 14 + 15 + 12
    sees = {
        node.name for node in network.layers if cs.inspect(network)[node.name].receptive_field.status != "none"
    }
    assert sees == {"mul1", "add2", "add3", "mul2"}


def same_as_pytorch_but_for_batches(module: nn.Module) -> cs.Network:
    """Compare values and parameters. PyTorch computes constants once, our network once per image."""
    network = same_values(randomized(module), SHAPE).network
    assert cs.inspect(network).totals.params == sum(p.numel() for p in module.parameters())
    return network


class WrittenBehind(nn.Module):
    """Writes into a computed array through a view, so that its source is no longer its value."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scale = self.scale.exp()
        scale[1:].zero_()
        return x + scale.view(3, 1, 1)


def test_array_written_through_view_has_its_new_values():
    same_as_pytorch_but_for_batches(WrittenBehind())


class Pyramid(nn.Module):
    """Several outputs, one of which is used by other layers, and an unused computation."""

    def __init__(self) -> None:
        super().__init__()
        self.low = nn.Conv2d(3, 4, 3, stride=2)
        self.high = nn.Conv2d(4, 5, 3, stride=2)
        self.unused = nn.Conv2d(3, 9, 1)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        self.unused(x).mean()
        low = self.low(x)
        return {"low": low.relu(), "high": self.high(low)}


def test_unused_layers_are_left_out():
    network = cs.from_torch(Pyramid(), SHAPE, name="pyramid")
    assert network.name == "pyramid"
    assert [node.name for node in network.layers] == ["low", "relu1", "high"]
    assert [node.name for node in network.outputs] == ["relu1", "high"]


class IntoIntegers(nn.Module):
    """Assigns floating-point values to integers, which truncates them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = (3 * x).long()
        y[:, 1:] = 5 * x[:, 1:]
        return y + 0.5


def test_floats_assigned_to_integers_are_opaque():
    assert unknown(cs.from_torch(IntoIntegers(), SHAPE)) == ["setitem"]


class ThroughAView(nn.Module):
    """Writes into a reshaped tensor, then uses the tensor before the reshape."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        y.view(y.shape[0], -1).relu_()
        return y + 1


def test_tensor_written_through_view_is_opaque():
    network = cs.from_torch(ThroughAView(), SHAPE)
    assert unknown(network) == ["relu_through_a_view"]


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        (lambda x: torch.linalg.pinv(x), "linalg_pinv"),
        (lambda x: x.cumsum(1), "cumsum"),
        (lambda x: x.relu().sort(dim=1)[0], "sort"),
        (lambda x: F.interpolate(x, size=(7, 9), mode="bilinear", antialias=True), "interpolate"),
        (lambda x: x - x.mean(0), "mean"),
        (lambda x: x.flatten(0, 1).softmax(0), "softmax"),
        (lambda x: F.max_pool2d(x, 2, return_indices=True)[1] + 1, "max_pool2d_with_indices"),
        (lambda x: F.interpolate(x, scale_factor=0.3), "interpolate"),
        (lambda x: x.bool().float(), "float"),
        (lambda x: x.to(torch.bool).float(), "to"),
        (lambda x: (3 * x).long().to(torch.uint8).float(), "to"),
        (lambda x: x.sum(1, dtype=torch.long).float(), "sum"),
        (lambda x: torch.complex(x, x).abs(), "complex"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unsupported_operator_is_named_and_has_unknown_cost(function, operator):
    module = nn.Module()
    module.forward = function
    network = cs.from_torch(module, SHAPE)
    opaque = [node for node in network.layers if isinstance(node.layer, Opaque)]
    assert operator in [node.layer.operator for node in opaque]
    assert cs.inspect(network).totals.status == "unknown"


def mixing(function):
    """Return a module that convolves images and mixes the results."""
    module = nn.Module()
    module.conv = nn.Conv2d(3, 4, (3, 5))
    module.forward = lambda x: function(module.conv(x))
    return module


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        (lambda y: y - y.mean(0, keepdim=True), "mean"),
        (lambda y: y - y.mean((0, 2, 3), keepdim=True), "mean"),
        (lambda y: y - y.mean(0, keepdim=True).clone().expand_as(y), "mean"),
        (lambda y: y * y.sum(0, keepdim=True).relu(), "sum"),
        (lambda y: y / (1 + y.std(0, keepdim=True)), "std"),
        (lambda y: y - y.max(0, keepdim=True)[0], "max"),
        (lambda y: y - torch.var_mean(y, 0, keepdim=True)[1], "var_mean"),
        (lambda y: y * y.sum(0).view(1, 4, 16, 10), "sum"),
        (lambda y: y * y[0], "getitem"),
        (lambda y: y * y[:1], "getitem"),
        (lambda y: y * y[[0]], "getitem"),
        (lambda y: y * y.narrow(0, 0, 1), "narrow"),
        (lambda y: y * y.split(1, 0)[0], "split"),
        (lambda y: y * y.index_select(0, torch.tensor([2])), "index_select"),
        (lambda y: y + y.flatten(0, 1).sum(0), "sum"),
        (lambda y: y + y.permute(1, 0, 2, 3).mean(1), "mean"),
        (lambda y: y + y.permute(1, 0, 2, 3).mean(1, keepdim=True).transpose(0, 1), "mean"),
        (lambda y: y + torch.cat([y, 2 * y], 0).mean(0, keepdim=True), "cat"),
        (lambda y: y + torch.stack([y, 2 * y], 0).mean(1, keepdim=True)[0], "mean"),
        (lambda y: y.mean(0, keepdim=True).repeat(y.shape[0], 1, 1, 1) * y, "mean"),
        (lambda y: torch.maximum(y, y.mean(0, keepdim=True)), "mean"),
        (lambda y: y @ y.mean(0, keepdim=True).transpose(2, 3), "mean"),
    ],
)
def test_operations_across_the_batch_are_opaque(function, operator):
    network = cs.from_torch(mixing(function), SHAPE)
    assert operator in unknown(network)
    assert cs.inspect(network).totals.status == "unknown"
    assert [node.name for node in network.layers if isinstance(node.layer, Parameter)] == []
    assert "conv" in [node.name for node in network.layers]


def test_sum_over_stacked_axis_keeps_batch():
    same_as_pytorch(mixing(lambda y: y + torch.stack([y, 2 * y], 0).sum(0)), SHAPE)


RANDOM = {
    "dropout": lambda y, **how: F.dropout(y, 0.5, **how),
    "dropout1d": lambda y, **how: F.dropout1d(y.flatten(2), 0.5, **how),
    "dropout2d": lambda y, **how: F.dropout2d(y, 0.5, **how),
    "dropout3d": lambda y, **how: F.dropout3d(y[:, :, None], 0.5, **how),
    "alpha_dropout": lambda y, **how: F.alpha_dropout(y, 0.5, **how),
    "feature_alpha_dropout": lambda y, **how: F.feature_alpha_dropout(y, 0.5, **how),
    "rrelu": lambda y, **how: F.rrelu(y, **how),
}


@pytest.mark.parametrize("how", [{}, {"training": True}, {"training": False}], ids=["default", "on", "off"])
@pytest.mark.parametrize("operator", RANDOM)
def test_dropout_is_opaque_only_where_random_in_evaluation(operator, how):
    module = randomized(mixing(lambda y: RANDOM[operator](y, **how)))
    x = images(SHAPE)
    with torch.no_grad():
        random = not torch.equal(module(x), module(x))
    network = cs.from_torch(module, SHAPE)
    assert unknown(network) == ([f"{operator}_in_training"] if random else [])
    assert cs.inspect(network).totals.status == ("unknown" if random else "complete")
    if not random:
        same_values(module, SHAPE)


def test_dropout_with_zero_probability_is_identity():
    same_values(mixing(lambda y: F.rrelu(F.dropout(y, 0.0), 0.25, 0.25, training=True)).eval(), SHAPE)


def test_attention_with_dropout_in_evaluation_is_opaque():
    attend = F.scaled_dot_product_attention
    network = cs.from_torch(mixing(lambda y: attend(y, y, y, dropout_p=0.5)), SHAPE)
    assert unknown(network) == ["scaled_dot_product_attention_in_training"]


def test_attention_module_with_dropout_in_evaluation_is_opaque():
    module = nn.MultiheadAttention(12, 3, dropout=0.5, batch_first=True)
    module.eval = lambda: module
    module.forward = lambda x: nn.MultiheadAttention.forward(module, x, x, x, need_weights=False)[0]
    assert unknown(cs.from_torch(module, (5, 12))) == ["scaled_dot_product_attention_in_training"]


def test_lstm_with_dropout_in_evaluation_is_opaque():
    module = nn.LSTM(12, 6, num_layers=2, dropout=0.5, batch_first=True)
    module.eval = lambda: module
    assert set(unknown(cs.from_torch(module, (5, 12)))) == {"lstm", "lstm_in_training"}
    module.dropout = 0.0
    assert "lstm_in_training" not in unknown(cs.from_torch(module, (5, 12)))


def test_opaque_layer_has_pytorch_shape():
    module = nn.Module()
    module.forward = lambda x: x.cumsum(1)[:, 1:]
    network = cs.from_torch(module, SHAPE)
    assert [(node.kind, node.output_shape) for node in network.layers] == [
        ("Opaque(cumsum)", (3, 18, 14)),
        ("Slice", (2, 18, 14)),
    ]


def test_batch_axis_is_tracked_through_permutations():
    """The sequence axis first, the batch second, as in PyTorch's recurrent modules."""
    module = nn.Module()
    module.forward = lambda x: x.permute(2, 0, 1).softmax(-1).relu()
    network = cs.from_torch(module, (6, 9))
    assert [(node.kind, node.output_shape) for node in network.layers] == [
        ("Permute", (9, 6)),
        ("Softmax", (9, 6)),
        ("ReLU", (9, 6)),
    ]
    assert network.nodes[2].layer.axis == 1


def test_half_precision_modules_are_imported():
    network = cs.from_torch(nn.Conv2d(3, 4, 3).to(torch.bfloat16), SHAPE)
    assert network.outputs[0].output_shape == (4, 16, 12)


def test_imported_model_trains():
    model = cs.from_torch(randomized(Residual()), SHAPE, parameters=True)
    model.compile(optimizer=cs.SGD(lr=0.01))
    labels = np.array([0, 3, 1])
    x = images(SHAPE).numpy()
    before = model.train_step(x, labels)
    for _ in range(5):
        after = model.train_step(x, labels)
    assert after < before
