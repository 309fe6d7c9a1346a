"""Mistakes in YAML and JSON: whole messages, with location and hint."""

from __future__ import annotations

import pytest

from convscope.errors import BadNotation, BadShape, ConvscopeError
from convscope.notation import parse_json, parse_yaml

YAML: list[tuple[str, type[ConvscopeError], str]] = [
    (
        "inputs: 3x9x8\nlayers: [relu]\n",
        BadNotation,
        (
            "Line 1, column 1: A document's keys must be name, input, layers, blocks, frozen (got 'inputs'). "
            "Did you mean input? [unknown-key]\n"
            "  inputs: 3x9x8\n"
            "  ^"
        ),
    ),
    (
        "input: 3x9x8\n",
        BadNotation,
        (
            "Line 1, column 1: A document must have the key layers (got none). Add `layers:` and a list. "
            "[layers]\n"
            "  input: 3x9x8\n"
            "  ^"
        ),
    ),
    (
        "",
        BadNotation,
        (
            "Line 1, column 1: A document must contain a network (got nothing). Write `input:` and "
            "`layers:`. [document]\n"
            "  \n"
            "  ^"
        ),
    ),
    (
        "- relu\n",
        BadNotation,
        (
            "Line 1, column 1: A document must be a mapping with the keys input and layers (got something "
            "else). [document]\n"
            "  - relu\n"
            "  ^"
        ),
    ),
    (
        "input: [3, 9, 8\n",
        BadNotation,
        (
            "Line 2, column 1: The document must be valid YAML (got an error: did not find expected ',' or "
            "']'). Check the indentation, and quote text that contains two colons. [yaml]\n"
            "  \n"
            "  ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - a: relu | b: relu\n",
        BadNotation,
        (
            "Line 3, column 16: The document must be valid YAML (got an error: mapping values are not "
            "allowed in this context). Check the indentation, and quote text that contains two colons. "
            "[yaml]\n"
            "    - a: relu | b: relu\n"
            "                 ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers: !!python/object/apply:os.system ['true']\n",
        BadNotation,
        (
            "Line 2, column 9: A document must contain only text, lists and mappings (got the tag "
            "tag:yaml.org,2002:python/object/apply:os.system). Remove the tag. [yaml-tag]\n"
            "  layers: !!python/object/apply:os.system ['true']\n"
            "          ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - &again [*again]\n",
        BadNotation,
        (
            "Line 3, column 13: An alias must follow its anchor (got *again). There is none. [yaml-alias]\n"
            "    - &again [*again]\n"
            "              ^"
        ),
    ),
    (
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        BadNotation,
        (
            "Line 1, column 65: A document must nest at most 64 deep (got more). Use blocks. [too-deep]\n"
            "  [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n"
            "                                                                  ^"
        ),
    ),
    (
        "a: \x07\n",
        BadNotation,
        (
            "Line 1, column 4: The document must be YAML text (got the character '\\x07'). Remove it. "
            "[yaml-character]\n"
            "  a:  \n"
            "     ^"
        ),
    ),
    (
        "input: 3x9x8\ninput: 3x9x8\n",
        BadNotation,
        (
            "Line 2, column 1: Keys must be unique (got 'input' a second time). Rename one. [yaml-key]\n"
            "  input: 3x9x8\n"
            "  ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - ? [relu]\n    : 3\n",
        BadNotation,
        (
            "Line 3, column 7: A key must be text (got a list or mapping). Put it in quotes. [yaml-key]\n"
            "    - ? [relu]\n"
            "        ^"
        ),
    ),
    (
        "input: 3x9x8\n---\ninput: 3x9x8\n",
        BadNotation,
        (
            "Line 3, column 1: A file must contain one document (got a second). Put it in a file of its own. "
            "[documents]\n"
            "  input: 3x9x8\n"
            "  ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - relu\n  - conv 4 3 | rleu\n",
        BadNotation,
        (
            "Line 4, column 16: A layer must begin with a known word (got 'rleu'). Did you mean relu, relu6, "
            "prelu? [unknown-kind]\n"
            "    - conv 4 3 | rleu\n"
            "                 ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - |\n      conv 4 3\n      rleu\n",
        BadNotation,
        (
            "Line 5, column 7: A layer must begin with a known word (got 'rleu'). Did you mean relu, relu6, "
            "prelu? [unknown-kind]\n"
            "        rleu\n"
            "        ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - act: rleu\n",
        BadNotation,
        (
            "Line 3, column 10: A layer must begin with a known word (got 'rleu'). Did you mean relu, relu6, "
            "prelu? [unknown-kind]\n"
            "    - act: rleu\n"
            "           ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - act:\n",
        BadNotation,
        (
            "Line 3, column 5: A layer's kind must follow its name (got 'act' alone). Write `act: relu` or "
            "the like. [no-kind]\n"
            "    - act:\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - act: {add: []}\n",
        BadNotation,
        (
            "Line 3, column 16: add must have a list of branches (got an empty list). Write one item each. "
            "[branches]\n"
            "    - act: {add: []}\n"
            "                 ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - relu: [conv 4 3]\n",
        BadNotation,
        (
            "Line 3, column 5: A list of branches must belong to a layer that joins them (got 'relu'). Use "
            "add, mul, concat, or another name for a group. [branches]\n"
            "    - relu: [conv 4 3]\n"
            "      ^"
        ),
    ),
    (
        'input: 3x9x8\nlayers:\n  - "add | relu": [relu, tanh]\n',
        BadNotation,
        (
            "Line 3, column 12: A list of branches must belong to one layer that joins them (got 'add | "
            "relu'). Put the layers after it in an item of their own. [branches]\n"
            '    - "add | relu": [relu, tanh]\n'
            "             ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - one: two: relu\n",
        BadNotation,
        (
            "Line 3, column 13: The document must be valid YAML (got an error: mapping values are not "
            "allowed in this context). Check the indentation, and quote text that contains two colons. "
            "[yaml]\n"
            "    - one: two: relu\n"
            "              ^"
        ),
    ),
    (
        'input: 3x9x8\nlayers:\n  - one: "two: relu"\n',
        BadNotation,
        (
            "Line 3, column 11: A layer must have one name (got 'two' as well). Remove one. [two-names]\n"
            '    - one: "two: relu"\n'
            "            ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - {relu: a, tanh: b}\n",
        BadNotation,
        (
            "Line 3, column 6: An item must be text, one key, or repeat with layers (got the key 'relu' "
            "beside 1 more). Put it in an item of its own. [unknown-key]\n"
            "    - {relu: a, tanh: b}\n"
            "       ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - repeat: 3\n",
        BadNotation,
        (
            "Line 3, column 5: repeat and layers must be used together (got only one of them). Write both "
            "keys. [repeat]\n"
            "    - repeat: 3\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - {repeat: 0, layers: [relu]}\n",
        BadNotation,
        (
            "Line 3, column 14: repeat must be an integer of at least 1 (got '0'). Write `repeat: 3`. "
            "[repeat]\n"
            "    - {repeat: 0, layers: [relu]}\n"
            "               ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - {repeat: 99999999, layers: [relu]}\n",
        BadNotation,
        (
            "Line 3, column 33: A network must have at most 100,000 layers (got more). Repeat less. "
            "[too-large]\n"
            "    - {repeat: 99999999, layers: [relu]}\n"
            "                                  ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - {repeat: 2, layers: []}\n",
        BadNotation,
        (
            "Line 3, column 25: A list of layers must not be empty (got no layers). Add `identity`. "
            "[empty-list]\n"
            "    - {repeat: 2, layers: []}\n"
            "                          ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - add: [relu a, relu]\n",
        BadNotation,
        (
            "Line 3, column 16: relu must be written `relu` with options (got 'a'). Options are from=…, "
            "share=… [unknown-option]\n"
            "    - add: [relu a, relu]\n"
            "                 ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - add: [a: relu, conv 3 3]\n",
        BadShape,
        (
            "Layer 'add1' on input 3×9×8 and 3×7×6: Inputs of Add must have the same shape, or size 1 where "
            "they differ (got 3×9×8 and 3×7×6, which differ in height). Match strides and padding of the "
            "branches, or crop the larger. [merge-shapes]\n"
            "  input  Input   3×9×8\n"
            "  a      ReLU    3×9×8\n"
            "  conv1  Conv2d  3×7×6\n"
            "  add1   Add     ✗\n"
            "at line 3, column 5:\n"
            "    - add: [a: relu, conv 3 3]\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - a: [relu]\n  - a: [relu]\n",
        BadNotation,
        (
            "Line 4, column 5: Names must be unique (got two groups named 'a'). Rename one. [duplicate-name]\n"
            "    - a: [relu]\n"
            "      ^"
        ),
    ),
    (
        "input: 3x9x8\nlayers:\n  - add input: [relu, tanh]\n",
        BadNotation,
        (
            "Line 3, column 9: Inputs of add must be either branches or names (got 'input' as well). Remove "
            "it. [twice]\n"
            "    - add input: [relu, tanh]\n"
            "          ^"
        ),
    ),
    (
        "input: 3x9x8\nblocks: [relu]\nlayers: [relu]\n",
        BadNotation,
        (
            "Line 2, column 9: blocks must be a mapping of names to layers (got a list). [document]\n"
            "  blocks: [relu]\n"
            "          ^"
        ),
    ),
    (
        "input: {}\nlayers: [relu]\n",
        BadNotation,
        ("Line 1, column 8: The input must be text (got a mapping). [document]\n  input: {}\n         ^"),
    ),
    (
        "name: [1]\ninput: 3x9x8\nlayers: [relu]\n",
        BadNotation,
        ("Line 1, column 7: name must be text (got a list). [document]\n  name: [1]\n        ^"),
    ),
]

JSON: list[tuple[str, type[ConvscopeError], str]] = [
    (
        '{"input": "3x9x8",\n "layers": [relu]}',
        BadNotation,
        (
            "Line 2, column 13: A .json file must contain valid JSON (got an error: expecting value). [json]\n"
            '   "layers": [relu]}\n'
            "              ^"
        ),
    ),
    (
        '{"input": "3x9x8",\n	"layers": ["rleu"]}',
        BadNotation,
        (
            "Line 2, column 14: A layer must begin with a known word (got 'rleu'). Did you mean relu, relu6, "
            "prelu? [unknown-kind]\n"
            '   "layers": ["rleu"]}\n'
            "               ^"
        ),
    ),
]


@pytest.mark.parametrize(("text", "kind", "message"), YAML, ids=[text for text, _, _ in YAML])
def test_mistake_in_yaml(text: str, kind: type[ConvscopeError], message: str) -> None:
    """The rule, what came, what to do, and the line with a caret under the place."""
    with pytest.raises(ConvscopeError) as caught:
        parse_yaml(text)
    assert type(caught.value) is kind
    assert str(caught.value) == message


@pytest.mark.parametrize(("text", "kind", "message"), JSON, ids=[text for text, _, _ in JSON])
def test_mistake_in_json(text: str, kind: type[ConvscopeError], message: str) -> None:
    """The rule, what came, what to do, and the line with a caret under the place."""
    with pytest.raises(ConvscopeError) as caught:
        parse_json(text)
    assert type(caught.value) is kind
    assert str(caught.value) == message
