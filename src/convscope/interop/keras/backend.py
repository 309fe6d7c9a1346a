"""Find Keras, and a backend for it where the user has chosen none."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import MissingExtra, missing_library

BACKENDS = ("torch", "tensorflow", "jax")
"""Backends in the order in which they are tried."""


def imported() -> Any:
    """Return Keras 3; KERAS_BACKEND is set to an installed backend where the user has not chosen one.

    Errors:   MissingExtra [missing-keras] where Keras is not installed, is older, or has no backend
    """
    if "keras" not in sys.modules and "KERAS_BACKEND" not in os.environ and not _usable(_configured()):
        installed = next(filter(_usable, BACKENDS), None)
        if installed is not None:
            os.environ["KERAS_BACKEND"] = installed
    try:
        import keras
    except (ImportError, ValueError) as error:
        known = find_spec("keras") is not None
        raise _missing(f"got {type(error).__name__}: {error}" if known else "") from None
    if int(keras.__version__.partition(".")[0]) < 3:
        raise _missing(f"got Keras {keras.__version__}")
    return keras


def _missing(got: str) -> MissingExtra:
    chosen = os.environ.get("KERAS_BACKEND", "torch")
    more = "" if _usable(chosen) else f" {chosen}" if chosen in BACKENDS else " torch"
    needs = f"Keras models need Keras 3 with a backend, {', '.join(BACKENDS)}"
    return missing_library(needs, f'"keras>=3"{more}', "missing-keras", got)


def _configured() -> str:
    """Return the backend of the user's settings file, which Keras writes by itself with TensorFlow in it."""
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return str(json.loads((folder / "keras.json").read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _usable(backend: str) -> bool:
    return backend.isidentifier() and find_spec(backend) is not None
