"""Unproductive layers: what a layer looks at already covers the whole image."""

from itertools import pairwise

import convscope as cs
from convscope import layers as L
from convscope.analysis.diagnosis.subject import narrowest_fields
from convscope.network import Entry, Network

# Fields grow by 4 rows and 6 columns in each layer: 21×31 before the sixth.
STACK = "input 3x20x30 | " + " | ".join(f"conv {out} 5x7 same" for out in range(2, 9))


def of(network, code):
    return [finding for finding in cs.diagnose(network) if finding.code == code]


def test_a_layer_whose_input_sees_more_than_the_image_is_unproductive():
    """conv6 and conv7 are found, with what they cost; conv6 reads 6 channels and makes 7, on 20×30 positions."""
    (finding,) = of(cs.load(STACK), "unproductive-layers")
    params = 7 * 6 * 35 + 7 + 8 * 7 * 35 + 8
    macs = 20 * 30 * 35 * (7 * 6 + 8 * 7)
    assert (params, macs) == (3445, 2058000)
    assert str(finding) == (
        "waste: 2 of 7 spatial layers are unproductive, starting with conv6. Along every path its input "
        "already has a receptive field of 21×31, larger than the 20×30 image; 3,445 parameters and "
        "2,058,000 MACs add no new context. [unproductive-layers]\n"
        "  → Use inputs of at least 25×37, reduce stride or dilation before conv6, or remove these "
        "layers."
    )
    assert finding.layers == ("conv6", "conv7")
    assert finding.numbers["productive_from"] == [25, 37]


def test_layers_become_productive_exactly_at_the_suggested_size():
    """At 25×37 nothing is found; at 24×36 the last layer still is."""
    network = cs.load(STACK)
    assert not of(network.with_input((3, 25, 37)), "unproductive-layers")
    assert of(network.with_input((3, 24, 36)), "unproductive-layers")[0].layers == ("conv7",)


def test_layer_is_productive_if_one_axis_is_not_covered():
    """With 20 rows and 38 columns no layer's input covers the width."""
    assert not of(cs.load(STACK).with_input((3, 20, 38)), "unproductive-layers")


def test_a_layer_that_joins_along_one_axis_is_judged_by_that_axis():
    """A 1×5 kernel joins columns alone: 13 before it are more than 12, whatever the rows."""
    network = cs.load("input 3x40x12 | conv 2 1x13 same | conv 4 3x1 same | conv 5 1x5 same")
    (finding,) = of(network, "unproductive-layers")
    assert finding.layers == ("conv3",)
    assert finding.numbers["field_before_first"] == [3, 13]
    assert finding.numbers["productive_from"] == [40, 13]


def test_shrinking_pool_alone_has_no_finding():
    """It joins nothing new, but makes the map smaller; beside a convolution it is counted."""
    pool = "input 3x9x11 | conv 4 15x17 same | maxpool 2"
    assert not of(cs.load(pool), "unproductive-layers")
    (finding,) = of(cs.load(pool + " | conv 5 3"), "unproductive-layers")
    assert finding.layers == ("pool1", "conv2")
    assert finding.suggestion == (
        "Use inputs of at least 16×18, reduce stride or dilation before pool1, or remove these layers, "
        "except pools that shrink the map."
    )
    assert of(cs.load("input 3x9x11 | conv 4 15x17 same | maxpool 3 s1"), "unproductive-layers")


def test_layers_after_a_shortcut_stay_productive():
    """The hull of both paths covers the image, the shortcut alone does not."""
    entries = [
        Entry("input", L.Input((4, 9, 11))),
        Entry("wide", L.Conv2d(4, (15, 17), padding=(7, 8)), ("input",)),
        Entry("add", L.Add(), ("input", "wide")),
        Entry("after", L.Conv2d(5, 3), ("add",)),
    ]
    assert not of(Network(entries), "unproductive-layers")
    without = [*entries[:2], Entry("after", L.Conv2d(5, 3), ("wide",))]
    assert of(Network(without), "unproductive-layers")[0].layers == ("after",)


def test_the_narrowest_field_is_the_smallest_over_every_single_path():
    """Each path of a branched network is written out as a chain; the smallest field of the chains is the answer."""
    entries = [
        Entry("input", L.Input((4, 41, 53))),
        Entry("a", L.Conv2d(4, (3, 1), padding=(1, 0)), ("input",)),
        Entry("b", L.Conv2d(4, (1, 5), padding=(0, 2)), ("input",)),
        Entry("join1", L.Add(), ("a", "b", "input")),
        Entry("down", L.MaxPool2d((2, 3)), ("join1",)),
        Entry("c", L.Conv2d(4, 3, padding=2, dilation=2), ("down",)),
        Entry("d", L.Conv2d(4, 5, padding=2), ("down",)),
        Entry("join2", L.Concat(), ("c", "d")),
    ]
    network = Network(entries)
    narrow = narrowest_fields(network)
    for node in network.layers:
        chains = [chain(network, path) for path in paths_to(network, node.name)]
        sizes = [cs.inspect(one).rows[-1].receptive_field.size for one in chains if len(one.layers)]
        smallest = tuple(map(min, zip(*sizes, strict=True)))
        assert tuple(axis.size for axis in narrow[node.index].axes) == smallest, node.name
    assert tuple(axis.size for axis in narrow[-1].axes) == (2 + 4 * 2, 3 + 4 * 3)


def paths_to(network, name):
    inputs = network[name].inputs
    if not inputs:
        return [(name,)]
    return [(*path, name) for source in dict.fromkeys(inputs) for path in paths_to(network, source)]


def chain(network, path):
    """Return one path as a network of its own: merges left out."""
    kept = [name for name in path if not isinstance(network[name].layer, L.Add | L.Concat)]
    entries = [Entry(kept[0], network[kept[0]].layer)]
    entries += [Entry(name, network[name].layer, (source,)) for source, name in pairwise(kept)]
    return Network([*entries, Entry("end", L.Identity(), (kept[-1],))])
