"""Messages of errors: readable, whatever was read."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter

import pytest

import convscope as cs
from convscope import errors
from convscope.errors import (
    LONGEST_MESSAGE,
    LONGEST_WORD,
    BadData,
    BadFile,
    BadNotation,
    BadSetting,
    BadShape,
    ConvscopeError,
    missing_library,
    suggest,
)
from convscope.loading import load
from convscope.notation import parse, parse_yaml
from convscope.text.language import Message


def test_usual_messages_stay_as_they_are() -> None:
    message = "x must be y; got " + "words " * 500 + "[code]"
    assert str(BadFile(message)) == message


def test_long_words_are_shortened_in_the_middle() -> None:
    got = str(BadFile(f"a model must be short; got {'ab' * 5_000_000}; shorten it. [code]"))
    assert got.startswith("a model must be short; got abab")
    assert got.endswith("abab; shorten it. [code]")
    assert len(got) < LONGEST_WORD + 60


def test_long_messages_are_shortened_in_the_middle() -> None:
    got = str(BadFile(f"{'many words ' * 1_000_000}[code]"))
    assert got.endswith("many words [code]")
    assert len(got) <= LONGEST_MESSAGE


def test_no_name_is_near_a_long_word() -> None:
    assert suggest("relu" * 1_000_000, ["relu", "selu"]) == "Known: relu, selu."


def test_json_form_has_code_and_values_by_name() -> None:
    inner = BadFile("{path!r} is missing. [file-missing]", path=Path("a"))
    error = BadSetting(
        "{name} must be at most {most} (got {got}, {error}; {hint}). [count]",
        name="groups",
        most=3,
        got=(1.5, math.inf, None),
        error=inner,
        hint=Message("Use {most}.", most=3),
    )
    document = json.loads(json.dumps(error.to_dict(), allow_nan=False))
    assert document == {
        "kind": "BadSetting",
        "code": "count",
        "message": str(error),
        "values": {
            "name": "groups",
            "most": 3,
            "got": [1.5, "inf", None],
            "error": {"kind": "BadFile", "code": "file-missing", "message": str(inner), "values": {"path": "a"}},
            "hint": "Use 3.",
        },
    }


def test_errors_that_users_meet_have_codes_and_json_forms() -> None:
    for wrong in (
        lambda: cs.load("lenett"),
        lambda: cs.load("lenet")["conv9"],
        lambda: cs.load("lenet").field("conv2", (99, 0)),
        lambda: cs.parse_untrusted("input 1x99999x9"),
        lambda: cs.SGD(lr=-1),
    ):
        with pytest.raises(cs.ConvscopeError) as caught:
            wrong()
        document = json.loads(json.dumps(caught.value.to_dict(), allow_nan=False))
        assert document["code"]
        assert document["message"] == str(caught.value)
        assert document["values"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadFile("x is damaged. [file]"), "file"),
        (BadFile("blocks are {a, b}. [file]"), "file"),
        (BadData("{what} is missing. [{what}-missing]", what="parameters"), "parameters-missing"),
        (missing_library("Figures need matplotlib", "matplotlib", "plot-extra"), "plot-extra"),
        (BadFile("x is damaged. [file]{lines}", lines="\n  a [b]"), "file"),
        (BadData("{where}: {error}", where="a [b]", error=BadFile("x is damaged. [file]")), "file"),
        (BadData("no code"), ""),
    ],
)
def test_code_is_that_of_the_template_or_the_inner_error(error: ConvscopeError, code: str) -> None:
    assert error.code == code


def test_code_of_a_network_error_precedes_the_table() -> None:
    with pytest.raises(BadShape, match=r"\[kernel-too-large\]\n  input") as caught:
        parse("input 3x8x8 | conv 4 9")
    assert caught.value.code == "kernel-too-large"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("input 3x8x8 | rellu", "unknown-kind"),
        ("input 3x8x8 | conv 4 3 frozen=scale", "frozen-name"),
        ("blocks:\n  b k: conv 4 {k}\nlayers:\n  - input 3x8x8\n  - b 9", "kernel-too-large"),
        ("blocks:\n  b k: conv 4 {k} | rellu\nlayers:\n  - input 3x8x8\n  - b 3", "unknown-kind"),
    ],
)
def test_code_of_a_notation_error_precedes_the_location(text: str, code: str) -> None:
    with pytest.raises(ConvscopeError, match="column") as caught:
        (parse_yaml if text.startswith("blocks") else parse)(text)
    assert caught.value.code == code


def test_code_of_a_document_names_its_file_first(tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("layers:\n  - input 3x8x8\n  - rellu\n")
    with pytest.raises(BadNotation) as caught:
        load(file)
    assert caught.value.code == "unknown-kind"


def test_every_error_of_the_source_has_a_code() -> None:
    assert errors_without_code(error_templates()) == []


def test_an_error_without_code_is_found() -> None:
    assert errors_without_code(["x is {got}.", "x. [x]", "{path}: {error}"]) == ["x is {got}."]


class AnyValue:
    def __format__(self, form: str) -> str:
        return "value"

    def __repr__(self) -> str:
        return "value"


def errors_without_code(templates: Iterable[str]) -> list[str]:
    """Return the templates that give an error no code, whatever their values are."""
    found = []
    for template in templates:
        names = {name for _, name, _, _ in Formatter().parse(template) if name} if "{" in template else ()
        values = {name: AnyValue() for name in names}
        if "error" in values and template.startswith(("{error}", "{path}: ", "Layer ", "Node ")):
            values["error"] = BadData("x. [inner]")  # type: ignore[assignment]
        try:
            error = ConvscopeError(template, **values)
        except (ValueError, KeyError):
            error = ConvscopeError(template)
        if not error.code:
            found.append(template)
    return found


def error_templates() -> Iterator[str]:
    """Yield the literal templates of errors in the source."""
    values = vars(errors).items()
    kinds = {name for name, value in values if isinstance(value, type) and issubclass(value, ConvscopeError)}
    kinds.add("type")
    for file in sorted(Path(cs.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            function = node.func.func if isinstance(node.func, ast.Call) else node.func  # type(error)("…")
            if isinstance(function, ast.Name) and function.id in kinds and isinstance(node.args[0].value, str):
                yield node.args[0].value
