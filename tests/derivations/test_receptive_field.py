"""Derivations of receptive fields: by hand, both ways, and against the analysis on random graphs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from convscope import explain
from convscope import layers as L
from convscope.analysis.receptive_field import receptive_fields
from convscope.errors import BadUnit
from convscope.network import Entry, Network
from derivations.networks import ALEXNET, BRANCHED, EXERCISE, LARGE, SMALL, chain
from random_networks import networks


def result(network, name, quantity="receptive_field"):
    (derivation,) = explain(network, name).of(quantity)
    return derivation.result


def values(network, name, quantity, symbol):
    return [s.value for d in explain(network, name).of(quantity) for s in d.steps if s.symbol == symbol]


TABLE = [
    ("conv1", 55, 4, 11, 5.5),
    ("pool1", 27, 8, 19, 9.5),
    ("conv2", 27, 8, 51, 9.5),
    ("pool2", 13, 16, 67, 17.5),
    ("conv3", 13, 16, 99, 17.5),
    ("conv4", 13, 16, 131, 17.5),
    ("conv5", 13, 16, 163, 17.5),
    ("pool5", 6, 32, 195, 33.5),
    ("fc6", 1, 32, 355, 113.5),
    ("fc7", 1, 32, 355, 113.5),
]


@pytest.mark.parametrize(("name", "n", "jump", "size", "start"), TABLE, ids=[row[0] for row in TABLE])
def test_alexnet_by_the_table(name, n, jump, size, start):
    index = [row[0] for row in TABLE].index(name) + 1
    mark = f"_{index}" if index < 10 else f"_{{{index}}}"
    assert ALEXNET[name].output_shape[1] == n
    assert result(ALEXNET, name) == size
    assert values(ALEXNET, name, "receptive_field", f"j{mark}") == [jump]
    assert values(ALEXNET, name, "center", f"start{mark}") == [start]


@pytest.mark.parametrize("name", [row[0] for row in TABLE])
def test_last_to_first_gives_the_same_as_first_to_last(name):
    assert result(ALEXNET, name, "receptive_field_backward") == result(ALEXNET, name)


def test_the_exercise_is_answered_13():
    (derivation,) = explain(EXERCISE, "conv2").of("receptive_field")
    assert [step.value for step in derivation.steps if step.symbol.startswith("r")] == [1, 3, 5, 13, 13]
    assert derivation.steps[-1].label == (
        "So a unit of conv2 sees this many pixels of the image",
        "因此 conv2 的一个单元在输入图像上看到的像素数为",
    )
    assert values(EXERCISE, "conv2", "receptive_field_backward", "R_2") == [6]


def test_the_two_examples_layer_by_layer():
    assert [result(SMALL, name) for name in ("conv1", "pool1", "conv2")] == [3, 4, 8]
    assert [result(LARGE, name) for name in ("conv1", "pool1", "conv2")] == [7, 11, 19]


def test_dilation_counts_the_reach():
    net = chain((3, 40, 50), ("conv1", L.Conv2d(4, 3, dilation=2)), ("conv2", L.Conv2d(4, 3, dilation=2)))
    assert values(net, "conv2", "receptive_field", "K_2") == [5]
    assert result(net, "conv2") == 9


def test_differing_rows_and_columns_have_separate_derivations():
    net = chain((3, 40, 50), ("conv1", L.Conv2d(4, (3, 5), stride=(2, 1), padding=(1, 2))))
    both = explain(net, "conv1").of("receptive_field")
    assert [(one.title.en, one.result) for one in both] == [
        ("Receptive field, from the first layer to the last (rows)", 3),
        ("Receptive field, from the first layer to the last (columns)", 5),
    ]


def test_center_is_that_of_the_given_unit():
    (rows, columns) = explain(ALEXNET, "pool5", at=(3, 2)).of("center")
    assert (rows.result, columns.result) == (33.5 + 3 * 32, 33.5 + 2 * 32)
    assert ALEXNET.field("pool5", (3, 2)).center == (rows.result, columns.result)


def test_a_unit_may_be_named_with_its_channel():
    assert explain(ALEXNET, "pool5", at=(7, 3, 2)).of("center") == explain(ALEXNET, "pool5", at=(3, 2)).of(
        "center"
    )


def test_unit_of_permuted_axes_is_named_by_its_axes():
    """After (c, h, w) → (w, h, c) the first output axis walks along the image's columns."""
    net = chain((3, 20, 30), ("conv", L.Conv2d(4, 3, stride=(2, 3))), ("swap", L.Permute((2, 1, 0))))
    rows, columns = explain(net, "swap", at=(5, 2)).of("center")
    assert (rows.result, columns.result) == (1.5 + 2 * 2, 1.5 + 5 * 3)


def test_a_unit_outside_its_layer_is_refused():
    with pytest.raises(BadUnit) as raised:
        explain(ALEXNET, "pool5", at=(6, 2))
    assert str(raised.value) == (
        "Layer 'pool5' has no unit 6,2: its output is 256×6×6. Use 0 to 5 as coordinate 1. [unit-range]"
    )


def test_a_merge_of_aligned_branches_takes_the_largest():
    notes = [note.en for one in explain(BRANCHED, "add").of("receptive_field") for note in one.notes]
    assert "add joins branches of sizes wide: 11, stem: 3; the union is the largest, that of wide." in notes


def test_a_merge_of_shifted_branches_takes_the_hull():
    """Rows: stem sees −1…2 at step 2; wide −5…6; shifted, with no padding before, −1…6. The hull is −5…6."""
    net = chain((3, 20, 27), ("stem", L.Conv2d(6, 3, stride=(2, 1), padding=1)))
    entries = [
        *net.entries,
        ("left", L.Conv2d(6, 3, padding=((2, 0), (1, 1))), ("stem",)),
        ("right", L.Conv2d(6, 3, padding=((0, 2), (1, 1))), ("stem",)),
        ("hull", L.Add(), ("left", "right")),
    ]
    merged = Network([Entry(*entry) for entry in entries])
    rows, columns = explain(merged, "hull").of("receptive_field")
    assert rows.result == receptive_fields(merged)[-1].axes[0].size == 11
    assert columns.result == 5
    assert [step.formula for step in rows.steps if step.symbol in ("a_3", "b_3")] == [
        "min(−5, −1)",
        "max(2, 6)",
    ]


def test_a_global_layer_is_named():
    (derivation,) = explain(BRANCHED, "squeeze").of("receptive_field")
    assert [step.value for step in derivation.steps] == [20, 27]
    assert derivation.notes[0].zh.startswith("在 squeeze 中，每个输出都由全部位置算得")


def test_a_global_side_path_is_named():
    notes = [note.en for one in explain(BRANCHED, "scaled").of("receptive_field") for note in one.notes]
    assert any(note.startswith("Through squeeze every unit also gains a global view") for note in notes)


def test_fields_after_an_unknown_layer_are_not_derived():
    (derivation,) = explain(BRANCHED, "after").of("receptive_field")
    assert derivation.result is None
    assert derivation.notes[0].en.startswith("After opaque the positions that a unit depends on are unknown")


def test_a_resized_layer_is_worked_back_for_one_unit():
    rows, columns = explain(BRANCHED, "fine", at=(12, 25)).of("region")
    top, left, bottom, right = BRANCHED.field("fine", (12, 25)).clipped
    assert (rows.result, columns.result) == (bottom - top, right - left)


def formulas(derivation):
    return [(step.symbol, step.formula, step.value) for step in derivation.steps]


def test_a_transposed_layer_is_worked_back_by_its_formula():
    """Kernel 4, stride 2, padding 1: unit 9 takes the inputs ⌈(9 + 1 − 3)/2⌉ = 4 to ⌊10/2⌋ = 5."""
    net = chain((3, 8, 11), ("up", L.ConvTranspose2d(2, 4, stride=2, padding=1)))
    rows, columns = explain(net, "up", at=(9, 12)).of("region")
    assert formulas(rows)[2:] == [
        ("a", "max(⌈(a + p − k + 1) / s⌉, 0)", 4),
        ("b", "min(⌊(b + p) / s⌋, n − 1)", 5),
        ("r", "b − a + 1", 2),
    ]
    assert [value for _, _, value in formulas(columns)[2:]] == [5, 6, 2]


def test_holes_at_the_edge_are_listed():
    """Taps 2 apart, one pixel of padding: unit 0 takes pixels 1 and 3 but not 0, which the formula would begin at."""
    steps = [
        ("up", L.Upsample((1, 2), mode="linear")),
        ("conv", L.Conv2d(2, (3, 1), padding=((1, 1), (0, 0)), dilation=(2, 1))),
        ("down", L.AdaptiveAvgPool2d((4, 5))),
        ("last", L.Conv2d(2, (3, 1), padding=((1, 1), (0, 0)), dilation=(2, 1))),
    ]
    net = chain((3, 9, 11), *steps)
    rows = explain(net, "last", at=(0, 3)).of("region")[0]
    assert rows.steps[2].label.en == "Back through last: the positions it takes"
    assert formulas(rows)[2:4] == [("a", "1", 1), ("b", "3", 3)]


def test_union_covers_both_paths():
    """Two branches after a resize, one looking up, one down: a unit sees what both see together."""
    entries = [
        Entry("input", L.Input((3, 20, 30))),
        Entry("up", L.Upsample(2, mode="linear"), ("input",)),
        Entry("above", L.Conv2d(2, 5, padding=((4, 0), (2, 2))), ("up",)),
        Entry("below", L.Conv2d(2, 5, padding=((0, 4), (2, 2))), ("up",)),
        Entry("both", L.Add(), ("above", "below")),
    ]
    network = Network(entries)
    rows = explain(network, "both", at=(20, 31)).of("region")[0]
    top, _, bottom, _ = network.field("both", (20, 31)).clipped
    assert (top, bottom) == (7, 13)
    assert [step.symbol for step in rows.steps[-3:]] == ["a", "b", "r"]
    assert rows.steps[-3].formula == "min(a, u)"
    assert rows.steps[-3].label.en == "Other paths reach further: the union of all"
    assert rows.result == 6


def test_unit_without_sources_sees_nothing():
    net = chain((3, 4, 5), ("up", L.ConvTranspose2d(2, 1, stride=(2, 3))))
    rows, columns = explain(net, "up", at=(3, 4)).of("region")
    assert (rows.result, columns.result) == (0, 0)
    assert rows.steps[-2].value > rows.steps[-1].value or rows.steps[-1].formula == "0"


def test_one_step_per_layer_in_a_whole_network():
    """In the explanation of a network each layer but the last adds its own step to the layer before."""
    section = next(s for s in explain(ALEXNET).sections if s.name == "pool2")
    (derivation,) = [one for one in section.derivations if one.quantity == "receptive_field"]
    assert derivation.result == 67
    assert len(derivation.steps) == 1
    assert derivation.steps[0].substitution == "51 + (3 − 1)·8"


@settings(max_examples=150)
@given(networks())
def test_random_graphs_agree_with_the_analysis(network):
    """Extent and center equal the recurrence's; a unit worked back equals its exact region."""
    for node, view in zip(network.nodes, receptive_fields(network), strict=True):
        if not node.inputs or view.lost_at or view.via:
            continue
        explanation = explain(network, node.name)
        units = [0 if d is None else node.output_shape[d] // 2 for d in view.drivers]
        region = network.field(node.name, units)
        wanted = {"receptive_field": [], "center": [], "region": []}
        for axis, unit in zip(view.axes, units, strict=True):
            wanted["receptive_field"].append(axis.size)
            wanted["center"].append(axis.start + unit * axis.step)
        top, left, bottom, right = region.clipped
        wanted["region"] = [bottom - top, right - left]
        empty = 0 in wanted["region"]
        found = {kind: [one.result for one in explanation.of(kind)] for kind in wanted}
        assert len(found["receptive_field"]) in (1, 2)
        for kind, results in found.items():
            assert all(one in wanted[kind] or (kind == "region" and empty) for one in results), (kind, node.name)
        for one in explanation.of("receptive_field_backward"):
            assert one.result in found["receptive_field"]


@settings(max_examples=50)
@given(networks())
def test_each_layers_own_step_agrees_with_the_analysis(network):
    views = receptive_fields(network)
    for section, view in zip(explain(network).sections, views, strict=True):
        sizes = {axis.size for axis in view.axes}
        for one in section.derivations:
            if one.quantity == "receptive_field" and one.steps and not (view.via or view.lost_at):
                assert {step.value for step in one.steps[-1:]} <= sizes
