"""Find Keras, and a backend for it where the user has chosen none."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import MissingExtra

BACKENDS = ("torch", "tensorflow", "jax", "numpy")
"""Backends that can hold a model, in the order in which they are tried. NumPy's needs nothing more."""


def imported() -> Any:
    """Return Keras 3; KERAS_BACKEND is set to an installed backend where the user has not chosen one.

    Errors:   MissingExtra [missing-keras] where Keras is not installed, is older, or has no backend
    """
    if "keras" not in sys.modules and "KERAS_BACKEND" not in os.environ and not _usable(_configured()):
        os.environ["KERAS_BACKEND"] = next(filter(_usable, BACKENDS))
    try:
        import keras
    except ImportError as error:
        chosen = os.environ.get("KERAS_BACKEND")
        got = "none installed" if find_spec("keras") is None else f"{error} with KERAS_BACKEND={chosen}"
        raise _missing(got) from None
    if int(keras.__version__.partition(".")[0]) < 3:
        raise _missing(f"Keras {keras.__version__}")
    return keras


def _missing(got: str) -> MissingExtra:
    return MissingExtra(
        f"Keras models must be read by Keras 3; got {got}; install it with: pip install 'convscope[keras]'. "
        "[missing-keras]"
    )


def _configured() -> str:
    """Return the backend of the user's settings file, which Keras writes by itself with TensorFlow in it."""
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return str(json.loads((folder / "keras.json").read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _usable(backend: str) -> bool:
    return bool(backend) and backend.isidentifier() and find_spec(backend) is not None
