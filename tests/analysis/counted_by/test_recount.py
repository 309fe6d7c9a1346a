"""The recount as people meet it: errors, table, data, and the page."""

from __future__ import annotations

import json

import pytest

import convscope
from analysis.counted_by.counted_layers import alone
from analysis.counted_by.small_network import SMALL
from convscope import inspect
from convscope import layers as cs
from convscope.analysis.counted_by import TOOLS, recount, tool_comparison
from convscope.errors import BadSetting, ConvscopeError
from convscope.network import Entry, Network

KNOWN = "torchinfo, fvcore, thop, ptflops, torchvision, tf.profiler"


@pytest.mark.parametrize(
    ("tool", "hint"),
    [
        ("torchvison", "Did you mean torchvision, torchinfo?"),
        ("flops", "Did you mean ptflops?"),
        ("", f"Known: {', '.join(sorted(TOOLS))}."),
    ],
)
def test_an_unknown_tool_is_refused_with_the_nearest_names(tool: str, hint: str) -> None:
    """The message says what there is and what was probably meant."""
    with pytest.raises(ConvscopeError) as caught:
        recount(SMALL, tool)
    assert type(caught.value) is BadSetting
    assert str(caught.value) == (f"Recount.tool must be one of {KNOWN} (got {tool!r}). {hint} [counting-tool]")


def test_the_report_recounts() -> None:
    """The way in from a report gives the same answer."""
    assert inspect(SMALL).as_counted_by("thop") == recount(SMALL, "thop")


def test_the_table_shows_both_numbers_the_reason_and_the_notes() -> None:
    """Plain text, one line per layer, widths fitted, what is unknown marked."""
    network = Network(
        [
            Entry("input", cs.Input((3, 8, 10))),
            Entry("conv1", cs.Conv2d(4, 3), ("input",)),
            Entry("draw", cs.StochasticPool2d(2), ("conv1",)),
        ],
        "tiny",
    )
    shown = str(recount(network, "fvcore"))
    assert [line for line in shown.splitlines() if line][:8] == [
        "tiny, counted by fvcore 0.1.5.post20221221",
        "layer  kind              our MACs  fvcore flops  why",
        "────────────────────────────────────────────────────",
        "conv1  Conv2d               5,184         5,184",
        "draw   StochasticPool2d         0             ?  a",
        "────────────────────────────────────────────────────",
        "total                       5,184        ≥5,184",
        "a: PyTorch has no such layer; what is counted depends on how it is written",
    ]
    for note in recount(network, "fvcore").notes:
        assert note.split()[0] in shown


def test_the_data_goes_through_json_and_adds_up() -> None:
    """to_dict holds plain numbers and texts; rows add up to the totals."""
    told = recount(SMALL, "ptflops")
    document = json.loads(json.dumps(told.to_dict()))
    assert list(document) == [
        "model",
        "tool",
        "version",
        "unit",
        "layers",
        "total",
        "ours_total",
        "params",
        "status",
        "notes",
    ]
    assert document["layers"][3] == {
        "name": "depthwise",
        "kind": "Conv2d",
        "ours_macs": 8 * 20 * 28 * 9,
        "theirs": 8 * 20 * 28 * 10,
        "reason": "adds 1 per output for the bias",
    }
    assert document["total"] == sum(row["theirs"] for row in document["layers"]) == told.total
    assert document["ours_total"] == sum(row["ours_macs"] for row in document["layers"])


@pytest.mark.parametrize("tool", ["torchinfo", "fvcore", "thop", "ptflops", "torchvision"])
def test_notes_name_the_assumption_on_modules_and_functions(tool: str) -> None:
    """The structure does not say what was a module, so the notes do."""
    assert recount(SMALL, tool).notes[0] == (
        "Which operators are modules is not known from the structure: every layer is taken for a module of its "
        "own, all of them children of one parent, and Add, Multiply, Concat and MatMul for +, *, torch.cat and @."
    )


def test_notes_appear_where_they_matter() -> None:
    """SAME padding, a shared layer, one bias, lost parameters and grouped convolutions have notes of their own."""
    same = alone(cs.Conv2d(4, 3, padding="same"), (3, 8, 10))
    lstm = alone(cs.LSTM(7, biases="one"), (5, 12))
    norm = alone(cs.GroupNorm(3), (6, 8, 10))
    grouped = alone(cs.Conv2d(6, 3, groups=2), (6, 8, 10))
    twice = Network(
        [
            Entry("input", cs.Input((3, 8, 10))),
            Entry("one", cs.Conv2d(3, 1), ("input",)),
            Entry("two", cs.Conv2d(3, 1), ("one",), shares="one"),
        ]
    )
    for network, tool, words in (
        (same, "fvcore", 'padding="same"'),
        (twice, "thop", "called again"),
        (lstm, "torchinfo", "two biases"),
        (norm, "thop", "parameters of it are left out"),
        (grouped, "tf.profiler", "DepthwiseConv"),
    ):
        assert sum(words in note for note in recount(network, tool).notes) == 1
        assert not any(words in note for note in recount(alone(cs.ReLU(), (3, 8, 10)), tool).notes)


def test_the_page_s_sentences_hold() -> None:
    """The numbers quoted in the text are those of the recounts."""
    rows = {tool: recount(SMALL, tool).rows for tool in TOOLS}
    assert {rows[tool][1].theirs for tool in TOOLS} == {0, 16, 8_960, 9_008, 17_920}
    assert {rows[tool][2].theirs for tool in TOOLS} == {0, 8_960}
    assert rows["thop"][6].theirs == 4 * 17_920
    assert rows["fvcore"][6].theirs == 17_920
    totals = [recount(SMALL, tool).total for tool in TOOLS]
    assert 2 < max(totals) / min(totals) < 2.5
    resnet = convscope.load("resnet50")
    billions = {tool: round(recount(resnet, tool).total / 1e9, 2) for tool in ("fvcore", "ptflops", "tf.profiler")}
    assert billions == {"fvcore": 4.11, "ptflops": 4.13, "tf.profiler": 8.21}
    assert round(recount(resnet, "torchvision").total / 1e9, 2) == 4.09


def test_a_comparison_marks_what_is_unknown() -> None:
    """A question mark in the cell, at least in the total."""
    lines = tool_comparison(alone(cs.LSTM(7), (5, 12))).splitlines()
    assert lines[2] == "| it | LSTM | 2,660 | 2,940 | 0 | 3,220 | 3,290 | ? | ? |"
    assert lines[3] == "| **total** |  | 2,660 | 2,940 | 0 | 3,220 | 3,290 | ≥ 0 | ≥ 0 |"
    assert lines[4] == "| parameters |  | 588 | 588 | 588 | 588 | 588 | 588 | 560 |"


def test_a_notebook_shows_the_table() -> None:
    page = recount(SMALL, "thop")._repr_html_()
    assert page.startswith("<table>\n<caption>")
    assert page.count("<tr>") == len(SMALL.layers) + 2
