"""What bad files are held against: a small model, and the whole message of an error."""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import pytest

import convscope as cs
from convscope.errors import ConvscopeError
from interop.onnx.models import model, numbers, one


def conv_model(channels: int = 16) -> onnx.ModelProto:
    tensors = {"w": numbers((channels, 3, 4, 5)), "b": numbers((channels,), 4)}
    return model([one("Conv", {}, ("x", "w", "b"))], ("N", 3, 7, 9), tensors)


def refused(path: Path, error: type[ConvscopeError], message: str, **arguments: object) -> None:
    """The whole message, with the path where it says so."""
    expected = message.replace("{path}", repr(str(path)))
    with pytest.raises(error, match=f"^{re.escape(expected)}$"):
        cs.from_onnx(path, **arguments)
