"""Messages of errors: readable, whatever was read."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import convscope as cs
from convscope.errors import LONGEST_MESSAGE, LONGEST_WORD, BadFile, BadSetting, suggest
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
