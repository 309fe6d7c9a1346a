"""Unrolled blocks and repetitions of a document, with integer arithmetic in their texts."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ..errors import ConvscopeError, suggest
from ..network import is_name
from ..settings import LARGEST
from ..text.language import Message
from ..text.lists import listed
from .grammar import (
    MOST_LAYERS,
    Block,
    Document,
    Group,
    Item,
    Join,
    Place,
    Repeat,
    Statement,
    Word,
    called_from,
    check_length,
    mistake,
    too_many_layers,
)
from .limits import check_time, lower

LONGEST = 100
"""Characters of one expression; it keeps the tree shallow."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_TIMES = re.compile(r"\d{1,9}", re.ASCII)
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def filled(word: Word, values: Mapping[str, str]) -> Word:
    """Return the word with every expression in braces replaced by its value."""
    if "{" not in word.text and "}" not in word.text:
        return word

    def value(found: re.Match[str]) -> str:
        expression = found[1].strip()
        return values[expression] if expression in values else str(_value(expression, word, values))

    text = _BRACES.sub(value, word.text)
    if "{" in text or "}" in text:
        raise mistake(
            word.place,
            Message(
                "Braces must come in pairs (got {got!r}). Close them.",
                got=word.text,
            ),
            "braces",
        )
    check_length(text, word.place)
    return Word(text, word.place)


def _value(expression: str, word: Word, values: Mapping[str, str]) -> int:
    try:
        return _reckon(_parsed(expression), values)
    except KeyError as error:
        name = str(error.args[0])
        hint = suggest(name, values) if values else Message("Braces can only be used in blocks and repeats.")
        raise mistake(
            word.place,
            Message(
                "Braces must contain parameters of the block (got {got!r}). {hint}",
                got=name,
                hint=hint,
            ),
            "unknown-parameter",
        ) from None
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        raise mistake(
            word.place,
            Message(
                "Braces must contain integer arithmetic with + - * // % up to {most:,} (got {{{got}}}). For "
                "example {{width*4}}.",
                most=LARGEST,
                got=expression,
            ),
            "arithmetic",
        ) from None


@lru_cache(maxsize=1024)
def _parsed(expression: str) -> ast.expr:
    if len(expression) > LONGEST:
        raise ValueError(expression)
    return ast.parse(expression, mode="eval").body


def _reckon(tree: ast.expr, values: Mapping[str, str]) -> int:
    match tree:
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            pass
        case ast.Name(id=name):
            number = int(values[name])
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            number = _OPERATORS[type(sign)](_reckon(left, values), _reckon(right, values))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number = -_reckon(operand, values)
        case _:
            raise ValueError("not arithmetic")
    if abs(number) > LARGEST:
        raise ValueError("too large")
    return number


MOST_CHARACTERS = 1 << 25
"""Characters that blocks and repeats may grow to, so that a typing mistake does not fill the memory."""

DEEPEST = 64


class Draft(NamedTuple):
    """A layer to build: its words, and its inputs unless the words name them.

    `sources` are indices in the list of drafts, `joined` says that they are ends of branches. `prefixes` are put
    before names, innermost first; `name` is whole and stands at `at`.
    """

    at: Place
    name: str | None
    kind: Word
    arguments: tuple[Word, ...]
    sources: tuple[int, ...]
    joined: bool
    prefixes: tuple[str, ...]
    caller: Place | None


class Variables(NamedTuple):
    """Names and parameters in scope at one node of the tree."""

    prefixes: tuple[str, ...] = ("",)
    values: Mapping[str, str] = {}
    depth: int = 0
    caller: Place | None = None


@dataclass
class Expansion:
    """The layers of a document in order; `groups` says which layer a group's name means."""

    blocks: Mapping[str, Block]
    drafts: list[Draft] = field(default_factory=list)
    groups: dict[str, int] = field(default_factory=dict)
    characters: int = 0
    most_layers: int = field(default_factory=lambda: lower(MOST_LAYERS, "layers"))
    most_characters: int = field(default_factory=lambda: lower(MOST_CHARACTERS, "expanded"))
    deepest: int = field(default_factory=lambda: lower(DEEPEST, "nesting"))

    def items(self, items: Iterable[Item], previous: int | None, scope: Variables) -> int | None:
        """Expand a chain of items; return the last layer."""
        for item in items:
            match item:
                case Statement():
                    previous = self._statement(item, previous, scope)
                case Join():
                    previous = self._join(item, previous, scope)
                case Repeat():
                    previous = self._repeat(item, previous, scope)
                case Group():
                    name = filled(item.name, scope.values)
                    previous = self._named(name, item.items, previous, self._deeper(scope, name))
        return previous

    def _statement(self, item: Statement, previous: int | None, scope: Variables) -> int | None:
        kind = filled(item.kind, scope.values)
        name = filled(item.name, scope.values) if item.name else None
        arguments = tuple([filled(word, scope.values) for word in item.arguments])
        block = self.blocks.get(kind.text)
        if block is None:
            words = Statement(name, kind, arguments)
            return self._draft(words, () if previous is None else (previous,), False, scope)
        values = _bound(block, kind, arguments)
        inner = self._deeper(scope, kind)._replace(values=values, caller=kind.place)
        try:
            if name is None:
                return self.items(block.items, previous, inner)
            return self._named(name, block.items, previous, inner)
        except ConvscopeError as error:
            raise called_from(error, kind.place) from None

    def _join(self, item: Join, previous: int | None, scope: Variables) -> int:
        kind = filled(item.kind, scope.values)
        if previous is None:
            raise mistake(
                kind.place,
                Message(
                    "{kind} must follow a layer (got none before it). Begin with an input.",
                    kind=kind.text,
                ),
                "no-input",
            )
        inner = self._deeper(scope, kind)
        ends = []
        for branch in item.branches:
            self._spend(8, kind)  # an empty branch costs memory too
            end = self.items(branch, previous, inner)
            ends.append(previous if end is None else end)
        name = filled(item.name, scope.values) if item.name else None
        words = Statement(name, kind, tuple(filled(word, scope.values) for word in item.arguments))
        return self._draft(words, tuple(ends), True, scope)

    def _repeat(self, item: Repeat, previous: int | None, scope: Variables) -> int | None:
        times = filled(item.times, scope.values)
        if not _TIMES.fullmatch(times.text) or not int(times.text):
            raise mistake(
                times.place,
                Message(
                    "repeat must be an integer of at least 1 (got {got!r}). Write `repeat: 3`.",
                    got=times.text,
                ),
                "repeat",
            )
        inner = self._deeper(scope, times)
        for index in range(int(times.text)):
            check_time()
            counted = inner._replace(values={**scope.values, "index": str(index)})
            previous = self.items(item.items, previous, counted)
        return previous

    def _named(self, name: Word, items: Iterable[Item], previous: int | None, scope: Variables) -> int | None:
        whole = self._whole(name, scope)
        self.groups[whole] = -1  # taken from now on, found below
        prefixes = (f"{whole}.", *scope.prefixes)
        last = self.items(items, previous, scope._replace(prefixes=prefixes))
        if last is not None:
            self.groups[whole] = last
        return last

    def _draft(self, words: Statement, sources: tuple[int, ...], joined: bool, scope: Variables) -> int:
        name, kind, arguments = words
        named = len(scope.prefixes[0]) + (len(name.text) if name else 0)
        self._spend(named + len(kind.text) + sum([len(word.text) for word in arguments]), kind)
        if len(self.drafts) >= self.most_layers:
            raise too_many_layers(kind.place)
        whole = self._whole(name, scope) if name else None
        at = name.place if name else kind.place
        self.drafts.append(Draft(at, whole, kind, arguments, sources, joined, scope.prefixes, scope.caller))
        return len(self.drafts) - 1

    def _whole(self, name: Word, scope: Variables) -> str:
        if not is_name(name.text):
            raise mistake(
                name.place,
                Message(
                    "A layer's name must be text without spaces and | , : = # \" ' {{ }} (got {got!r}). Use "
                    "letters, digits, dots, dashes.",
                    got=name.text,
                ),
                "layer-name",
            )
        whole = scope.prefixes[0] + name.text
        if whole in self.groups:
            raise mistake(
                name.place,
                Message(
                    "Names must be unique (got two groups named {got!r}). Rename one.",
                    got=whole,
                ),
                "duplicate-name",
            )
        return whole

    def _deeper(self, scope: Variables, at: Word) -> Variables:
        if scope.depth >= self.deepest:
            raise mistake(
                at.place,
                Message(
                    "Blocks must nest at most {most} deep (got more at {at!r}). A block may not call itself.",
                    most=self.deepest,
                    at=at.text,
                ),
                "too-deep",
            )
        return scope._replace(depth=scope.depth + 1)

    def _spend(self, characters: int, at: Word) -> None:
        self.characters += characters
        check_time()
        if self.characters > self.most_characters:
            raise mistake(
                at.place,
                Message(
                    "The expanded network must have at most {most:,} characters (got more). Repeat less.",
                    most=self.most_characters,
                ),
                "too-large",
            )


def expand(document: Document) -> Expansion:
    """Expand a document, layer by layer."""
    expansion = Expansion(document.blocks)
    expansion.items(document.items, None, Variables())
    return expansion


def _bound(block: Block, kind: Word, arguments: tuple[Word, ...]) -> dict[str, str]:
    """Match a call's words with the block's parameters."""
    names = [parameter.name for parameter in block.parameters]
    usage = " ".join(
        [block.name.text, *[n if default is None else f"{n}={default}" for n, default in block.parameters]]
    )
    values = {one.name: one.default for one in block.parameters if one.default is not None}
    given: set[str] = set()
    position = 0
    for word in arguments:
        name, equals, value = word.text.partition("=")
        if not equals:
            if position >= len(names):
                raise mistake(
                    word.place,
                    Message(
                        "{kind} must be called `{usage}` (got {got!r} as well).",
                        kind=kind.text,
                        usage=usage,
                        got=word.text,
                    ),
                    "block-arguments",
                )
            name, value = names[position], word.text
            position += 1
        if name not in names:
            raise mistake(word.place, _no_parameter(kind.text, name, names), "block-arguments")
        if name in given:
            raise mistake(
                word.place,
                Message(
                    "{got} must be given once (got it twice). Remove one.",
                    got=name,
                ),
                "block-arguments",
            )
        given.add(name)
        values[name] = value
    missing = [name for name in names if name not in values]
    if missing:
        raise mistake(
            kind.place,
            Message(
                "{kind} must be called `{usage}` (got no {missing}).",
                kind=kind.text,
                usage=usage,
                missing=listed(missing),
            ),
            "block-arguments",
        )
    return values


def _no_parameter(block: str, got: str, names: list[str]) -> Message:
    if not names:
        return Message("{block} has no parameters (got {got!r}). Remove it.", block=block, got=got)
    return Message("{block} has no parameter {got!r}. {hint}", block=block, got=got, hint=suggest(got, names))
