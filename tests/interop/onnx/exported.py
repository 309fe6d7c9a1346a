"""Export modules by PyTorch's two ONNX exporters."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

TRACED, PROGRAM = "traced", "program"
"""PyTorch's older exporter, which traces one run, and its newer one."""


def exported(module: nn.Module, shape: tuple[int, ...], path: Path, how: str = TRACED) -> None:
    """Write a module as an ONNX file, without the exporters' messages.

    The exporters do not support the fast path of attention at inference, so it is disabled.
    """
    settings = {"dynamo": False, "opset_version": 17} if how == TRACED else {"dynamo": True, "verbose": False}
    with _quiet(), torch.no_grad():
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            torch.onnx.export(module.eval(), (torch.zeros(1, *shape),), str(path), **settings)
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            with contextlib.redirect_stderr(io.StringIO()):
                yield
    finally:
        logging.disable(before)
