"""The laboratory's values against PyTorch, closed forms, and values computed by hand."""

import doctest
import math
import re
import sys

import numpy as np
import pytest

from convscope import lab, load
from convscope.errors import BadShape
from convscope.lab import arrays, options, topic
from convscope.lab.render import text as text_of_lessons
from convscope.lab.topics import activations, channels, edges, im2col, max_pooling, pooling_kinds, softmax
from convscope.layers import ReLU, Sigmoid


def refused(message, make):
    with pytest.raises(BadShape, match=f"^{re.escape(message)}$"):
        make()


MODULES = [activations, arrays, channels, edges, im2col, max_pooling, options, pooling_kinds]
MODULES += [sys.modules["convscope.lab.correlation"], softmax, text_of_lessons, topic]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_of_the_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


# Activations


def test_activations_at_chosen_points():
    """Closed forms at points where they are known, and no overflow far out."""
    table = lab.activation_table([-1e4, -2.5, 0.0, math.log(3), 1e4])
    np.testing.assert_allclose(table["Sigmoid"].values, [0, 1 / (1 + math.exp(2.5)), 0.5, 0.75, 1], rtol=1e-14)
    np.testing.assert_allclose(table["Sigmoid"].derivatives[2:], [0.25, 0.75 * 0.25, 0], rtol=1e-14)
    np.testing.assert_allclose(table["Tanh"].values, [-1, math.tanh(-2.5), 0, 0.8, 1], rtol=1e-14)
    np.testing.assert_allclose(table["Tanh"].derivatives[2:], [1, 0.36, 0], rtol=1e-14)
    np.testing.assert_array_equal(table["ReLU"].values, [0, 0, 0, math.log(3), 1e4])
    np.testing.assert_array_equal(table["ReLU"].derivatives, [0, 0, 0, 1, 1])
    np.testing.assert_allclose(table["LeakyReLU"].values[:2], [-100, -0.025], rtol=1e-14)
    np.testing.assert_allclose(table["ELU"].values[:2], [-1, math.exp(-2.5) - 1], rtol=1e-14)


def test_prelu_slope_gradient_is_the_negative_part():
    """∂/∂a (max(0, x) + a·min(0, x)) = min(0, x); the other functions have no slope to learn."""
    table = lab.activation_table([-3.0, 0.0, 2.0])
    np.testing.assert_array_equal(table["PReLU"].slope_gradient, [-3, 0, 0])
    assert table["ReLU"].slope_gradient is None
    assert "∂PReLU/∂a  −3  0  0" in str(table)
    assert "∂" not in str(lab.activation_table([1.0], [ReLU(), Sigmoid()]))


def test_softmax_jacobian():
    """diag(p) − p·pᵀ: each row sums to 0."""
    table = lab.softmax_table([0.0, math.log(2), math.log(5)])
    p = np.array([1, 2, 5]) / 8
    np.testing.assert_allclose(table.probabilities, p, rtol=1e-14)
    np.testing.assert_allclose(table.jacobian, np.diag(p) - np.outer(p, p), atol=1e-16)


# Pooling


def test_max_pooling_of_the_map():
    """Stride 2, and the first row with stride 1: 5, 5, 6. Ties go to the first."""
    walked = lab.max_pooling()
    assert walked.output.tolist() == [[5, 6], [7, 8]]
    assert walked.windows[2].tolist() == [[2, 5], [4, 7]]
    assert walked.gradient.tolist() == [[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 1]]
    overlapping = lab.max_pooling(stride=1)
    assert overlapping.output[0].tolist() == [5, 5, 6]
    assert len(overlapping.windows) == 9
    assert overlapping.gradient.sum() == 9


def test_every_kind_of_pooling_on_one_window():
    """Computed by hand for a window that is not square."""
    x = np.array([[1.0, 3.0, 2.0], [6.0, 0.0, 4.0]])
    table = lab.pooling_table(x)
    outputs = {row.name: row.output.ravel().tolist() for row in table.rows}
    assert outputs["max"] == outputs["global max"] == [6]
    assert outputs["min"] == [0]
    assert outputs["average"] == pytest.approx([16 / 6])
    assert outputs["global average"] == pytest.approx([16 / 6])
    assert outputs["root of squares (LP, p = 2)"] == pytest.approx([math.sqrt(66)])
    assert outputs["stochastic, inference"] == pytest.approx([66 / 16])
    assert outputs["overlapping max, 2×2 stride 1"] == [6, 4]
    assert outputs["spatial pyramid, 2×2 and 1×1"] == [3, 3, 6, 4, 6]
    np.testing.assert_array_equal(table["max"].gradient, [[0, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(table["min"].gradient, [[0, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(table["average"].gradient, np.full((2, 3), 1 / 6))
    np.testing.assert_allclose(table["root of squares (LP, p = 2)"].gradient, x / math.sqrt(66))
    np.testing.assert_allclose(table["stochastic, inference"].gradient, np.where(x > 0, (2 * x - 66 / 16) / 16, 0))


def test_stochastic_pooling_draws_in_proportion():
    """Over many seeds, each element as often as its share; the gradient goes to the drawn one."""
    x = np.array([[1.0, 3.0], [0.0, 4.0]])
    drawn = [lab.pooling_table(x, seed)["stochastic, training"] for seed in range(800)]
    values = np.array([row.output[0, 0] for row in drawn])
    np.testing.assert_allclose([(values == v).mean() for v in (1, 3, 4)], [1 / 8, 3 / 8, 4 / 8], atol=0.05)
    assert all(row.gradient[x == row.output[0, 0]] == 1 and row.gradient.sum() == 1 for row in drawn)


def test_windows_that_do_not_fit():
    refused(
        "window must be a matrix of at least 2×2 numbers (got window=1×3). Pass rows of numbers. [lab-window]",
        lambda: lab.pooling_table([[1, 2, 3]]),
    )
    refused(
        "x must be a matrix of numbers (got x=3). Pass rows of numbers. [lab-window]",
        lambda: lab.max_pooling([1, 2, 3]),
    )
    refused(
        "x must be numbers in rows of equal length (got '[[1, 2], [3]]'). Pass nested lists or an array. [lab-numbers]",
        lambda: lab.max_pooling([[1, 2], [3]]),
    )
    refused(
        "The window must fit into the input with its padding (got a window of 3×3, an input of 2×2, padding 0). Use a "
        "smaller window or more padding. [lab-window-size]",
        lambda: lab.max_pooling([[1, 2], [3, 4]], kernel_size=3),
    )


# Convolution


def test_channels_sum_to_pytorchs_convolution():
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(1)
    x, weight, bias = (generator.normal(size=s) for s in ((3, 7, 6), (2, 3, 3, 5), (2,)))
    steps = lab.by_channels(x, weight, bias)
    expected = torch.nn.functional.conv2d(*map(torch.tensor, (x[None], weight, bias)), padding=(1, 2))[0]
    np.testing.assert_allclose(steps.output, expected, rtol=1e-12)
    for kernel, one in zip(steps.kernels, weight, strict=True):
        for part, channel, made in zip(one, x, kernel.per_channel, strict=True):
            alone = torch.nn.functional.conv2d(
                *map(torch.tensor, (channel[None, None], part[None, None])), padding=(1, 2)
            )
            np.testing.assert_allclose(made, alone[0, 0], rtol=1e-11, atol=1e-12)


def test_two_convolutions_of_an_image_in_color():
    """2 maps of 4×4, then 3; the second layer takes what the first gave; each sum is in the text."""
    steps = lab.two_convolutions(seed=3)
    assert steps.first.x.shape == (3, 4, 4)
    assert steps.first.output.shape == (2, 4, 4)
    assert [k.kernel.shape for k in steps.first.kernels] == [(3, 3, 3)] * 2
    np.testing.assert_array_equal(steps.second.x, steps.first.output)
    assert steps.second.output.shape == (3, 4, 4)
    assert [k.kernel.shape for k in steps.second.kernels] == [(2, 3, 3)] * 3
    kernel = steps.first.kernels[1]
    by_hand = sum(
        kernel.kernel[c, i, j] * np.pad(steps.first.x[c], 1)[2 + i, 1 + j]
        for c in range(3)
        for i in range(3)
        for j in range(3)
    )
    assert kernel.output[2, 1] == by_hand + kernel.bias
    text = str(steps)
    assert "First convolution: 3×4×4 → 2×4×4, 2 kernels of 3×3×3" in text
    assert "Second convolution: 2×4×4 → 3×4×4, 3 kernels of 2×3×3" in text
    assert text.count("the pixel-wise sum of") == 5
    for kernel in (*steps.first.kernels, *steps.second.kernels):
        assert "\n".join(text_of_lessons.matrix_lines(kernel.output, 80)) in text


def test_channels_that_do_not_fit():
    refused(
        "A kernel must be as deep as the image has channels, x (c, h, w) and weight (o, c, kh, kw) (got "
        "x=3×4×5, weight=2×2×3×3). Pass kernels with one slice per channel. [lab-channels]",
        lambda: lab.by_channels(np.zeros((3, 4, 5)), np.zeros((2, 2, 3, 3))),
    )
    refused(
        "There must be 2 biases, one per kernel, and 3 names, one per channel (got bias=3, 3 names). Leave "
        "both out. [lab-channels]",
        lambda: lab.by_channels(np.zeros((3, 4, 5)), np.zeros((2, 3, 3, 3)), [1, 2, 3]),
    )


@pytest.mark.parametrize(("n", "k"), [((5,), (3,)), ((6,), (2,)), ((3, 3), (2, 2)), ((5, 4), (2, 3))])
def test_correlation_is_pytorchs(n, k):
    """Values and all gradients; and the way over the turned kernel gives the same gradient of x."""
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(2)
    x, w = generator.normal(size=n), generator.normal(size=k)
    grad = generator.normal(size=[a - b + 1 for a, b in zip(n, k, strict=True)])
    steps = lab.correlation(x, w, 0.5, grad)
    tensors = [torch.tensor(a[None, None], requires_grad=True) for a in (x, w)]
    bias = torch.tensor([0.5], dtype=torch.float64, requires_grad=True)
    apply = torch.nn.functional.conv1d if len(n) == 1 else torch.nn.functional.conv2d
    y = apply(*tensors, bias)
    y.backward(torch.tensor(grad[None, None]))
    np.testing.assert_allclose(steps.y, y.detach()[0, 0], rtol=1e-12)
    np.testing.assert_allclose(steps.grad_x, tensors[0].grad[0, 0], rtol=1e-12)
    np.testing.assert_allclose(steps.grad_w, tensors[1].grad[0, 0], rtol=1e-12)
    np.testing.assert_allclose(steps.grad_b, bias.grad[0], rtol=1e-12)
    np.testing.assert_allclose(steps.flipped, steps.grad_x, rtol=1e-9, atol=1e-12)


def test_correlation_of_five_and_three_by_hand():
    """y = x·w + b without a flip, and the equations say so."""
    steps = lab.correlation([1, 2, -1, 3, 0], [2, -1, 1], 1)
    assert steps.y.tolist() == [0, 9, -4]
    text = str(steps)
    assert "y₁ = x₁·w₀ + x₂·w₁ + x₃·w₂ + b = 2·2 + (−1)·(−1) + 3·1 + 1 = 9" in text
    assert "dx₂ = dy₀·w₂ + dy₁·w₁ + dy₂·w₀ = 2" in text
    assert "dx₄ = dy₂·w₂ = 1" in text
    assert "dw₁ = dy₀·x₁ + dy₁·x₂ + dy₂·x₃ = 4" in text
    assert "x4 ──×w2──┼──(+)──► y2 = −4" in text


@pytest.mark.parametrize(
    "steps", [lab.correlation(), lab.correlation(np.arange(12.0).reshape(4, 3), [[1, -2], [3, 4]], 5)]
)
def test_equations_are_true(steps):
    """The numbers that are put in give the value of every output."""
    for line in steps.equations():
        *_, numbers, result = line.replace("−", "-").replace("·", "*").split(" = ")
        assert eval(numbers) == float(result)
    assert len(steps.equations()) == steps.y.size


def test_correlation_that_does_not_fit():
    refused(
        "x and w must both be rows or both be matrices, w no larger than x (got x=2, w=3). Make w smaller. "
        "[lab-correlation]",
        lambda: lab.correlation([1, 2], [1, 2, 3]),
    )
    refused(
        "x and w must both be rows or both be matrices, w no larger than x (got x=2×2, w=2). Make w smaller. "
        "[lab-correlation]",
        lambda: lab.correlation([[1, 2], [3, 4]], [1, 2]),
    )
    refused(
        "grad_y must be 3, as y (got grad_y=2). Leave it out for ones. [lab-correlation]",
        lambda: lab.correlation(grad_y=[1, 2]),
    )


def test_matrix_product_is_pytorchs_convolution():
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(4)
    x, weight = generator.normal(size=(3, 7, 6)), generator.normal(size=(5, 3, 2, 3))
    made = lab.matrix_product(x, weight, stride=2)
    expected = torch.nn.functional.conv2d(torch.tensor(x[None]), torch.tensor(weight), stride=2)[0]
    np.testing.assert_allclose(made.output, expected, rtol=1e-12)


def test_im2col_of_the_example():
    """12×9; the first column is the first window, channel by channel; and the sizes of AlexNet's first layer."""
    made = lab.matrix_product()
    assert (made.x_col.shape, made.w_col.shape, made.output.shape) == ((12, 9), (1, 12), (1, 3, 3))
    assert made.x_col[:, 0].tolist() == [0, 1, 4, 5, 16, 17, 20, 21, 32, 33, 36, 37]
    assert made.times_seen.tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]
    assert "3·2·2 = 12 rows, one per channel and tap; 3·3 = 9 columns, one per window." in str(made)
    refused(
        "A kernel must be as deep as the image has channels, x (c, h, w) and weight (o, c, kh, kw) (got "
        "x=4×4, weight=1×3×2×2). Pass kernels with one slice per channel. [lab-columns]",
        lambda: lab.matrix_product(np.zeros((4, 4))),
    )


def test_edges_of_a_bright_corner():
    """Bright above left: both kernels find it, and only on their own side; ReLU drops the other sign."""
    image = np.zeros((6, 5))
    image[:3, :2] = 10
    found = lab.edge_maps(image)
    assert found.maps["horizontal"].shape == (4, 3)
    assert found.maps["horizontal"].tolist() == [[0, 0, 0], [20, 10, 0], [20, 10, 0], [0, 0, 0]]
    assert found.maps["vertical"][0].tolist() == [30, 30, 0]
    flipped = lab.edge_maps(image[::-1])
    assert flipped.maps["horizontal"].min() == -20
    assert flipped.rectified["horizontal"].max() == 0
    refused(
        "image must be a matrix of at least 3×3 gray levels (got image=2×5). "
        "Pass one channel, as rows of numbers. [lab-image]",
        lambda: lab.edge_maps(image[:2]),
    )


# Whole networks


def test_walk_through_the_small_network():
    """Every layer is there, and PyTorch's functions on the same numbers give the same."""
    torch = pytest.importorskip("torch")
    steps = lab.walk("seed-8x8", seed=7)
    assert list(steps.values) == [node.name for node in load("seed-8x8")]
    p = {name: torch.tensor(array) for name, array in steps.parameters.items()}
    f = torch.nn.functional
    h = f.max_pool2d(f.relu(f.conv2d(torch.tensor(steps.x[None]), p["conv1.weight"], p["conv1.bias"])), 2)
    h = f.relu(f.linear(h.flatten(1), p["hidden.weight"], p["hidden.bias"]))
    expected = f.softmax(f.linear(h, p["output.weight"], p["output.bias"]), 1)[0]
    np.testing.assert_allclose(steps.output, expected, rtol=1e-12)
    assert steps.output.sum() == pytest.approx(1)
    text = str(steps)
    assert all(f"\n{node.name} ({node.kind}): " in text for node in load("seed-8x8"))
    assert str(lab.walk("seed-8x8", seed=7)) == text


def test_walk_with_own_numbers():
    """The element-wise ReLU: −2.5 becomes 0."""
    steps = lab.walk("input 1x1x2 | relu", [[[-2.5, 3.0]]])
    assert steps.output.tolist() == [[[0, 3]]]


def test_networks_too_large_to_read():
    refused(
        "The network must have one input and layers of at most 4,096 values (got 1 input and a layer of "
        "290,400). Use a smaller one. [lab-network]",
        lambda: lab.walk("alexnet"),
    )


def test_everything_is_readable():
    """Every function's `str()` has no Python in it, and fits a page's width."""
    shown = [
        lab.activation_table(), lab.softmax_table(), lab.pooling_table(), lab.max_pooling(), lab.two_convolutions(),
        lab.correlation(), lab.matrix_product(), lab.edge_maps(np.eye(6)), lab.walk("seed-8x8"),
    ]  # fmt: skip
    for one in shown:
        text = str(one)
        assert "array(" not in text
        assert "nan" not in text
        assert max(map(len, text.split("\n"))) <= 80
