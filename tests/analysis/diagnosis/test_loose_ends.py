"""Unused outputs and unsupported operators."""

import convscope as cs
from convscope import layers as L
from convscope.network import Entry, Network


def of(network, code):
    return [finding for finding in cs.diagnose(network) if finding.code == code]


def test_several_ends_are_named():
    entries = [
        Entry("input", L.Input((3, 12, 10))),
        Entry("one", L.Conv2d(4, 3), ("input",)),
        Entry("two", L.Conv2d(5, 3), ("input",)),
    ]
    assert str(of(Network(entries), "several-ends")[0]) == (
        "note: No layer uses the outputs of one, two. [several-ends]\n"
        "  → If one of them is not an intended output, connect it or remove it."
    )
    assert not of(Network(entries[:2]), "several-ends")


def test_an_unknown_operator_is_named_with_what_is_unknown_because_of_it():
    """The fields of the operator itself and of the two layers behind it are lost."""
    network = cs.load("input 3x12x10 | conv 4 3 | opaque Warp 4x7x5 | conv 6 3 | relu")
    (finding,) = of(network, "opaque-layers")
    assert str(finding) == (
        "risk: opaque1 (Opaque(Warp)) is an unsupported operator: its parameters and operations are not "
        "counted, totals are lower bounds, and receptive fields are unknown in 3 layers. [opaque-layers]\n"
        "  → Replace it with supported layers, or treat the totals as lower bounds."
    )
    assert finding.numbers["unknown_fields"] == ["opaque1", "conv2", "relu1"]
    assert not of(cs.load("input 3x12x10 | conv 4 3"), "opaque-layers")
