"""The form of a lesson: a Markdown file whose steps begin with `##`, with key lines for page and question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from ...errors import BadFile, suggest
from ...text.language import Message

LARGEST = 256 << 10
MOST_STEPS = 100
MOST_CHOICES = 12
MOST_VALUES = 65_536
"""Values of an image, or of a parameter, that a step may have."""

KEYS = ("model", "image", "set", "page", "question", "choice", "right", "answer", "tolerance", "why")
"""Key lines of a step. `set` and `choice` may be repeated."""

Kind = Literal["text", "code", "strong", "value"]
_PART = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|\{(?P<value>[^{}]+)\}")
_KEY = re.compile(r"([a-z]+):(?:\s+(.*))?")


@dataclass(frozen=True)
class TextPart:
    """A piece of a sentence: plain text, code, emphasis, or the expression of a number."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class LessonQuestion:
    """A question: with choices, of which one is right, or for a number."""

    prompt: tuple[TextPart, ...]
    choices: tuple[tuple[TextPart, ...], ...] = ()
    right: int | None = None
    """The place of the right choice, where no expression computes it."""
    answer: str | None = None
    tolerance: float = 0.0
    why: tuple[TextPart, ...] = ()
    line: int = 0


@dataclass(frozen=True)
class LessonStep:
    """One step: its sentences, what the page shows, and its question."""

    title: str
    paragraphs: tuple[tuple[TextPart, ...], ...]
    model: str | None = None
    image: tuple[tuple[tuple[float, ...], ...], ...] | None = None
    """Channels of rows of values."""
    parameters: tuple[tuple[str, tuple[float, ...]], ...] = ()
    page: str = ""
    question: LessonQuestion | None = None
    line: int = 0


@dataclass(frozen=True)
class LessonText:
    """A lesson in one language."""

    source: str
    title: str
    about: str
    steps: tuple[LessonStep, ...]


class _Reader:
    """Reads the lines of one file, and knows where it is for messages."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.line = 0

    def error(self, code: str, message: Message) -> BadFile:
        if code == "value":
            return BadFile("{file}, line {line}: {reason} [lesson-value]", **self._at(message))
        if code == "question":
            return BadFile("{file}, line {line}: {reason} [lesson-question]", **self._at(message))
        return BadFile("{file}, line {line}: {reason} [lesson-form]", **self._at(message))

    def _at(self, message: Message) -> dict[str, object]:
        return {"file": self.source, "line": self.line, "reason": message}

    def number(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not isfinite(value):
            raise self.error(
                "value", Message("{got!r} is not a number. Write numbers as 1, -2.5 or 1e-3.", got=text[:40])
            )
        return value

    def numbers(self, text: str) -> tuple[float, ...]:
        return tuple(self.number(word) for word in text.split())


def read_lesson(content: bytes | str, source: str) -> LessonText:
    """Return the lesson of a text.

    The text is taken as untrusted: it is limited in size, and nothing in it is executed or becomes markup.

    Args:
        content: The file.
        source: Its name, for messages.

    Raises:
        BadFile: [lesson-form] for a line that has no meaning, [lesson-value] for a bad number, [lesson-question]
            for a question that cannot be checked.
    """
    reader = _Reader(source)
    if len(content) > LARGEST:
        raise reader.error(
            "form", Message("A lesson has at most {most:,} bytes. Make several lessons of it.", most=LARGEST)
        )
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    except UnicodeDecodeError:
        raise reader.error("form", Message("The file is not UTF-8 text. Save it as UTF-8.")) from None
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("## ")]
    title, about = _head(reader, lines[: starts[0] if starts else len(lines)])
    if not starts:
        raise reader.error(
            "form", Message("The lesson has no steps. Begin each step with a line such as: ## Title")
        )
    if len(starts) > MOST_STEPS:
        raise reader.error(
            "form", Message("A lesson has at most {most} steps (got {got}).", most=MOST_STEPS, got=len(starts))
        )
    ends = [*starts[1:], len(lines)]
    steps = [_step(reader, start, lines[start:end]) for start, end in zip(starts, ends, strict=True)]
    return LessonText(source, title, about, tuple(steps))


def _head(reader: _Reader, lines: Sequence[str]) -> tuple[str, str]:
    """Return the title and the sentence about a lesson."""
    title, about = "", ""
    for reader.line, line in enumerate(lines, 1):
        if line.startswith("# ") and not title:
            title = line[2:].strip()
        elif line.startswith("about:"):
            about = line.removeprefix("about:").strip()
        elif line.strip():
            raise reader.error(
                "form", Message("Before the first step there are only the title (# Title) and a line about: …")
            )
    if not title:
        raise reader.error("form", Message("The lesson has no title. Begin the file with a line such as: # Title"))
    return title, about


def _step(reader: _Reader, start: int, lines: Sequence[str]) -> LessonStep:
    keys: dict[str, str] = {}
    choices: list[str] = []
    image = None
    parameters: list[tuple[str, tuple[float, ...]]] = []
    paragraphs: list[list[str]] = [[]]
    question_line = 0
    for offset, line in enumerate(lines[1:], 1):
        reader.line = start + 1 + offset
        match = _KEY.fullmatch(line.strip()) if not line.startswith((" ", "\t")) else None
        if match is None:
            if line.strip():
                paragraphs[-1].append(line.strip())
            elif paragraphs[-1]:
                paragraphs.append([])
            continue
        name, text = match[1], (match[2] or "").strip()
        if name not in KEYS:
            raise reader.error(
                "form", Message("There is no key line {name!r}. {hint}", name=name + ":", hint=suggest(name, KEYS))
            )
        if name in keys:
            raise reader.error("form", Message("The step has two lines {name!r}. Leave one out.", name=name + ":"))
        if name == "question":
            question_line = reader.line
        if name == "set":
            parameters.append(_parameter(reader, text))
            continue
        if name == "choice":
            choices.append(text)
            continue
        if name == "image":
            image = _image(reader, text)
        keys[name] = text
    reader.line = start + 1
    return LessonStep(
        title=lines[0][3:].strip(),
        paragraphs=tuple(parts(" ".join(one)) for one in paragraphs if one),
        model=keys.get("model"),
        image=image,
        parameters=tuple(parameters),
        page=keys.get("page", "").lstrip("#"),
        question=_question(reader, keys, choices, question_line),
        line=start + 1,
    )


def parts(text: str) -> tuple[TextPart, ...]:
    """Return a sentence as parts: `code`, **emphasis**, {expressions}, and the text between.

    >>> [part.kind for part in parts("The kernel of `conv1` has {weights conv1} weights.")]
    ['text', 'code', 'text', 'value', 'text']
    """
    return tuple(_parts(text))


def _parts(text: str) -> Iterator[TextPart]:
    end = 0
    for match in _PART.finditer(text):
        if match.start() > end:
            yield TextPart("text", text[end : match.start()])
        kind = match.lastgroup
        assert kind in ("code", "strong", "value")
        yield TextPart(kind, match[kind].strip())  # type: ignore[arg-type]
        end = match.end()
    if end < len(text):
        yield TextPart("text", text[end:])


def _image(reader: _Reader, text: str) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Return the values of an image: rows apart by `;`, channels apart by `|`."""
    channels = tuple(
        tuple(reader.numbers(row) for row in channel.split(";") if row.strip()) for channel in text.split("|")
    )
    shapes = {(len(channel), *{len(row) for row in channel}) for channel in channels}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2 or 0 in next(iter(shapes)):
        raise reader.error(
            "value",
            Message("The rows of the image differ in length. Write rows apart by ; and channels apart by |"),
        )
    if sum(len(row) for channel in channels for row in channel) > MOST_VALUES:
        raise reader.error("value", Message("The image has more than {most:,} values.", most=MOST_VALUES))
    return channels


def _parameter(reader: _Reader, text: str) -> tuple[str, tuple[float, ...]]:
    name, _, values = text.partition(" ")
    if not name or not values.strip():
        raise reader.error("value", Message("Write set: NAME VALUES, for example: set: conv1.bias 0 1"))
    found = reader.numbers(values)
    if len(found) > MOST_VALUES:
        raise reader.error("value", Message("The parameter has more than {most:,} values.", most=MOST_VALUES))
    return name, found


def _question(reader: _Reader, keys: dict[str, str], choices: Sequence[str], line: int) -> LessonQuestion | None:
    reader.line = line or reader.line
    if "question" not in keys:
        if choices or {"answer", "right", "why", "tolerance"} & keys.keys():
            raise reader.error("question", Message("An answer needs a question. Add a line: question: …"))
        return None
    if len(choices) > MOST_CHOICES or len(choices) == 1:
        raise reader.error(
            "question",
            Message("A question has 2 to {most} choices (got {got}).", most=MOST_CHOICES, got=len(choices)),
        )
    if "right" in keys:
        if "answer" in keys or keys["right"] not in choices:
            raise reader.error(
                "question", Message("The line right: must repeat one of the choices, in place of answer:")
            )
    elif "answer" not in keys:
        raise reader.error(
            "question", Message("The question has no answer. Add answer: EXPRESSION, or right: CHOICE")
        )
    return LessonQuestion(
        prompt=parts(keys["question"]),
        choices=tuple(parts(choice) for choice in choices),
        right=choices.index(keys["right"]) if "right" in keys else None,
        answer=keys.get("answer"),
        tolerance=abs(reader.number(keys.get("tolerance", "0"))),
        why=parts(keys.get("why", "")),
        line=reader.line,
    )
