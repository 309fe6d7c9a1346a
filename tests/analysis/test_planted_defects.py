"""The oracles can fail: a defect planted in the arithmetic is caught by the same comparison that tests make."""

import numpy as np
import pytest

from analysis.brute_force import influence
from convscope import inspect
from convscope import layers as L
from convscope.analysis import intervals as intervals_module
from convscope.analysis import region as region_module
from convscope.analysis.receptive_field import Recurrence, Regular
from convscope.axis import Bins, Resize, TransposedWindow, Window
from convscope.network import Entry, Network


def chain(*layers):
    entries = [Entry("input", L.Input((2, 9, 12)))]
    for number, layer in enumerate(layers):
        entries.append(Entry(f"layer{number}", layer, (entries[-1].name,)))
    return Network(entries)


def agrees(network):
    """Return whether masks and boxes of all units of the last layer are what brute force finds."""
    intervals_module.taps_of.cache_clear()
    intervals_module.tap_matrix.cache_clear()
    node = network.layers[-1]
    truth = influence(network)[node.name]
    for at in np.ndindex(*node.output_shape[1:]):
        region = network.field(node.name, at)
        expected = truth[:, :, :, at[0], at[1]].any(axis=2)
        if not np.array_equal(region.mask, expected):
            return False
        rows, columns = np.flatnonzero(expected.any(1)), np.flatnonzero(expected.any(0))
        if len(rows) and region.clipped != (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1):
            return False
    return True


NETWORKS = {
    Window: (L.Conv2d(3, (3, 2), stride=(2, 1), padding=((1, 0), (0, 2)), dilation=(1, 2)), L.MaxPool2d(2)),
    TransposedWindow: (L.ConvTranspose2d(3, 3, stride=(2, 3), padding=1), L.Conv2d(2, 2)),
    Resize: (L.Upsample(size=(13, 17), mode="linear"), L.Conv2d(2, 1)),
    Bins: (L.AdaptiveAvgPool2d((4, 5)), L.Conv2d(2, 2)),
}


@pytest.mark.parametrize("kind", NETWORKS, ids=lambda kind: kind.__name__)
def test_a_tap_off_by_one_is_caught(kind, monkeypatch):
    assert agrees(chain(*NETWORKS[kind]))
    right = kind.taps

    def wrong(self, n):
        taps = right(self, n).copy()
        taps[-1] = np.where(taps[-1] > 0, taps[-1] - 1, taps[-1])
        return taps

    monkeypatch.setattr(kind, "taps", wrong)
    try:
        assert not agrees(chain(*NETWORKS[kind]))
    finally:
        monkeypatch.undo()
        intervals_module.taps_of.cache_clear()
        intervals_module.tap_matrix.cache_clear()


def test_a_wrong_recurrence_is_caught(monkeypatch):
    """Forgetting the stride between units: the textbook's size and the truth on the image part."""

    def compare():
        network = chain(L.Conv2d(3, 3, stride=2), L.Conv2d(3, 2))
        top, left, bottom, right = network.field("layer1", (1, 2)).clipped
        return inspect(network)["layer1"].receptive_field.size == (bottom - top, right - left)

    assert compare()
    right = Recurrence.through

    def wrong(self, axis, one, n, positions):
        return right(self, Regular(axis.low, axis.high, 1), one, n, positions)

    monkeypatch.setattr(Recurrence, "through", wrong)
    region_module._known.clear()
    assert not compare()
    region_module._known.clear()
