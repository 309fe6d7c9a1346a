"""Lessons for the page: options from untrusted text, limits, and documents."""

from __future__ import annotations

import json
from inspect import signature

import numpy as np
import pytest

from convscope.errors import ConvscopeError
from convscope.explorer.laboratory import MOST_REPEATS, page_options, read_options, teach_for_page, topics_document
from convscope.lab import list_topics, teach
from convscope.lab.topics import loops_and_matrix

TOPICS = list(list_topics())


@pytest.fixture(autouse=True)
def few_loops(monkeypatch):
    monkeypatch.setattr(loops_and_matrix, "LEAST_SECONDS", 1e-6)


def blocks(document, kind):
    return [block for section in document["sections"] for block in section["blocks"] if block["kind"] == kind]


@pytest.mark.parametrize("name", TOPICS)
def test_defaults_are_written_as_the_options_read_them(name):
    topic = list_topics()[name]
    listed = {one["name"]: one for chapter in topics_document("en") for one in chapter["topics"]}[name]
    parameters = signature(topic.teach).parameters
    for option, shown in zip(page_options(topic), listed["options"], strict=True):
        default = parameters[option.name].default
        assert option.name == shown["name"]
        if default is None:
            assert shown["default"] == []
            continue
        read = [option.parse(option.flag, text) for text in shown["default"]]
        expected = list(default) if option.repeated else [default]
        if option.kind == "word":
            assert read == expected
        else:
            assert [np.asarray(one, float).tolist() for one in read] == [
                np.asarray(one, float).tolist() for one in expected
            ]


@pytest.mark.parametrize("name", TOPICS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_lesson_is_a_document_in_one_language(name, lang):
    given = [("shape", "2x6x7"), ("kernels", "2")] if name == "loops-and-matrix" else []
    document = teach_for_page(name, given, lang)
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in text) == (lang == "zh")
    assert len(document["sections"]) == len(
        teach(name).sections if name != "loops-and-matrix" else document["sections"]
    )


def test_own_numbers_reach_the_lesson():
    document = teach_for_page("max-pooling", [("x", "1,5/3,2"), ("stride", "1")], "en")
    (steps,) = blocks(document, "steps")
    assert steps["parts"][2]["maps"][0]["values"] == [[5]]
    assert steps["steps"][0]["best"]["x"] == [[0, 1]]


def test_repeated_options_are_collected():
    document = teach_for_page("convolution", [("kernels", "1,0/0,1"), ("kernels", "0,1/1,0")], "en")
    assert len(blocks(document, "steps")) == 2


@pytest.mark.parametrize(
    ("topic", "given", "code"),
    [
        ("nope", [], "lab-topic"),
        ("relu", [("y", "1")], "lab-option"),
        ("relu", [("__proto__", "1")], "lab-option"),
        ("edges", [("image", "/etc/passwd")], "lab-option"),
        ("relu", [("x", "1,2/3")], "kernel"),
        ("relu", [("x", "1,nan")], "kernel"),
        ("relu", [("x", ",".join(["1"] * 3000))], "lab-long"),
        ("convolution", [("stride", "0")], "integer"),
        ("convolution", [("kernels", "1")] * (MOST_REPEATS + 1), "lab-repeated"),
        ("convolution", [("padding", "400")], "lab-large"),
        ("weight-decay", [("lr", "1e300")], "lab-magnitude"),
        ("small-network", [("model", "torch:os:getcwd")], None),
        ("small-network", [("model", "/etc/passwd")], None),
        ("backward", [("model", "network.yaml")], None),
        ("small-network", [("model", "input 1x20x20 | flatten | dense 400")], "lab-parameters"),
        ("small-network", [("model", "lenet")], "lab-parameters"),
        ("dropout", [("rate", "1")], "lab-rate"),
        ("errata", [("entry", "13")], "integer"),
    ],
)
def test_bad_options_are_refused_with_one_message(topic, given, code):
    with pytest.raises(ConvscopeError) as caught:
        teach_for_page(topic, given, "en")
    assert code is None or caught.value.code == code
    assert "Traceback" not in str(caught.value)


def test_a_model_of_a_lesson_is_notation_or_in_the_zoo():
    topic = list_topics()["backward"]
    network = read_options(topic, [("model", "input 1x2x2 | flatten | dense 2 | softmax")])["model"]
    assert network.input_shape == (1, 2, 2)
    assert read_options(topic, [("model", "seed-8x8")])["model"].input_shape == (1, 8, 8)


def test_the_last_values_of_an_option_that_is_not_repeated_count():
    assert read_options(list_topics()["convolution"], [("stride", "1"), ("stride", "2")]) == {"stride": 2}
