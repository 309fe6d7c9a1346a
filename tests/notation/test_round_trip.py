"""What is written reads back the same, in text and in YAML."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.layers.base import Layer
from convscope.layers.connection import Shape
from convscope.layers.structural import Input
from convscope.loading import load, zoo_names
from convscope.network import Entry, Network
from convscope.notation import parse, parse_json, parse_yaml, to_notation, to_yaml
from convscope.notation.keywords import kinds
from layers.examples import EXAMPLES, example_id
from notation.legal import SHAPES, some_layer, some_network


def reads_back(network: Network) -> None:
    text, document = to_notation(network), to_yaml(network)
    assert parse(text) == network, text
    assert parse_yaml(document) == network, document
    assert parse_yaml(document).name == network.name
    assert parse(text.replace("\n", " | ")) == network


@settings(max_examples=150)
@given(st.data(), st.integers(1, 12))
def test_random_networks(data: st.DataObject, length: int) -> None:
    """Any legal graph: odd names, several inputs, shared parameters, uneven settings."""
    reads_back(some_network(lambda options: data.draw(st.sampled_from(list(options))), length))


@pytest.mark.parametrize("word", sorted(kinds()))
def test_every_keyword(word: str) -> None:
    """Each keyword reads back, over each number of axes it can have, with settings that are not the defaults."""
    kind = kinds()[word]
    chance = random.Random(word)
    seen = set()
    for shape in SHAPES:
        for _ in range(80):
            if kind.is_input:
                network = Network([Entry("input", Input(shape))])
            else:
                arity = kind.classes[0].arity[0]
                layer = some_layer(kind, (shape,) * max(arity, 1), chance.choice)
                if layer is None:
                    continue
                sources = ("input",) * max(arity, 1)
                network = Network([Entry("input", Input(shape)), Entry("layer", layer, sources)])
            reads_back(network)
            seen.add(type(network.nodes[-1].layer))
    missing = set(kind.classes) - seen
    assert not missing, missing


@pytest.mark.parametrize("example", EXAMPLES, ids=example_id)
def test_every_example(example: tuple[Layer, tuple[Shape, ...]]) -> None:
    """The examples that every other question is asked of."""
    layer, shapes = example
    inputs = [Entry(f"in{number}", Input(shape)) for number, shape in enumerate(shapes)]
    reads_back(Network([*inputs, Entry("layer", layer, tuple(entry.name for entry in inputs))]))


@pytest.mark.parametrize("name", zoo_names())
def test_zoo(name: str) -> None:
    """A network written out flat is the network that its blocks describe."""
    reads_back(load(name))


def test_text_is_minimal() -> None:
    """Neither names that numbering gives, nor defaults, nor from= of the layer before."""
    text = (
        "input 3x31x29\nconv 8 3x5 p1x2 nobias\nbn\nrelu\nskip: conv 8 1 from=input\nadd relu1 skip\n"
        "maxpool 3 s2 ceil\ndwconv 3 2 same\npad 0/1x2/3\nupsample 2\nflatten\ndense 10\nsoftmax"
    )
    assert to_notation(parse(text)) == text


def test_numbering_skips_used_names() -> None:
    """After a name that looks like a number's, those that follow still need none."""
    text = "input 3x9x8\nconv2: conv 4 3\nconv 4 1\nconv 5 1"
    network = parse(text)
    assert [node.name for node in network] == ["input", "conv2", "conv1", "conv3"]
    assert to_notation(network) == text


def test_yaml_is_minimal() -> None:
    """The input has its own key, names stand before their layers."""
    document = "name: tiny\ninput: 3x9x8\nlayers:\n  - conv 8 3 s2\n  - act: relu\n  - opaque size=5:7 shape=4x3\n"
    document = document.replace("opaque size=5:7 shape=4x3", "opaque Roll 8x4x3")
    assert to_yaml(parse_yaml(document)) == document


def test_depthwise_is_written_so() -> None:
    """One group per channel is `dwconv`; on one channel it is an ordinary convolution."""
    assert to_notation(parse("input 6x9x8 | dwconv1: conv 12 3x1 g6 d2")) == "input 6x9x8\ndwconv 3x1 2 d2"
    assert to_notation(parse("input 1x9x8 | conv1: dwconv 3 2")) == "input 1x9x8\nconv 2 3"


def test_linear_and_dense_are_one_layer() -> None:
    """`dense` on vectors and pooled images, `linear` where the last axis of an image is meant."""
    text = "input 6x5x4\nlinear 7\nglobalavgpool\ndense 3"
    assert to_notation(parse(text)) == text


def test_the_61st_relu_and_the_first_relu6_have_different_names() -> None:
    """A kind that ends in a digit is set apart from its number."""
    network = parse("input 3x5x4" + " | relu" * 61 + " | relu6")
    assert [node.name for node in network][-2:] == ["relu61", "relu6_1"]
    reads_back(network)


def test_json_is_the_same_structure() -> None:
    """A JSON file, indented with tabs, is read like YAML."""
    text = '{"input": [3, 9, 8],\n\t"layers": ["conv 4 3", {"repeat": 2, "layers": ["relu"]}]}'
    assert parse_json(text) == parse("input 3x9x8 | conv 4 3 | relu | relu")


def test_equal_axes_have_one_form() -> None:
    """2 and (2, 2) are one setting where the layer does not know its number of axes."""
    reads_back(parse("input 3x9x8 | upsample 2x2 | pad 1x1 | crop 1x1"))
    assert parse("input 3x9x8 | upsample 2x2") == parse("input 3x9x8 | upsample 2")
