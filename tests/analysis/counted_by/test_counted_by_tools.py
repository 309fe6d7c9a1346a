"""Every rule of the PyTorch tools against the tool itself, layer by layer."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator

import pytest
from analysis.counted_by.counted_layers import EVERY
from analysis.counted_by.pytorch_twin import Twin, example

from convscope.analysis.counted_by import recount
from convscope.network import Network

torch = pytest.importorskip("torch")
pytest.importorskip("torchinfo")
pytest.importorskip("fvcore")
pytest.importorskip("thop")
pytest.importorskip("ptflops")

# PyTorch's remark on which of its own implementations runs; nothing that is counted.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")

Totals = tuple[int, int]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Keep the tools' remarks on operators they do not know out of the output."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def whole(number: float) -> int:
    assert number == int(number)
    return int(number)


def by_torchinfo(network: Network) -> Totals:
    import torchinfo

    summary = torchinfo.summary(Twin(network), input_data=example(network), verbose=0)
    return whole(summary.total_mult_adds), summary.total_params


def by_fvcore(network: Network) -> Totals:
    twin = Twin(network)
    with warnings.catch_warnings():
        # fvcore traces by torch.jit, which PyTorch calls deprecated.
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        from fvcore.nn import FlopCountAnalysis, parameter_count

        return whole(FlopCountAnalysis(twin, example(network)).total()), parameter_count(twin)[""]


def by_thop(network: Network) -> Totals:
    with warnings.catch_warnings():
        # thop compares versions by distutils when imported, and calls its own rule for PReLU deprecated.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="thop.*")
        warnings.filterwarnings("ignore", message="This API is being deprecated", module="thop.*")
        import thop

        macs, params = thop.profile(Twin(network), example(network), verbose=False)
    return whole(macs), whole(params)


def by_ptflops(network: Network) -> Totals:
    import ptflops

    # It hands the inputs over by name, so the twin stands behind a module that takes them so.
    macs, params = ptflops.get_model_complexity_info(
        ByName(Twin(network)),
        (1,),
        as_strings=False,
        print_per_layer_stat=False,
        input_constructor=lambda _: {f"x{i}": picture for i, picture in enumerate(example(network))},
    )
    return whole(macs), params


class ByName(torch.nn.Module):
    def __init__(self, inner: Twin) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, **pictures: torch.Tensor) -> torch.Tensor:
        return self.inner(*pictures.values())


def by_operators(network: Network) -> Totals:
    """Return what torchvision's rules count: products of the operators that run, by PyTorch's own counter."""
    from torch.utils.flop_counter import FlopCounterMode

    twin = Twin(network)
    with FlopCounterMode(display=False) as counter:
        twin(*example(network))
    return counter.get_total_flops() // 2, sum(p.numel() for p in twin.parameters())


TOOLS: dict[str, Callable[[Network], Totals]] = {
    "torchinfo": by_torchinfo,
    "fvcore": by_fvcore,
    "thop": by_thop,
    "ptflops": by_ptflops,
    "torchvision": by_operators,
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("case", EVERY)
def test_a_layer_alone_costs_what_the_tool_prints(tool: str, case: str) -> None:
    """Total and parameters are equal to the tool's, as integers, for every layer with a rule."""
    network = EVERY[case]
    told = recount(network, tool)
    if tool == "torchvision" and told.rows[0].theirs is None:
        assert told.rows[0].kind == "LSTM"
        return
    assert (told.total, told.params) == TOOLS[tool](network)
    assert told.status.word == "complete"
