"""Field types of hyper-parameters: rule, canonical value, and spelling in the notation.

A layer declares each setting once, as a dataclass field made by a function of this file. The form turns what
a user wrote (`3`, `(3, 5)`, `"same"`) into one canonical value, or raises `BadSetting`; the notation reads and
writes settings through the same form, so that text and Python cannot drift apart.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field
from typing import Any, ClassVar, Literal

from .errors import BadSetting
from .text.language import Message
from .text.lists import listed

Axes = tuple[int, ...]
"""One integer per spatial axis, rows first."""

Pads = tuple[tuple[int, int], ...]
"""(before, after) per spatial axis, rows first."""

Padding = Pads | Literal["same"]
"""Explicit pads, or TensorFlow's SAME, which depends on the input size."""

LARGEST = 2**31 - 1
"""No size, channel count or unit index may exceed this: larger numbers are typing mistakes."""


@dataclass(frozen=True)
class Owner:
    """The owner of a setting: layer kind and number of spatial axes (None: any)."""

    kind: str
    rank: int | None

    def values(self, setting: str, value: object) -> dict[str, str]:
        """Return the values of a message about an invalid setting: its dotted name, and what was passed."""
        return {"setting": f"{self.kind}.{setting}", "got": f"{setting}={value!r}"}


class FieldType:
    """A field type: how a setting is checked, read and written."""

    spelling: ClassVar[Message] = Message("text")
    """What `parse` reads, in words."""

    def canonical(self, value: Any, owner: Owner, name: str) -> Any:
        """Return the one stored form of `value`, or raise BadSetting."""
        raise TypeError(f"{type(self).__name__} has no canonical form")

    def parse(self, text: str) -> Any:
        """Read what notation says; a ValueError means that the text has another form."""
        raise TypeError(f"{type(self).__name__} cannot be read")

    def format(self, value: Any) -> str:
        """Write a canonical value as notation does."""
        return str(value)


def _ascii(text: str) -> str:
    """Return the text, or raise ValueError where it has digits of other scripts, which Python reads as numbers."""
    if not text.isascii():
        raise ValueError(text)
    return text


def _integer(text: str) -> int:
    return int(_ascii(text))


@dataclass(frozen=True)
class Count(FieldType):
    """An integer from `least` to `most`."""

    spelling: ClassVar[Message] = Message("an integer")
    least: int = 1
    most: int = LARGEST

    def canonical(self, value: Any, owner: Owner, name: str) -> int:
        """Return a plain int."""
        try:
            if isinstance(value, bool):
                raise TypeError
            number = operator.index(value)
        except TypeError:
            raise BadSetting(
                "{setting} must be an integer (got {got}). [setting]", **owner.values(name, value)
            ) from None
        if number < self.least:
            raise BadSetting(
                "{setting} must be at least {least} (got {got}). [setting]",
                least=self.least,
                **owner.values(name, number),
            )
        if number > self.most:
            raise BadSetting(
                "{setting} must be at most {most} (got {got}). [setting]",
                most=self.most,
                **owner.values(name, number),
            )
        return number

    def parse(self, text: str) -> int:
        """Read digits."""
        return _integer(text)


@dataclass(frozen=True)
class Real(FieldType):
    """A finite number from `least` to `most`."""

    spelling: ClassVar[Message] = Message("a number")
    least: float = float("-inf")
    most: float = float("inf")

    def canonical(self, value: Any, owner: Owner, name: str) -> float:
        """Return a plain float."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise BadSetting(
                "{setting} must be a number (got {got}). [setting]", **owner.values(name, value)
            ) from None
        if not (self.least <= number <= self.most) or number in (float("inf"), float("-inf")):
            raise BadSetting(
                "{setting} must be a finite number from {least:g} to {most:g} (got {got}). [setting]",
                least=self.least,
                most=self.most,
                **owner.values(name, value),
            )
        return number

    def parse(self, text: str) -> float:
        """Read a decimal number."""
        return float(_ascii(text))

    def format(self, value: Any) -> str:
        """Write the shortest text that reads back the same."""
        return repr(value) if not float(value).is_integer() else str(int(value))


@dataclass(frozen=True)
class Flag(FieldType):
    """True or false."""

    spelling: ClassVar[Message] = Message("true or false")

    def canonical(self, value: Any, owner: Owner, name: str) -> bool:
        """Return a plain bool."""
        if not isinstance(value, bool):
            raise BadSetting("{setting} must be True or False (got {got}). [setting]", **owner.values(name, value))
        return value

    def parse(self, text: str) -> bool:
        """Read true or false."""
        words = {"true": True, "false": False, "yes": True, "no": False}
        if text.lower() not in words:
            raise ValueError(text)
        return words[text.lower()]

    def format(self, value: Any) -> str:
        """Write true or false."""
        return str(value).lower()


@dataclass(frozen=True)
class Choice(FieldType):
    """One of several words; `synonyms` are other libraries' names for them."""

    words: tuple[str, ...]
    synonyms: tuple[tuple[str, str], ...] = ()

    def canonical(self, value: Any, owner: Owner, name: str) -> str:
        """Return the word."""
        for other, word in self.synonyms:
            if value == other:
                return word
        if value not in self.words:
            raise BadSetting(
                "{setting} must be one of {words} (got {got}). [setting]",
                words=listed(self.words),
                **owner.values(name, value),
            )
        return str(value)

    def parse(self, text: str) -> str:
        """Read the word as it stands."""
        return text


@dataclass(frozen=True)
class PlainText(FieldType):
    """Text without spaces and the characters of the notation."""

    def canonical(self, value: Any, owner: Owner, name: str) -> str:
        """Return the text."""
        text = str(value)
        if not text.isprintable() or not text or any(sign in text for sign in " |\"'#{}"):
            raise BadSetting(
                "{setting} must be text without spaces, quotes, braces, # and | (got {got}). [setting]",
                **owner.values(name, value),
            )
        return text

    def parse(self, text: str) -> str:
        """Read the text as it stands."""
        return text


@dataclass(frozen=True)
class Integers(FieldType):
    """A tuple of integers of any length, each at least `least`; one integer stands for a tuple of one."""

    spelling: ClassVar[Message] = Message("integers separated by x, as in 3x5")
    least: int = -LARGEST
    longest: int = 64
    most: int = LARGEST

    def canonical(self, value: Any, owner: Owner, name: str) -> Axes:
        """Return a tuple of plain ints."""
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        if not 0 < len(values) <= self.longest:
            raise BadSetting(
                "{setting} must have 1 to {longest} integers (got {got}). [setting]",
                longest=self.longest,
                **owner.values(name, value),
            )
        one = Count(self.least, self.most)
        return tuple(one.canonical(item, owner, name) for item in values)

    def parse(self, text: str) -> Axes:
        """Read numbers between the letter x, or between commas where some are negative."""
        return tuple(_integer(part) for part in text.replace("x", ",").split(","))

    def format(self, value: Any) -> str:
        """Write numbers with x between them."""
        return "x".join(map(str, value))


@dataclass(frozen=True)
class PerAxis(FieldType):
    """One integer per spatial axis; a single integer stands for all axes."""

    spelling: ClassVar[Message] = Message("an integer, or one per axis as in 3x5")
    least: int = 1

    def canonical(self, value: Any, owner: Owner, name: str) -> Axes:
        """Return one int per spatial axis."""
        values = Integers(self.least).canonical(value, owner, name)
        rank = owner.rank
        if rank is None:  # one number stands for all axes, so equal numbers are written as one
            return values[:1] if len(set(values)) == 1 else values
        if len(values) == rank:
            return values
        if len(values) == 1:
            return values * rank
        raise BadSetting(
            "{setting} must have one integer, or {rank}, one per spatial axis (got {got}). [setting]",
            rank=rank,
            **owner.values(name, value),
        )

    def parse(self, text: str) -> Axes:
        """Read `3` or `3x5`."""
        return tuple(_integer(part) for part in text.split("x"))

    def format(self, value: Any) -> str:
        """Write `3` where all axes agree, else `3x5`."""
        return str(value[0]) if len(set(value)) == 1 else "x".join(map(str, value))


@dataclass(frozen=True)
class PerAxisPads(FieldType):
    """(before, after) per spatial axis; or "same", "valid", one number, or one number per axis."""

    spelling: ClassVar[Message] = Message("an integer, one per axis as in 1x0, or before/after as in 0/1x2/3")
    least: int = 0
    same: bool = True

    def canonical(self, value: Any, owner: Owner, name: str) -> Padding:
        """Return pairs per axis, or the word "same"."""
        if isinstance(value, str):
            if value == "valid":
                value = 0
            elif value == "same" and self.same:
                return "same"
            else:
                raise self._wrong_word(value, owner, name)
        items = value if isinstance(value, Sequence) else (value,)
        one = Count(self.least)
        pairs: list[tuple[int, int]] = []
        for item in items:
            ends = item if isinstance(item, Sequence) else (item, item)
            if len(ends) != 2:
                raise BadSetting(
                    "{setting} must have an integer or (before, after) for each axis (got {got}). [setting]",
                    **owner.values(name, value),
                )
            pairs.append((one.canonical(ends[0], owner, name), one.canonical(ends[1], owner, name)))
        rank = owner.rank
        if len(set(pairs)) == 1 and (rank is None or len(pairs) == 1):
            pairs = pairs[:1] * (rank or 1)
        if not pairs or (rank is not None and len(pairs) != rank):
            raise BadSetting(
                "{setting} must have one entry, or {rank}, one per spatial axis (got {got}). [setting]",
                rank=rank,
                **owner.values(name, value),
            )
        return tuple(pairs)

    def _wrong_word(self, value: str, owner: Owner, name: str) -> BadSetting:
        if self.same:
            return BadSetting(
                '{setting} must be "same", "valid" or integers (got {got}). [setting]',
                **owner.values(name, value),
            )
        return BadSetting("{setting} must be integers (got {got}). [setting]", **owner.values(name, value))

    def parse(self, text: str) -> Pads | str:
        """Read `1`, `1x0`, with different ends `0/1x2/3` (before/after), or a word."""
        if text in ("same", "valid"):
            return text
        pairs = []
        for part in text.split("x"):
            before, slash, after = part.partition("/")
            pairs.append((_integer(before), _integer(after if slash else before)))
        return tuple(pairs)

    def format(self, value: Any) -> str:
        """Write the shortest of the forms that `parse` reads."""
        if isinstance(value, str):
            return value
        ends = [str(before) if before == after else f"{before}/{after}" for before, after in value]
        return ends[0] if len(set(ends)) == 1 else "x".join(ends)


@dataclass(frozen=True)
class Optional(FieldType):
    """Another type, or None for a value inferred from the input."""

    form: FieldType

    @property
    def spelling(self) -> Message:  # type: ignore[override]
        """Return what the inner form reads."""
        return self.form.spelling

    def canonical(self, value: Any, owner: Owner, name: str) -> Any:
        """Return None or the inner form's value."""
        return None if value is None else self.form.canonical(value, owner, name)

    def parse(self, text: str) -> Any:
        """Read the inner form."""
        return self.form.parse(text)

    def format(self, value: Any) -> str:
        """Write the inner form."""
        return self.form.format(value)


def setting(form: FieldType, default: Any = MISSING) -> Any:
    """Declare a hyper-parameter of a layer."""
    return field(default=default, metadata={"form": form})


def count(default: Any = MISSING, least: int = 1, most: int = LARGEST) -> Any:
    """Declare an integer setting."""
    return setting(Count(least, most), default)


def known_or_inferred() -> Any:
    """Declare a size inferred from the input; an explicit one is checked."""
    return setting(Optional(Count()), None)


def real(default: Any = MISSING, least: float = float("-inf"), most: float = float("inf")) -> Any:
    """Declare a real-valued setting."""
    return setting(Real(least, most), default)


def flag(default: bool) -> Any:
    """Declare a Boolean setting."""
    return setting(Flag(), default)


def choice(default: str, *words: str, **synonyms: str) -> Any:
    """Declare a setting with several words, and synonyms for them."""
    return setting(Choice((default, *words), tuple(synonyms.items())), default)


def per_axis(default: Any = MISSING, least: int = 1) -> Any:
    """Declare one integer per spatial axis."""
    return setting(PerAxis(least), default)


def pads(default: Any = 0, least: int = 0, same: bool = True) -> Any:
    """Declare padding per spatial axis."""
    return setting(PerAxisPads(least, same), default)
