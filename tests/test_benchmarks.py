"""Benchmarks are not run by the tests; what they import from the package exists."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(ROOT.rglob("*.py"))


def imported(tree: ast.AST) -> list[tuple[str, str]]:
    """Return (module, name) of each import from the package."""
    return [
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "convscope"
        for alias in node.names
    ]


def missing(pairs: list[tuple[str, str]]) -> list[str]:
    found = []
    for module, name in pairs:
        try:
            home = import_module(module)
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("convscope"):
                continue  # a framework that is not installed
            found.append(module)
            continue
        if not hasattr(home, name):
            try:
                import_module(f"{module}.{name}")
            except ModuleNotFoundError:
                found.append(f"{module}.{name}")
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_of_benchmarks_exist(script):
    assert missing(imported(ast.parse(script.read_text("utf-8")))) == []


def test_a_missing_name_is_found():
    assert missing([("convscope.errors", "BadData"), ("convscope.errors", "Worse"), ("convscope.gone", "x")]) == [
        "convscope.errors.Worse",
        "convscope.gone",
    ]
