"""What the project declares agrees with its sources and its documents."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import convscope

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
DISTRIBUTIONS = {"PIL": "pillow", "yaml": "pyyaml", "google": "protobuf"}
"""Packages whose name differs from the name they are imported by."""
FRAMEWORKS = {"torch", "onnxruntime", "openvino", "protobuf"}
"""Imported where a user brings a model of theirs, or compares speeds; installed by the user, or by one of the extras."""


def name_of(requirement: str) -> str:
    return re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0].lower()


def documents() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    for folder in ("docs", "src", "benchmarks"):
        for suffix in ("md", "py", "yml", "yaml"):
            yield from (ROOT / folder).rglob(f"*.{suffix}")


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def test_version_is_in_one_place() -> None:
    assert "version" not in PROJECT
    assert PROJECT["dynamic"] == ["version"]


def test_extras_named_in_texts_exist() -> None:
    named = {
        (extra.strip(), str(file.relative_to(ROOT)))
        for file in documents()
        for extras in re.findall(
            r"install [^`\n]*?(?:convscope|\.)\[([a-z, ]+)\]", file.read_text(encoding="utf-8")
        )
        for extra in extras.split(",")
    }
    assert named
    assert {(extra, file) for extra, file in named if extra not in EXTRAS} == set()


def test_every_imported_package_is_declared() -> None:
    declared = {
        name_of(one) for one in [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]
    }
    known = {*sys.stdlib_module_names, "convscope"}
    missing = {
        (package, str(file.relative_to(ROOT)))
        for file in (ROOT / "src").rglob("*.py")
        for module in imported(file)
        if module not in known
        and (package := DISTRIBUTIONS.get(module, module).lower()) not in declared | FRAMEWORKS
    }
    assert missing == set()


@pytest.mark.parametrize("dependency", PROJECT["dependencies"])
def test_every_core_dependency_is_imported(dependency: str) -> None:
    used = {
        DISTRIBUTIONS.get(module, module) for file in (ROOT / "src").rglob("*.py") for module in imported(file)
    }
    assert name_of(dependency) in {name.lower() for name in used}


def test_newest_version_in_changelog_is_this_one() -> None:
    headings = re.findall(
        r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert headings[0] == convscope.__version__


def test_data_files_under_another_license_are_listed() -> None:
    """Of the package's files, those that are no text of ours; and the metadata names their licenses."""
    rows = re.findall(
        r"^\| `(src/[^`]+)` \|[^|]*\(`([\w.-]+)`\) \|", (ROOT / "LICENSES.md").read_text("utf-8"), re.MULTILINE
    )
    ours = {".py", ".pyc", ".yaml", ".md", ".typed", ".js", ".json", ".css", ".html", ".svg", ".safetensors"}
    files = {file.relative_to(ROOT) for file in (ROOT / "src" / "convscope").rglob("*") if file.is_file()}
    assert {name for name, _ in rows} == {file.as_posix() for file in files if file.suffix not in ours}
    assert {"MIT", *(identifier for _, identifier in rows)} == set(PROJECT["license"].split(" AND "))


def test_contributing_lists_every_file_with_the_placeholder_of_the_owner() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    step = re.search(r"^1\. Before the first release.*?\n(?=2\.)", text, re.DOTALL | re.MULTILINE)
    assert step is not None
    folders = (ROOT / name for name in (".github", "benchmarks", "docs", "src", "tests"))
    files = [*ROOT.glob("*.*"), *(file for folder in folders for file in folder.rglob("*.*"))]
    texts = [file for file in files if file.suffix in {".cff", ".md", ".py", ".toml", ".yaml", ".yml"}]
    found = {file.relative_to(ROOT).as_posix() for file in texts if "OWNER/" in file.read_text("utf-8")}
    assert found - {"tests/distribution/test_project.py"} == {
        name for name in re.findall(r"`([\w./-]+)`", step[0]) if "/" in name and not name.startswith(".github")
    }
