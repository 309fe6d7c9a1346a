"""A class name exists once in the package, so that a reader who meets it knows which class it is."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import convscope

ROOT = Path(convscope.__file__).parent

EXCEPTIONS = {
    "Call": "each importer's call of an operator: one role in three packages that do not meet",
    "Constant": "a schedule of training, and a constant of an ONNX graph",
    "Frame": "a border of zeros in a kernel, and a frame around a block in a drawing",
    **dict.fromkeys(
        ("Curves", "Formulas", "Row", "Section", "Table", "Value"),
        "also a part of a lesson, which only the lab meets",
    ),
}
"""Names of several classes, each clear in its package, with the reason."""


def repeated(files: Iterable[tuple[str, ast.Module]]) -> dict[str, list[str]]:
    """Return the modules of each public class name that is defined more than once."""
    found: dict[str, list[str]] = defaultdict(list)
    for module, tree in files:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(module)
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def test_a_class_name_exists_once():
    files = (
        (str(file.relative_to(ROOT)), ast.parse(file.read_text(encoding="utf-8"))) for file in ROOT.rglob("*.py")
    )
    assert {name: modules for name, modules in repeated(files).items() if name not in EXCEPTIONS} == {}


def test_a_repeated_class_name_is_found():
    tree = ast.parse("class Row: pass")
    assert repeated([("a", tree), ("b", tree)]) == {"Row": ["a", "b"]}
