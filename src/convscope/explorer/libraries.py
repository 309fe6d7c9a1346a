"""The check that the libraries of the explorer are installed."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import missing_library
from ..text.language import Message

NEEDED = ("starlette", "uvicorn", "anyio")


def check_libraries() -> None:
    """Check that the explorer can be imported.

    Raises:
        MissingExtra: [explore-extra]
    """
    if any(find_spec(name) is None for name in NEEDED):
        raise missing_library(
            Message("The explorer needs Starlette and uvicorn"), "starlette uvicorn pillow", "explore-extra"
        )
