"""A network becomes few boxes, and only what is really equal is folded."""

from __future__ import annotations

import convscope as cs
from convscope.layers import Add, BatchNorm2d, Conv2d, Input, ReLU
from convscope.layout.boxes import boxes_of, fold
from convscope.network import Entry, Network

BLOCK = "conv 4 3 p1 | bn | relu | conv 4 3x5 p1x2 | relu"


def names(boxes):
    return [box.name for box in boxes]


def test_elementwise_layers_are_merged_into_their_source():
    """Batch normalization, activation and dropout stand under the convolution; pooling has its own box."""
    boxes = boxes_of(cs.load("input 3x9x11 | conv 4 3 | bn | relu | dropout 0.3 | maxpool 2 | relu"))
    assert names(boxes) == ["input", "conv1", "pool1"]
    assert [layer.kind for layer in boxes[1].followers] == ["BatchNorm2d", "ReLU", "Dropout"]
    assert [layer.kind for layer in boxes[2].followers] == ["ReLU"]
    assert [box.sources for box in boxes] == [(), (0,), (1,)]


def test_layer_used_twice_ends_a_box():
    """A layer between a convolution and two consumers rides along; one beside another consumer does not."""
    network = Network(
        [
            Entry("input", Input((4, 9, 11))),
            Entry("conv", Conv2d(4, 3, padding=1), ("input",)),
            Entry("bn", BatchNorm2d(), ("conv",)),
            Entry("relu", ReLU(), ("bn",)),
            Entry("add", Add(), ("bn", "relu")),
        ]
    )
    boxes = boxes_of(network)
    assert names(boxes) == ["input", "conv", "relu", "add"]
    assert [box.sources for box in boxes] == [(), (0,), (1,), (1, 2)]


def test_a_function_of_the_input_has_its_own_box():
    assert names(boxes_of(cs.load("input 3x9x11 | relu | conv 2 3"))) == ["input", "relu1", "conv1"]


def test_equal_blocks_are_folded():
    """Four equal blocks of two boxes behind a first one: drawn once, times four."""
    kept, repeats = fold(
        boxes_of(cs.load("input 4x9x11 | maxpool 3 s1 | " + " | ".join([BLOCK] * 4) + " | conv 7 1"))
    )
    assert names(kept) == ["input", "pool1", "conv1", "conv2", "conv9"]
    assert repeats == [(2, 2, 4)]
    assert [box.sources for box in kept] == [(), (0,), (1,), (2,), (3,)]


def test_resnet_152_folds_to_its_stages():
    """3, 8, 36 and 3 blocks per stage, of which the first differs."""
    network = cs.load("resnet152")
    boxes = boxes_of(network)
    kept, repeats = fold(boxes)
    assert [repeat.times for repeat in repeats] == [2, 7, 35, 2]
    assert [kept[repeat.start].name for repeat in repeats] == [f"layer{stage}.1.conv1" for stage in (1, 2, 3, 4)]
    assert len(kept) + sum((one.times - 1) * one.length for one in repeats) == len(boxes)


def test_a_single_difference_prevents_folding():
    """A convolution without bias, a shared layer, or another follower is another box."""
    for other in ("conv 4 3 p1 nobias | bn | relu", "conv 4 3 p1 | bn | tanh", "conv 4 3 p1 | relu"):
        text = "input 4x9x11 | " + " | ".join(["conv 4 3 p1 | bn | relu"] * 3 + [other])
        _, repeats = fold(boxes_of(cs.load(text)))
        assert repeats == [], other
    convs = [Entry(f"c{n}", Conv2d(4, 3, padding=1), (f"c{n - 1}" if n else "input",)) for n in range(8)]
    shared = [convs[0], *(entry._replace(shares="c0" if n % 2 else None) for n, entry in enumerate(convs[1:], 1))]
    start = Entry("input", Input((4, 9, 11)))
    assert fold(boxes_of(Network([start, *convs])))[1] == [(1, 1, 8)]
    assert fold(boxes_of(Network([start, *shared])))[1] == [(1, 2, 4)]


def test_block_used_from_outside_is_not_folded():
    """Of eight equal layers the fifth feeds a skip: five and three remain."""
    convs = [Entry(f"c{n}", Conv2d(4, 3, padding=1), (f"c{n - 1}" if n else "input",)) for n in range(8)]
    network = Network([Entry("input", Input((4, 9, 11))), *convs, Entry("add", Add(), ("c4", "c7"))])
    kept, repeats = fold(boxes_of(network))
    assert repeats == [(1, 1, 5)]
    assert names(kept) == ["input", "c0", "c5", "c6", "c7", "add"]
    assert kept[-1].sources == (1, 4)
