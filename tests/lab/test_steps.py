"""Steps of lessons: what is lit makes the result that is lit."""

import numpy as np
import pytest

from convscope import lab
from convscope.derivations.expression import computed, read
from convscope.lab.lesson import Contrast, Formulas, Steps
from convscope.lab.render import parts
from convscope.lab.topics import errata
from derivations.test_errata import PAGES, rows_of


def blocks_of(lesson, kind):
    return [block for section in lesson.sections for block in section.blocks if isinstance(block, kind)]


def arrays_of(block):
    return {part.name: part.array for part in block.parts if not isinstance(part, str)}


def lit(step, arrays, name):
    return np.array([arrays[name][at] for at in step.lit[name]])


@pytest.mark.parametrize(
    ("topic", "options"),
    [
        ("convolution", {}),
        ("convolution", {"stride": 2, "padding": 1, "dilation": 2, "bias": 0.5}),
        (
            "convolution",
            {"x": np.arange(35.0).reshape(5, 7), "kernels": [np.arange(6.0).reshape(2, 3)], "stride": 3},
        ),
        ("convolution-1d", {}),
        ("convolution-2d", {"kernel": [[1, 2, 3]]}),
    ],
)
def test_products_of_a_window_sum_to_the_output(topic, options):
    steps = blocks_of(lab.teach(topic, **options), Steps)
    assert len(steps) == 2 if "kernels" not in options else 1
    for block in steps:
        arrays = arrays_of(block)
        x, weight, *_, y = arrays
        bias = float(arrays["b"][0]) if "b" in arrays else 0.0
        assert len(block.steps) == arrays[y].size
        for step in block.steps:
            products = lit(step, arrays, x) * lit(step, arrays, weight)
            np.testing.assert_array_equal(step.own["products"].ravel(), products)
            assert lit(step, arrays, y) == pytest.approx([products.sum() + bias], abs=1e-12)


def test_dilated_and_padded_convolution_is_pytorchs():
    torch = pytest.importorskip("torch")
    x, w = np.random.default_rng(1).normal(size=(7, 8)), np.random.default_rng(2).normal(size=(2, 3))
    made = lab.teach("convolution", x=x, kernels=[w], stride=2, padding=2, dilation=3)
    expected = torch.nn.functional.conv2d(*(torch.tensor(one[None, None]) for one in (x, w)), None, 2, 2, 3)
    np.testing.assert_allclose(made["map_1"], expected[0, 0], rtol=1e-12)


def test_padding_of_a_kernel_with_unequal_sides_is_per_axis():
    forward, backward = blocks_of(lab.teach("convolution-2d", kernel=[[1, 2, 3]]), Steps)
    assert (forward.padding, backward.padding) == ({}, {"dy": (0, 2)})


def test_equations_of_steps_are_true():
    for topic in (
        "convolution",
        "convolution-1d",
        "convolution-2d",
        "im2col",
        "channels",
        "max-pooling",
        "dropout",
    ):
        for block in blocks_of(lab.teach(topic), Steps):
            for step in block.steps:
                _, *sides = step.equation.split(" = ")
                assert len({computed(read(side)) for side in sides}) == 1, step.equation


@pytest.mark.parametrize("options", [{}, {"stride": 1}, {"size": 3, "stride": 2, "padding": 1}])
def test_the_winner_of_a_window_is_its_largest_value(options):
    made = lab.teach("max-pooling", **options)
    (block,) = blocks_of(made, Steps)
    arrays, back = arrays_of(block), np.zeros_like(made["dx"])
    for step in block.steps:
        window = lit(step, arrays, "x")
        (winner,) = step.best["x"]
        assert window.max() == lit(step, arrays, "output") == arrays["x"][winner]
        assert winner in step.lit["x"]
        back[winner] += lit(step, arrays, "dy").item()
    np.testing.assert_array_equal(back, made["dx"])


def test_a_window_is_its_column_in_im2col():
    (block,) = blocks_of(lab.teach("im2col"), Steps)
    arrays = arrays_of(block)
    for step in block.steps:
        images = [name for name in arrays if name.startswith("x_") and name != "x_col"]
        window = np.concatenate([lit(step, arrays, name) for name in images])
        np.testing.assert_array_equal(window, lit(step, arrays, "x_col"))
        total = float(window @ lit(step, arrays, "w_col"))
        assert total == lit(step, arrays, "product") == lit(step, arrays, "y_0")


def test_plain_loops_give_the_maps_of_the_matrix_product():
    made = lab.teach("im2col")
    np.testing.assert_array_equal(made["by_loops"], made["y"])
    rows = {row["matrix"]: (row["rows"], row["columns"]) for row in made["alexnet"]}
    assert rows == {"X_col": (363, 3025), "W_col": (96, 363), "W_col · X_col": (96, 3025)}


def test_channels_sum_to_the_map():
    blocks = blocks_of(lab.teach("channels"), Steps)
    assert len(blocks) == 5
    for block in blocks:
        arrays = arrays_of(block)
        count = sum(name.startswith("x_") for name in arrays)
        biases = set()
        for step in block.steps:
            sums = [float(lit(step, arrays, f"x_{c}") @ lit(step, arrays, f"slice_{c}")) for c in range(count)]
            assert sums == [lit(step, arrays, f"part_{c}").item() for c in range(count)]
            biases.add(lit(step, arrays, "map").item() - sum(sums))
        assert len(biases) == 1


def test_each_sub_network_is_a_step():
    made = lab.teach("dropout", x=[2, -1, 3, 4], weights=[1, 2, 0.5, -1])
    (block,) = blocks_of(made, Steps)
    assert len(block.steps) == 2**4
    for step, row in zip(block.steps, made["subnetworks"], strict=True):
        assert "".join(f"{one:g}" for one in step.own["mask"]) == row["mask"]
        assert float(step.own["y"] @ [1, 2, 0.5, -1]) == pytest.approx(row["output"])


def test_large_computations_have_no_steps():
    made = lab.teach("convolution", x=np.ones((60, 60)), kernels=[np.ones((5, 5))])
    assert blocks_of(made, Steps) == []


# Errata and calculators


def test_errata_have_the_numbers_of_the_page():
    for number, (wrong, right) in rows_of(PAGES[0]).items():
        entry = errata.ENTRIES[number - 1]
        assert (entry.wrong, errata.right_numbers()[number - 1]) == (wrong, right)


def test_lines_of_errata_are_true_and_end_in_their_numbers():
    for number, entry in enumerate(errata.ENTRIES, start=1):
        equations = [
            [line for line in lines if isinstance(line, str)] for lines in (entry.wrong_lines, entry.right_lines)
        ]
        for line in equations[0] + equations[1]:
            expression, result = line.split(" = ")[-2:]
            assert computed(read(expression)) == computed(read(result)), line
        results = [line.rsplit(" = ", 1)[1] for line in equations[1]]
        assert errata.right_numbers()[number - 1].replace(",", "").split("×")[0] in results, number


def test_one_erratum_is_shown_alone():
    made = lab.teach("errata", entry=7)
    assert [row["entry"] for row in made["entries"]] == ["7"]
    (contrast,) = blocks_of(made, Contrast)
    assert all(isinstance(one, Formulas) for one in (*contrast.wrong, *contrast.right))
    printed = list(parts.printed(made.sections[1].blocks))
    assert [type(block).__name__ for block in printed] == ["Words", "Words", "Formulas", "Words", "Formulas"]
    assert "32.5" in made.text("zh")
    assert "31.5" in made.markdown()


def test_parameters_are_pytorchs():
    torch = pytest.importorskip("torch")
    sizes = {"kernels": 7, "size": 5, "inputs": 11, "units": 13, "vocabulary": 17, "width": 19, "hidden": 23}
    made = lab.teach("parameters", channels=2, projection=3, **sizes)
    modules = {
        "Convolution": torch.nn.Conv2d(2, 7, 5),
        "Dense": torch.nn.Linear(11, 13),
        "Embedding": torch.nn.Embedding(17, 19),
        "LSTM": torch.nn.LSTM(19, 23),
        "LSTM with projection": torch.nn.LSTM(19, 23, proj_size=3),
    }
    found = {
        row["layer"]["en"]: row["parameters"] for row in made["parameters"] if row["convention"]["en"] != "Keras"
    }
    assert found == {name: sum(one.numel() for one in module.parameters()) for name, module in modules.items()}
    keras = {
        row["layer"]["en"]: row["parameters"] for row in made["parameters"] if row["convention"]["en"] == "Keras"
    }
    assert keras["LSTM"] == 4 * ((19 + 23) * 23 + 23)


def test_operations_of_the_example():
    counts = {row["what"]["en"]: row["count"] for row in lab.teach("operations")["counts"]}
    assert list(counts.values()) == [25_000, 75_000, 675_000, 675_000, 675_000]
