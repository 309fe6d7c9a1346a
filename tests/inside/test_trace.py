"""Traces against PyTorch's autograd, finite differences, and between engines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import convscope as cs
from convscope.errors import BadData, BadSetting, BadShape, BadUnit, UnknownLayer
from convscope.inside import LossTarget
from convscope.layers.facts import facts
from random_networks import networks

torch = pytest.importorskip("torch")

TEXT = (
    "input 2x9x8 | conv 6 3 same | bn | relu | maxpool 2 | dropout 0.5 | conv 4 3x2 s2x1 p1 g2 | avgpool 2 | "
    "flatten | dense 5"
)


def model_of(text=TEXT, engine="reference", dtype="float64", seed=3):
    model = cs.Model(text, seed=seed, engine=engine, dtype=dtype)
    draw = np.random.default_rng(seed)
    for name, array in model.buffers.items():
        model.buffers[name] = draw.uniform(0.5, 1.5, array.shape)
    return model


def images_for(model, count=3):
    draw = np.random.default_rng(7)
    return draw.standard_normal((count, *model.network.input_shape)).astype(model.dtype)


@pytest.mark.parametrize("target", [2, [0, 4, 1], ("conv2", (3, 1, 2)), LossTarget([1, 0, 4])])
def test_gradients_match_finite_differences(target):
    model = model_of()
    x = images_for(model)
    found = model.trace(x, target)
    draw = np.random.default_rng(1)
    direction = draw.standard_normal(x.shape)
    step = 1e-6
    up, down = (model.trace(x + sign * step * direction, target, layers=[]).target.sum() for sign in (1, -1))
    slope = (up - down) / (2 * step)
    assert slope == pytest.approx(float((found.input.gradient * direction).sum()), rel=1e-5)


def test_trace_has_all_layers_in_order_with_values_of_activations():
    model = model_of()
    x = images_for(model)
    found = model.trace(x, 1)
    assert list(found) == [node.name for node in model.network]
    for name, value in model.activations(x).items():
        assert np.array_equal(found[name].value, value)


def test_trace_keeps_only_what_is_asked_for():
    model = model_of()
    found = model.trace(images_for(model), layers=["conv2"])
    assert list(found) == ["input", "conv2"]
    assert found["conv2"].gradient is None
    assert list(model.activations(images_for(model), layers=["pool1"])) == ["pool1"]


def test_gradient_is_zero_where_the_target_does_not_depend_on_a_layer():
    model = model_of()
    found = model.trace(images_for(model), ("conv2", (0, 0, 0)))
    assert not found["dense1"].gradient.any()
    assert found["conv2"].gradient.sum() == 3


def test_loss_target_uses_running_statistics():
    model = model_of()
    x = images_for(model)
    before = {name: array.copy() for name, array in model.buffers.items()}
    one, alone = model.trace(x, LossTarget([1, 2, 3])), model.trace(x[:1], LossTarget([1]))
    np.testing.assert_allclose(one["bn1"].value[:1], alone["bn1"].value, rtol=1e-12)
    assert all(np.array_equal(model.buffers[name], array) for name, array in before.items())


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize("target", [2, ("pool1", (3, 1, 2)), LossTarget([1, 0, 4])])
def test_engines_agree(engine, target):
    reference, other = model_of(dtype="float32"), model_of(engine=engine, dtype="float32")
    x = images_for(reference)
    expected, found = reference.trace(x, target), other.trace(x, target)
    for name in expected:
        for one, two in zip(expected[name], found[name], strict=True):
            np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5 * max(1e-6, np.abs(one).max()), err_msg=name)


@settings(max_examples=25)
@given(networks())
def test_random_networks_match_autograd(network):
    reference, other = (
        cs.Model(network, seed=1, engine=engine, dtype="float64") for engine in ("reference", "torch")
    )
    x = images_for(reference, 2)
    last = network.outputs[-1]
    unit = (last.name, tuple(n // 2 for n in last.output_shape))
    expected, found = reference.trace(x, unit), other.trace(x, unit)
    for name in expected:
        for one, two in zip(expected[name], found[name], strict=True):
            np.testing.assert_allclose(two, one, rtol=1e-7, atol=1e-9, err_msg=name)


class Branches(torch.nn.Module):
    """Branches with a sum and a concatenation, then attention over positions."""

    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)
        self.left = torch.nn.Conv2d(8, 8, (1, 3), padding=(0, 1), groups=2)
        self.right = torch.nn.Conv2d(8, 4, 3, stride=1, padding=1)
        self.attention = torch.nn.MultiheadAttention(12, 3, batch_first=True)
        self.head = torch.nn.Linear(12, 5)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        x = torch.cat([x + self.left(x), torch.sigmoid(self.right(x))], 1)
        sequence = torch.nn.functional.max_pool2d(x, 2).flatten(2).transpose(1, 2)
        mixed, _ = self.attention(sequence, sequence, sequence, need_weights=False)
        return self.head((sequence + mixed).mean(1))


def test_imported_module_matches_autograd_with_hooks():
    torch.manual_seed(5)
    module = Branches().eval()
    module.norm.running_mean.uniform_(-0.5, 0.5)
    module.norm.running_var.uniform_(0.5, 1.5)
    model = cs.from_torch(module, (3, 10, 12), parameters=True)
    x = np.random.default_rng(2).standard_normal((2, 3, 10, 12)).astype(np.float32)
    seen = {}

    def keep(name):
        def hook(_, __, output):
            output.retain_grad()
            seen[name] = output

        return hook

    for name in ("stem", "norm", "left", "right", "head"):
        getattr(module, name).register_forward_hook(keep(name))
    images = torch.from_numpy(x).requires_grad_()
    module(images)[:, 3].sum().backward()
    found = model.trace(x, 3)
    np.testing.assert_allclose(found.input.gradient, images.grad.numpy(), rtol=1e-3, atol=1e-6)
    for name, output in seen.items():
        np.testing.assert_allclose(found[name].value, output.detach().numpy(), rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(found[name].gradient, output.grad.numpy(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        (5, BadUnit, "network has 5 classes (got target 5). Use 0 to 4. [target-class]"),
        (-1, BadUnit, "network has 5 classes (got target -1). Use 0 to 4. [target-class]"),
        ([0, 1], BadSetting, "target must have one class, or one for each of the 3 images (got 2). [target]"),
        (
            1.5,
            BadSetting,
            "target must be a class, one class per image, (layer, (channel, row, column)) or a LossTarget (got 1.5). "
            "Use target=0 for the first class. [target]",
        ),
        (
            ("conv2", (4, 0, 0)),
            BadUnit,
            "conv2 has 4×2×5 units (got at=(4, 0, 0)). Pass 3 indices from 0, each below its size. [unit-range]",
        ),
        (("conv3", (0, 0, 0)), UnknownLayer, None),
    ],
)
def test_bad_targets_are_refused(target, error, message):
    model = model_of()
    with pytest.raises(error) as caught:
        model.trace(images_for(model), target)
    if message is not None:
        assert str(caught.value) == message


def test_bad_images_and_layers_are_refused():
    model = model_of()
    with pytest.raises(BadData, match="images-shape"):
        model.trace(np.zeros((1, 3, 9, 8)), 1)
    with pytest.raises(UnknownLayer, match=r"Did you mean conv2, conv1\?"):
        model.trace(images_for(model), layers=["conv"])
    with pytest.raises(BadShape, match="one-image"):
        model.unit_terms(images_for(model), "conv1", (0, 0, 0))
    with pytest.raises(BadUnit, match="unit-range"):
        model.unit_terms(images_for(model)[0], "conv1", (0, 0))


def test_every_unit_of_a_model_adds_up_in_value_and_gradient():
    model = model_of(dtype="float32", engine="native")
    x = images_for(model, 1)[0]
    for node in model.network.layers:
        units = list(np.ndindex(*facts(node.layer, node.input_shapes).output_shape))
        for at in units[:: max(1, len(units) // 4)]:
            found = model.unit_terms(x, node.name, at, target=2)
            scale = sum(abs(term.product) for term in found.terms) + abs(found.bias) + 1e-9
            assert abs(found.value - found.sum) <= 1e-5 * scale
            if node is not model.network.outputs[-1]:
                total = sum(reader.product for reader in found.readers)
                assert total == pytest.approx(found.gradient, rel=1e-4, abs=1e-7)


def test_target_of_a_map_of_scores_is_the_sum_over_its_positions():
    model = model_of("input 2x6x5 | conv 3 3")
    x = images_for(model)
    found = model.trace(x, 1)
    np.testing.assert_allclose(found.target, found["conv1"].value[:, 1].sum(axis=(1, 2)), rtol=1e-12)
