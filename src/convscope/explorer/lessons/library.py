"""The lessons that a page offers, with their numbers computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import BadFile, BadSetting, ConvscopeError
from ...files.regular import open_regular
from ...loading import load, zoo_names
from ...model import Model
from ...notation import parse_untrusted
from ...text.language import LANGUAGES
from .quantities import Numbers, Value
from .text import LARGEST, LessonQuestion, LessonStep, LessonText, TextPart, read_lesson

if TYPE_CHECKING:
    from ..session import Session, ShownImage, ShownNetwork

BUNDLED = ("activations-and-fields", "running-process", "calculations", "layers-from-scratch", "computing-a-field")
"""The lessons of this package, in their order."""

SAMPLE_NAME = "lenet-digits"
"""The name of the bundled LeNet as the model of a step."""


@dataclass(frozen=True)
class GuidedLesson:
    """A lesson in the languages in which it is written."""

    name: str
    texts: dict[str, LessonText]

    def text(self, lang: str) -> LessonText:
        """Return the lesson in a language, or in one that it has."""
        return self.texts.get(lang) or next(iter(self.texts.values()))


class LessonLibrary:
    """The bundled lessons, and one of the user's own."""

    def __init__(self) -> None:
        self._own: GuidedLesson | None = None
        self._read: dict[str, GuidedLesson] = {}

    def open(self, name: str) -> str:
        """Return the name of a bundled lesson, or offer that of a file and the Chinese one beside it (NAME.zh.md).

        Raises:
            BadFile: [lesson-missing], or as `read_lesson`
        """
        if name in BUNDLED:
            return name
        path = name
        first = Path(path)
        texts = {"en": read_lesson(_content(first), first.name)}
        second = first.with_name(f"{first.stem}.zh{first.suffix}")
        if second.exists():
            texts["zh"] = read_lesson(_content(second), second.name)
        self._own = _checked(GuidedLesson(first.stem, texts))
        return self._own.name

    def names(self) -> list[str]:
        """Return the names of the lessons, the user's own first."""
        own = [] if self._own is None else [self._own.name]
        return [*own, *(name for name in BUNDLED if name not in own)]

    def lesson(self, name: str) -> GuidedLesson:
        """Return a lesson by name.

        Raises:
            BadSetting: [lesson-name]
        """
        if self._own is not None and name == self._own.name:
            return self._own
        if name not in BUNDLED:
            raise BadSetting("There is no lesson {name!r}. Choose one of the list. [lesson-name]", name=name[:60])
        if name not in self._read:
            folder = files(__package__)
            texts = {}
            for lang in LANGUAGES:
                file = f"{name}.md" if lang == "en" else f"{name}.{lang}.md"
                texts[lang] = read_lesson((folder / file).read_bytes(), file)
            self._read[name] = _checked(GuidedLesson(name, texts))
        return self._read[name]

    def to_dict(self, lang: str) -> list[dict[str, Any]]:
        """Return the titles of all lessons."""
        found = []
        for name in self.names():
            text = self.lesson(name).text(lang)
            found.append({"name": name, "title": text.title, "about": text.about, "steps": len(text.steps)})
        return found

    def check(self, session: Session, name: str) -> None:
        """Compute every number of a lesson, in all its languages.

        Raises:
            ConvscopeError: For the first step that cannot be shown.
        """
        lesson = self.lesson(name)
        for lang, text in lesson.texts.items():
            for number in range(len(text.steps)):
                step_document(session, lesson, number, lang)


def _content(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise BadFile(
            "The lesson {path} cannot be read ({reason}). Check the path. [lesson-missing]",
            path=str(path),
            reason=error.strerror or str(error),
        ) from None


def _checked(lesson: GuidedLesson) -> GuidedLesson:
    """Return a lesson whose languages have the same steps.

    Raises:
        BadFile: [lesson-languages]
    """
    first, *others = lesson.texts.values()
    for other in others:
        number = _first_difference(first, other)
        if number is not None:
            raise BadFile(
                "{first} and {second} differ in step {number}: model, image, set, page and the answers must be "
                "the same in both. [lesson-languages]",
                first=first.source,
                second=other.source,
                number=number,
            )
    return lesson


def _first_difference(one: LessonText, other: LessonText) -> int | None:
    """Return the number of the first step, from 1, that differs in more than its words."""
    for number, (first, second) in enumerate(zip_longest(one.steps, other.steps), 1):
        if first is None or second is None or _structure(first) != _structure(second):
            return number
    return None


def _structure(step: LessonStep) -> tuple[Any, ...]:
    own = step.question
    question = None if own is None else (own.answer, own.tolerance, len(own.choices), own.right)
    return step.model, step.image, step.parameters, step.page, question


def step_document(session: Session, lesson: GuidedLesson, number: int, lang: str) -> dict[str, Any]:
    """Return one step with its numbers, its question with the answer, and what the page is to show.

    Raises:
        BadFile: [lesson-step] for a step that cannot be shown, with the line and the reason.
        BadSetting: [lesson-name] if there is no such step.
    """
    text = lesson.text(lang)
    if not 0 <= number < len(text.steps):
        raise BadSetting("There is no lesson {name!r}. Choose one of the list. [lesson-name]", name=lesson.name)
    step = _inherited(text.steps, number)
    line = step.line
    try:
        model, shown = _shown_network(session, step)
        image = _shown_image(session, step)
        numbers = _numbers(session, shown, image)
        paragraphs = [_evaluated(numbers, one) for one in step.paragraphs]
        question = None
        if step.question is not None:
            line = step.question.line
            question = _asked(numbers, step.question)
    except ConvscopeError as error:
        raise BadFile(
            "{file}, line {line}: this step cannot be shown. [lesson-step]\n{reason}",
            file=text.source,
            line=line,
            reason=error,
        ) from error
    return {
        "name": lesson.name,
        "title": text.title,
        "number": number,
        "count": len(text.steps),
        "step": step.title,
        "paragraphs": paragraphs,
        "question": question,
        "network": shown.id,
        "model": model,
        "image": {
            "id": image.id,
            "name": image.name,
            "shape": image.content.shape if isinstance(image.content, np.ndarray) else None,
        },
        "page": step.page,
    }


def _inherited(steps: Sequence[LessonStep], number: int) -> LessonStep:
    """Return a step that has no model of its own with the model, parameters and image of the step before it."""
    step = steps[number]
    if step.model is not None or number == 0:
        return step
    before = _inherited(steps, number - 1)
    return replace(
        step,
        model=before.model,
        parameters=step.parameters or before.parameters,
        image=before.image if step.image is None else step.image,
    )


def _shown_network(session: Session, step: LessonStep) -> tuple[str, ShownNetwork]:
    """Return the network of a step, with its text in the address of the page: empty where that cannot name it."""
    if step.model is None and session.first is not None and not step.parameters:
        return "", session.first
    name = (step.model or SAMPLE_NAME).strip()
    if name == SAMPLE_NAME:
        return SAMPLE_NAME, session.sample_network()
    network = load(name) if name in zoo_names() else parse_untrusted(name)
    if not step.parameters:
        return name, session.add_network(network, name)
    model = Model(network, engine=session.engine)
    for parameter, values in step.parameters:
        if parameter not in model.parameters:
            raise BadSetting(
                "The network has no parameter {name!r}. It has {known}. [lesson-parameter]",
                name=parameter[:60],
                known=", ".join(list(model.parameters)[:12]),
            )
        shape = model.parameters[parameter].shape
        if len(values) != int(np.prod(shape)):
            raise BadSetting(
                "{name} has {expected} values (got {got}). [lesson-parameter]",
                name=parameter,
                expected=int(np.prod(shape)),
                got=len(values),
            )
        model.parameters[parameter] = np.array(values, np.float32).reshape(shape)
    source = f"{name}{step.parameters}"
    return "", session.add_lesson_network(network, source, model)


def _shown_image(session: Session, step: LessonStep) -> ShownImage:
    from ..session import SAMPLE

    if step.image is None:
        return SAMPLE
    return session.add_image("lesson", np.array(step.image, np.float32))


def _numbers(session: Session, shown: ShownNetwork, image: ShownImage) -> Numbers:
    if shown.weights == "none":
        return Numbers(shown.network)
    return Numbers(
        shown.network,
        lambda layer, at, target: session.terms(shown, image, layer, at, target),
        lambda layer: session.output(shown, image, layer),
    )


def _evaluated(numbers: Numbers, parts: Sequence[TextPart]) -> list[dict[str, Any]]:
    return [
        {"kind": part.kind, "text": part.text}
        | ({"value": numbers.evaluate(part.text)} if part.kind == "value" else {})
        for part in parts
    ]


def _plain_text(parts: Sequence[dict[str, Any]]) -> str:
    return "".join(str(part.get("value", part["text"])) for part in parts).strip()


def _asked(numbers: Numbers, question: LessonQuestion) -> dict[str, Any]:
    """Return a question with its answer, or the index of the right choice.

    Raises:
        BadSetting: [lesson-answer] if no choice, or more than one, is the answer.
    """
    answer: Value | None = None if question.answer is None else numbers.evaluate(question.answer)
    choices = [_evaluated(numbers, choice) for choice in question.choices]
    right = None
    if choices:
        places = [place for place, choice in enumerate(choices) if _plain_text(choice) == str(answer)]
        if question.right is None and len(places) != 1:
            raise BadSetting(
                "The answer is {answer}, which must be exactly one of the choices. [lesson-answer]", answer=answer
            )
        right = places[0] if question.right is None else question.right
    elif isinstance(answer, str):
        raise BadSetting(
            "The answer {answer!r} is a text. Add choices, or ask for a number. [lesson-answer]", answer=answer
        )
    return {
        "prompt": _evaluated(numbers, question.prompt),
        "choices": choices,
        "right": right,
        "answer": answer,
        "tolerance": question.tolerance,
        "why": _evaluated(numbers, question.why),
    }
