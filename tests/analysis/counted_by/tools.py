"""The tools themselves, run on a network's PyTorch twin."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from analysis.counted_by.pytorch_twin import Twin, example
from convscope.network import Network

Images = tuple[torch.Tensor, ...]
Totals = tuple[int, int]
"""What the tool prints for operations, and for parameters."""


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what the tools and PyTorch say about themselves."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # fvcore traces by torch.jit, which PyTorch calls deprecated.
            warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
            # thop compares versions by distutils when imported, and calls its own rule for PReLU deprecated.
            warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"thop\.")
            warnings.filterwarnings("ignore", message="This API is being deprecated", module=r"thop\.")
            # Which of its implementations PyTorch runs; nothing that is counted.
            warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")
            yield
    finally:
        logging.disable(logging.NOTSET)


def whole(number: float) -> int:
    assert number == int(number)
    return int(number)


def by_torchinfo(module: nn.Module, images: Images) -> Totals:
    import torchinfo

    summary = torchinfo.summary(module, input_data=images, verbose=0)
    return whole(summary.total_mult_adds), summary.total_params


def by_fvcore(module: nn.Module, images: Images) -> Totals:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    return whole(FlopCountAnalysis(module, images).total()), parameter_count(module)[""]


def by_thop(module: nn.Module, images: Images) -> Totals:
    import thop

    macs, params = thop.profile(module, images, verbose=False)
    return whole(macs), whole(params)


class ByName(nn.Module):
    """A module that takes its inputs by name, as ptflops hands them over."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, **images: torch.Tensor) -> torch.Tensor:
        return self.inner(*images.values())


def by_ptflops(module: nn.Module, images: Images) -> Totals:
    import ptflops

    macs, params = ptflops.get_model_complexity_info(
        ByName(module),
        (1,),
        as_strings=False,
        print_per_layer_stat=False,
        input_constructor=lambda _: {f"x{i}": image for i, image in enumerate(images)},
    )
    return whole(macs), params


def by_operators(module: nn.Module, images: Images) -> Totals:
    """Return what torchvision's rules count: products of the operators that run, by PyTorch's own counter."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        module(*images)
    return counter.get_total_flops() // 2, sum(p.numel() for p in module.parameters())


INSTALLED: dict[str, Callable[[nn.Module, Images], Totals]] = {
    "torchinfo": by_torchinfo,
    "fvcore": by_fvcore,
    "thop": by_thop,
    "ptflops": by_ptflops,
    "torchvision": by_operators,
}


def printed(tool: str, network: Network) -> Totals:
    """Return what the tool says of the network's twin."""
    with quiet():
        return INSTALLED[tool](Twin(network), example(network))
