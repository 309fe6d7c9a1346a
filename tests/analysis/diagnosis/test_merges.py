"""Branches that look at different places."""

import convscope as cs
from convscope import layers as L
from convscope.network import Entry, Network


def network(padding, merge):
    return Network(
        [
            Entry("input", L.Input((4, 12, 15))),
            Entry("centered", L.Conv2d(4, 3, padding=1), ("input",)),
            Entry("beside", L.Conv2d(4, (3, 5), padding=padding), ("input",)),
            Entry("merge", merge, ("centered", "beside")),
            Entry("after", L.ReLU(), ("merge",)),
        ]
    )


def of(subject):
    return [finding for finding in cs.diagnose(subject) if finding.code == "misaligned-merge"]


def test_paths_with_different_centers_are_found_once_where_they_meet():
    """Three rows padded 0 before are centered at 1.5, five columns padded 4 before at −1.5."""
    (finding,) = of(network(((0, 2), (4, 0)), L.Add()))
    assert str(finding) == (
        "risk: merge joins branches whose receptive fields are centered 1×2 pixels apart. Centers of "
        "their first units: centered (0.5×0.5), beside (1.5×−1.5). [misaligned-merge]\n"
        "  → Choose paddings and crops of the branches so that the centers coincide."
    )


def test_paths_of_different_extent_and_one_center_are_not_misaligned():
    assert not of(network((1, 2), L.Add()))


def test_maps_concatenated_along_a_position_axis_are_not_misaligned():
    """Joined along the rows they are meant to stand apart; along the channels they are not."""
    assert not of(network((1, 2), L.Concat(1)))
    assert of(network(((0, 2), (4, 0)), L.Concat()))


def test_space_to_depth_by_slices_is_not_misaligned():
    cuts = [(row, column) for row in (0, 1) for column in (0, 1)]
    entries = [Entry("input", L.Input((3, 12, 16)))]
    for row, column in cuts:
        entries.append(Entry(f"r{row}{column}", L.Slice(1, row, None, 2), ("input",)))
        entries.append(Entry(f"c{row}{column}", L.Slice(2, column, None, 2), (f"r{row}{column}",)))
    entries.append(Entry("join", L.Concat(), tuple(f"c{row}{column}" for row, column in cuts)))
    assert not of(Network(entries))


def test_paths_with_equal_first_centers_are_not_misaligned():
    """A pyramid: a strided map joined with the upsampled one behind it, whose units move to and fro."""
    down = L.Conv2d(4, 3, stride=2, padding=1)
    entries = [
        Entry("input", L.Input((3, 28, 52))),
        Entry("y", down, ("input",)),
        Entry("z", down, ("y",)),
        Entry("up", L.Upsample(2), ("z",)),
        Entry("join", L.Add(), ("y", "up")),
        Entry("mixed", L.Conv2d(4, 3, padding=1), ("join",)),
        Entry("again", down, ("mixed",)),
        Entry("end", L.Add(), ("again", "z")),
    ]
    assert not of(Network(entries))
