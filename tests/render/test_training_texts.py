"""Epochs, evaluations and predictions as text."""

import numpy as np
import pytest

from convscope.render.evaluation import (
    Guess,
    confusion_csv,
    confusion_text,
    evaluation_text,
    prediction_text,
    top_guesses,
)
from convscope.render.training import best_text, history_table
from convscope.text.table import width_of
from convscope.text.terminal import Paint
from convscope.training.evaluation import Evaluation, Mistake
from convscope.training.history import Epoch, History

CHECKED = History(
    (
        Epoch(1, 20, 0.05, 1.25, 0.5, 0.75, 0.625),
        Epoch(2, 40, 0.025, 0.5, 0.75, 0.25, 0.875),
        Epoch(3, 60, 1e-05, 0.4, 0.8, 0.25, 0.9),
    )
)


def evaluation(names, confusion, loss=0.375):
    counts = np.array(confusion)
    other = np.zeros((len(names), 1), int) if counts.shape[1] == len(names) else counts[:, :0]
    return Evaluation(tuple(names), loss, np.hstack([counts, other]), (Mistake(3, 0, 1, 0.9, 0.1),))


ANIMALS = evaluation(["cat", "dog", "owl"], [[7, 2, 0], [1, 11, 0], [0, 0, 0]])


def test_epochs_in_a_table():
    """The lowest validation loss is the best, the first of equals."""
    assert history_table(CHECKED).text(80) == (
        "                      ─── training ───  ── validation ──\n"
        "epoch  learning rate    loss  accuracy    loss  accuracy\n"
        "──────────────────────────────────────────────────────────────\n"
        "    1           0.05  1.2500   50.00 %  0.7500   62.50 %\n"
        "    2          0.025  0.5000   75.00 %  0.2500   87.50 %  best\n"
        "    3          1e-05  0.4000   80.00 %  0.2500   90.00 %"
    )
    assert best_text(CHECKED) == "best: epoch 2 of 3, validation loss 0.2500, accuracy 87.50 %"


def test_epochs_without_validation():
    """No empty columns; a loss out of hand is short."""
    history = History((Epoch(1, 20, 0.05, 1.25, 0.5), Epoch(2, 40, 0.05, 123456789.0, 0.1)))
    lines = history_table(history).text(80).splitlines()
    assert lines[1].split() == ["epoch", "learning", "rate", "loss", "accuracy"]
    assert lines[-2:] == [
        "    1           0.05     1.2500   50.00 %  best",
        "    2           0.05  1.235e+08   10.00 %",
    ]
    assert best_text(history) == "best: epoch 1 of 2, loss 1.2500, accuracy 50.00 %"
    assert best_text(History((Epoch(1, 20, 0.05, 1e9, 0.5),), "diverged", 3)) is None


def test_evaluation_text():
    """Sums, classes, and the matrix; a class without images has no accuracy."""
    assert evaluation_text(ANIMALS, "run on data", 80) == (
        "run on data\n"
        "loss 0.3750, accuracy 85.71 %: 18 of 21 images correct, 3 errors\n"
        "\n"
        "class  images  correct   accuracy  most often confused with\n"
        "───────────────────────────────────────────────────────────\n"
        "cat         9        7    77.78 %  dog (2)\n"
        "dog        12       11    91.67 %  cat (1)\n"
        "owl         0        0  no images\n"
        "\n"
        "confusion: rows: true class, columns: predicted class\n"
        "     cat dog owl\n"
        "cat    7   2   ·\n"
        "dog    1  11   ·\n"
        "owl    ·   ·   ·"
    )


def test_long_names_are_numbered():
    """Columns have the numbers of the rows where names would not fit, or would look alike."""
    names = ["Boeing 737-700", "Boeing 737-800", "Saab 340"]
    assert confusion_text(evaluation(names, [[3, 1, 0], [0, 4, 0], [0, 0, 5]]), 80).splitlines()[1:] == [
        "                   1  2  3",
        "1 Boeing 737-700   3  1  ·",
        "2 Boeing 737-800   ·  4  ·",
        "3 Saab 340         ·  ·  5",
    ]


def test_wide_confusion_matrix_is_replaced_by_most_frequent_confusions():
    """As many as fit a screen, the largest first."""
    size = 40
    counts = 9 * np.eye(size, dtype=int)
    counts[3, 8], counts[30, 1] = 4, 6
    many = evaluation([f"class {at}" for at in range(size)], counts)
    assert confusion_text(many, 80) == (
        "confusion: the 2 most frequent of 2 confusions; --csv prints the whole matrix\n"
        "class     predicted  images\n"
        "───────────────────────────\n"
        "class 30  class 1         6\n"
        "class 3   class 8         4"
    )
    assert len(confusion_csv(many).splitlines()) == 41
    assert confusion_text(many, 200).startswith("confusion: rows: true class")


def test_outputs_without_a_class_have_a_column_if_predicted():
    """Elsewhere it has none."""
    result = evaluation(["a", "b"], [[3, 0, 1], [0, 2, 0]])
    assert confusion_csv(result) == "class,a,b,(other)\na,3,0,1\nb,0,2,0"
    assert confusion_csv(ANIMALS).splitlines()[0] == "class,cat,dog,owl"


@pytest.mark.parametrize("width", [20, 33, 50, 71, 120])
def test_no_line_is_wider_than_the_terminal(width):
    """Chinese names take two cells a sign."""
    names = ["波音七三七", "Saab 340", "空中客车"]
    shown = evaluation_text(evaluation(names, [[3, 1, 0], [0, 4, 0], [0, 1, 5]]), "run on data", width)
    assert max(map(width_of, shown.splitlines())) <= max(width, 30)


def test_errors_are_highlighted():
    """And right answers do not."""
    colored = confusion_text(ANIMALS, 80, Paint(True))
    assert "\x1b[33;1m  2\x1b[0m" in colored
    assert "\x1b[33;1m 11" not in colored


def test_prediction_text():
    """Bars as long as the probability; names in one column."""
    guesses = [Guess("猫", 0.75), Guess("dog", 0.2), Guess("owl", 0.0004)]
    assert prediction_text("cat.jpg", {"classes": [guess._asdict() for guess in guesses]}) == (
        "cat.jpg\n  猫    75.00 %  ███████████████\n  dog   20.00 %  ████\n  owl    0.04 %"
    )


def test_an_output_without_a_name_is_numbered():
    """A network may have more outputs than its data had classes."""
    guesses = top_guesses(np.array([0.1, 0.2, 0.7]), ["cat", "dog"], 5)
    assert [guess.name for guess in guesses] == ["output 2", "dog", "cat"]
