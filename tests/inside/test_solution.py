"""Worked solutions of units."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope.inside.solution import DIGITS, explain_unit

TEXT = "input 3x6x5 | conv 4 3 same | bn | gelu | maxpool 2 | flatten | dense 3 | softmax"


@pytest.fixture(scope="module")
def model():
    model = cs.Model(TEXT, seed=1, engine="reference")
    model.parameters["conv1.bias"] = np.array([0.5, -2.0, 3.0, 1.0], np.float32)
    return model


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).standard_normal((3, 6, 5)).astype(np.float32)


@pytest.mark.parametrize(
    ("layer", "at"),
    [
        ("conv1", (2, 0, 3)),
        ("bn1", (1, 2, 3)),
        ("gelu1", (1, 2, 3)),
        ("pool1", (0, 1, 1)),
        ("dense1", (1,)),
        ("softmax1", (2,)),
    ],
)
def test_last_step_is_the_value_and_the_gradient(model, image, layer, at):
    terms = model.unit_terms(image, layer, at, target=1)
    value, gradient = explain_unit(model.network, terms)
    scale = sum(abs(term.product) for term in terms.terms) + abs(terms.bias) + abs(terms.value)
    assert float(value.result) == pytest.approx(terms.value, abs=10 ** (1 - DIGITS) * scale)
    scale = sum(abs(reader.product) for reader in terms.readers)
    assert float(gradient.result) == pytest.approx(terms.gradient, abs=10 ** (1 - DIGITS) * scale)


def test_convolution_has_a_line_per_channel_and_names_its_padding(model, image):
    text = explain_unit(model.network, model.unit_terms(image, "conv1", (2, 0, 3))).text("en", 80)
    assert [f"input channel {c} of input" in text for c in (0, 1, 2, 3)] == [True, True, True, False]
    assert "9 positions of the window are zero padding and contribute nothing." in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "html"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_solution_has_all_forms_in_both_languages(model, image, form, lang):
    written = getattr(explain_unit(model.network, model.unit_terms(image, "pool1", (0, 1, 1), 2)), form)(lang)
    assert ("最大" in written or "窗口" in written) == (lang == "zh")


def test_many_channels_are_summed():
    model = cs.Model("input 40x5x4 | conv 2 3", seed=2, engine="reference")
    image = np.random.default_rng(1).standard_normal((40, 5, 4)).astype(np.float32)
    terms = model.unit_terms(image, "conv1", (1, 2, 1))
    (value,) = explain_unit(model.network, terms)
    assert len(value.steps) == 8
    assert float(value.result) == pytest.approx(terms.value, abs=1e-3)


@pytest.mark.parametrize(("lang", "words"), [("en", "time step 3"), ("zh", "时间步 3")])
def test_lstm_names_gates_and_time_steps(lang, words):
    model = cs.Model("input 5x4 | lstm 6", seed=2, engine="reference", dtype="float64")
    terms = model.unit_terms(np.random.default_rng(1).standard_normal((5, 4)), "lstm1", (3, 2))
    (value,) = explain_unit(model.network, terms)
    text = explain_unit(model.network, terms).text(lang, 80)
    assert words in text
    assert ("forget gate" if lang == "en" else "遗忘门") in text
    assert float(value.result) == pytest.approx(terms.value, abs=1e-4)


@pytest.mark.parametrize(("layer", "name"), [("maxpool", "max"), ("minpool", "min")])
def test_winner_is_named_by_its_comparison(layer, name):
    model = cs.Model(f"input 1x4x4 | {layer} 2", engine="reference")
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    text = explain_unit(model.network, model.unit_terms(image, model.network.layers[-1].name, (0, 0, 0))).text()
    assert f"{name}(0, 1, 4, 5)" in text
