"""Lessons of the laboratory as documents of the page, and their options read from untrusted text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np

from ..arrays import Array
from ..derivations.derivation import Text
from ..errors import BadSetting, suggest
from ..lab import Lesson, Topic, list_topics
from ..lab.lesson import Block, Contrast, Curves, Drawing, Formulas, Row, Steps, Table, Value, Words, plain
from ..lab.options import Integer, Option
from ..lab.render import html, parts
from ..loading import load, zoo_names
from ..network import Network
from ..notation import parse_untrusted, to_notation
from ..text.language import Message
from .markup import markup_tree

LONGEST_OPTION = 4000
"""Letters of an option's value."""

MOST_REPEATS = 8

MOST_PARAMETERS = 20_000
"""Parameters of a lesson's network: all are shown, and some lessons train it."""

MOST_VALUES = 100_000
"""Numbers of a lesson that are sent to the page."""


def topics_document(lang: str) -> list[dict[str, Any]]:
    """Return the chapters with their topics and options."""
    topics = list_topics().values()
    return [
        {
            "title": chapter.value.to(lang),
            "topics": [_topic(topic, lang) for topic in topics if topic.chapter is chapter],
        }
        for chapter in dict.fromkeys(topic.chapter for topic in topics)
    ]


def _topic(topic: Topic, lang: str) -> dict[str, Any]:
    defaults = signature(topic.teach).parameters
    return {
        "name": topic.name,
        "about": topic.about.to(lang),
        "options": [
            {
                "name": option.name,
                "kind": option.kind,
                "repeated": option.repeated,
                "limits": [option.parse.low, option.parse.high] if isinstance(option.parse, Integer) else None,
                "default": _default(option, defaults[option.name].default),
            }
            for option in page_options(topic)
        ],
    }


def page_options(topic: Topic) -> list[Option]:
    """Return the options that a page may set: not those that name files."""
    return [option for option in topic.options if option.source != "file"]


def _default(option: Option, value: Any) -> list[str]:
    """Return the texts of a default; none where the lesson chooses it."""
    if value is None:
        return []
    return [option.write(one) for one in value] if option.repeated else [option.write(value)]


def read_options(topic: Topic, given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return a lesson's keyword arguments from names and texts.

    Raises:
        BadSetting: [lab-option], [lab-repeated], [lab-long], [lab-parameters], and those of the options.
    """
    known = {option.name: option for option in page_options(topic)}
    values: dict[str, Any] = {}
    for name, text in given:
        if name not in known:
            raise BadSetting(
                "{topic} has no option {name!r}. {hint} [lab-option]",
                topic=topic.name,
                name=name[:60],
                hint=suggest(name[:60], known) if known else Message("It has no options."),
            )
        option = known[name]
        if len(text) > LONGEST_OPTION:
            raise BadSetting(
                "{option} must have at most {most:,} letters (got {got:,}). Use fewer numbers. [lab-long]",
                option=option.flag,
                most=LONGEST_OPTION,
                got=len(text),
            )
        value = _network(text) if option.source == "model" else option.parse(option.flag, text)
        if not option.repeated:
            values[name] = value
            continue
        values.setdefault(name, []).append(value)
        if len(values[name]) > MOST_REPEATS:
            raise BadSetting(
                "{option} may be given {most} times at most. Leave some out. [lab-repeated]",
                option=option.flag,
                most=MOST_REPEATS,
            )
    return values


def _network(text: str) -> Network:
    """Return a network of the zoo or of notation; no file is read and no code runs."""
    network = load(text) if text in zoo_names() else parse_untrusted(text)
    if network.parameter_count > MOST_PARAMETERS:
        raise BadSetting(
            "The network of a lesson must have at most {most:,} parameters (got {got:,}). Use a smaller one. "
            "[lab-parameters]",
            most=MOST_PARAMETERS,
            got=network.parameter_count,
        )
    return network


def lesson_document(lesson: Lesson, lang: str) -> dict[str, Any]:
    """Return a lesson in one language: words and formulas as trees, values as lists.

    Raises:
        BadSetting: [lab-large] if it has too many values for a page.
    """
    count = sum(array.size for array in _arrays(lesson))
    if count > MOST_VALUES:
        raise BadSetting(
            "The lesson has {count:,} values, which is too many for a page (at most {most:,}). Use smaller "
            "inputs, or convscope lab {topic}. [lab-large]",
            count=count,
            most=MOST_VALUES,
            topic=lesson.topic,
        )
    network = lesson.network
    return {
        "topic": lesson.topic,
        "title": lesson.title.to(lang),
        "notation": None if network is None else to_notation(network),
        "kinds": [] if network is None else list(dict.fromkeys(node.kind for node in list(network)[1:])),
        "sections": [
            {"title": section.title.to(lang), "blocks": [_block(block, lang) for block in section.blocks]}
            for section in lesson.sections
        ],
    }


def _arrays(lesson: Lesson) -> Iterator[Array]:
    for section in lesson.sections:
        for block in section.blocks:
            if isinstance(block, Row | Steps):
                yield from (part.array for part in block.parts if isinstance(part, Value))
            if isinstance(block, Steps):
                yield from (array for step in block.steps for array in step.own.values())
            if isinstance(block, Curves):
                yield from block.series.values()


def _block(block: Block, lang: str) -> dict[str, Any]:
    match block:
        case Words(text):
            return {"kind": "words", "tree": _tree(text, lang)}
        case Formulas(lines):
            return {"kind": "formulas", "lines": [markup_tree(html.equation(line, lang)) for line in lines]}
        case Row(items):
            return {"kind": "row", "parts": [_part(item, lang) for item in items]}
        case Table(name, columns, rows, shown):
            return {
                "kind": "table",
                "name": name,
                "keys": list(columns),
                "titles": [_tree(title, lang) for title in columns.values()],
                "rows": [[_cell(cell, lang) for cell in row] for row in rows[:shown]],
            }
        case Drawing(lines):
            return {"kind": "drawing", "text": lines.to(lang)}
        case Curves():
            return _curves(block, lang)
        case Steps():
            return _steps(block, lang)
        case Contrast(wrong, right):
            return {
                "kind": "contrast",
                "wrong": [_block(one, lang) for one in wrong],
                "right": [_block(one, lang) for one in right],
            }


def _tree(text: Text, lang: str) -> list[Any]:
    return markup_tree(html.words(text.to(lang)))


def _part(part: Value | str, lang: str) -> Any:
    if isinstance(part, str):
        return part
    maps = [{"title": _tree(title, lang), "values": _finite(matrix)} for title, matrix in part.maps()]
    return {"name": part.name, "maps": maps}


def _finite(array: Array) -> Any:
    """Return lists of numbers, with the words "inf" and "-inf" for what JSON has no number for."""
    if np.isfinite(array).all():
        return plain(array)
    return [_finite(one) if np.ndim(one) else float(one) if np.isfinite(one) else str(one) for one in array]


def _cell(cell: Any, lang: str) -> Any:
    return cell if isinstance(cell, int | float) and not isinstance(cell, bool) else [parts.cell(cell, lang)]


def _curves(block: Curves, lang: str) -> dict[str, Any]:
    x = block.x
    return {
        "kind": "curves",
        "name": block.name,
        "title": block.title.to(lang),
        "x_label": block.x_label.to(lang),
        "x": [one.to(lang) for one in x] if isinstance(x, tuple) else plain(x),
        "bars": isinstance(x, tuple),
        "logarithmic": block.logarithmic,
        "series": [
            {
                "name": name,
                "label": block.labels[name].to(lang) if name in block.labels else name,
                "values": plain(np.asarray(values, float)),
            }
            for name, values in block.series.items()
        ],
    }


def _steps(block: Steps, lang: str) -> dict[str, Any]:
    return {
        "kind": "steps",
        "name": block.name,
        "title": block.title.to(lang),
        "parts": [_part(part, lang) for part in block.parts],
        "padding": {name: list(sizes) for name, sizes in block.padding.items()},
        "steps": [
            {
                "lit": {name: _places(places) for name, places in step.lit.items()},
                "best": {name: _places(places) for name, places in step.best.items()},
                "own": {name: plain(np.atleast_2d(array)) for name, array in step.own.items()},
                "equation": markup_tree(html.equation(step.equation, lang)),
            }
            for step in block.steps
        ],
    }


def _places(places: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Return positions as rows and columns; a vector is shown as a row."""
    return [[0, *place] if len(place) == 1 else list(place) for place in places]


def teach_for_page(topic: str, given: Sequence[tuple[str, str]], lang: str) -> Mapping[str, Any]:
    """Return the document of a lesson with options as the page sends them.

    Raises:
        BadSetting: [lab-topic], and those of the options and the lesson.
    """
    known = list_topics()
    if topic not in known:
        raise BadSetting("There is no topic {name!r}. {hint} [lab-topic]", name=topic, hint=suggest(topic, known))
    lesson = known[topic].teach(**read_options(known[topic], given))
    return lesson_document(lesson, lang)
