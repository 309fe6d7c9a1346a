"""Sentences in the user's language.

A `Message` is a template with its values. It is an English string; `translate` renders it in the language of the
command. The catalog of a language maps English templates to its own, as gettext does: `zh/` is one package of
plain dictionaries, so that a checkout needs no compiled files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

LANGUAGES = ("en", "zh")
"""The languages of messages, findings, tables and derivations."""

_current: ContextVar[str] = ContextVar("language", default="en")

_PLURAL = "(s)"


class Message(str):
    """An English text that remembers its template and values, so that it can be translated.

    Values may be messages or errors; they are translated with the text. `(s)` in a template is the plural of
    the value named `count`. A text without values is taken as is, braces included.

    >>> Message("{count:,} layer(s) of {name!r}", count=1, name="lenet")
    "1 layer of 'lenet'"
    """

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Message:
        if isinstance(template, Message) and not values:
            return template
        message = super().__new__(cls, _fill(template, values))
        message.template = template
        message.values = values
        return message

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.template,), dict(self.values)


def _fill(template: str, values: Mapping[str, Any]) -> str:
    if not values:
        return template
    if _PLURAL in template and "count" in values:
        template = template.replace(_PLURAL, "" if values["count"] == 1 else "s")
    return template.format(**values)


@contextmanager
def use_language(language: str) -> Iterator[None]:
    """Translate into this language, in this thread, until the block ends."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def set_language(language: str) -> None:
    """Translate into this language from here on, until an enclosing `use_language` ends."""
    _current.set(language)


def current_language() -> str:
    """Return the language of `translate`: "en", unless `use_language` set another."""
    return _current.get()


def translate(text: str) -> str:
    """Return a message in the current language; a text that is no message, or has no entry, stays English."""
    language = _current.get()
    if language == "en" or not isinstance(text, Message):
        return str(text)
    template = catalog(language).get(text.template, text.template)
    return _fill(template, {name: _translated(value) for name, value in text.values.items()})


def _translated(value: Any) -> Any:
    message = getattr(value, "message", value)  # an error has its message
    return translate(message) if isinstance(message, Message) else value


def localize(template: str, /, **values: Any) -> str:
    """Return a text for output, in the current language."""
    return translate(Message(template, **values))


@cache
def catalog(language: str) -> Mapping[str, str]:
    """Return all templates of a language, by the English ones."""
    package = import_module(f"{__package__}.{language}")
    entries: dict[str, str] = {}
    for module in iter_modules(package.__path__):
        entries.update(import_module(f"{package.__name__}.{module.name}").MESSAGES)
    return entries
