"""Mistakes in YAML and JSON: every message whole, with the place and a way out."""

from __future__ import annotations

import pytest

from convscope.errors import BadNotation, BadShape, ConvscopeError
from convscope.notation import parse_json, parse_yaml

YAML: list[tuple[str, type[ConvscopeError], str]] = [
    (
        "inputs: 3x9x8\nlayers: [relu]\n",
        BadNotation,
        "line 1, column 1: a document's keys must be name, input, layers, blocks, frozen; got 'inputs'; did you "
        "mean input? [unknown-key]\n"
        "  inputs: 3x9x8\n"
        "  ^",
    ),
    (
        "input: 3x9x8\n",
        BadNotation,
        "line 1, column 1: a document must have the key layers; got none; add `layers:` and a list. "
        "[layers]\n"
        "  input: 3x9x8\n"
        "  ^",
    ),
    (
        "",
        BadNotation,
        "line 1, column 1: a document must hold a network; got nothing; write `input:` and `layers:`. "
        "[document]\n"
        "  \n"
        "  ^",
    ),
    (
        "- relu\n",
        BadNotation,
        "line 1, column 1: a document must be a mapping with the keys input and layers; got something "
        "else. [document]\n"
        "  - relu\n"
        "  ^",
    ),
    (
        "input: [3, 9, 8\n",
        BadNotation,
        "line 2, column 1: the document must be YAML; got a fault: did not find expected ',' or ']'; "
        "check indentation, and put quotes around text that has two colons. [yaml]\n"
        "  \n"
        "  ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - a: relu | b: relu\n",
        BadNotation,
        "line 3, column 16: the document must be YAML; got a fault: mapping values are not allowed in "
        "this context; check indentation, and put quotes around text that has two colons. [yaml]\n"
        "    - a: relu | b: relu\n"
        "                 ^",
    ),
    (
        "input: 3x9x8\nlayers: !!python/object/apply:os.system ['true']\n",
        BadNotation,
        "line 2, column 9: a document must hold text, lists and mappings only; got the tag "
        "tag:yaml.org,2002:python/object/apply:os.system; leave the tag out. [yaml-tag]\n"
        "  layers: !!python/object/apply:os.system ['true']\n"
        "          ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - &again [*again]\n",
        BadNotation,
        "line 3, column 13: an alias must follow its anchor; got *again; there is none. [yaml-alias]\n"
        "    - &again [*again]\n"
        "              ^",
    ),
    (
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        BadNotation,
        "line 1, column 65: a document must nest at most 64 deep; got more; use blocks. [too-deep]\n"
        "  [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n"
        "                                                                  ^",
    ),
    (
        "a: \x07\n",
        BadNotation,
        "line 1, column 4: the document must be YAML text; got the character '\\x07'; take it out. "
        "[yaml-character]\n"
        "  a:  \n"
        "     ^",
    ),
    (
        "input: 3x9x8\ninput: 3x9x8\n",
        BadNotation,
        "line 2, column 1: keys must differ; got 'input' a second time; rename one. [yaml-key]\n"
        "  input: 3x9x8\n"
        "  ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - ? [relu]\n    : 3\n",
        BadNotation,
        "line 3, column 7: a key must be text; got a list or mapping; put it in quotes. [yaml-key]\n"
        "    - ? [relu]\n"
        "        ^",
    ),
    (
        "input: 3x9x8\n---\ninput: 3x9x8\n",
        BadNotation,
        "line 3, column 1: a file must hold one document; got a second; put it in a file of its own. "
        "[documents]\n"
        "  input: 3x9x8\n"
        "  ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - relu\n  - conv 4 3 | rleu\n",
        BadNotation,
        "line 4, column 16: a layer must begin with a word that is known; got 'rleu'; did you mean "
        "relu, relu6, prelu? [unknown-kind]\n"
        "    - conv 4 3 | rleu\n"
        "                 ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - |\n      conv 4 3\n      rleu\n",
        BadNotation,
        "line 5, column 7: a layer must begin with a word that is known; got 'rleu'; did you mean relu, "
        "relu6, prelu? [unknown-kind]\n"
        "        rleu\n"
        "        ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - act: rleu\n",
        BadNotation,
        "line 3, column 10: a layer must begin with a word that is known; got 'rleu'; did you mean "
        "relu, relu6, prelu? [unknown-kind]\n"
        "    - act: rleu\n"
        "           ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - act:\n",
        BadNotation,
        "line 3, column 5: a layer's kind must follow its name; got 'act' alone; write `act: relu` or "
        "the like. [no-kind]\n"
        "    - act:\n"
        "      ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - act: {add: []}\n",
        BadNotation,
        "line 3, column 16: add must have a list of branches; got an empty list; write one item each. "
        "[branches]\n"
        "    - act: {add: []}\n"
        "                 ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - relu: [conv 4 3]\n",
        BadNotation,
        "line 3, column 5: a list of branches must stand under a layer that joins them; got 'relu'; use "
        "add, mul, concat, or another name for a group. [branches]\n"
        "    - relu: [conv 4 3]\n"
        "      ^",
    ),
    (
        'input: 3x9x8\nlayers:\n  - "add | relu": [relu, tanh]\n',
        BadNotation,
        "line 3, column 12: a list of branches must stand under one layer that joins them; got 'add | relu'; "
        "put the layers after it in an item of their own. [branches]\n"
        '    - "add | relu": [relu, tanh]\n'
        "             ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - one: two: relu\n",
        BadNotation,
        "line 3, column 13: the document must be YAML; got a fault: mapping values are not allowed in "
        "this context; check indentation, and put quotes around text that has two colons. [yaml]\n"
        "    - one: two: relu\n"
        "              ^",
    ),
    (
        'input: 3x9x8\nlayers:\n  - one: "two: relu"\n',
        BadNotation,
        "line 3, column 11: a layer must have one name; got 'two' as well; leave one out. [two-names]\n"
        '    - one: "two: relu"\n'
        "            ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - {relu: a, tanh: b}\n",
        BadNotation,
        "line 3, column 6: an item must be text, one key, or repeat with layers; got the key 'relu' "
        "beside 1 more; put it in an item of its own. [unknown-key]\n"
        "    - {relu: a, tanh: b}\n"
        "       ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - repeat: 3\n",
        BadNotation,
        "line 3, column 5: repeat must stand with layers; got one without the other; write both keys. "
        "[repeat]\n"
        "    - repeat: 3\n"
        "      ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - {repeat: 0, layers: [relu]}\n",
        BadNotation,
        "line 3, column 14: repeat must be a whole number from 1; got '0'; write `repeat: 3`. [repeat]\n"
        "    - {repeat: 0, layers: [relu]}\n"
        "               ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - {repeat: 99999999, layers: [relu]}\n",
        BadNotation,
        "line 3, column 33: a network must have at most 100,000 layers; got more; repeat less. "
        "[too-large]\n"
        "    - {repeat: 99999999, layers: [relu]}\n"
        "                                  ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - {repeat: 2, layers: []}\n",
        BadNotation,
        "line 3, column 25: a list of layers must hold at least one; got none; add `identity`. "
        "[empty-list]\n"
        "    - {repeat: 2, layers: []}\n"
        "                          ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - add: [relu a, relu]\n",
        BadNotation,
        "line 3, column 16: relu must be written `relu` with options; got 'a'; options are from=…, "
        "share=…. [unknown-option]\n"
        "    - add: [relu a, relu]\n"
        "                 ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - add: [a: relu, conv 3 3]\n",
        BadShape,
        "layer 'add1' on input 3×9×8 and 3×7×6: Add.inputs must have the same shape, or size 1 where "
        "they differ; got 3×9×8 and 3×7×6, which differ in height; match strides and padding of the "
        "branches, or crop the larger. [merge-shapes]\n"
        "  input  Input   3×9×8\n"
        "  a      ReLU    3×9×8\n"
        "  conv1  Conv2d  3×7×6\n"
        "  add1   Add     ✗\n"
        "at line 3, column 5:\n"
        "    - add: [a: relu, conv 3 3]\n"
        "      ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - a: [relu]\n  - a: [relu]\n",
        BadNotation,
        "line 4, column 5: names must differ; got two groups named 'a'; rename one. [duplicate-name]\n"
        "    - a: [relu]\n"
        "      ^",
    ),
    (
        "input: 3x9x8\nlayers:\n  - add input: [relu, tanh]\n",
        BadNotation,
        "line 3, column 9: inputs of add must be branches or names; got 'input' as well; leave it out. "
        "[twice]\n"
        "    - add input: [relu, tanh]\n"
        "          ^",
    ),
    (
        "input: 3x9x8\nblocks: [relu]\nlayers: [relu]\n",
        BadNotation,
        "line 2, column 9: blocks must be a mapping of names to layers; got a list. [document]\n"
        "  blocks: [relu]\n"
        "          ^",
    ),
    (
        "input: {}\nlayers: [relu]\n",
        BadNotation,
        "line 1, column 8: input must be text; got a mapping. [document]\n  input: {}\n         ^",
    ),
    (
        "name: [1]\ninput: 3x9x8\nlayers: [relu]\n",
        BadNotation,
        "line 1, column 7: name must be text; got a list. [document]\n  name: [1]\n        ^",
    ),
]

JSON: list[tuple[str, type[ConvscopeError], str]] = [
    (
        '{"input": "3x9x8",\n "layers": [relu]}',
        BadNotation,
        "line 2, column 13: a .json file must hold JSON; got something else: expecting value. [json]\n"
        '   "layers": [relu]}\n'
        "              ^",
    ),
    (
        '{"input": "3x9x8",\n	"layers": ["rleu"]}',
        BadNotation,
        "line 2, column 14: a layer must begin with a word that is known; got 'rleu'; did you mean "
        "relu, relu6, prelu? [unknown-kind]\n"
        '   "layers": ["rleu"]}\n'
        "               ^",
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
