"""Every topic: its numbers against PyTorch, brute force and values computed by hand; languages, widths and formats."""

import json
from itertools import product

import numpy as np
import pytest

from convscope import lab
from convscope.errors import BadSetting
from convscope.lab.topics import loops_and_matrix
from convscope.text.table import width_of

TOPICS = list(lab.list_topics())


@pytest.fixture(autouse=True)
def few_loops(monkeypatch):
    """Time the loops on a small image, unless a test asks for another."""
    monkeypatch.setattr(loops_and_matrix, "LEAST_SECONDS", 1e-6)


def lesson(name, **options):
    if name == "loops-and-matrix" and not options:
        options = {"shape": (2, 6, 7), "kernels": 2}
    return lab.teach(name, **options)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# Every topic


@pytest.mark.parametrize("name", TOPICS)
def test_lesson_fits_80_columns_in_both_languages(name):
    made = lesson(name)
    for lang in ("en", "zh"):
        text = made.text(lang)
        assert max(map(width_of, text.split("\n"))) <= 80
        assert "array(" not in text
        assert "nan" not in text
        assert "{" not in text
    assert any("\u4e00" <= letter <= "\u9fff" for letter in made.text("zh"))
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in made.text("en"))


@pytest.mark.parametrize("name", TOPICS)
def test_every_format_has_every_section(name):
    made = lesson(name)
    for lang in ("en", "zh"):
        assert made.markdown(lang).count("\n## ") == len(made.sections)
        assert made.html(lang).count("<h2>") == made.html(lang).count("</h2>") == len(made.sections)
        assert made.latex(lang).count(r"\section*{") == len(made.sections)
        assert made.latex(lang).count(r"\begin{align*}") == made.latex(lang).count(r"\end{align*}")


@pytest.mark.parametrize("name", TOPICS)
def test_document_is_json_with_every_named_value(name):
    document = json.loads(json.dumps(lesson(name).to_dict(), allow_nan=False))
    assert (document["schema"], document["topic"]) == (1, name)
    named = [
        one for section in document["sections"] for step in section["steps"] for one in step.get("values", [])
    ]
    named += [
        step[kind]
        for s in document["sections"]
        for step in s["steps"]
        for kind in ("table", "curves")
        if kind in step
    ]
    assert sorted(named) == sorted(document["values"])


def test_topics_are_in_teaching_order_and_unknown_ones_suggest_others():
    assert TOPICS[:2] == ["activations", "relu"]
    assert TOPICS[-1] == "errata"
    with pytest.raises(BadSetting, match=r"^There is no topic 'drop-out'\. Did you mean dropout\? \[lab-topic\]$"):
        lab.teach("drop-out")


# Activation functions


def test_elementwise_relu():
    made = lesson("relu")
    assert made["x"][0, 0] == -2.5
    assert made["y"].tolist() == [[0, 1, 0.5], [3, 0, 0]]
    assert made["dx"].tolist() == made["mask"].tolist() == [[0, 1, 1], [1, 0, 0]]


def test_relu_is_pytorchs():
    torch = pytest.importorskip("torch")
    x, dy = numbers(3, 5), numbers(3, 5, seed=1)
    tensor = torch.tensor(x, requires_grad=True)
    y = torch.relu(tensor)
    y.backward(torch.tensor(dy))
    made = lesson("relu", x=x, gradient=dy)
    np.testing.assert_array_equal(made["y"], y.detach())
    np.testing.assert_array_equal(made["dx"], tensor.grad)


def test_properties_of_activations():
    rows = {row["function"]: row for row in lesson("activations").to_dict()["values"]["properties"]}
    assert rows["Sigmoid"]["range"] == "(0, 1)"
    assert rows["Sigmoid"]["max_slope"] == 0.25
    assert (rows["Sigmoid"]["zero_centered"], rows["Tanh"]["zero_centered"]) == (False, True)
    assert rows["Tanh"]["saturates"]["zh"] == "两侧"
    assert (rows["ReLU"]["dies"], rows["LeakyReLU"]["dies"]) == (True, False)


def test_many_points_are_split_into_tables():
    made = lesson("activations", x=np.arange(9.0))
    assert list(made["values_7"][0]) == ["function", "7", "8"]


def test_cross_entropy_is_pytorchs():
    torch = pytest.importorskip("torch")
    scores = numbers(5)
    tensor = torch.tensor(scores, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(tensor[None], torch.tensor([3]))
    loss.backward()
    made = lesson("softmax", x=scores, target=3)
    np.testing.assert_allclose(made["gradient"], tensor.grad, rtol=1e-12)
    np.testing.assert_allclose(made["probabilities"], torch.softmax(tensor.detach(), 0), rtol=1e-12)
    assert f"= {loss.item():.4f}".rstrip("0") in made.text()


# Convolution


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (3, 2)])
def test_convolution_is_pytorchs(stride, padding):
    torch = pytest.importorskip("torch")
    x, kernels = numbers(7, 9), numbers(2, 3, 4, seed=1)
    made = lesson("convolution", x=x, kernels=list(kernels), stride=stride, padding=padding, bias=0.5)
    image = torch.tensor(x[None, None], requires_grad=True)
    weight = torch.tensor(kernels[:, None], requires_grad=True)
    y = torch.nn.functional.conv2d(image, weight, torch.full((2,), 0.5, dtype=torch.float64), stride, padding)
    y.sum().backward()
    for place in (0, 1):
        np.testing.assert_allclose(made[f"map_{place + 1}"], y.detach()[0, place], rtol=1e-11)
        np.testing.assert_allclose(made[f"dw_{place + 1}"], weight.grad[place, 0], rtol=1e-11)
    np.testing.assert_allclose(made["dx"], image.grad[0, 0], rtol=1e-11, atol=1e-12)


def test_arithmetic_of_a_convolution_is_true():
    made = lesson("convolution", x=[[1, 2, 3], [4, 5, 6]], kernels=[[[1, -2], [0, 3]]], bias=-1)
    lines = [line for line in made.text().split("\n") if line.startswith("y")]
    assert len(lines) == 2
    for line in lines:
        _, terms, result = line.replace("−", "-").replace("·", "*").split(" = ")
        assert eval(terms) == float(result)


def test_own_kernel_on_own_image():
    made = lesson("edges", x=np.eye(4), kernels=[[[0, 1], [1, 0]]])
    assert made["map_1"].tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    assert made["relu_1"].tolist() == made["map_1"].tolist()
    assert "kernel_2" not in made.values


def test_channels_are_pytorchs():
    """Own numbers: 4 channels, every dimension different."""
    torch = pytest.importorskip("torch")
    x, kernels = numbers(4, 5, 6), numbers(2, 4, 3, 1, seed=1)
    made = lesson("channels", x=x, kernels=list(kernels))
    y = torch.nn.functional.conv2d(torch.tensor(x[None]), torch.tensor(kernels), padding=(1, 0))[0]
    np.testing.assert_allclose([made["map_1"], made["map_2"]], y, rtol=1e-10, atol=1e-12)
    assert sum(name.startswith("kernel_1_part") for name in made.values) == 4


def test_rgb_example_has_two_and_three_maps():
    made = lesson("channels")
    assert [made[f"first_map_{k}"].shape for k in (1, 2)] == [(4, 4)] * 2
    assert [made[f"second_map_{k}"].shape for k in (1, 2, 3)] == [(4, 4)] * 3
    np.testing.assert_array_equal(made["second_x_1"], made["first_map_1"])
    bias = made["first_map_1"] - sum(made[f"first_kernel_1_part_{c}"] for c in (1, 2, 3))
    assert len(np.unique(bias)) == 1


def test_im2col_of_alexnet_and_of_the_example():
    text = lesson("im2col").text()
    for line in ("X_col = D × M = 363 × 3025", "W_col = o × D = 96 × 363", "= 96 × 55 × 55"):
        assert line in text
    made = lesson("im2col")
    assert (made["x_col"].shape, made["y"].shape) == ((12, 9), (1, 3, 3))
    np.testing.assert_array_equal(made["w_col"] @ made["x_col"], made["product"])


def test_depth_and_sharing():
    """The seed's 32 kernels of 3×3 over RGB; the other layers by counting."""
    made = lesson("depth-and-sharing")
    shapes = [row["shape"] for row in made["shapes"]]
    assert shapes == ["3×32×32", "3×3×3", "32×3×3×3", "32×30×30"]
    parameters = [row["parameters"] for row in made["layers"]]
    assert parameters == [896, 30 * 30 * 32 * 28, 32 * 32 * 3 * 30 * 30 * 32 + 30 * 30 * 32]


@pytest.mark.parametrize(
    ("n", "kernel", "stride", "padding"), [(7, 3, 2, 1), (100, 3, 2, 1), (11, 4, 3, 2), (5, 5, 1, 0)]
)
def test_output_size_by_counting_windows(n, kernel, stride, padding):
    made = lesson("stride-and-padding", n=n, kernel=kernel, stride=stride, padding=padding)
    count = sum(1 for start in range(0, n + 2 * padding, stride) if start + kernel <= n + 2 * padding)
    assert made["size"][0]["output"] == count


def test_same_padding_and_tensorflows_rules():
    made = lesson("stride-and-padding", n=7)
    assert [(r["kernel"], r["padding"], r["output"]) for r in made["same"]] == [(3, 1, 7), (5, 2, 7), (7, 3, 7)]
    for row in lesson("stride-and-padding", n=10, kernel=4)["tensorflow"]:
        s = row["stride"]
        assert (row["same"], row["valid"]) == (-(-10 // s), -(-(10 - 4 + 1) // s))
        assert row["after"] - row["before"] in (0, 1)


def test_loops_and_matrix_compute_the_same():
    made = lesson("loops-and-matrix", shape=(2, 6, 7), kernels=3, size=2)
    assert made["work"][0]["products"] == 3 * 5 * 6 * 2 * 4
    assert made["work"][0]["x_col_bytes"] == 8 * (2 * 4) * (5 * 6)
    assert all(row["ms"] > 0 for row in made["times"])
    assert [row["largest_difference"] < 1e-4 for row in made["times"]] == [True] * 3


# Pooling


def test_max_pooling_of_the_seed():
    made = lesson("max-pooling")
    assert made["output"].tolist() == [[5, 6], [7, 8]]
    assert [row["ties"] for row in made["windows"]] == [1, 1, 1, 1]
    assert lesson("max-pooling", stride=1)["output"][0].tolist() == [5, 5, 6]


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, 0), (3, 1, 1), (3, 2, 0), (2, 3, 1)])
def test_max_pooling_is_pytorchs(size, stride, padding):
    """Small integers have ties: PyTorch's first winner, too."""
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(3).integers(-3, 3, (6, 8)).astype(float)
    tensor = torch.tensor(x[None, None], requires_grad=True)
    y, where = torch.nn.functional.max_pool2d(tensor, size, stride, padding, return_indices=True)
    dy = numbers(*y.shape[2:])
    y.backward(torch.tensor(dy[None, None]))
    walked = lab.max_pooling(x, size, stride, padding, dy)
    np.testing.assert_array_equal(walked.output, y.detach()[0, 0])
    np.testing.assert_allclose(walked.gradient, tensor.grad[0, 0], rtol=1e-12)
    np.testing.assert_array_equal(walked.winners @ [8, 1], where.ravel())


def test_ties_are_counted():
    made = lesson("max-pooling", x=[[2, 2], [1, 2]])
    assert made["windows"][0]["ties"] == 3
    assert made["dx"].tolist() == [[1, 0], [0, 0]]


def test_field_growth_with_and_without_pooling():
    made = lesson("field-growth")
    assert made["pixels_with"].sum() == 16
    assert made["pixels_without"].sum() == 4
    assert [row["field"] for row in made["growth"]] == [3, 4, 8, 10, 18]
    assert [row["field_without_pooling"] for row in made["growth"]] == [3, 3, 5, 5, 7]
    assert "r = r₅ = 18" in made.text()
    assert "r = R₁ = 18" in made.text()


def test_field_growth_by_changing_pixels():
    """Convolve and pool a line with random weights: the pixels that change one unit are its field."""
    made = lesson("field-growth", kernel=2, pool=3, blocks=2)
    kernel = numbers(2)

    def unit(line):
        for block in range(3):
            line = np.convolve(line, kernel, "valid")
            if block < 2:
                line = line[: len(line) // 3 * 3].reshape(-1, 3).sum(axis=1)  # a sum sees what a maximum sees
        return line[0]

    line = numbers(40, seed=1)
    changed = [unit(line) != unit(line + 100 * np.eye(40)[pixel]) for pixel in range(40)]
    assert max(np.flatnonzero(changed)) + 1 == made["growth"][-1]["field"]


# Networks


def test_flatten_and_dense_with_real_sizes():
    """14·14·32 is 6272; 7168 belongs to 14·16·32, with 917,632 parameters."""
    made = lesson("flatten-and-dense")
    assert (made["length"][0], made["parameters"][0]) == (6272, 128 * 6272 + 128)
    seed = lesson("flatten-and-dense", shape=(32, 14, 16), units=128)
    assert (seed["length"][0], seed["parameters"][0]) == (7168, 917_632)


def test_flatten_and_dense_is_pytorchs():
    torch = pytest.importorskip("torch")
    x, weight = numbers(2, 3, 4), numbers(5, 24, seed=1)
    made = lesson("flatten-and-dense", x=x, kernel=weight)
    z = torch.tensor(x).flatten().requires_grad_()
    w = torch.tensor(weight, requires_grad=True)
    a = torch.relu(w @ z + torch.tensor(made["b"]))
    a.sum().backward()
    for name, expected in (("a", a.detach()), ("dz", z.grad), ("dW", w.grad)):
        np.testing.assert_allclose(made[name], expected, rtol=1e-11, atol=1e-14)


def test_backward_pass_is_pytorchs():
    torch = pytest.importorskip("torch")
    made, walked = lesson("backward", target=1, seed=3), lab.walk("seed-8x8", seed=3)
    p = {name: torch.tensor(array, requires_grad=True) for name, array in walked.parameters.items()}
    f, x = torch.nn.functional, torch.tensor(walked.x[None], requires_grad=True)
    h = f.max_pool2d(f.relu(f.conv2d(x, p["conv1.weight"], p["conv1.bias"])), 2)
    h = f.relu(f.linear(h.flatten(1), p["hidden.weight"], p["hidden.bias"]))
    loss = f.cross_entropy(f.linear(h, p["output.weight"], p["output.bias"]), torch.tensor([1]))
    loss.backward()
    for name, tensor in p.items():
        np.testing.assert_allclose(made[f"d_{name}"], tensor.grad, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(made["d_input"], x.grad[0], rtol=1e-9, atol=1e-12)
    before, after = made["step"]
    assert before["loss"] == pytest.approx(loss.item())
    assert after["loss"] < before["loss"]


def test_small_network_learns_two_classes():
    made = lesson("small-network", epochs=4)
    history = made["training"]
    assert [row["epoch"] for row in history] == [0, 1, 2, 3, 4]
    assert history[-1]["loss"] < history[0]["loss"] / 5
    assert history[-1]["accuracy"] > 0.98
    assert made["conv1"].shape == (2, 6, 6)
    assert made["probabilities_after"].argmax() == 0


# Training


def test_dropout_masks_and_subnetworks():
    x, w, rate = numbers(4), numbers(4, seed=1), 0.3
    made = lesson("dropout", x=x, weights=w, rate=rate, seed=5)
    np.testing.assert_allclose(made["y"], x * made["mask"] / 0.7)
    np.testing.assert_allclose(made["dx"], made["mask"] / 0.7)
    np.testing.assert_array_equal(made["y_inference"], x)
    rows = {row["mask"]: row for row in made["subnetworks"]}
    assert len(rows) == 2**4
    for bits in product((0, 1), repeat=4):
        row = rows["".join(map(str, bits))]
        assert row["probability"] == pytest.approx(np.prod([0.7 if bit else rate for bit in bits]))
        assert row["output"] == pytest.approx(sum(b * a * v / 0.7 for b, a, v in zip(bits, x, w, strict=True)))
    assert made["mean"][0] == pytest.approx(float(w @ x))


def test_dropout_keeps_its_share():
    kept = np.mean([lesson("dropout", x=np.ones(8), rate=0.25, seed=s)["masks"].mean() for s in range(60)])
    assert kept == pytest.approx(0.75, abs=0.03)


def test_weight_decay_is_pytorchs():
    torch = pytest.importorskip("torch")
    w, g = numbers(5), numbers(5, seed=1)
    made = lesson("weight-decay", x=w, gradient=g, lr=0.2, decay=0.4, steps=7)
    tensor = torch.tensor(w, requires_grad=True)
    optimizer = torch.optim.SGD([tensor], lr=0.2, weight_decay=0.4)
    tensor.grad = torch.tensor(g)
    optimizer.step()
    np.testing.assert_allclose(made["w_after"], tensor.detach(), rtol=1e-12)
    assert made["penalty"][0] == pytest.approx(0.2 * (w**2).sum())
    last = made["steps"][-1]
    np.testing.assert_allclose([last[f"w{i}"] for i in range(5)], (1 - 0.2 * 0.4) ** 7 * w, rtol=1e-12)


def test_charts_of_activations_have_few_curves():
    charts = [
        block for section in lesson("activations").sections for block in section.blocks if hasattr(block, "x")
    ]
    assert [chart.name for chart in charts] == [
        "linear_value_curves",
        "other_value_curves",
        "linear_derivative_curves",
        "other_derivative_curves",
    ]
    assert max(len(chart.series) for chart in charts) <= 7
    (only,) = [
        block
        for section in lesson("activations", functions=("relu",)).sections[:1]
        for block in section.blocks
        if hasattr(block, "x")
    ]
    assert list(only.series) == ["ReLU"]
