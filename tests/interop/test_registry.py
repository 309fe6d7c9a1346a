"""The registry of converters that importers share."""

from __future__ import annotations

from pathlib import Path

import pytest

import convscope.interop
from convscope.interop.registry import FAMILIES, OperatorRegistry

FOLDER = Path(convscope.interop.__file__).parent


def test_second_converter_of_an_operator_is_refused():
    registry: OperatorRegistry[str, object] = OperatorRegistry("convscope.interop.torch.operators")
    registry.register("relu", "relu_")(print)
    with pytest.raises(ValueError, match=r"^relu_ has two converters$"):
        registry.register("relu_")(print)


@pytest.mark.parametrize("importer", ["torch", "keras", "onnx"])
def test_operator_modules_are_named_after_families(importer):
    """A module of another name would not be loaded."""
    modules = {path.stem for path in (FOLDER / importer / "operators").glob("*.py")} - {"__init__", "patterns"}
    assert modules <= set(FAMILIES)
