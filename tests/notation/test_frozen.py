"""Layers that are not trained, in lines and documents."""

import pytest

import convscope as cs
from convscope.errors import ConvscopeError, UnknownLayer
from convscope.notation import parse, parse_yaml, to_notation, to_yaml

LINE = (
    "input 2x6x5 | conv 4 3x2 frozen | bn frozen | relu | a: conv 3 1 frozen=bias | b: conv 3 1 from=bn1 frozen=weight"
    " | c: bn affine=false frozen from=b | d: bn affine=false share=c | flatten | dense 3"
)


def test_frozen_layers_are_written_as_they_are_read():
    network = parse(LINE)
    assert network.frozen_parameters == {
        "conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "a.bias", "b.weight",
    }  # fmt: skip
    assert [node.name for node in network if node.is_frozen] == ["conv1", "bn1", "c", "d"]
    for again in (parse(to_notation(network)), parse_yaml(to_yaml(network))):
        assert again == network
        assert hash(again) == hash(network)
    assert "conv 4 3x2 frozen\n" in to_notation(network)
    assert "a: conv 3 1 frozen=bias" in to_notation(network)
    assert network.with_frozen() != network
    assert network.with_input((2, 7, 8)).frozen_parameters == network.frozen_parameters


def test_both_parameters_named_are_the_whole_layer():
    assert parse("input 2x6x5 | conv 4 3 frozen=bias,weight") == parse("input 2x6x5 | conv 4 3 frozen")


DOCUMENT = """
input: 2x6x5
layers:
  - stem:
      - conv 4 3 frozen=bias | bn
      - conv 4 1
  - flatten | head: dense 3
frozen: {}
"""


@pytest.mark.parametrize(
    ("listed", "frozen"),
    [
        ("stem", {"stem.conv1.weight", "stem.conv1.bias", "stem.bn1.weight", "stem.bn1.bias", "stem.conv2.weight",
                  "stem.conv2.bias"}),
        ('["*.bn?", head]', {"stem.conv1.bias", "stem.bn1.weight", "stem.bn1.bias", "head.weight", "head.bias"}),
        ("[]", {"stem.conv1.bias"}),
    ],
)  # fmt: skip
def test_documents_list_frozen_layers_and_groups(listed, frozen):
    assert parse_yaml(DOCUMENT.format(listed)).frozen_parameters == frozen


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input 2x6x5 | relu frozen",
         "Line 1, column 20: frozen needs a layer with parameters. Remove 'frozen'. "
         "[frozen-name]"),
        ("input 2x6x5 | conv 4 3 frozen=wieght",
         "Line 1, column 31: frozen must name parameters of the layer (got 'wieght'). Use weight, bias. "
         "[frozen-name]"),
    ],
)  # fmt: skip
def test_words_that_freeze_nothing_are_refused(text, message):
    with pytest.raises(ConvscopeError) as caught:
        parse(text)
    assert str(caught.value).startswith(message + "\n")


def test_shared_parameters_are_frozen_where_they_are_owned():
    with pytest.raises(ConvscopeError, match=r"Freeze 'a'\. \[frozen-shared\]"):
        parse("input 4x6x5 | a: conv 4 1 | b: conv 4 1 share=a frozen")
    network = parse("input 4x6x5 | a: conv 4 1 frozen | b: conv 4 1 share=a")
    assert network["b"].is_frozen


def test_merge_may_have_an_input_called_frozen():
    network = parse("input 4x6x5 | frozen: conv 4 1 | other: conv 4 1 | add frozen other")
    assert network["add1"].inputs == ("frozen", "other")


def test_unknown_pattern_is_refused_with_its_place():
    with pytest.raises(
        ConvscopeError, match=r"matches 'haed'\. Did you mean head\? \[layer-name\]\nat line 8, column 9"
    ):
        parse_yaml(DOCUMENT.format("haed"))
    with pytest.raises(UnknownLayer, match="matches 'conv9'"):
        cs.load("lenet").with_frozen("conv9")


def test_entries_name_parameters_that_exist():
    from convscope import Entry, Network
    from convscope.layers import Conv2d, Input

    entries = [Entry("input", Input((3, 6, 5))), Entry("c", Conv2d(4, 3), ("input",), frozen=("gain",))]
    message = r"frozen must name parameters of the layer \(got 'gain'\)\. Use weight, bias\. \[frozen-name\]"
    with pytest.raises(ConvscopeError, match=message):
        Network(entries)


def test_report_counts_trainable_and_frozen_parameters():
    report = cs.inspect(
        cs.load("input 2x6x5 | conv 4 3x2 frozen | bn | a: conv 3 1 frozen=bias | flatten | dense 3")
    )
    conv, norm, other, dense = 4 * 2 * 6 + 4, 8, 3 * 4 + 3, 3 * 48 + 3
    assert report.totals.params == conv + norm + other + dense
    assert report.frozen_params == conv + 3
    document = report.to_dict()
    assert document["totals"]["params"] == report.totals.params
    assert document["totals"]["trainable_params"] == norm + 12 + dense
    assert document["totals"]["frozen_params"] == conv + 3
    layers = {one["name"]: one for one in document["layers"]}
    assert (layers["conv1"]["trainable_params"], layers["conv1"]["frozen_params"]) == (0, conv)
    assert (layers["a"]["trainable_params"], layers["a"]["frozen_params"]) == (12, 3)
    assert layers["a"]["frozen"] == ["bias"]
    assert "frozen" not in layers["dense1"]
    assert f"\nparameters: {norm + 12 + dense} trainable, {conv + 3} frozen.\n" in str(report)
    plain = cs.inspect(cs.load("input 2x6x5 | conv 4 3x2"))
    assert "trainable" not in str(plain)
    assert "frozen_params" not in plain.to_dict()["totals"]
