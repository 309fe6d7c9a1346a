"""What words mean: layers, settings, names, inputs."""

from __future__ import annotations

import pytest

from convscope import layers as L
from convscope.notation import parse
from convscope.notation.keywords import ALIASES, find, kinds


def layer(text: str, shape: str = "6x9x8") -> L.Layer:
    return parse(f"input {shape} | {text}").nodes[-1].layer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv 4 3", L.Conv2d(4, 3)),
        ("conv 4 3x2 s2x1 p1x0 d1x2 g2", L.Conv2d(4, (3, 2), (2, 1), (1, 0), (1, 2), 2)),
        ("conv p0/1x2/3 4 3 s2", L.Conv2d(4, 3, 2, ((0, 1), (2, 3)))),
        ("conv 4 3 same nobias", L.Conv2d(4, 3, padding="same", bias=False)),
        ("conv 4 3 valid in_channels=6", L.Conv2d(4, 3, in_channels=6)),
        ("conv out_channels=4 kernel_size=3x2 padding=same", L.Conv2d(4, (3, 2), padding="same")),
        ("conv 4 kernel_size=3", L.Conv2d(4, 3)),
        ("conv 4 3 p1 padding_mode=circular", L.Conv2d(4, 3, padding=1, padding_mode="circular")),
        ("Conv2d 4 3", L.Conv2d(4, 3)),
        ("dwconv 3 2 s2 p1", L.Conv2d(12, 3, 2, 1, groups=6)),
        ("maxpool 3 s2 ceil", L.MaxPool2d(3, 2, ceil_mode=True)),
        ("avgpool 3x2 count_include_pad=false", L.AvgPool2d((3, 2), count_include_pad=False)),
        ("bn eps=1e-3", L.BatchNorm2d(eps=1e-3)),
        ("BatchNorm2d", L.BatchNorm2d()),
        ("leaky_relu 0.2", L.LeakyReLU(0.2)),
        ("Leaky-ReLU", L.LeakyReLU()),
        ("swish", L.SiLU()),
        ("GAP", L.GlobalAvgPool2d()),
        ("layernorm 0", L.LayerNorm((0,))),
        ("reshape 6x-1", L.Reshape((6, -1))),
        ("upsample size=5x7 mode=linear", L.Upsample(size=(5, 7), mode="linear")),
        ("slice 0 1 5", L.Slice(0, 1, 5)),
        ("slice 0 stop=5", L.Slice(0, 0, 5)),
        ("pad 1x-1/2", L.Pad(((1, 1), (-1, 2)))),
        ("linear 7", L.Linear(7)),
        ("opaque aten::roll 6x9x8", L.Opaque("aten::roll", (6, 9, 8))),
        ("dropout", L.Dropout(0.5)),
    ],
)
def test_words(text: str, expected: L.Layer) -> None:
    """Positional settings, options in any order, PyTorch's names, spellings of other frameworks."""
    assert layer(text) == expected


@pytest.mark.parametrize(
    ("shape", "conv", "norm"),
    [
        ("6x9", L.Conv1d(4, 1), L.BatchNorm1d()),
        ("6x9x8", L.Conv2d(4, 1), L.BatchNorm2d()),
        ("6x9x8x7", L.Conv3d(4, 1), L.BatchNorm3d()),
    ],
)
def test_a_family_resolves_by_its_input(shape: str, conv: L.Layer, norm: L.Layer) -> None:
    """conv and bn mean the layer for as many axes as arrive there."""
    network = parse(f"input {shape} | relu | conv 4 1 | bn")
    assert [node.layer for node in network][2:] == [conv, norm]


def test_a_family_resolves_behind_a_reshape() -> None:
    """The number of axes is that of the shape at the layer, not of the network's input."""
    network = parse("input 6x9x8 | reshape 6x72 | conv 4 5 | bn | flatten | bn")
    assert [node.kind for node in network][2:] == ["Conv1d", "BatchNorm1d", "Flatten", "BatchNorm1d"]


def test_dense_takes_vectors_and_pooled_images() -> None:
    """After global pooling no `flatten` is needed."""
    assert parse("input 6x9x8 | gap | dense 7")["dense1"].output_shape == (7,)
    assert parse("input 6x9x8 | linear 7")["linear1"].output_shape == (6, 9, 7)


def test_every_alias_leads_to_a_layer() -> None:
    """The table names only words that exist, and never one that is a keyword itself."""
    for alias, word in ALIASES.items():
        assert find(alias) is kinds()[word], alias
        assert alias not in kinds(), alias


def test_numbering() -> None:
    """By kind; pooling windows share `pool`; names the user gave are skipped."""
    network = parse(
        "input 3x19x18 | conv 4 3 | relu | maxpool 2 | conv3: conv 4 3 | conv 4 1 | conv 5 1 | avgpool 2 | relu"
    )
    names = [node.name for node in network]
    assert names == ["input", "conv1", "relu1", "pool1", "conv3", "conv2", "conv4", "pool2", "relu2"]


def test_inputs_by_name() -> None:
    """from= takes the place of the layer before; merges list their inputs as words; later layers may be named."""
    network = parse(
        "input 3x9x8 | conv 4 3 | side: conv 4 3 from=input | concat conv1 side conv1 | relu from=side"
    )
    assert network["side"].inputs == ("input",)
    assert network["concat1"].inputs == ("conv1", "side", "conv1")
    assert network["relu1"].inputs == ("side",)
    ahead = parse("input 3x9x8 | sum: add a b | a: relu from=input | b: tanh from=input")
    assert [node.name for node in ahead] == ["input", "a", "b", "sum"]


def test_two_inputs() -> None:
    """A second `input` begins another chain."""
    network = parse("input 3x9x8 | conv 4 3 | input 4x7x6 | relu | add conv1 relu1")
    assert [node.name for node in network.inputs] == ["input", "input2"]
    assert network["relu1"].inputs == ("input2",)


def test_shared_parameters() -> None:
    """share= uses another layer's parameters."""
    network = parse("input 4x9x8 | conv 4 3 p1 | conv 4 3 p1 share=conv1")
    assert network["conv2"].parameters_of == "conv1"


def test_attention_takes_three_by_from() -> None:
    """A layer that takes one input or several lists several after from=."""
    network = parse("input 5x6 | k: linear 6 | v: linear 6 from=input | attention 2 from=input,k,v")
    assert network["attention1"].inputs == ("input", "k", "v")


def test_lines_bars_comments() -> None:
    """New lines and bars mean the same; a bar may begin or end a line; # hides the rest of it."""
    text = "# a network\n\ninput 3x9x8 |\n | conv 4 3   # not | relu\r\n\tbn|relu\n"
    assert [node.name for node in parse(text)] == ["input", "conv1", "bn1", "relu1"]


def test_long_chains_are_read_without_recursion() -> None:
    """10,000 layers; what they cost per layer is measured in benchmarks/linear_cost.py."""
    assert len(parse("input 3x9x8" + " | conv 3 3 p1 | relu" * 5_000)) == 10_001


def test_a_mistake_in_a_long_line_shows_its_surroundings() -> None:
    """The caret stands under the word, however far right it is."""
    text = "input 3x9x8" + " | relu" * 100 + " | rleu" + " | tanh" * 100
    with pytest.raises(ValueError, match="unknown-kind") as caught:
        parse(text)
    _, line, caret = str(caught.value).split("\n")
    assert line.startswith("  … ")
    assert line.endswith(" …")
    assert line[caret.index("^") :].startswith("rleu | tanh")
