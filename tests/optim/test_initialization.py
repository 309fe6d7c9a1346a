"""Initial values of parameters."""

import math

import numpy as np
import pytest

import convscope as cs
from convscope.layers import Activation
from convscope.optim.initialization import initial, initial_buffers, initial_parameters


def start(text, seed=0):
    return initial_parameters(cs.load(text), seed)


@pytest.mark.parametrize(
    ("behind", "variance"),
    [
        ("relu", 2 / (9 * 30)),
        ("bn | relu", 2 / (9 * 30)),
        ("bn | dropout | relu6", 2 / (9 * 30)),
        ("leakyrelu 0.5", 2 / 1.25 / (9 * 30)),
        ("prelu", 2 / (1 + 0.25**2) / (9 * 30)),
        ("gelu", 2 / (9 * 30)),
        ("tanh", 2 / (9 * 30 + 9 * 40)),
        ("bn | sigmoid", 2 / (9 * 30 + 9 * 40)),
        ("softmax", 2 / (9 * 30 + 9 * 40)),
        ("conv 4 1 | relu", 2 / (9 * 30 + 9 * 40)),
        ("identity", 2 / (9 * 30 + 9 * 40)),
    ],
)
def test_following_activation_decides_the_variance(behind, variance):
    """Kaiming for unbounded activations, Xavier for those within 1. The sampling error is below 1 %."""
    weight = start(f"input 30x9x7 | conv 40 3 | {behind}")["conv1.weight"]
    assert weight.size == 10_800
    assert weight.std() == pytest.approx(math.sqrt(variance), rel=0.025)
    assert abs(weight.mean()) < 3 * math.sqrt(variance / weight.size)


def test_fan_in_of_groups_and_dense_layers():
    weights = start("input 32x9x7 | conv 64 3 g4 | relu | flatten | dense 40 | relu")
    assert weights["conv1.weight"].std() == pytest.approx(math.sqrt(2 / (8 * 9)), rel=0.03)
    assert weights["dense1.weight"].std() == pytest.approx(math.sqrt(2 / (64 * 35)), rel=0.03)


def test_transposed_convolution_keeps_the_variance():
    """Each output sums about in·taps/stride² products: its variance is about twice the input's before ReLU."""
    net = cs.load("input 16x9x8 | convtranspose 24 4 s2 p1 | relu")
    model = cs.Model(net)
    x = np.random.default_rng(0).normal(size=(8, 16, 9, 8)).astype(np.float32)
    inside = model.activations(x)[net.layers[0].name][:, :, 3:-3, 3:-3]
    assert inside.var() == pytest.approx(2.0, rel=0.1)


def test_variance_is_kept_through_depth():
    """After 20 layers the mean square of ReLU is still of the order of the input's."""
    net = "input 64x7x7 | " + " | ".join(["conv 64 3 same | relu"] * 20)
    x = np.random.default_rng(0).normal(size=(2, 64, 7, 7)).astype(np.float32)
    assert 0.02 < np.square(cs.Model(net).logits(x)).mean() < 5


def test_other_parameters_have_fixed_initial_values():
    weights = start("input 3x8x6 | conv 4 3 | bn | prelu 4 init=0.1 | groupnorm 2 | flatten | dense 5")
    np.testing.assert_array_equal(weights["conv1.bias"], np.zeros(4))
    np.testing.assert_array_equal(weights["bn1.weight"], np.ones(4))
    np.testing.assert_array_equal(weights["bn1.bias"], np.zeros(4))
    np.testing.assert_array_equal(weights["prelu1.weight"], np.full(4, 0.1))
    np.testing.assert_array_equal(weights["dense1.bias"], np.zeros(5))
    buffers = initial_buffers(cs.load("input 3x8x6 | bn"))
    np.testing.assert_array_equal(buffers["bn1.running_mean"], np.zeros(3))
    np.testing.assert_array_equal(buffers["bn1.running_var"], np.ones(3))


def test_lstm_and_embedding_match_pytorch():
    weights = start("input 50 | embedding 40 30 | lstm 25")
    assert weights["embedding1.weight"].std() == pytest.approx(1, rel=0.05)
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        array = weights[f"lstm1.{name}"]
        assert 0.18 < np.abs(array).max() < 0.2
        assert array.std() == pytest.approx(0.2 / math.sqrt(3), rel=0.1)


def test_added_layer_leaves_other_parameters_unchanged():
    """Each parameter is drawn from seed and name alone."""
    one = start("input 3x8x6 | a: conv 4 3 | relu | flatten | b: dense 5")
    two = start("input 3x8x6 | a: conv 4 3 | relu | c: conv 4 3 same | relu | flatten | b: dense 5")
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    assert not np.array_equal(one["a.weight"], start("input 3x8x6 | a: conv 4 3 | relu", 1)["a.weight"])
    same_shape = start("input 4x8x6 | a: conv 4 3 | relu | c: conv 4 3 | relu")
    assert not np.array_equal(same_shape["a.weight"], same_shape["c.weight"])


def test_every_zoo_network_can_be_initialized():
    for name in ("mobilenet_v3_small", "convnext_tiny", "unet", "squeezenet1_1"):
        net = cs.load(name)
        weights = initial_parameters(net, 0)
        assert {key: array.shape for key, array in weights.items()} == {
            f"{node.name}.{key}": shape for node in net if node.owns_parameters
            for key, shape in node.facts.param_shapes.items()
        }  # fmt: skip
        assert all(np.isfinite(array).all() for array in weights.values())


def test_layer_without_rule_gets_zero_biases_unit_vectors_and_scaled_weights():
    def draw(name, shape):
        return initial(Activation(), name, shape, None, np.random.default_rng(0))

    assert draw("bias", (3,)).tolist() == [0, 0, 0]
    assert draw("weight", (3, 1, 1)).tolist() == [[[1]]] * 3
    weights = draw("weight", (40, 30, 5))
    np.testing.assert_allclose(weights.std(), (2 / (40 * 5 + 30 * 5)) ** 0.5, rtol=0.05)
