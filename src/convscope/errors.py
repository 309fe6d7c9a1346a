"""Exceptions raised by convscope, in one tree.

ConvscopeError
├── BadSetting        an invalid hyper-parameter or argument
├── BadShape          an input shape that a layer does not accept
├── BadNetwork        an invalid graph of layers (names, cycles, a failing layer)
├── BadNotation       a syntax error in notation, YAML or JSON
├── UnknownModel      a model that cannot be found
├── UnknownLayer      a layer name that the network does not have
├── BadUnit           a unit or pixel outside its layer
├── NoRule            an unsupported layer
├── BadFile           a missing, damaged or unexpected file
├── BadData           images or labels that cannot be used
├── NotFinite         values that became NaN or infinite during training
└── MissingExtra      an optional dependency that is not installed

A message says what is wrong (got what). It then says how to fix it. Its stable code comes last, in brackets.
Its text is a template with values, so that the command line can print it in the user's language:

>>> error = BadSetting("{name} must be at least 1 (got {got}). [count]", name="groups", got=0)
>>> str(error), error.code, error.message.values["got"]
('groups must be at least 1 (got 0). [count]', 'count', 0)
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from .text.language import Message, translate
from .text.lists import listed, shortened

LONGEST_WORD = 400
"""Maximum number of characters of one word of a message; longer input is elided."""

LONGEST_MESSAGE = 20_000
"""Maximum number of characters of a message."""

_REASONS: dict[int | None, Message] = {
    errno.ENOENT: Message("no such file or directory"),
    errno.EACCES: Message("permission denied"),
    errno.EPERM: Message("operation not permitted"),
    errno.EISDIR: Message("is a directory"),
    errno.ENOTDIR: Message("not a directory"),
    errno.EEXIST: Message("file exists"),
    errno.ENOSPC: Message("no space left on device"),
    errno.EROFS: Message("read-only file system"),
}
"""The reasons that are translated. The others are in the words of the system."""

_CODE = re.compile(r"\[((?:[a-z0-9-]|\{\w+\})+)\](?:\{\w+\})?\s*$", re.MULTILINE)
"""The code at the end of a line of a template; a value with more lines may follow it."""

_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")


class ConvscopeError(ValueError):
    """Base of all errors that a user can cause. The command line prints the message and exits with 2.

    Overlong words and messages are elided in the middle.

    Args:
        template: The English text, with `{name}` for each value, and its code at the end; or a Message.
        values: What fills the template.
    """

    def __init__(self, template: str = "", /, **values: Any) -> None:
        self.message = Message(template, **values)
        super().__init__(_readable(self.message))

    @property
    def code(self) -> str:
        """The stable code of the message, or "" if it has none."""
        return _code_of(self.message)

    def translated(self) -> str:
        """Return the message in the current language."""
        return _readable(translate(self.message))


class BadSetting(ConvscopeError):
    """An invalid hyper-parameter or argument."""


class BadShape(ConvscopeError):
    """An input shape that a layer does not accept."""


class BadNetwork(ConvscopeError):
    """An invalid graph of layers."""


class BadNotation(ConvscopeError):
    """A syntax error in notation, YAML or JSON; the message points at the line and column."""


class UnknownModel(ConvscopeError):
    """A model that cannot be found."""


class UnknownLayer(ConvscopeError):
    """A layer name that the network does not have."""


class BadUnit(ConvscopeError):
    """A unit or pixel outside its layer."""


class NoRule(ConvscopeError):
    """An unsupported layer."""


class BadFile(ConvscopeError):
    """A missing, damaged or unexpected file."""


class BadData(ConvscopeError):
    """Images or labels that cannot be used."""


class NotFinite(ConvscopeError):
    """Values that became NaN or infinite during training; `layer` names the layer.

    `convscope train` prints the message and exits with 1, because the arguments are valid.
    """

    layer = ""


class MissingExtra(ConvscopeError):
    """An optional dependency that is not installed."""


def _code_of(message: Message) -> str:
    """Return the code of the template, or that of the error it is wrapped around."""
    found = _CODE.search(message.template)
    if found:
        return found[1].format(**message.values) if message.values else found[1]
    inner = (getattr(value, "message", value) for value in message.values.values())
    return next(filter(None, (_code_of(one) for one in inner if isinstance(one, Message))), "")


def _readable(message: str) -> str:
    if len(message) > LONGEST_WORD:
        message = _LONG_WORD.sub(lambda word: _elided(word[0], LONGEST_WORD), message)
    return _elided(message, LONGEST_MESSAGE)


def _elided(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-(longest // 4) :]}"


def missing_library(needs: str, packages: str, code: str, got: str = "") -> MissingExtra:
    """Return the error for a library that is not installed or too old.

    The message names the library itself, not an extra of this package, so that it also holds for a checkout.

    Args:
        needs: What needs which library, without a full stop; a Message.
        packages: The arguments of `pip install`.
        code: The code of the error.
        got: What is installed instead; a Message.

    >>> print(missing_library("Figures need matplotlib", "matplotlib pillow", "plot-extra"))
    Figures need matplotlib, which is not installed. Run `pip install matplotlib pillow`. [plot-extra]
    """
    if got:
        return MissingExtra(
            "{needs} ({got}). Run `pip install {packages}`. [{code}]",
            needs=needs,
            got=got,
            packages=packages,
            code=code,
        )
    return MissingExtra(
        "{needs}, which is not installed. Run `pip install {packages}`. [{code}]",
        needs=needs,
        packages=packages,
        code=code,
    )


def reason_of(error: BaseException) -> str:
    """Return why something failed, as part of a sentence: a Message for the common reasons of the system.

    >>> reason_of(OSError(errno.ENOENT, "No such file or directory"))
    'no such file or directory'
    """
    strerror = getattr(error, "strerror", None)
    first = strerror or (error.args[0] if error.args else "")
    if isinstance(first, Message):
        return first
    known = _REASONS.get(getattr(error, "errno", None))
    if known is not None:
        return known
    if strerror:
        return str(strerror).lower()
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def suggest(word: str, known: Iterable[str], count: int = 3) -> Message:
    """Return a hint, as a sentence, with the known words closest to `word`.

    >>> suggest("rellu", ["relu", "selu", "tanh"]), suggest("x", ["relu", "selu"])
    ('Did you mean relu, selu?', 'Known: relu, selu.')
    """
    names = sorted(known)
    close = get_close_matches(word, names, n=count, cutoff=0.5) if len(word) <= LONGEST_WORD else []
    if close:
        return Message("Did you mean {names}?", names=listed(close))
    return Message("Known: {names}.", names=shortened(names, 12))
