"""Whole networks, written by hand as PyTorch modules: totals, and layer by layer where a tool tells."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

import convscope
from analysis.counted_by.pytorch_twin import Twin, example
from analysis.counted_by.small_network import SMALL
from analysis.counted_by.tools import INSTALLED, Totals, printed, quiet
from convscope import layers as cs
from convscope.analysis.counted_by import TOOLS, recount
from convscope.network import Entry, Network


class Residual(nn.Module):
    """Two paths that meet, a grouped and a depthwise convolution, one layer used twice, a decoder, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, (3, 5), stride=(1, 2), padding=(1, 2), bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu1 = nn.ReLU(inplace=True)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.depthwise = nn.Conv2d(8, 8, (1, 3), padding=(0, 1), groups=8, bias=False)
        self.bn2 = nn.BatchNorm2d(8, affine=False)
        self.again = nn.Conv2d(8, 8, 1)
        self.act = nn.SiLU()
        self.pool = nn.AvgPool2d((2, 3))
        self.up = nn.ConvTranspose2d(8, 5, (4, 3), stride=(2, 3), padding=(1, 0))
        self.resize = nn.Upsample(scale_factor=2, mode="bilinear")
        self.norm = nn.GroupNorm(5, 5)
        self.mean = nn.AdaptiveAvgPool2d((3, 2))
        self.hidden = nn.Linear(30, 17, bias=False)
        self.slope = nn.PReLU()
        self.classes = nn.Linear(17, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.depthwise(self.grouped(x)))
        z = self.again(self.again(x))
        x = self.pool(self.act(x + y + z))
        x = self.norm(self.resize(self.up(x)))
        x = torch.flatten(self.mean(x), 1)
        return self.classes(self.slope(self.hidden(x)))


def residual() -> Network:
    """The same by hand in convscope."""
    return Network(
        [
            Entry("input", cs.Input((3, 14, 22))),
            Entry("conv1", cs.Conv2d(8, (3, 5), (1, 2), (1, 2), bias=False), ("input",)),
            Entry("bn1", cs.BatchNorm2d(), ("conv1",)),
            Entry("relu1", cs.ReLU(), ("bn1",)),
            Entry("grouped", cs.Conv2d(8, 3, padding=1, groups=2), ("relu1",)),
            Entry("depthwise", cs.Conv2d(8, (1, 3), padding=(0, 1), groups=8, bias=False), ("grouped",)),
            Entry("bn2", cs.BatchNorm2d(affine=False), ("depthwise",)),
            Entry("again", cs.Conv2d(8, 1), ("relu1",)),
            Entry("once_more", cs.Conv2d(8, 1), ("again",), shares="again"),
            Entry("sum", cs.Add(), ("relu1", "bn2", "once_more")),
            Entry("act", cs.SiLU(), ("sum",)),
            Entry("pool", cs.AvgPool2d((2, 3)), ("act",)),
            Entry("up", cs.ConvTranspose2d(5, (4, 3), (2, 3), (1, 0)), ("pool",)),
            Entry("resize", cs.Upsample(2, mode="linear"), ("up",)),
            Entry("norm", cs.GroupNorm(5), ("resize",)),
            Entry("mean", cs.AdaptiveAvgPool2d((3, 2)), ("norm",)),
            Entry("flatten", cs.Flatten(), ("mean",)),
            Entry("hidden", cs.Linear(17, bias=False), ("flatten",)),
            Entry("slope", cs.PReLU(), ("hidden",)),
            Entry("classes", cs.Linear(7), ("slope",)),
        ],
        "residual",
    )


IMAGE = (torch.ones(1, 3, 14, 22),)


@pytest.mark.parametrize("tool", INSTALLED)
def test_a_module_written_by_hand_costs_what_the_tool_prints(tool: str) -> None:
    """Branches, sharing, groups and functions come to the same integers as the tool's."""
    told = recount(residual(), tool)
    with quiet():
        expected: Totals = INSTALLED[tool](Residual().eval(), IMAGE)
    assert (told.total, told.params) == expected


def by_layer(tool: str) -> dict[str, int]:
    """Return our rows with both calls of the shared layer together, as the tools list it."""
    numbers: dict[str, int] = {}
    for row in recount(residual(), tool).rows:
        name = "again" if row.name == "once_more" else row.name
        assert row.theirs is not None
        numbers[name] = numbers.get(name, 0) + row.theirs
    return numbers


def test_torchinfo_layer_by_layer() -> None:
    """Every module's mult-adds are those of torchinfo's table, one line per call."""
    import torchinfo

    listed = torchinfo.summary(Residual(), input_data=IMAGE, verbose=0).summary_list
    theirs: dict[str, int] = {}
    for line in listed[1:]:
        theirs[line.var_name] = theirs.get(line.var_name, 0) + line.macs
    assert {name: number for name, number in by_layer("torchinfo").items() if name in theirs} == theirs


def test_fvcore_layer_by_layer() -> None:
    """Every module's flops are those of by_module."""
    with quiet():
        from fvcore.nn import FlopCountAnalysis

        theirs = dict(FlopCountAnalysis(Residual().eval(), IMAGE).by_module())
    del theirs[""]
    assert {name: number for name, number in by_layer("fvcore").items() if name in theirs} == theirs


def test_thop_layer_by_layer() -> None:
    """Every module's MACs are those of thop's layer information."""
    with quiet():
        import thop

        _, _, listed = thop.profile(Residual(), IMAGE, verbose=False, ret_layer_info=True)
    theirs = {name: int(macs) for name, (macs, _, _) in listed.items()}
    assert {name: number for name, number in by_layer("thop").items() if name in theirs} == theirs


@pytest.mark.parametrize("tool", INSTALLED)
def test_the_small_network_of_the_page_costs_what_the_tool_prints(tool: str) -> None:
    """The numbers in the documentation are the tools' own."""
    told = recount(SMALL, tool)
    assert (told.total, told.params) == printed(tool, SMALL)


@pytest.mark.parametrize("tool", INSTALLED)
def test_resnet_50_costs_what_the_tool_prints(tool: str) -> None:
    """A network of the zoo at full size, exactly."""
    network = convscope.load("resnet50")
    told = recount(network, tool)
    assert (told.total, told.params) == printed(tool, network)


def test_a_wrong_rule_would_be_found() -> None:
    """With one bias too many, the comparison with the tool fails."""
    nodes = list(residual().entries)
    conv = next(i for i, entry in enumerate(nodes) if entry.name == "conv1")
    nodes[conv] = nodes[conv]._replace(layer=replace(nodes[conv].layer, bias=True))
    assert recount(Network(nodes), "torchinfo").total != printed("torchinfo", residual())[0]


@pytest.mark.parametrize("tool", TOOLS)
def test_our_total_is_the_report_s(tool: str) -> None:
    """The column beside the tool's sums the layers' MACs, each call of a shared layer counted."""
    network = residual()
    assert recount(network, tool).ours_total == sum(node.facts.operations.macs for node in network)


def test_the_twin_computes_the_network_s_shapes() -> None:
    """What the tools look at is the network that we count."""
    for network in (SMALL, residual()):
        assert tuple(Twin(network)(*example(network)).shape[1:]) == network.outputs[0].output_shape
