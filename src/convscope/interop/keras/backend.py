"""Import of Keras, with an installed backend unless the user has chosen one."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import MissingExtra, missing_library
from ...text.language import Message
from ...text.lists import join_or
from ..errors import first_line

BACKENDS = ("torch", "tensorflow", "jax")
"""Backends, in order of preference."""


def require_keras() -> Any:
    """Return Keras 3. Set KERAS_BACKEND to an installed backend unless the user has chosen one.

    Raises:
        MissingExtra: [missing-keras] where Keras is not installed, is older than 3, or has no backend.
    """
    if "keras" not in sys.modules and "KERAS_BACKEND" not in os.environ and not _is_usable(_configured_backend()):
        installed = next(filter(_is_usable, BACKENDS), None)
        if installed is not None:
            os.environ["KERAS_BACKEND"] = installed
    try:
        import keras
    except (ImportError, ValueError) as error:
        if find_spec("keras") is None:
            raise _missing_keras() from None
        raise _missing_keras(Message("got {error}", error=first_line(error))) from None
    if int(keras.__version__.partition(".")[0]) < 3:
        raise _missing_keras(Message("got Keras {version}", version=keras.__version__))
    return keras


def _missing_keras(got: str = "") -> MissingExtra:
    chosen = os.environ.get("KERAS_BACKEND", "torch")
    more = "" if _is_usable(chosen) else f" {chosen}" if chosen in BACKENDS else " torch"
    needs = Message("Keras models need Keras 3 with {backends} as its backend", backends=join_or(BACKENDS))
    return missing_library(needs, f'"keras>=3"{more}', "missing-keras", got)


def _configured_backend() -> str:
    """Return the backend in the user's settings file. Keras writes that file itself, with TensorFlow in it."""
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return str(json.loads((folder / "keras.json").read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _is_usable(backend: str) -> bool:
    return backend.isidentifier() and find_spec(backend) is not None
