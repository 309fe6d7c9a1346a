"""Every message of the source has an entry in every catalog, with the same values."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from string import Formatter

import pytest

import convscope
from convscope import errors
from convscope.text.language import LANGUAGES, catalog

ROOT = Path(convscope.__file__).parent

ERRORS = {
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, ValueError)
}
TEMPLATES = {"Message", "localize"} | ERRORS
"""Calls whose first argument is a template."""

TRANSLATED = [language for language in LANGUAGES if language != "en"]


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the name and the first argument of each call that takes a template."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in TEMPLATES:
            yield function.id, node.args[0]
        elif isinstance(function, ast.Name) and function.id == "counted" and len(node.args) == 2:
            noun = node.args[1]  # counted(count, "layer")
            if isinstance(noun, ast.Constant):
                yield function.id, ast.copy_location(ast.Constant(f"{{count:,}} {noun.value}(s)"), noun)
        elif (
            isinstance(function, ast.Call) and isinstance(function.func, ast.Name) and function.func.id == "type"
        ):  # type(error)("{where}: {error}", …) adds to an error
            yield "type", node.args[0]


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for file in sorted(ROOT.rglob("*.py")):
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def templates() -> dict[str, str]:
    """Return the file of each template of the source."""
    found: dict[str, str] = {}
    for file, tree in sources():
        for _, first in calls(tree):
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value:
                found[first.value] = str(file.relative_to(ROOT))
    return found


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def built_from_parts(tree: ast.AST) -> list[int]:
    """Return the lines of messages whose template is no literal: these cannot be translated."""
    return [
        first.lineno
        for _, first in calls(tree)
        if isinstance(first, ast.JoinedStr)
        or (isinstance(first, ast.BinOp) and isinstance(first.op, ast.Add | ast.Mod))
    ]


def test_templates_are_literals():
    found = {str(file.relative_to(ROOT)): built_from_parts(tree) for file, tree in sources()}
    assert {file: lines for file, lines in found.items() if lines} == {}


def test_a_template_built_from_parts_is_found():
    assert built_from_parts(ast.parse('raise BadData(f"x is {x}")')) == [1]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_has_an_entry(language):
    entries = catalog(language)
    assert {template: file for template, file in templates().items() if template not in entries} == {}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_entry_has_a_message(language):
    assert set(catalog(language)) - set(templates()) == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_message_has_two_entries(language):
    package = import_module(f"convscope.text.{language}")
    modules = [import_module(f"{package.__name__}.{module.name}") for module in iter_modules(package.__path__)]
    counts = Counter(template for module in modules for template in module.MESSAGES)
    assert [template for template, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_entries_have_the_values_of_their_messages(language):
    assert {
        template: text
        for template, text in catalog(language).items()
        if fields(text) - fields(template) or fields(template) - fields(text)
    } == {}


@pytest.mark.parametrize("language", TRANSLATED)
def test_entries_keep_the_code(language):
    def code(text: str) -> str:
        return text[text.rfind("[") :] if text.endswith("]") else ""

    assert {template: text for template, text in catalog(language).items() if code(template) != code(text)} == {}
