"""Arguments of a layer: settings and inputs."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import nearest, sentence
from .grammar import Place, Word, mistake
from .keywords import FLAGS, SHORT, Kind

FROZEN = "frozen"
"""The word for a layer that is not trained; `frozen=weight` freezes one parameter."""

_LETTER = re.compile(r"([a-z])(-?\d.*)")


class Arguments(NamedTuple):
    """A statement's words by their meaning; `inputs` is None where the layer before is meant.

    `frozen` are the parameters that are not trained: none of them where it is empty, all where a word is `frozen`.
    """

    settings: dict[str, Word]
    inputs: tuple[Word, ...] | None
    shares: Word | None
    frozen: tuple[Word, ...] = ()


def read_arguments(kind: Kind, at: Place, words: tuple[Word, ...], branches: bool = False) -> Arguments:
    """Sort the words of one layer into settings, inputs and shared parameters.

    With `branches` the inputs are known already, and none may be named.
    """
    settings: dict[str, Word] = {}
    by_position: list[Word] = []
    sources: tuple[Word, ...] | None = None
    shares: Word | None = None
    frozen: tuple[Word, ...] = ()
    for word in words:
        name, equals, value = word.text.partition("=")
        here = Word(value, word.place.moved(len(name) + 1))
        if equals and name == "from":
            sources = _names(here)
        elif equals and name == "share":
            shares = here
        elif name == FROZEN and (equals or not kind.joins):  # a merge may have an input of that name
            frozen = _names(here) if equals else (word,)
        else:
            setting = _setting(kind, word)
            if setting is None:
                by_position.append(word)
            elif setting[0] in settings:
                raise mistake(
                    word.place,
                    f"{setting[0]} must be given once (got {word.text!r} as well). Remove one",
                    "twice",
                )
            else:
                settings[setting[0]] = setting[1]
    if kind.joins:
        sources = _joined(kind, at, tuple(by_position), sources, branches)
    else:
        _place_by_position(kind, by_position, settings)
    if branches and sources:
        raise mistake(
            sources[0].place,
            f"inputs of {kind.word} must be either branches or names (got {sources[0].text!r} as well). Remove it",
            "twice",
        )
    if kind.is_input and sources is not None:
        raise mistake(at, "input must not have inputs (got from=). Remove it", "input-from")
    for name in kind.required:
        if name not in settings:
            raise mistake(at, f"{kind.word} must have {name} (got none). Write `{kind.usage}`", "missing-setting")
    return Arguments(settings, sources, shares, frozen)


def _joined(
    kind: Kind, at: Place, listed: tuple[Word, ...], sources: tuple[Word, ...] | None, branches: bool
) -> tuple[Word, ...] | None:
    """Return the named inputs of a merge."""
    if listed and sources is not None:
        raise mistake(
            listed[0].place,
            f"inputs must be listed once (got {listed[0].text!r} and from=). Remove one",
            "twice",
        )
    if not listed and sources is None and not branches:
        raise mistake(
            at,
            f"{kind.word} must name the layers it joins (got none). Write `{kind.word} conv1 conv2`, or in YAML "
            f"`{kind.word}:` with a list of branches",
            "merge-inputs",
        )
    return listed or sources


def _names(listed: Word) -> tuple[Word, ...]:
    """Split `a,b` into words."""
    words = []
    column = 0
    for name in listed.text.split(","):
        words.append(Word(name, listed.place.moved(column)))
        column += len(name) + 1
    return tuple(words)


def is_by_position(kind: Kind, text: str) -> bool:
    """Tell whether a word would be read as a setting by position, and not as an option."""
    letter = _LETTER.fullmatch(text)
    return not (
        "=" in text
        or (text in FLAGS and FLAGS[text][0] in kind.settings)
        or (letter is not None and SHORT.get(letter[1]) in kind.settings)
    )


def _setting(kind: Kind, word: Word) -> tuple[str, Word] | None:
    """Return the setting that a word gives, or None for a word by position."""
    text, place = word
    if is_by_position(kind, text):
        return None
    name, equals, value = text.partition("=")
    if equals:
        if name not in kind.settings:
            raise mistake(
                place,
                f"{kind.word} must have only its own settings (got {name!r}). "
                f"{sentence(_nearest_setting(kind, name))}",
                "unknown-setting",
            )
        return name, Word(value, place.moved(len(name) + 1))
    if text in FLAGS:
        name, value = FLAGS[text]
        return name, Word(value, place)
    return SHORT[text[0]], Word(text[1:], place.moved(1))


def _place_by_position(kind: Kind, words: list[Word], settings: dict[str, Word]) -> None:
    for index, word in enumerate(words):
        if index >= len(kind.positional):
            raise mistake(word.place, _unexpected(kind, word.text), "unknown-option")
        name = kind.positional[index]
        if name in settings:
            raise mistake(
                word.place, f"{name} must be given once (got {word.text!r} as well). Remove one", "twice"
            )
        settings[name] = word


def _unexpected(kind: Kind, text: str) -> str:
    """Return the message for a word that is neither an option of the layer nor positional."""
    letter = _LETTER.fullmatch(text)
    setting = SHORT.get(letter[1]) if letter else FLAGS.get(text, (None,))[0]
    if setting:
        return f"{kind.word} must have only its own settings (got {text!r}, and it has no {setting}). Remove it"
    options = [f"{letter}N {name}" for letter, name in SHORT.items() if name in kind.settings]
    options += [flag for flag, (name, _) in FLAGS.items() if name in kind.settings]
    options += [f"{name}=…" for name in (*kind.settings, "from", "share") if name not in kind.positional]
    return (
        f"{kind.word} must be written `{kind.usage}` with options (got {text!r}). Options are {', '.join(options)}"
    )


def _nearest_setting(kind: Kind, name: str) -> str:
    return nearest(name, kind.settings) if kind.settings else "it has none"
