"""Evaluation of classifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..data.batches import check_dataset, refuse_no_classes
from ..data.dataset import Dataset
from ..text.language import Message

if TYPE_CHECKING:
    from ..model import Model

CHUNK = 256
MOST_MISTAKES = 100

OTHER = Message("(other)")
"""The predicted class if the network has more outputs than there are classes, and one of the others is largest."""


class Mistake(NamedTuple):
    """A misclassified image: its index in the dataset, its class and the predicted class.

    `score` belongs to the predicted class and `class_score` to the true one: probabilities, or outputs of a
    regression.
    """

    index: int  # type: ignore[assignment]  # shadows tuple.index
    label: int
    predicted: int
    score: float
    class_score: float


@dataclass(frozen=True)
class Evaluation:
    """Results of a model on labeled images.

    Shapes:   confusion (k, k + 1): rows are true classes, columns predicted ones; the last column is `OTHER`
    """

    classes: tuple[str, ...]
    loss: float
    confusion: NDArray[np.int64]
    mistakes: tuple[Mistake, ...]
    has_probabilities: bool = True

    @property
    def images(self) -> int:
        """Return the number of images."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """Return the number of correctly classified images."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """Return the fraction of correctly classified images."""
        return self.correct / self.images

    @property
    def predicted_names(self) -> tuple[str, ...]:
        """Return the names of the columns. `OTHER` is included only if it was predicted."""
        return (*self.classes, OTHER) if self.confusion[:, -1].any() else self.classes

    def counts(self) -> NDArray[np.int64]:
        """Return the confusion matrix with the columns of `predicted_names`."""
        return self.confusion[:, : len(self.predicted_names)]

    def per_class(self) -> list[dict[str, Any]]:
        """Return images, correct predictions and accuracy per class. Accuracy is None without images."""
        totals = self.confusion.sum(axis=1)
        return [
            {
                "name": name,
                "images": int(totals[at]),
                "correct": int(self.confusion[at, at]),
                "accuracy": float(self.confusion[at, at] / totals[at]) if totals[at] else None,
            }
            for at, name in enumerate(self.classes)
        ]

    def name_of(self, label: int) -> str:
        """Return the name of a predicted class."""
        return self.classes[label] if label < len(self.classes) else OTHER

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form. Scores are called "output" unless they are probabilities."""
        score = "probability" if self.has_probabilities else "output"
        return {
            "images": self.images,
            "loss": self.loss,
            "accuracy": self.accuracy,
            "classes": self.per_class(),
            "predicted": list(self.predicted_names),
            "confusion": self.counts().tolist(),
            "errors": [
                {
                    "index": mistake.index,
                    "class": self.name_of(mistake.label),
                    "predicted": self.name_of(mistake.predicted),
                    score: mistake.score,
                    f"class_{score}": mistake.class_score,
                }
                for mistake in self.mistakes
            ],
        }


def evaluate_classes(model: Model, source: Dataset, most_mistakes: int = MOST_MISTAKES) -> Evaluation:
    """Evaluate a model on labeled images.

    Args:
        model: The model.
        source: The dataset.
        most_mistakes: Maximum number of mistakes in the result, the most confident ones first.

    Raises:
        BadData: [no-classes] if the network is no classifier, and the errors of `check_dataset`.
    """
    check_dataset(model.network, source, "data")
    count = len(source.classes)
    confusion = np.zeros((count, count + 1), np.int64)
    loss = 0.0
    mistakes: list[Mistake] = []
    for first in range(0, len(source), CHUNK):
        x, labels = source.batch(np.arange(first, min(first + CHUNK, len(source))))
        probabilities = class_probabilities(model, x)
        predicted = np.minimum(probabilities.argmax(axis=1), count)
        np.add.at(confusion, (labels, predicted), 1)
        loss += model.program.evaluate(x.astype(model.dtype, copy=False), labels).loss * len(x)
        mistakes += [
            Mistake(
                first + int(at),
                int(labels[at]),
                int(predicted[at]),
                float(probabilities[at].max()),
                float(probabilities[at, labels[at]]),
            )
            for at in np.flatnonzero(predicted != labels)
        ]
        mistakes = sorted(mistakes, key=lambda mistake: (-mistake.score, mistake.index))[:most_mistakes]
    is_classifier = model.task != "regression"
    return Evaluation(source.classes, loss / len(source), confusion, tuple(mistakes), is_classifier)


def class_probabilities(model: Model, x: Array) -> Array:
    """Return the probability of every class. A network with one output has two classes, no and yes.

    Outputs of a model trained on squared errors are returned as they are: they estimate the probabilities.

    Shapes:   x (n, c, h, w) → (n, classes)
    Raises:   BadData [no-classes], and those of Model.predict
    """
    refuse_no_classes(model.network)
    probabilities = model.predict(x, probabilities=model.task != "regression")
    return (
        np.concatenate([1 - probabilities, probabilities], axis=1)
        if probabilities.shape[1] == 1
        else probabilities
    )
