"""Arguments of a layer: settings and inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import suggest
from ..text.language import Message
from ..text.lists import listed
from .grammar import Place, Word, mistake
from .keywords import FLAGS, SHORT, Kind

FROZEN = "frozen"
"""The word for a layer that is not trained; `frozen=weight` freezes one parameter."""

_LETTER = re.compile(r"([a-z])(-?\d.*)", re.ASCII)


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
            else:
                _set_once(settings, *setting, word)
    if kind.joins:
        sources = _joined(kind, at, tuple(by_position), sources, branches)
    else:
        _place_by_position(kind, by_position, settings)
    _check_inputs(kind, at, sources, branches)
    _check_required(kind, at, settings)
    return Arguments(settings, sources, shares, frozen)


def _set_once(settings: dict[str, Word], name: str, value: Word, word: Word) -> None:
    if name in settings:
        raise mistake(
            word.place,
            Message(
                "{setting} must be given once (got {got!r} as well). Remove one.", setting=name, got=word.text
            ),
            "twice",
        )
    settings[name] = value


def _check_inputs(kind: Kind, at: Place, sources: tuple[Word, ...] | None, branches: bool) -> None:
    if branches and sources:
        raise mistake(
            sources[0].place,
            Message(
                "Inputs of {kind} must be either branches or names (got {got!r} as well). Remove it.",
                kind=kind.word,
                got=sources[0].text,
            ),
            "twice",
        )
    if kind.is_input and sources is not None:
        raise mistake(at, Message("input must not have inputs (got from=). Remove it."), "input-from")


def _check_required(kind: Kind, at: Place, settings: Mapping[str, Word]) -> None:
    for name in kind.required:
        if name not in settings:
            raise mistake(
                at,
                Message(
                    "{kind} must have {got} (got none). Write `{usage}`.",
                    kind=kind.word,
                    got=name,
                    usage=kind.usage,
                ),
                "missing-setting",
            )


def _joined(
    kind: Kind, at: Place, listed: tuple[Word, ...], sources: tuple[Word, ...] | None, branches: bool
) -> tuple[Word, ...] | None:
    """Return the named inputs of a merge."""
    if listed and sources is not None:
        raise mistake(
            listed[0].place,
            Message(
                "Inputs must be listed once (got {got!r} and from=). Remove one.",
                got=listed[0].text,
            ),
            "twice",
        )
    if not listed and sources is None and not branches:
        raise mistake(
            at,
            Message(
                "{kind} must name the layers it joins (got none). Write `{kind} conv1 conv2`, or in YAML "
                "`{kind}:` with a list of branches.",
                kind=kind.word,
            ),
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
            raise mistake(place, _unknown_setting(kind, name), "unknown-setting")
        return name, Word(value, place.moved(len(name) + 1))
    if text in FLAGS:
        name, value = FLAGS[text]
        return name, Word(value, place)
    return SHORT[text[0]], Word(text[1:], place.moved(1))


def _unknown_setting(kind: Kind, name: str) -> Message:
    if not kind.settings:
        return Message("{kind} has no settings (got {got!r}). Remove it.", kind=kind.word, got=name)
    hint = suggest(name, kind.settings)
    return Message("{kind} has no setting {got!r}. {hint}", kind=kind.word, got=name, hint=hint)


def _place_by_position(kind: Kind, words: list[Word], settings: dict[str, Word]) -> None:
    for index, word in enumerate(words):
        if index >= len(kind.positional):
            raise mistake(word.place, _unexpected(kind, word.text), "unknown-option")
        name = kind.positional[index]
        if name in settings:
            raise mistake(
                word.place,
                Message(
                    "{setting} must be given once (got {got!r} as well). Remove one.",
                    setting=name,
                    got=word.text,
                ),
                "twice",
            )
        settings[name] = word


def _unexpected(kind: Kind, text: str) -> Message:
    """Return the message for a word that is neither an option of the layer nor positional."""
    letter = _LETTER.fullmatch(text)
    setting = SHORT.get(letter[1]) if letter else FLAGS.get(text, (None,))[0]
    if setting:
        return Message(
            "{kind} has no {setting} (got {got!r}). Remove it.", kind=kind.word, setting=setting, got=text
        )
    options = [f"{letter}N {name}" for letter, name in SHORT.items() if name in kind.settings]
    options += [flag for flag, (name, _) in FLAGS.items() if name in kind.settings]
    options += [f"{name}=…" for name in (*kind.settings, "from", "share") if name not in kind.positional]
    return Message(
        "{kind} must be written `{usage}` with options (got {got!r}). Options are {options}",
        kind=kind.word,
        usage=kind.usage,
        got=text,
        options=listed(options),
    )
