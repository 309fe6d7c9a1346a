"""PyTorch, where it is installed."""

from __future__ import annotations

from typing import Any

from ...errors import MissingExtra


def imported() -> Any:
    """Return PyTorch.

    Errors:   MissingExtra [torch-missing]
    """
    try:
        import torch
    except ImportError:
        raise MissingExtra(
            "PyTorch must be installed to read, write or run its modules; got none; run `pip install torch`. "
            "[torch-missing]"
        ) from None
    return torch
