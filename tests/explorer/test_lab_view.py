"""The laboratory in the browser: its numbers are those of the library, and stepping lights what makes them."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import numpy as np
import pytest

import convscope as cs
from convscope import lab
from convscope.explorer.session import Session
from convscope.lab.lesson import Steps
from convscope.lab.topics import loops_and_matrix
from explorer.conftest import running

SMALL = "input 1x9x8 | conv 2 3 | relu | maxpool 2 | flatten | dense 3"


@pytest.fixture(scope="module")
def server():
    session = Session(most_weights=0)
    session.add_network(cs.load(SMALL), "small")
    with running(session) as one:
        yield one


def address(topic: str, options: list[tuple[str, str]] | None = None, **more: str) -> str:
    given = f"&lo={quote(urlencode(options))}" if options else ""
    return f"#s=1&v=lab&lab={topic}{given}" + "".join(f"&{name}={text}" for name, text in more.items())


def open_lab(open_page, server, topic: str, options: list[tuple[str, str]] | None = None, **more: str):
    page = open_page(server, address(topic, options, **more))
    page.wait_for_selector(f".lesson[data-topic={topic}]")
    return page


def grid(page, name: str, place: int = 0) -> list[list[float]]:
    """Return the numbers of a value that is shown in the text of the lesson."""
    return page.evaluate(
        """([name, place]) => {
          const grids = [...document.querySelectorAll(`.lesson .grid[data-name="${name}"]`)];
          const shown = grids.filter((one) => !one.closest(".stepper"))[place];
          return [...shown.rows].map((row) => [...row.cells].map((cell) => Number(cell.dataset.v)));
        }""",
        [name, place],
    )


def cells(page, key: str) -> list:
    """Return a column of a table."""
    found = page.eval_on_selector_all(f".lesson [data-q='{key}']", "all => all.map(one => one.dataset.v)")
    assert found, key
    return [
        float(one) if one.replace(".", "").replace("-", "").replace("e", "").isdigit() else one for one in found
    ]


def lit(page, name: str, kind: str = "lit", stepper: int = 0) -> list[list[int]]:
    """Return the lit positions of a value of a stepper."""
    return page.evaluate(
        """([name, kind, place]) => {
          const root = document.querySelectorAll(".stepper")[place];
          const found = root.querySelectorAll(`.grid[data-name="${name}"] td.${kind}`);
          return [...found].map((cell) => cell.dataset.at.split(",").map(Number));
        }""",
        [name, kind, stepper],
    )


def steps_of(lesson) -> list[Steps]:
    return [block for section in lesson.sections for block in section.blocks if isinstance(block, Steps)]


def places(listed) -> list[list[int]]:
    return sorted([0, *one] if len(one) == 1 else list(one) for one in listed)


def activation(page, kind: str) -> dict[str, list[float]]:
    """Return a row of the tables of values and derivatives, by its function."""
    return page.evaluate(
        """kind => Object.fromEntries(["values", "derivatives"].map((name) => {
          const rows = [...document.querySelector(`.lab-table[data-name="${name}"]`).tBodies[0].rows];
          const row = rows.find((one) => one.cells[0].dataset.v.replace("′", "") === kind);
          return [name, [...row.cells].slice(1).map((cell) => Number(cell.dataset.v))];
        }))""",
        kind,
    )


# Activation functions


@pytest.mark.parametrize(
    "kind", ["Sigmoid", "Tanh", "ReLU", "LeakyReLU", "PReLU", "ELU", "GELU", "SiLU", "Softplus"]
)
@pytest.mark.row("A1", "A2", "A3", "A4")
def test_activations_are_those_of_the_library_and_do_not_overflow(server, open_page, kind):
    page = open_lab(open_page, server, "activations")
    row = lab.activation_table()[kind]
    shown = activation(page, kind)
    assert shown == {"values": row.values.tolist(), "derivatives": row.derivatives.tolist()}
    assert np.isfinite(shown["values"] + shown["derivatives"]).all()
    limits = {
        "Sigmoid": (0, 1),
        "Tanh": (-1, 1),
        "ReLU": (0, 10_000),
        "PReLU": (-2500, 10_000),
        "ELU": (-1, 10_000),
    }
    if kind in limits:
        assert (shown["values"][0], shown["values"][-1]) == limits[kind]
    if kind == "ReLU":
        assert shown["derivatives"][3] == 0


@pytest.mark.row("A4")
def test_softmax_of_large_scores_is_stable(server, open_page):
    page = open_lab(open_page, server, "softmax", [("x", "10000,9999,-10000"), ("target", "1")])
    made = lab.teach("softmax", x=[10000, 9999, -10000], target=1)
    for name in ("probabilities", "gradient"):
        assert grid(page, name) == [made[name].tolist()]
    assert grid(page, "jacobian") == made["jacobian"].tolist()
    page.goto(page.url.split("#")[0] + address("activations", [("x", "-2,3"), ("functions", "prelu")]))
    page.wait_for_selector(".lesson[data-topic=activations]")
    assert cells(page, "slope_gradient.-2") == [-2]
    assert cells(page, "slope_gradient.3") == [0]


@pytest.mark.row("A5")
def test_x_is_dragged_along_the_curve(server, open_page):
    page = open_lab(open_page, server, "activations", f="Tanh", x="1")
    read = lambda name: float(page.get_attribute(f"[data-q={name}]", "data-v"))  # noqa: E731
    assert (read("lab_x"), read("lab_value")) == (1, pytest.approx(np.tanh(1), abs=1e-15))
    box = page.wait_for_selector(".draggable[data-name=value]").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60, steps=4)
    page.mouse.up()
    x = read("lab_x")
    assert -3 < x < 0
    assert read("lab_value") == pytest.approx(np.tanh(x), abs=1e-15)
    assert read("lab_slope") == pytest.approx(1 - np.tanh(x) ** 2, abs=1e-15)
    assert f"x={x:g}" in page.evaluate("location.hash")
    tangent = page.eval_on_selector(
        ".draggable[data-name=value] .tangent",
        "t => ['x1', 'y1', 'x2', 'y2'].map((a) => Number(t.getAttribute(a)))",
    )
    curve = page.get_attribute(".draggable[data-name=value] .line", "d")
    points = np.array([[float(one) for one in part.split(",")] for part in curve[1:].split("L")])
    place = round((x + 4) * 200)
    chord = points[place + 3] - points[place - 3]
    slope = chord[1] / chord[0]
    assert (tangent[3] - tangent[1]) / (tangent[2] - tangent[0]) == pytest.approx(slope, abs=0.01)


@pytest.mark.row("A6")
@pytest.mark.parametrize("kind", ["Sigmoid", "ReLU", "GELU"])
def test_properties_stand_beside_the_curve(server, open_page, kind):
    page = open_lab(open_page, server, "activations", f=kind)
    row = next(one for one in lab.teach("activations")["properties"] if one["function"] == kind)
    assert page.get_attribute("[data-q=fact_range]", "data-v") == row["range"]
    assert page.get_attribute("[data-q=fact_zero_centered]", "data-v") == ("yes" if row["zero_centered"] else "no")
    assert page.get_attribute("[data-q=fact_saturates]", "data-v") == row["saturates"]["en"]
    assert float(page.get_attribute("[data-q=fact_max_slope]", "data-v")) == row["max_slope"]


@pytest.mark.row("C3", "E1")
def test_relu_works_on_each_element_forward_and_backward(server, open_page):
    page = open_lab(open_page, server, "relu", [("x", "-2.5,1/3,-0.5"), ("gradient", "1,2/3,4")])
    assert grid(page, "y") == [[0, 1], [3, 0]]
    assert grid(page, "dx") == [[0, 2], [3, 0]]
    x, step = np.array([[-2.5, 1], [3, -0.5]]), 1e-6
    by_differences = (np.maximum(x + step, 0) - np.maximum(x - step, 0)) / (2 * step) * [[1, 2], [3, 4]]
    np.testing.assert_allclose(grid(page, "dx"), by_differences, atol=1e-9)


# Convolution


@pytest.mark.row("C1")
def test_edge_kernels_make_the_maps_of_a_digit(server, open_page):
    page = open_lab(open_page, server, "edges")
    made = lab.teach("edges")
    for name in ("x", "kernel_1", "map_1", "relu_1", "kernel_2", "map_2"):
        assert grid(page, name) == made[name].tolist()


def test_every_step_of_a_convolution_lights_its_window(server, open_page):
    options = {"stride": 2, "padding": 1, "dilation": 2, "bias": 0.5}
    page = open_lab(open_page, server, "convolution", [(name, str(value)) for name, value in options.items()])
    block = steps_of(lab.teach("convolution", **options))[0]
    for step in block.steps:
        for name in ("x_padded", "kernel", "map"):
            assert sorted(lit(page, name)) == places(step.lit[name])
        products = page.eval_on_selector_all(
            ".stepper:first-of-type .grid[data-name=products] td", "all => all.map(one => Number(one.dataset.v))"
        )
        assert products == step.own["products"].ravel().tolist()
        total = next(float(part.array[step.lit["map"][0]]) for part in block.parts[-1:])
        assert sum(products) + 0.5 == total
        page.click(".stepper:first-of-type [data-q=next]")
    assert page.get_attribute(".stepper", "data-step") == "0", "the first step follows the last"
    page.click(".stepper:first-of-type [data-q=previous]")
    assert page.get_attribute(".stepper", "data-step") == str(len(block.steps) - 1)


@pytest.mark.row("E3")
@pytest.mark.parametrize("topic", ["convolution-1d", "convolution-2d"])
def test_the_backward_pass_slides_the_flipped_kernel(server, open_page, topic):
    page = open_lab(open_page, server, topic)
    made = lab.teach(topic)
    shaped = lambda name: np.atleast_2d(made[name]).tolist()  # noqa: E731
    for name in ("x", "w", "y", "dx", "dw", "w_flipped", "dx_by_flip"):
        assert grid(page, name) == shaped(name)
    assert np.flip(made["w"]).tolist() == made["w_flipped"].tolist()
    forward, backward = steps_of(made)
    assert page.locator(".stepper").count() == 2
    page.locator(".stepper").nth(1).locator("[data-q=next]").click()
    assert sorted(lit(page, "dy", stepper=1)) == places(backward.steps[1].lit["dy"])
    assert sorted(lit(page, "x", stepper=0)) == places(forward.steps[0].lit["x"])


def test_a_click_on_an_output_shows_how_it_is_made_and_play_goes_through_all(server, open_page):
    page = open_lab(open_page, server, "convolution")
    page.click(".stepper:first-of-type .grid[data-name=map] td[data-at='1,2']")
    assert page.get_attribute(".stepper", "data-step") == "5"
    assert lit(page, "x")[0] == [1, 2]
    page.click(".stepper:first-of-type [data-q=play]")
    page.wait_for_selector(".stepper[data-step='7']")
    page.click(".stepper:first-of-type [data-q=play]")
    page.focus(".stepper:first-of-type input[type=range]")
    page.keyboard.press("Home")
    assert page.get_attribute(".stepper", "data-step") == "0"


def test_editing_a_kernel_changes_the_map_and_keeps_the_step(server, open_page):
    page = open_lab(open_page, server, "convolution")
    page.click(".stepper:first-of-type .grid[data-name=map] td[data-at='1,1']")
    page.fill("[data-option=kernels] .entry:nth-of-type(1) [data-at='0,0,0']", "-2.5")
    kernel = [[-2.5, 1, 1], [0, 0, 0], [-1, -1, -1]]
    page.wait_for_function("() => location.hash.includes('lo=')")
    expected = lab.teach("convolution", kernels=[kernel, [[1, 0, -1]] * 3])
    page.wait_for_function(
        "() => document.querySelector('.lesson .grid[data-name=kernel_1] td')?.dataset.v === '-2.5'"
    )
    assert grid(page, "map_1") == expected["map_1"].tolist()
    assert page.get_attribute(".stepper", "data-step") == "4"
    assert page.evaluate("document.activeElement.dataset.at") == "0,0,0"
    page.go_back()
    page.wait_for_function(
        "() => document.querySelector('.lesson .grid[data-name=kernel_1] td')?.dataset.v === '1'"
    )
    assert page.input_value("[data-option=kernels] .entry:nth-of-type(1) [data-at='0,0,0']") == "1"


@pytest.mark.row("E4")
def test_hovering_a_window_lights_its_column_in_im2col(server, open_page):
    page = open_lab(open_page, server, "im2col")
    assert cells(page, "alexnet.rows") == [363, 96, 96]
    assert cells(page, "alexnet.columns") == [3025, 363, 3025]
    made = lab.teach("im2col")
    for name in ("x_col", "w_col", "product", "by_loops"):
        shown = made[name][0] if made[name].ndim == 3 else made[name]
        assert grid(page, name) == shown.tolist()
    (block,) = steps_of(made)
    page.hover(".stepper .grid[data-name=x_col] td[data-at='5,7']")
    for name in ("x_0", "x_1", "x_2", "x_col", "w_col", "product", "y_0"):
        assert sorted(lit(page, name)) == places(block.steps[7].lit[name])
    page.mouse.move(5, 5)
    assert sorted(lit(page, "product")) == [[0, 0]], "the pinned step is shown when the pointer leaves"


@pytest.mark.row("E5")
def test_loops_and_matrix_have_times_and_memory(server, open_page, monkeypatch):
    monkeypatch.setattr(loops_and_matrix, "LEAST_SECONDS", 1e-6)
    page = open_lab(open_page, server, "loops-and-matrix", [("shape", "2x7x6"), ("kernels", "3"), ("size", "2")])
    assert cells(page, "work.products") == [3 * 6 * 5 * 2 * 2 * 2]
    assert cells(page, "times.extra_bytes")[:2] == [0, 2 * 2 * 2 * 6 * 5 * 8]
    assert all(one > 0 for one in cells(page, "times.ms"))
    assert all(one < 1e-5 for one in cells(page, "times.largest_difference"))


@pytest.mark.row("C7")
def test_a_color_image_goes_through_two_convolutions(server, open_page):
    page = open_lab(open_page, server, "channels")
    made = lab.two_convolutions()
    for prefix, steps in (("first", made.first), ("second", made.second)):
        for place, kernel in enumerate(steps.kernels, start=1):
            assert grid(page, f"{prefix}_map_{place}") == kernel.output.tolist()
            for channel, part in enumerate(kernel.per_channel, start=1):
                assert grid(page, f"{prefix}_kernel_{place}_part_{channel}") == part.tolist()
    block = steps_of(made.lesson())[0]
    page.click(".stepper:first-of-type .grid[data-name=map] td[data-at='2,1']")
    for name in ("x_0", "x_2", "slice_1", "part_1", "map"):
        assert sorted(lit(page, name)) == places(block.steps[9].lit[name])


@pytest.mark.row("C9")
def test_depth_of_kernels_and_what_sharing_saves(server, open_page):
    page = open_lab(open_page, server, "depth-and-sharing", [("shape", "3x10x12"), ("kernels", "5")])
    made = lab.teach("depth-and-sharing", shape=(3, 10, 12), kernels=5)
    assert cells(page, "shapes.shape") == ["3×10×12", "3×3×3", "5×3×3×3", "5×8×10"]
    assert cells(page, "layers.parameters") == [row["parameters"] for row in made["layers"]]
    assert cells(page, "layers.parameters")[0] == 5 * 27 + 5


@pytest.mark.row("C10", "D1", "D2", "D3")
def test_stride_and_padding_set_the_size(server, open_page):
    given = [("n", "100"), ("kernel", "3"), ("stride", "2"), ("padding", "1")]
    page = open_lab(open_page, server, "stride-and-padding", given)
    made = lab.teach("stride-and-padding", n=100, kernel=3, stride=2, padding=1)
    assert cells(page, "size.output") == [50]
    assert cells(page, "sizes.stride_2") == [row["stride_2"] for row in made["sizes"]]
    assert cells(page, "same.kernel") == [3, 5, 7]
    assert cells(page, "same.padding") == [1, 2, 3]
    assert cells(page, "tensorflow.valid") == [-(-(100 - 3 + 1) // s) for s in (1, 2, 3, 4)]
    assert cells(page, "tensorflow.same") == [-(-100 // s) for s in (1, 2, 3, 4)]
    assert all(
        b <= a for b, a in zip(cells(page, "tensorflow.before"), cells(page, "tensorflow.after"), strict=True)
    )


# Pooling


@pytest.mark.smoke
@pytest.mark.row("C4", "E6")
def test_max_pooling_of_the_map(server, open_page):
    page = open_lab(open_page, server, "max-pooling")
    assert grid(page, "output") == [[5, 6], [7, 8]]
    made = lab.teach("max-pooling")
    assert grid(page, "dx") == made["dx"].tolist()
    page.click(".stepper .grid[data-name=output] td[data-at='1,0']")
    assert lit(page, "x", "best") == lit(page, "dx", "best") == [[3, 1]]
    page.fill("[data-option=stride] input", "1")
    page.wait_for_function("() => document.querySelectorAll('.stepper .grid[data-name=output] tr').length === 3")
    assert grid(page, "output") == [[5, 5, 6], [5, 6, 7], [7, 7, 8]]
    assert grid(page, "dx") == lab.teach("max-pooling", stride=1)["dx"].tolist()


@pytest.mark.row("C8")
def test_every_kind_of_pooling_has_its_output_and_gradient(server, open_page):
    page = open_lab(open_page, server, "pooling-kinds", [("x", "1,3,2/3,5,4/2,5,6"), ("seed", "3")])
    made = lab.teach("pooling-kinds", seed=3)
    names = [name for name in made.values if name != "x"]
    assert len(names) == 20
    for name in names:
        assert grid(page, name) == np.atleast_2d(made[name]).tolist()
    assert grid(page, "max") == [[6]]
    assert grid(page, "max_gradient")[2] == [0, 0, 1]


@pytest.mark.row("B8")
def test_pooling_enlarges_the_field(server, open_page):
    page = open_lab(open_page, server, "field-growth")
    made = lab.teach("field-growth")
    assert np.sum(grid(page, "pixels_with")) == 16
    assert np.sum(grid(page, "pixels_without")) == 4
    assert cells(page, "growth.field") == [row["field"] for row in made["growth"]] == [3, 4, 8, 10, 18]
    assert cells(page, "growth.field_without_pooling") == [3, 3, 5, 5, 7]


# Networks and training


@pytest.mark.row("C2")
def test_the_small_network_runs_and_trains(server, open_page):
    page = open_lab(open_page, server, "small-network", [("epochs", "2")])
    made = lab.teach("small-network", epochs=2)
    assert grid(page, "conv1", 1) == made["conv1"][1].tolist()
    assert grid(page, "hidden.weight") == made["hidden.weight"].tolist()
    assert grid(page, "probabilities_after") == [made["probabilities_after"].tolist()]
    assert cells(page, "training.loss") == [row["loss"] for row in made["training"]]
    page.click("[data-topic=backward]")
    page.wait_for_selector(".lesson[data-topic=backward]")
    back = lab.teach("backward")
    assert grid(page, "d_hidden.weight") == back["d_hidden.weight"].tolist()
    assert cells(page, "step.loss") == [row["loss"] for row in back["step"]]


@pytest.mark.row("C5")
def test_maps_are_flattened_and_pass_a_dense_layer(server, open_page):
    page = open_lab(open_page, server, "flatten-and-dense", [("shape", "32x14x16")])
    made = lab.teach("flatten-and-dense", shape=(32, 14, 16))
    for name in ("z", "W", "a", "dz", "dW"):
        assert grid(page, name) == np.atleast_2d(made[name]).tolist()
    assert grid(page, "length") == [[7168]]
    assert grid(page, "parameters") == [[917_632]]
    page.fill("[data-option=shape] input", "32x14x14")
    page.wait_for_function("() => document.querySelector('.grid[data-name=length] td').dataset.v === '6272'")


@pytest.mark.row("D4")
def test_parameters_are_calculated(server, open_page):
    page = open_lab(open_page, server, "parameters", [("hidden", "50"), ("projection", "40")])
    page.fill("[data-option=kernels] input", "32")
    page.wait_for_function(
        "() => document.querySelector(\"[data-q='parameters.parameters']\").dataset.v === '896'"
    )
    made = lab.teach("parameters", kernels=32, hidden=50, projection=40)
    expected = [row["parameters"] for row in made["parameters"]]
    assert cells(page, "parameters.parameters") == expected
    assert expected[0] == 3 * 3 * 3 * 32 + 32
    assert expected[3:5] == [4 * ((100 + 50) * 50 + 50), 4 * ((100 + 50) * 50 + 100)]


@pytest.mark.row("D5")
def test_operations_are_calculated(server, open_page):
    page = open_lab(open_page, server, "operations")
    assert cells(page, "counts.count") == [25_000, 75_000, 675_000, 675_000, 675_000]


@pytest.mark.row("E2")
def test_dropout_has_its_sub_networks(server, open_page):
    page = open_lab(open_page, server, "dropout", [("x", "2,-1,3,4"), ("rate", "0.25"), ("seed", "1")])
    made = lab.teach("dropout", x=[2, -1, 3, 4], rate=0.25, seed=1)
    for name in ("mask", "y", "dx"):
        assert grid(page, name) == [made[name].tolist()]
    assert cells(page, "subnetworks.output") == [row["output"] for row in made["subnetworks"]]
    assert len(cells(page, "subnetworks.probability")) == 16
    assert sum(cells(page, "subnetworks.probability")) == pytest.approx(1)
    assert grid(page, "mean")[0][0] == pytest.approx(float(np.dot(made["w"], made["y_inference"])))
    page.click(".stepper [data-q=next]")
    assert lit(page, "x") == [[0, 0], [0, 1], [0, 2]]


@pytest.mark.row("E7")
def test_weights_decay(server, open_page):
    page = open_lab(open_page, server, "weight-decay", [("lr", "0.2")])
    made = lab.teach("weight-decay", lr=0.2)
    assert grid(page, "w_after") == [made["w_after"].tolist()]
    assert cells(page, "steps.squares") == [row["squares"] for row in made["steps"]][:11]
    assert cells(page, "steps.w0")[1] == pytest.approx(2 * (1 - 0.2 * 0.5))


# The page


def test_errata_stand_side_by_side(server, open_page):
    page = open_lab(open_page, server, "errata")
    assert page.locator(".contrast").count() == 12
    rows = {row["entry"]: row for row in lab.teach("errata")["entries"]}
    assert [str(one).split(".")[0] for one in cells(page, "entries.entry")] == list(rows)
    shown = page.eval_on_selector_all("[data-q='entries.right']", "all => all.map(one => one.dataset.v)")
    assert shown == [row["right"] for row in rows.values()]
    wrong = page.text_content(".contrast >> nth=0 >> [data-side=wrong]")
    right = page.text_content(".contrast >> nth=0 >> [data-side=right]")
    assert "17" in wrong
    assert "19" in right


def test_bad_numbers_are_named_and_the_last_lesson_stays(server, open_page):
    page = open_lab(open_page, server, "max-pooling")
    page.fill("[data-option=x] input[type=text]", "1,2/3")
    page.wait_for_function("() => document.querySelector('.lab-message').textContent.includes('must be a matrix')")
    assert grid(page, "output") == [[5, 6], [7, 8]]
    page.fill("[data-option=x] input[type=text]", "1,2/3,4")
    page.wait_for_function("() => document.querySelector('.lesson .grid[data-name=output] td').dataset.v === '4'")
    assert page.text_content(".lab-message") == ""
    open_page.faults.forgive("422")


def test_unknown_topics_are_named(server, open_page):
    page = open_page(server, address("max-poling"))
    page.wait_for_function("() => document.querySelector('.lab-message').textContent.includes('max-pooling')")
    open_page.faults.forgive("422")


@pytest.mark.parametrize("topic", list(lab.list_topics()))
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_topic_is_shown_in_both_languages(server, open_page, monkeypatch, topic, lang):
    monkeypatch.setattr(loops_and_matrix, "LEAST_SECONDS", 1e-6)
    page = open_lab(open_page, server, topic, lang=lang)
    title = lab.teach(topic, **({"shape": (1, 4, 4), "kernels": 1} if topic == "loops-and-matrix" else {})).title
    assert page.text_content(".lesson h2") == title.to(lang)
    assert page.text_content(f"[data-topic={topic}]") not in ("", f"topic_{topic.replace('-', '_')}")
    assert "option_" not in page.text_content(".lab")
    assert "NaN" not in page.text_content(".lesson")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_layer_of_a_lesson_is_used_in_the_editor(server, open_page):
    page = open_lab(open_page, server, "convolution", [("stride", "2"), ("padding", "1")])
    page.click("[data-q=use_layer]")
    page.wait_for_selector("textarea")
    page.wait_for_function("() => document.querySelector('textarea').value.includes('conv 2 3 s2 p1')")
    assert "view" not in page.evaluate("location.hash").replace("v=editor", "")


def test_layers_of_the_same_kind_are_linked(server, open_page):
    page = open_lab(open_page, server, "max-pooling")
    page.click(".lab-links [data-layer]")
    page.wait_for_selector("#strip [data-layer=pool1][aria-current=true]")
    assert "v=maps" in page.evaluate("location.hash")


def test_a_link_opens_the_same_lesson_and_is_short_elsewhere(server, open_page):
    page = open_lab(open_page, server, "dropout", [("x", "2,-1"), ("seed", "4")])
    link = page.evaluate("location.href")
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".lesson[data-topic=dropout]")
    assert grid(page, "y") == [lab.teach("dropout", x=[2, -1], seed=4)["y"].tolist()]
    assert page.input_value("[data-option=seed] input") == "4"
    page.click("[data-view=table]")
    page.wait_for_selector("table.report tfoot")
    assert "lab=" not in page.evaluate("location.hash")


def test_topics_are_chosen_on_a_narrow_screen(server, open_page):
    page = open_lab(open_page, server, "relu")
    page.set_viewport_size({"width": 390, "height": 844})
    page.select_option(".topic-choice", "dropout")
    page.wait_for_selector(".lesson[data-topic=dropout]")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_lessons_of_the_wire_are_json(server, open_page):
    page = open_lab(open_page, server, "relu")
    document = json.loads(page.evaluate("async () => (await fetch('/api/lab?lang=zh')).text()"))
    assert [topic["name"] for chapter in document["chapters"] for topic in chapter["topics"]] == list(
        lab.list_topics()
    )
