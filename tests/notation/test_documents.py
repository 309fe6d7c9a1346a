"""YAML documents: blocks, repeats, branches, groups, and what they may not do."""

from __future__ import annotations

import pytest

from convscope.errors import BadNotation
from convscope.network import Network
from convscope.notation import parse, parse_yaml

HEAD = "input: 6x9x8\nlayers:\n"


def names(network: Network) -> list[str]:
    return [node.name for node in network][1:]


def test_items_are_lines_of_notation() -> None:
    """Chains, names before a layer, names within a chain, quoted and block texts."""
    document = HEAD + (
        "  - conv 4 3 | relu\n  - head: conv 5 1 | bn\n  - tanh | last: relu\n  - 'a: relu | b: relu'\n"
        "  - |\n    relu # c\n    d: tanh\n  - >-\n    relu |\n    tanh\n"
    )
    text = (
        "input 6x9x8 | conv 4 3 | relu | head: conv 5 1 | bn | tanh | last: relu | a: relu | b: relu"
        " | relu | d: tanh | relu | tanh"
    )
    assert parse_yaml(document) == parse(text)


def test_quoted_texts_stay_texts() -> None:
    """Names that YAML would take for numbers, truth values or dates."""
    document = HEAD + "  - 1.0: relu\n  - no: tanh\n  - 2026-01-02: relu\n  - ~: relu\n  - 0x10: relu\n"
    assert names(parse_yaml(document)) == ["1.0", "no", "2026-01-02", "~", "0x10"]


def test_branches() -> None:
    """Every branch begins at the layer before; an empty one is a skip; the merge stands after them."""
    network = parse_yaml(HEAD + '  - relu\n  - add:\n      - ""\n      - [conv 6 3 p1, bn]\n      - conv 6 1\n')
    assert network["add1"].inputs == ("relu1", "bn1", "conv2")
    assert network["conv1"].inputs == network["conv2"].inputs == ("relu1",)
    assert network.nodes[-1].name == "add1"


def test_branches_with_settings_and_a_name() -> None:
    """The merge's settings stand in its key, its name around it."""
    network = parse_yaml(HEAD + "  - joined:\n      concat axis=1: [relu, 'tanh | tanh', '']\n")
    assert network["joined"].output_shape == (6, 27, 8)
    assert network["joined"].inputs == ("relu1", "tanh2", "input")


def test_groups() -> None:
    """A named list puts its name before those within; the name itself means its last layer."""
    network = parse_yaml(HEAD + "  - stem: [conv 6 3 p1, out: relu]\n  - tanh\n  - add tanh1 stem\n")
    assert names(network) == ["stem.conv1", "stem.out", "tanh1", "add1"]
    assert network["add1"].inputs == ("tanh1", "stem.out")


def test_names_are_resolved_from_the_inner_group() -> None:
    """The innermost group's layer goes before one of the same name outside."""
    network = parse_yaml(HEAD + "  - tanh\n  - relu\n  - in: [relu, tanh, add relu1 tanh1, mul add1 in.relu1]\n")
    assert network["in.add1"].inputs == ("in.relu1", "in.tanh1")
    network = parse_yaml(HEAD + "  - tanh\n  - in: [relu, add relu1 tanh1]\n")
    assert network["in.add1"].inputs == ("in.relu1", "tanh1")


def test_repeat() -> None:
    """{index} counts from 0; unnamed layers count on."""
    network = parse_yaml(
        HEAD + "  - repeat: 2\n    layers:\n      - relu\n      - step{index+1}: conv {index*2+3} 1\n"
    )
    assert names(network) == ["relu1", "step1", "relu2", "step2"]
    assert network["step2"].output_shape == (5, 9, 8)


BLOCK = (
    "input: 6x9x8\nblocks:\n"
    "  unit width act=relu kernel=3:\n    - conv {width//2} {kernel} p{kernel//2} | bn\n    - '{act}'\n"
    "  pair width:\n    - one: unit {width*2} tanh\n    - unit {width} kernel=1x1\n"
    "layers:\n"
)


def test_blocks() -> None:
    """Parameters by position or name, with defaults; a name at the call goes before the names within."""
    network = parse_yaml(BLOCK + "  - first: unit 8\n  - unit width=10 act=silu | tanh\n")
    assert names(network) == ["first.conv1", "first.bn1", "first.relu1", "conv1", "bn1", "silu1", "tanh1"]
    assert network["first.conv1"].output_shape == (4, 9, 8)
    assert network["conv1"].output_shape == (5, 9, 8)


def test_blocks_call_blocks() -> None:
    """Names nest, arithmetic is done before the call, text parameters may be words of the notation."""
    document = BLOCK.replace("{kernel//2}", "0") + "  - deep: pair 4\n"
    network = parse_yaml(document)
    assert names(network) == [
        "deep.one.conv1",
        "deep.one.bn1",
        "deep.one.tanh1",
        "deep.conv1",
        "deep.bn1",
        "deep.relu1",
    ]
    assert network["deep.one.conv1"].output_shape == (4, 7, 6)
    assert network["deep.conv1"].output_shape == (2, 7, 6)


def test_anchors() -> None:
    """Aliases stand for what they name."""
    assert names(parse_yaml(HEAD + "  - &two [relu, tanh]\n  - *two\n")) == ["relu1", "tanh1", "relu2", "tanh2"]


@pytest.mark.parametrize(
    "document",
    [
        HEAD + "  - &a0 [relu, relu]\n" + "".join(f"  - &a{n} [{f'*a{n - 1}, ' * 9}relu]\n" for n in range(1, 30)),
        HEAD + "  - &a '" + "relu | " * 9000 + "relu'\n" + "  - *a\n" * 9000,
        HEAD + "  - repeat: 99999\n    layers:\n      - repeat: 99999\n        layers: [relu]\n",
        "input: 6x9x8\nblocks:\n"
        + "".join(f"  b{n}: [{', '.join([f'b{n + 1}'] * 9)}]\n" for n in range(30))
        + "  b30: [relu]\nlayers: [b0]\n",
        HEAD + "  - repeat: 99999\n    layers:\n      - add: [" + "'', " * 9000 + "'']\n",
        "input: 6x9x8\nblocks:\n"
        + "".join(f"  b{n} w: ['b{n + 1} {{w*w}}']\n" for n in range(30))
        + "  b30 w: [relu]\nlayers: [b0 9]\n",
        HEAD + "  - conv {" + "(" * 5000 + "} 3\n",
        HEAD + "  - conv {" + "(" * 4000 + "} 3\n",
        "input: 6x9x8\nblocks:\n"
        + "".join(f"  b{n} w: ['b{n + 1} {{w}}{{w}}']\n" for n in range(50))
        + "  b50 w: [relu]\nlayers: [b0 9]\n",
        HEAD + "  - concat " + "relu1 " * 1_000_000 + "\n",
        HEAD + "  - " + "relu | " * 200_000 + "relu\n",
        HEAD + "  - " + "a" * 10_000_000 + "\n",
        HEAD + "  - '" + "a" * 5000 + ": relu'\n",
        "input: " + "3" * 10_000_000 + "\nlayers: [relu]\n",
        HEAD + "  - relu: " + "{a: " * 2000,
    ],
    ids=[
        "aliases",
        "long aliases",
        "repeats",
        "blocks",
        "branches",
        "powers",
        "parentheses",
        "short parentheses",
        "doubling",
        "arguments",
        "layers",
        "word",
        "name",
        "sizes",
        "depth",
    ],
)
def test_small_documents_stay_small(document: str) -> None:
    """Nothing short can stand for something enormous."""
    with pytest.raises(BadNotation, match=r"\[(too-large|too-deep|too-long|arithmetic|braces)\]"):
        parse_yaml(document)
