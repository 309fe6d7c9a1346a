"""Two networks side by side."""

import json
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convscope as cs
from convscope import compare
from convscope import layers as L
from convscope.analysis.matching import _longest_in_order
from convscope.network import Entry, Network
from convscope.render.comparison import comparison_text

OLD = "input 3x20x26 | conv1: conv 4 3 | relu | pool: maxpool 2 | conv2: conv 6 3 | globalavgpool | head: dense 5"
NEW = (
    "input 3x20x26 | conv1: conv 4 5 p1 | relu | extra: conv 4 1 | relu | pool: maxpool 2 | conv2: conv 6 3 | "
    "globalavgpool | dense 9"
)


def changes(comparison):
    return [(row.change, row.name) for row in comparison.rows]


def difference(comparison, name):
    row = next(row for row in comparison.rows if row.name == name)
    return {one.what: (one.a, one.b) for one in row.differences}


def test_network_equals_itself():
    comparison = compare("alexnet", "alexnet")
    assert comparison.same
    assert {row.change for row in comparison.rows} == {"same"}
    assert all(total.difference == 0 and total.ratio == 1 for total in comparison.totals)


def test_layers_are_changed_added_and_removed():
    """The head has another name and other settings: one goes, one comes."""
    assert changes(compare(cs.load(OLD), cs.load(NEW))) == [
        ("changed", "conv1"),
        ("changed", "relu1"),
        ("added", "extra"),
        ("added", "relu2"),
        ("changed", "pool"),
        ("changed", "conv2"),
        ("same", "globalavgpool1"),
        ("removed", "head"),
        ("added", "dense1"),
    ]


def test_a_changed_layer_lists_settings_shape_cost_and_field():
    """conv1: 4·3·9 + 4 = 112 to 4·3·25 + 4 = 304 parameters; 18×24 outputs in both."""
    comparison = compare(cs.load(OLD), cs.load(NEW))
    found = difference(comparison, "conv1")
    fields = found.pop("receptive_field")
    assert found == {
        "kernel_size": ("3", "5"),
        "padding": ("0", "1"),
        "params": (112, 304),
        "macs": (18 * 24 * 4 * 27, 18 * 24 * 4 * 75),
    }
    assert (fields[0]["size"], fields[1]["size"]) == ([3, 3], [5, 5])


def test_frozen_layer_is_a_changed_one():
    network = cs.load(OLD)
    comparison = compare(network, network.with_frozen("conv2"))
    assert not comparison.same
    assert difference(comparison, "conv2") == {"frozen": (None, ["weight", "bias"])}
    assert "conv2  Conv2d  frozen none → weight, bias" in str(comparison)


def test_totals_have_differences_and_ratios():
    """The head grows from 6·5 + 5 to 6·9 + 9, conv1 by 192, and 4·4 + 4 come in between."""
    totals = {total.what: total for total in compare(cs.load(OLD), cs.load(NEW)).totals}
    old, new = cs.inspect(cs.load(OLD)).totals, cs.inspect(cs.load(NEW)).totals
    assert totals["params"].difference == 192 + 20 + (63 - 35)
    assert totals["params"].ratio == new.params / old.params
    assert (totals["peak_training_bytes"].a, totals["peak_training_bytes"].b) == (
        old.peak_training_bytes,
        new.peak_training_bytes,
    )
    pools = compare(cs.load("input 3x8x9 | maxpool 2"), cs.load("input 3x8x9 | conv 2 3"))
    assert next(total.ratio for total in pools.totals if total.what == "params") is None


def test_layers_without_weights_are_matched_by_their_neighbors_not_by_their_numbers():
    """VGG-13 has a convolution more per stage: the old relu2 is now relu3, whatever else is called relu2 now."""
    pairs = {row.a.name: row.b.name for row in compare("vgg11", "vgg13").rows if row.a and row.b}
    assert pairs["relu2"] == "relu3"
    assert pairs["relu8"] == "relu10"
    assert pairs["relu10"] == "relu12"
    assert all(pairs[name] == name for name in ("conv1_1", "conv5_2", "pool3", "fc8"))


def test_layers_with_weights_are_matched_first():
    """Two activations moved before the first convolution: the ones behind it are still the ones behind it."""
    old = cs.load("input 3x20x26 | c: conv 4 3 | relu | relu | d: conv 6 3")
    new = cs.load("input 3x20x26 | relu | relu | c: conv 4 3 | relu | relu | d: conv 6 3")
    assert [(row.change, row.name) for row in compare(old, new).rows if row.change in ("added", "removed")] == [
        ("added", "relu1"),
        ("added", "relu2"),
    ]
    assert [row.name for row in compare(old, new).rows if row.a][1:3] == ["relu1 → relu3", "relu2 → relu4"]


def test_a_name_with_weights_counts_more_than_equal_settings_nearby():
    """x moved behind m3; an equal layer took its place."""
    old = cs.load("input 3x20x26 | m1: conv 4 3 | x: conv 4 1 | m2: conv 5 3 | m3: conv 4 3 | k: conv 7 3")
    new = cs.load(
        "input 3x20x26 | m1: conv 4 3 | w: conv 4 1 | m2: conv 5 3 | m3: conv 4 3 | x: conv 4 1 | k: conv 7 3"
    )
    pairs = {row.b.name: row.a and row.a.name for row in compare(old, new).rows if row.b}
    assert pairs == {"m1": "m1", "w": None, "m2": "m2", "m3": "m3", "x": "x", "k": "k"}


@given(st.permutations(range(7)))
def test_most_matches_keep_their_order(order):
    """All subsets are tried."""
    pairs = list(enumerate(order))
    chain = _longest_in_order(pairs)
    assert all(one < two for (_, one), (_, two) in pairwise(chain))
    rising = [c for size in range(8) for c in combinations(order, size) if list(c) == sorted(c)]
    assert len(chain) == max(map(len, rising))
    assert set(chain) <= set(pairs)


def test_renamed_layers_are_matched_by_runs_of_equal_settings():
    """Everything is renamed and one layer inserted: the runs before and after it are found."""
    old = cs.load("input 3x20x26 | conv 4 3 | relu | conv 6 5 | relu | conv 8 3")
    new = cs.load("input 3x20x26 | a: conv 4 3 | b: relu | new: dropout 0.5 | c: conv 6 5 | d: relu | e: conv 8 3")
    pairs = [(row.a and row.a.name, row.b and row.b.name) for row in compare(old, new).rows]
    assert pairs == [
        ("conv1", "a"),
        ("relu1", "b"),
        (None, "new"),
        ("conv2", "c"),
        ("relu2", "d"),
        ("conv3", "e"),
    ]


def branched(order, second=3, source="input"):
    entries = {
        "input": Entry("input", L.Input((3, 12, 15))),
        "left": Entry("left", L.Conv2d(4, 3), ("input",)),
        "right": Entry("right", L.Conv2d(4, second), (source,)),
        "merge": Entry("merge", L.Concat(), ("left", "right")),
    }
    return Network([entries[name] for name in order])


def test_branches_listed_in_another_order_are_the_same():
    one = branched(["input", "left", "right", "merge"])
    two = branched(["input", "right", "left", "merge"])
    assert compare(one, two).same


def test_a_layer_wired_to_another_input_is_changed():
    one = branched(["input", "left", "right", "merge"], second=1, source="left")
    entries = [e._replace(inputs=("right", "left")) if e.name == "merge" else e for e in one.entries]
    assert difference(compare(one, Network(entries)), "merge") == {
        "inputs": (["left", "right"], ["right", "left"])
    }


def test_shared_parameters_are_counted_once():
    entries = [
        Entry("input", L.Input((4, 12, 15))),
        Entry("one", L.Conv2d(4, 3, padding=1), ("input",)),
        Entry("two", L.Conv2d(4, 3, padding=1), ("one",), shares="one"),
    ]
    apart = [entry._replace(shares=None) for entry in entries]
    assert difference(compare(Network(entries), Network(apart)), "two") == {"params": (0, 148)}


def test_the_text_shows_what_differs_and_the_sums():
    """The text is that of the command; `tests/render` has its details."""
    small, large = cs.load("input 3x8x10 | conv 4 3 | relu"), cs.load("input 3x8x10 | conv 4 5 p1 | dropout 0.5")
    text = str(compare(Network(small.entries, "small"), Network(large.entries, "large")))
    assert text.splitlines()[0] == "small → large: layers: 0 same, 1 changed, 1 added, 1 removed"
    assert "~ conv1     Conv2d   kernel_size 3 → 5; padding 0 → 1; parameters 112 → 304" in text
    assert "- relu1     ReLU     4×6×8" in text
    assert "+ dropout1  Dropout  4×6×8" in text


def test_incomplete_totals_are_marked():
    text = str(compare(cs.load("input 3x8x10 | conv 4 3"), cs.load("input 3x8x10 | opaque Warp 4x6x8")))
    assert text.splitlines()[-1] == "≥ the totals of network (B) are lower bounds: it has unsupported operators."


def test_the_document_is_json():
    document = compare(cs.load(OLD), cs.load(NEW)).to_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["layers"][2] == {
        "change": "added",
        "a": None,
        "b": "extra",
        "kind": "Conv2d",
        "differences": {},
    }
    assert document["totals"]["params"]["difference"] == 240


@pytest.mark.parametrize("renamed", [False, True])
def test_two_large_networks_are_compared(renamed):
    """ResNet-152 beside ResNet-101, by name and with every layer called otherwise."""
    one, two = cs.load("resnet152"), cs.load("resnet101")
    if renamed:
        two = Network(
            [e._replace(name="x" + e.name, inputs=tuple("x" + n for n in e.inputs)) for e in two.entries]
        )
    comparison = compare(one, two)
    assert comparison.count("removed") == 17 * 10
    assert comparison.count("added") == 0


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        ("conv 4 3 same", "conv 4 5 same", "receptive field 3×3 → 5×5"),
        ("conv 4 3 same", "conv 4 3 valid", "receptive field start @0.5 → @1.5"),
        ("conv 4 3 p1", "conv 4 3 p1 s2", "receptive field stride /1 → /2"),
        ("a:globalavgpool | conv 4 1", "b:globalavgpool | conv 4 1", "receptive field through a → b"),
        ("conv 4 3", "globalavgpool | conv 4 1", "receptive field 3×3 → all"),
    ],
)
def test_text_names_what_differs_of_a_receptive_field(a, b, text):
    comparison = compare(cs.load(f"input 3x9x9 | {a}"), cs.load(f"input 3x9x9 | {b}"))
    (line,) = [line for line in comparison_text(comparison, 200).splitlines() if line.startswith("~ conv1")]
    assert line.endswith(text)
