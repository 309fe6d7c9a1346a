"""Everything convscope raises on purpose, in one tree.

ConvscopeError
├── BadSetting        a hyper-parameter that no layer can have
├── BadShape          a layer that cannot take this input
├── BadNetwork        layers that do not make a graph (names, cycles, a failing layer)
├── BadNotation       text or YAML that does not read as a network
├── UnknownModel      a model that cannot be found or told apart
├── UnknownLayer      a layer name the network does not have
├── BadUnit           a unit or pixel outside its layer
├── NoRule            a layer that nobody knows how to compute
├── BadFile           a file that is missing or not what its name says
├── BadData           images or labels that nothing can be learned from
├── NotFinite         numbers that became NaN or infinite in training
└── MissingExtra      an optional dependency that is not installed

A message reads: what must hold; what came; what to do. Its code stands last, in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_WORD = 400
"""Characters of one word of a message; what was read may be far longer."""

LONGEST_MESSAGE = 20_000
"""Characters of a whole message."""

_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")


class ConvscopeError(ValueError):
    """Base of all errors a user can cause; the command line prints its text and exits with 2.

    Words and messages that are too long to read are shortened in the middle.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_readable(message))


class BadSetting(ConvscopeError):
    """A hyper-parameter outside its rule."""


class BadShape(ConvscopeError):
    """An input that a layer cannot take."""


class BadNetwork(ConvscopeError):
    """Layers that do not make a network."""


class BadNotation(ConvscopeError):
    """Text that does not read as a network; the message points at the line and column."""


class UnknownModel(ConvscopeError):
    """A model name or file that leads nowhere."""


class UnknownLayer(ConvscopeError):
    """A layer name that the network does not have."""


class BadUnit(ConvscopeError):
    """A unit or pixel outside its layer."""


class NoRule(ConvscopeError):
    """A layer that nobody knows how to compute."""


class BadFile(ConvscopeError):
    """A file that is missing or not what its name says."""


class BadData(ConvscopeError):
    """Images or labels that nothing can be learned from."""


class NotFinite(ConvscopeError):
    """Numbers that became NaN or infinite in training; the message names the layer, and so does `layer`.

    `convscope train` prints its text and exits with 1: the input was not at fault.
    """

    layer = ""


class MissingExtra(ConvscopeError):
    """An optional dependency that is not installed."""


def _readable(message: str) -> str:
    if len(message) > LONGEST_WORD:
        message = _LONG_WORD.sub(lambda word: _elided(word[0], LONGEST_WORD), message)
    return _elided(message, LONGEST_MESSAGE)


def _elided(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[-(longest // 4) :]}"


def missing_library(needs: str, packages: str, code: str, got: str = "none is installed") -> MissingExtra:
    """Return the error for a library that is not installed; `needs` says what needs which library.

    The library itself is named, never an extra of this package: that works from a checkout, too.

    >>> print(missing_library("figures need matplotlib", "matplotlib pillow", "plot-extra"))
    figures need matplotlib; none is installed; run `pip install matplotlib pillow`. [plot-extra]
    """
    return MissingExtra(f"{needs}; {got}; {pip_install(packages)}. [{code}]")


def pip_install(packages: str) -> str:
    """Return the advice to install packages from the registry.

    >>> pip_install("pooch")
    'run `pip install pooch`'
    """
    return f"run `pip install {packages}`"


def nearest(word: str, known: Iterable[str], count: int = 3) -> str:
    """Say which known words look most like `word`, for the way out of a message."""
    names = sorted(known)
    close = get_close_matches(word, names, n=count, cutoff=0.5) if len(word) <= LONGEST_WORD else []
    if close:
        return f"did you mean {', '.join(close)}?"
    few = ", ".join(names[:12])
    return f"known: {few}" + (", …" if len(names) > 12 else "")
