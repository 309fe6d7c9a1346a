"""Every rule of the PyTorch tools against the tool itself, one layer at a time."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from analysis.counted_by.counted_layers import EVERY, alone
from analysis.counted_by.tools import INSTALLED, printed
from convscope import layers as cs
from convscope.analysis.counted_by import TOOLS, recount


@pytest.mark.parametrize("tool", INSTALLED)
@pytest.mark.parametrize("case", EVERY)
def test_a_layer_alone_costs_what_the_tool_prints(tool: str, case: str) -> None:
    """Operations and parameters are equal to the tool's, as integers."""
    network = EVERY[case]
    told = recount(network, tool)
    if tool == "torchvision" and told.rows[0].kind == "LSTM":
        assert told.rows[0].theirs is None, "what runs depends on the machine"
        return
    assert (told.total, told.params) == printed(tool, network)
    assert told.status.word == "complete"


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("case", EVERY)
def test_a_difference_has_a_reason_and_only_a_difference_has_one(tool: str, case: str) -> None:
    """A row explains itself exactly where the two numbers are not the same."""
    for row in recount(EVERY[case], tool).rows:
        assert bool(row.reason) == (row.theirs != row.ours_macs)


@dataclass(frozen=True)
class Unheard(cs.Layer):
    """A layer that no tool has a rule for."""


@pytest.mark.parametrize("tool", TOOLS)
def test_layer_without_rule_is_unknown(tool: str) -> None:
    """The default is unknown with a reason, never 0."""
    row = recount(alone(Unheard(), (3, 8, 10)), tool).rows[0]
    assert row.theirs is None
    assert row.reason == "what is counted depends on how it is written"


@pytest.mark.parametrize("tool", TOOLS)
def test_an_unknown_operator_is_unknown_and_makes_the_total_a_lower_bound(tool: str) -> None:
    """Nothing is silently zero."""
    told = recount(alone(cs.Opaque("einsum", (4, 5)), (6, 7)), tool)
    assert told.rows[0].theirs is None
    assert told.rows[0].reason == "einsum is an unsupported operator"
    assert told.status.word == "lower_bound"


@pytest.mark.parametrize("tool", ["fvcore", "thop", "ptflops", "tf.profiler"])
def test_a_layer_that_the_framework_lacks_is_unknown(tool: str) -> None:
    """Stochastic pooling has to be written by hand, so what is counted is unknown."""
    told = recount(alone(cs.StochasticPool2d(2), (3, 8, 10)), tool)
    assert told.rows[0].theirs is None
