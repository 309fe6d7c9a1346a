"""Imports run one way through the packages, bottom to top; function-level and type-only imports count, too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import convscope

ROOT = Path(convscope.__file__).parent

ORDER = (
    "text",
    "errors",
    "arrays",
    "files progress",
    "axis",
    "settings",
    "input_shapes",
    "layers",
    "network",
    "parameters",
    "notation optim",
    "analysis",
    "derivations",
    "layout",
    "images",
    "data",
    "engines",
    "interop",
    "loading",
    "api",
    "model",
    "inside",
    "training",
    "weights",
    "exchange",
    "lab bench",
    "render",
    "plots",
    "explorer",
    "cli",
)
"""Each line may import those above it; names on one line may not import each other."""
RANK = {name: level for level, names in enumerate(ORDER) for name in names.split()}

EXCEPTIONS = {
    ("network", "analysis"): "Network.field and Network.seen_by are methods of the contract",
    ("analysis.report", "render"): "str(report) is the printed table",
    ("analysis.region", "render"): "str(region) is the printed text",
    ("analysis.budget", "render"): "str(verdict) is the printed text",
    ("analysis.compare", "render"): "str(comparison) is the printed text",
    ("analysis.counted_by.recount", "render"): "str(recount) is the printed table",
    ("loading", "model"): "a Model is one of the things that cs.load takes",
    ("loading", "training"): "a run folder is one of the things that cs.load takes",
    ("model", "training"): "Model.fit, Model.save and Model.load are methods of the contract",
    ("model", "inside"): "Model.trace, Model.unit_terms and the like are methods of the contract",
    ("training.history", "render"): "str(history) is the printed table",
}
"""Imports against the order, by module and package, each with its reason."""


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the modules of this package that a file imports anywhere, relative to the package."""
    folder = ("convscope", *file.relative_to(ROOT).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            full = [f"{stem}.{alias.name}" for alias in node.names] if stem == "convscope" else [stem]
        else:
            continue
        yield from (name.partition(".")[2] for name in full if name.startswith("convscope."))


def against_the_order(files: list[tuple[str, list[str]]]) -> set[tuple[str, str]]:
    """Return (module, package) for each import of a package that is not below."""
    found = set()
    for module, targets in files:
        own = module.partition(".")[0]
        for target in targets:
            package = target.partition(".")[0]
            if package in RANK and package != own and RANK[package] >= RANK[own]:
                found.add((module, package))
    return found


def all_imports() -> list[tuple[str, list[str]]]:
    found = []
    for file in sorted(ROOT.rglob("*.py")):
        module = module_of(file)
        if module.partition(".")[0] in RANK:
            found.append((module, list(imported(file, ast.parse(file.read_text(encoding="utf-8"))))))
    return found


def test_every_package_has_its_place_in_the_order():
    names = {file.stem for file in ROOT.glob("*.py")} | {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert names - {"__init__", "__main__", "zoo"} == set(RANK) & names


def test_imports_follow_the_order():
    assert against_the_order(all_imports()) - set(EXCEPTIONS) == set()


def test_every_exception_is_needed():
    assert set(EXCEPTIONS) - against_the_order(all_imports()) == set()


def test_an_import_against_the_order_is_found():
    assert against_the_order([("layers.dense", ["axis.window", "engines.protocol"])]) == {
        ("layers.dense", "engines")
    }
