"""Optional import of PyTorch."""

from __future__ import annotations

from typing import Any

from ...errors import missing_library
from ...text.language import Message


def imported() -> Any:
    """Return PyTorch.

    Errors:   MissingExtra [torch-missing]
    """
    try:
        import torch
    except ImportError:
        needs = Message("Reading, writing and running PyTorch modules needs PyTorch")
        raise missing_library(needs, "torch", "torch-missing") from None
    return torch
