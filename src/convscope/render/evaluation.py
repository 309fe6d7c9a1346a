"""Evaluations and predictions as text, and the confusion matrix as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engines.protocol import Array
from ..text.language import Message, localize, translate
from ..text.numbers import accuracy_percent, times
from ..text.table import Cell, Column, Table, align, pad, shorten, width_of, wrap
from ..text.terminal import PLAIN, Paint
from ..training.evaluation import Evaluation

LONGEST_NAME = 20
LONGEST_HEADING = 6
"""Cells of class names beside rows and above columns; longer headings are replaced by numbers."""

MOST_CONFUSIONS = 20
NONE, GAP = "·", " "


def evaluation_text(evaluation: Evaluation, title: str, width: int, paint: Paint = PLAIN) -> str:
    """Return loss and accuracy, each class, and the confusion matrix."""
    blocks = [
        "\n".join([*(paint.strong(line) for line in wrap(title, width)), *wrap(_summary(evaluation), width)]),
        class_table(evaluation).text(width, paint),
        confusion_text(evaluation, width, paint),
    ]
    return "\n\n".join(blocks)


def _summary(evaluation: Evaluation) -> str:
    return localize(
        "loss {loss}, accuracy {accuracy}: {correct:,} of {images:,} images correct, {count:,} error(s)",
        loss=f"{evaluation.loss:.4f}",
        accuracy=accuracy_percent(evaluation.accuracy),
        correct=evaluation.correct,
        images=evaluation.images,
        count=evaluation.images - evaluation.correct,
    )


def class_table(evaluation: Evaluation) -> Table:
    """Return images, accuracy and most frequent confusion of each class."""
    columns = (
        Column(Message("class"), 0, right=False, least=8),
        Column(Message("images"), 1),
        Column(Message("correct"), 1),
        Column(Message("accuracy"), 0),
        Column(Message("most often confused with"), 2, right=False, least=12),
    )
    rows: list[list[Cell]] = []
    for at, known in enumerate(evaluation.per_class()):
        part = known["accuracy"]
        rows.append(
            [
                known["name"],
                known["images"],
                known["correct"],
                Message("no images") if part is None else accuracy_percent(part),
                _confused_with(evaluation, at),
            ]
        )
    return Table(columns, rows, core=0)


def _confused_with(evaluation: Evaluation, label: int) -> str:
    wrong = evaluation.confusion[label].copy()
    wrong[label] = 0
    predicted = int(wrong.argmax())
    return f"{evaluation.name_of(predicted)} ({wrong[predicted]})" if wrong[predicted] else ""


def confusion_text(evaluation: Evaluation, width: int, paint: Paint = PLAIN) -> str:
    """Return the confusion matrix if it fits the width, else the most frequent confusions."""
    for numbered in (False, True):
        layout = _layout(evaluation, numbered)
        if layout.width <= width:
            return _matrix(evaluation, layout, width, paint)
    return _confusions(evaluation, width, paint)


class _Layout(NamedTuple):
    """Names of rows and columns, and their widths in cells."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    row_width: int
    cell: int

    @property
    def width(self) -> int:
        return self.row_width + (self.cell + len(GAP)) * len(self.columns)


def _layout(evaluation: Evaluation, numbered: bool) -> _Layout:
    names = evaluation.predicted_names
    columns = tuple(map(str, range(1, len(names) + 1))) if numbered else names
    if not numbered and max(map(width_of, names)) > LONGEST_HEADING:
        columns = tuple(shorten(name, LONGEST_HEADING) for name in names)
        if len(set(columns)) < len(columns):
            return _layout(evaluation, True)
    rows = tuple(shorten(name, LONGEST_NAME) for name in evaluation.classes)
    if numbered:
        rows = tuple(f"{place:>{len(columns[-1])}} {name}" for place, name in enumerate(rows, start=1))
    cell = max(len(str(evaluation.confusion.max())), *map(width_of, columns), 2)
    return _Layout(rows, columns, max(map(width_of, rows)) + 1, cell)


def _matrix(evaluation: Evaluation, layout: _Layout, width: int, paint: Paint) -> str:
    title = localize("confusion: rows: true class, columns: predicted class")
    lines = [
        *(paint.strong(line) for line in wrap(title, width)),
        " " * layout.row_width + "".join(GAP + pad(name, layout.cell, right=True) for name in layout.columns),
    ]
    for at, (name, counts) in enumerate(zip(layout.rows, evaluation.counts(), strict=True)):
        cells = []
        for predicted, count in enumerate(counts):
            text = pad(str(count) if count else NONE, layout.cell, right=True)
            if not count:
                text = paint.faint(text)
            elif predicted != at:
                text = paint.alarm(text)
            cells.append(GAP + text)
        lines.append(pad(name, layout.row_width) + "".join(cells))
    return "\n".join(lines)


def _confusions(evaluation: Evaluation, width: int, paint: Paint) -> str:
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")
    pairs = [(int(flat) // wrong.shape[1], int(flat) % wrong.shape[1]) for flat in order[:MOST_CONFUSIONS]]
    rows: list[list[Cell]] = [
        [evaluation.name_of(label), evaluation.name_of(predicted), int(wrong[label, predicted])]
        for label, predicted in pairs
        if wrong[label, predicted]
    ]
    columns = (
        Column(Message("class"), 0, right=False, least=8),
        Column(Message("predicted"), 0, right=False, least=8),
        Column(Message("images"), 0),
    )
    kinds = int((wrong > 0).sum())
    title = Message(
        "confusion: the {shown} most frequent of {kinds} confusions; --csv prints the whole matrix",
        shown=len(rows),
        kinds=kinds,
    )
    return Table(columns, rows, None, title).text(width, paint)


def confusion_csv(evaluation: Evaluation) -> str:
    """Return the confusion matrix as CSV: rows are true classes, columns are predicted classes."""
    import csv
    import io

    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(["class", *evaluation.predicted_names])
    for name, counts in zip(evaluation.classes, evaluation.counts(), strict=True):
        writer.writerow([name, *counts.tolist()])
    return sheet.getvalue().rstrip("\n")


BAR_CELLS = 20
LONGEST_CLASS = 40


class Guess(NamedTuple):
    """A class and its probability."""

    name: str
    probability: float


def top_guesses(probabilities: Array, classes: Sequence[str], count: int) -> list[Guess]:
    """Return the most probable classes; outputs without a class name are numbered.

    >>> top_guesses(np.array([0.25, 0.5, 0.25]), ["cat", "dog", "owl"], 2)
    [Guess(name='dog', probability=0.5), Guess(name='cat', probability=0.25)]
    """
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [
        Guess(classes[at] if at < len(classes) else Message("output {index}", index=at), float(probabilities[at]))
        for at in map(int, order)
    ]


def output_summary(output: Array, names: Sequence[str], count: int) -> dict[str, Any]:
    """Return shape and range of one image's output for JSON, with the largest values of a vector by name.

    >>> output_summary(np.array([0.5, -2.0]), ["left"], 1)["largest"]
    [{'name': 'left', 'value': 0.5}]
    """
    known = {"shape": list(output.shape), "minimum": float(output.min()), "maximum": float(output.max())}
    summary: dict[str, Any] = {**known, "mean": float(output.mean(dtype=np.float64))}
    if output.ndim == 1:
        largest = top_guesses(output, names, count)
        summary["largest"] = [{"name": one.name, "value": one.probability} for one in largest]
    return summary


def prediction_text(image: str, answer: Mapping[str, Any], paint: Paint = PLAIN) -> str:
    """Return one image's classes or output as text, or each of several outputs below its name."""
    outputs: Mapping[str, Any] | None = answer.get("outputs")
    if outputs is None:
        return "\n".join([paint.strong(image), *_answer_lines(answer)])
    blocks = ([f"  {name}", *(f"  {line}" for line in _answer_lines(one))] for name, one in outputs.items())
    return "\n".join([paint.strong(image), *(line for block in blocks for line in block)])


def _answer_lines(answer: Mapping[str, Any]) -> list[str]:
    return _class_lines(answer["classes"]) if "classes" in answer else _output_lines(answer["output"])


def _class_lines(guesses: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return classes, most probable first, each with its probability and a bar."""
    rows = [
        (
            shorten(translate(guess["name"]), LONGEST_CLASS),
            accuracy_percent(guess["probability"]).rjust(8),
            "█" * round(BAR_CELLS * guess["probability"]),
        )
        for guess in guesses
    ]
    return [f"  {line}" for line in align(rows)]


def _output_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return the largest values of a vector, or the range of a map."""
    largest = summary.get("largest")
    if largest is None:
        numbers = {name: f"{summary[name]:.4g}" for name in ("minimum", "mean", "maximum")}
        shape = times(summary["shape"])
        return [
            "  "
            + localize("output {shape}: minimum {minimum}, mean {mean}, maximum {maximum}", shape=shape, **numbers)
        ]
    rows = [(shorten(translate(one["name"]), LONGEST_CLASS), f"{one['value']:.4g}") for one in largest]
    return [f"  {line}" for line in align(rows)]
