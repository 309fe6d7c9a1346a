"""Whole networks: branches, shared layers, any value and any gradient by name, and what is refused."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from convscope import layers as L
from convscope.engines.common import losses
from convscope.engines.reference.layers import run
from convscope.engines.reference.layers.graph import buffer_shapes, parameter_shapes
from convscope.errors import BadShape, NoRule, UnknownLayer
from convscope.network import Entry, Network
from engines.reference.oracle import exact, frozen

NETWORK = Network(
    [
        Entry("input", L.Input((3, 8, 10))),
        Entry("conv1", L.Conv2d(6, 3, padding=1), ("input",)),
        Entry("bn1", L.BatchNorm2d(momentum=0.3), ("conv1",)),
        Entry("relu1", L.ReLU(), ("bn1",)),
        Entry("left", L.Conv2d(6, (3, 1), padding=(1, 0)), ("relu1",)),
        Entry("right", L.Conv2d(6, (3, 1), padding=(1, 0)), ("left",), shares="left"),
        Entry("add", L.Add(), ("left", "right", "relu1")),
        Entry("pool", L.MaxPool2d((2, 3), ceil_mode=True), ("add",)),
        Entry("gate", L.GlobalAvgPool2d(), ("pool",)),
        Entry("scaled", L.Multiply(), ("pool", "gate")),
        Entry("both", L.Concat(), ("scaled", "pool")),
        Entry("dense", L.Linear(5), ("flat",)),
        Entry("flat", L.Flatten(), ("both",)),
    ]
)


def arrays(network, seed=1):
    rng = np.random.default_rng(seed)
    parameters = {name: exact(rng, shape) * 0.3 for name, shape in parameter_shapes(network).items()}
    buffers = {name: frozen(np.abs(exact(rng, shape)) + 0.5) for name, shape in buffer_shapes(network).items()}
    return {name: frozen(array) for name, array in parameters.items()}, buffers


def by_torch(x, p, mean, var):
    """Return NETWORK's values by name in training, written out."""
    v = {"input": x}
    v["conv1"] = F.conv2d(x, p["conv1.weight"], p["conv1.bias"], padding=1)
    v["bn1"] = F.batch_norm(v["conv1"], mean, var, p["bn1.weight"], p["bn1.bias"], True, 0.3)
    v["relu1"] = F.relu(v["bn1"])
    v["left"] = F.conv2d(v["relu1"], p["left.weight"], p["left.bias"], padding=(1, 0))
    v["right"] = F.conv2d(v["left"], p["left.weight"], p["left.bias"], padding=(1, 0))
    v["add"] = v["left"] + v["right"] + v["relu1"]
    v["pool"] = F.max_pool2d(v["add"], (2, 3), ceil_mode=True)
    v["gate"] = v["pool"].mean((2, 3), keepdim=True)
    v["scaled"] = v["pool"] * v["gate"]
    v["both"] = torch.cat([v["scaled"], v["pool"]], 1)
    v["flat"] = v["both"].flatten(1)
    v["dense"] = F.linear(v["flat"], p["dense.weight"], p["dense.bias"])
    return v


@pytest.mark.parametrize("algorithm", ["matrix", "loops"])
def test_values_and_gradients_of_every_layer_are_pytorchs(algorithm):
    """Branches sum their gradients, and the shared kernel has both uses' under its owner's name."""
    x = exact(np.random.default_rng(0), (2, 3, 8, 10))
    labels = np.array([4, 0])
    parameters, buffers = arrays(NETWORK)
    passed = run(NETWORK, x, parameters, buffers, training=True, algorithm=algorithm)
    loss = losses.softmax_cross_entropy(passed.output, labels)
    grads = passed.backward(loss.gradient)

    tensors = {name: torch.tensor(np.array(array), requires_grad=True) for name, array in parameters.items()}
    mean, var = (torch.tensor(np.array(buffers[f"bn1.running_{name}"])) for name in ("mean", "var"))
    values = by_torch(torch.tensor(np.array(x), requires_grad=True), tensors, mean, var)
    for value in values.values():
        value.retain_grad()
    expected = F.cross_entropy(values["dense"], torch.tensor(labels))
    expected.backward()

    assert loss.value == pytest.approx(expected.item(), rel=1e-12)
    assert set(passed.values) == set(grads.values) == set(values)
    for name, value in values.items():
        np.testing.assert_allclose(passed.values[name], value.detach().numpy(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(grads.values[name], value.grad.numpy(), rtol=1e-9, atol=1e-12)
    assert set(grads.parameters) == set(tensors) == set(parameter_shapes(NETWORK))
    for name, tensor in tensors.items():
        np.testing.assert_allclose(grads.parameters[name], tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(passed.new_buffers["bn1.running_mean"], mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(passed.new_buffers["bn1.running_var"], var.numpy(), rtol=1e-12)


def test_shared_parameters_are_listed_once():
    assert "left.weight" in parameter_shapes(NETWORK)
    assert "right.weight" not in parameter_shapes(NETWORK)


def test_gradients_may_start_at_any_layers():
    """From one unit of an inner layer: layers after it get none, parameters after it get zeros."""
    x = exact(np.random.default_rng(0), (1, 3, 8, 10))
    parameters, buffers = arrays(NETWORK)
    passed = run(NETWORK, x, parameters, buffers)
    seed = np.zeros_like(passed.values["left"])
    seed[0, 2, 4, 5] = 1.0
    grads = passed.backward({"left": seed})
    assert set(grads.values) == {"input", "conv1", "bn1", "relu1", "left"}
    assert not grads.parameters["dense.weight"].any()
    assert grads.parameters["conv1.weight"].any()
    twice = passed.backward({"left": seed, "conv1": np.ones_like(passed.values["conv1"])})
    np.testing.assert_allclose(twice.values["conv1"], grads.values["conv1"] + 1)


def test_the_gradient_of_one_unit_reaches_exactly_its_receptive_field():
    """With positive numbers nothing cancels: the pixels with a gradient are those the field names."""
    network = Network(
        [
            Entry("input", L.Input((2, 15, 19))),
            Entry(
                "conv1", L.Conv2d(3, (3, 2), stride=(2, 1), padding=((1, 0), (0, 1)), dilation=(1, 2)), ("input",)
            ),
            Entry("pool", L.AvgPool2d((2, 3), (1, 2), padding=(1, 0)), ("conv1",)),
            Entry("up", L.ConvTranspose2d(2, (3, 2), stride=(2, 1)), ("pool",)),
        ]
    )
    ones = {name: np.ones(shape) for name, shape in parameter_shapes(network).items()}
    passed = run(network, np.ones((1, 2, 15, 19)), ones)
    rows, columns = passed.output.shape[2:]
    for at in [(0, 0), (rows // 2, columns // 3), (rows - 1, columns - 1), (3, 4)]:
        seed = np.zeros_like(passed.output)
        seed[(0, 1, *at)] = 1.0
        grad = passed.backward(seed).values["input"][0].sum(axis=0)
        top, left, bottom, right = network.field("up", at=at).clipped
        seen = np.argwhere(grad != 0)
        assert (*seen.min(axis=0), *(seen.max(axis=0) + 1)) == (top, left, bottom, right)


def test_statistics_of_a_shared_batchnorm_move_once_per_use():
    shared = Network(
        [
            Entry("input", L.Input((3, 4, 5))),
            Entry("bn", L.BatchNorm2d(momentum=0.5), ("input",)),
            Entry("again", L.BatchNorm2d(momentum=0.5), ("input",), shares="bn"),
        ]
    )
    x = exact(np.random.default_rng(0), (2, 3, 4, 5))
    parameters, buffers = arrays(shared)
    passed = run(shared, x, parameters, buffers, training=True)
    expected = 0.25 * buffers["bn.running_mean"] + 0.75 * x.mean(axis=(0, 2, 3))
    assert set(passed.new_buffers) == {"bn.running_mean", "bn.running_var"}
    np.testing.assert_allclose(passed.new_buffers["bn.running_mean"], expected)


def test_inputs_are_passed_by_name():
    network = Network(
        [
            Entry("image", L.Input((2, 3, 4))),
            Entry("mask", L.Input((1, 3, 4))),
            Entry("masked", L.Multiply(), ("image", "mask")),
        ]
    )
    image, mask = np.full((1, 2, 3, 4), 3.0), np.full((1, 1, 3, 4), 2.0)
    assert (run(network, {"image": image, "mask": mask}, {}).output == 6).all()
    with pytest.raises(BadShape) as error:
        run(network, image, {})
    assert str(error.value) == (
        "x must have an array for each of image, mask (got image). Give a dict of arrays by input name. [input-names]"
    )


def test_equal_seeds_draw_equal_dropout_masks():
    network = Network([Entry("input", L.Input((50,))), Entry("dropout", L.Dropout(), ("input",))])
    x = np.ones((2, 50))
    one, two = (run(network, x, {}, training=True, generator=np.random.default_rng(5)).output for _ in range(2))
    np.testing.assert_array_equal(one, two)


CHAIN = Network([Entry("input", L.Input((2, 3))), Entry("dense", L.Linear(4), ("input",))])
WEIGHT, BIAS = np.zeros((4, 3)), np.zeros(4)


def refusal(kind, call):
    with pytest.raises(kind) as error:
        call()
    return str(error.value)


def test_arrays_of_wrong_shape_are_rejected():
    x = np.zeros((1, 2, 3))
    assert refusal(BadShape, lambda: run(CHAIN, np.zeros((1, 3, 2)), {})) == (
        "Input 'input' must be n×2×3 (got 1×3×2). Reshape it, or use network.with_input. [input-shape]"
    )
    assert refusal(BadShape, lambda: run(CHAIN, x, {"dense.weight": WEIGHT})) == (
        "parameters must contain every array of the network (got none for dense.bias). "
        "Create them in the shapes of the network. [parameters-missing]"
    )
    assert refusal(BadShape, lambda: run(CHAIN, x, {"dense.weight": WEIGHT.T, "dense.bias": BIAS})) == (
        "parameters['dense.weight'] must be 4×3 (got 3×4). Use arrays of this network. [parameters-shape]"
    )
    batchnorm = Network([Entry("input", L.Input((2, 3))), Entry("bn", L.BatchNorm1d(affine=False), ("input",))])
    assert refusal(BadShape, lambda: run(batchnorm, x, {})) == (
        "buffers must contain every array of the network (got none for bn.running_mean, bn.running_var). "
        "Create them in the shapes of the network. [buffers-missing]"
    )


def test_gradient_of_wrong_shape_or_layer_is_rejected():
    passed = run(CHAIN, np.zeros((1, 2, 3)), {"dense.weight": WEIGHT, "dense.bias": BIAS})
    assert refusal(BadShape, lambda: passed.backward(np.zeros((1, 4, 2)))) == (
        "The gradient of 'dense' must be 1×2×4, as its value (got 1×4×2). Reshape it. [gradient-shape]"
    )
    assert refusal(UnknownLayer, lambda: passed.backward({"dens": np.zeros((1, 2, 4))})) == (
        "network has no layer 'dens'. Did you mean dense? [layer-name]"
    )


def test_network_with_unsupported_operator_is_rejected():
    network = Network([Entry("input", L.Input((2, 3))), Entry("sort", L.Opaque("Sort", (2, 3)), ("input",))])
    assert refusal(NoRule, lambda: run(network, np.zeros((1, 2, 3)), {})) == (
        "The reference engine has no forward rule for Opaque(Sort). "
        "Replace it by layers that can be computed. [no-forward]"
    )
