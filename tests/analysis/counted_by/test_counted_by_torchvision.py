"""torchvision's GFLOPS against those that its weights publish.

Source: torchvision 0.29.2, `_ops` and `num_params` in the metadata of models/*.py
"""

from __future__ import annotations

import pytest

import convscope
from convscope import layers as cs
from convscope.analysis.counted_by import recount
from convscope.network import Entry, Network

PUBLISHED = {
    "alexnet-torchvision": (0.714, 61_100_840),
    "vgg11": (7.609, 132_863_336),
    "vgg13_bn": (11.308, 133_053_736),
    "vgg16": (15.47, 138_357_544),
    "vgg19_bn": (19.632, 143_678_248),
    "resnet18": (1.814, 11_689_512),
    "resnet34": (3.664, 21_797_672),
    "resnet50": (4.089, 25_557_032),
    "resnet101": (7.801, 44_549_160),
    "resnet152": (11.514, 60_192_808),
}


@pytest.mark.parametrize("model", PUBLISHED)
def test_the_zoo_costs_what_torchvision_publishes(model: str) -> None:
    """Billions rounded to three decimals, and every parameter."""
    told = recount(convscope.load(model), "torchvision")
    assert (round(told.total / 1e9, 3), told.params) == PUBLISHED[model]


def vision_transformer() -> Network:
    """Return ViT-B/16 without its learned positions: twelve blocks on 196 patches and one class token."""
    width, hidden = 768, 3072
    entries = [
        Entry("input", cs.Input((3, 224, 224))),
        Entry("token", cs.Input((1, width))),
        Entry("patches", cs.Conv2d(width, 16, 16), ("input",)),
        Entry("rows", cs.Reshape((width, 196)), ("patches",)),
        Entry("sequence", cs.Permute((1, 0)), ("rows",)),
        Entry("block0", cs.Concat(0), ("token", "sequence")),
    ]
    for i in range(12):
        last = f"block{i}"
        entries += [
            Entry(f"ln1_{i}", cs.LayerNorm(), (last,)),
            Entry(f"attention{i}", cs.MultiheadAttention(12), (f"ln1_{i}",)),
            Entry(f"sum1_{i}", cs.Add(), (f"attention{i}", last)),
            Entry(f"ln2_{i}", cs.LayerNorm(), (f"sum1_{i}",)),
            Entry(f"up{i}", cs.Linear(hidden), (f"ln2_{i}",)),
            Entry(f"gelu{i}", cs.GELU(), (f"up{i}",)),
            Entry(f"down{i}", cs.Linear(width), (f"gelu{i}",)),
            Entry(f"block{i + 1}", cs.Add(), (f"down{i}", f"sum1_{i}")),
        ]
    entries += [
        Entry("ln", cs.LayerNorm(), ("block12",)),
        Entry("first", cs.Slice(0, 0, 1), ("ln",)),
        Entry("classes", cs.Linear(1000), ("first",)),
    ]
    return Network(entries, "vit_b_16")


def test_a_transformer_costs_what_torchvision_publishes() -> None:
    """17.564 for ViT-B/16: attention's products of scores and values are in it."""
    told = recount(vision_transformer(), "torchvision")
    positions_and_token = 197 * 768 + 768
    assert round(told.total / 1e9, 3) == 17.564
    assert told.params + positions_and_token == 86_567_656
