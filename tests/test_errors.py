"""Messages of errors: readable, whatever was read."""

from __future__ import annotations

from convscope.errors import LONGEST_MESSAGE, LONGEST_WORD, BadFile, suggest


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
