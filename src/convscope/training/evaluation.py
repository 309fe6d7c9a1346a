"""How well a model does, class by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.batches import check_source, refuse_no_classes
from ..data.dataset import Source
from ..engines.protocol import Array

if TYPE_CHECKING:
    from ..model import Model

CHUNK = 256
MOST_MISTAKES = 100

OTHER = "(other)"
"""What is found where a network has more outputs than there are classes, and chooses one of those."""


class Mistake(NamedTuple):
    """A picture whose class was not found: its place in the data, its class, and what was found instead.

    The scores are probabilities, or what a regression put out for those classes.
    """

    place: int
    label: int
    found: int
    score: float
    right_score: float


@dataclass(frozen=True)
class Evaluation:
    """A model held against labelled pictures.

    Shapes:   confusion (k, k + 1): rows are the true classes, columns what was found, the last of them `OTHER`
    """

    classes: tuple[str, ...]
    loss: float
    confusion: NDArray[np.int64]
    mistakes: tuple[Mistake, ...]
    has_probabilities: bool = True

    @property
    def pictures(self) -> int:
        """Return how many pictures there were."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """Return how many were found right."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """Return the share of pictures found right."""
        return self.right / self.pictures

    @property
    def found_names(self) -> tuple[str, ...]:
        """Return the names of the columns: `OTHER` only where it was found."""
        return (*self.classes, OTHER) if self.confusion[:, -1].any() else self.classes

    def counts(self) -> NDArray[np.int64]:
        """Return the confusion with the columns of `found_names`."""
        return self.confusion[:, : len(self.found_names)]

    def per_class(self) -> list[dict[str, Any]]:
        """Return pictures, found right and accuracy of each class; None where a class has no pictures."""
        totals = self.confusion.sum(axis=1)
        return [
            {
                "name": name,
                "pictures": int(totals[at]),
                "right": int(self.confusion[at, at]),
                "accuracy": float(self.confusion[at, at] / totals[at]) if totals[at] else None,
            }
            for at, name in enumerate(self.classes)
        ]

    def name_of(self, found: int) -> str:
        """Return the name of what was found."""
        return self.classes[found] if found < len(self.classes) else OTHER

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; scores that are no probabilities are called outputs."""
        score = "probability" if self.has_probabilities else "output"
        return {
            "pictures": self.pictures,
            "loss": self.loss,
            "accuracy": self.accuracy,
            "classes": self.per_class(),
            "found": list(self.found_names),
            "confusion": self.counts().tolist(),
            "mistakes": [
                {
                    "place": mistake.place,
                    "class": self.name_of(mistake.label),
                    "found": self.name_of(mistake.found),
                    score: mistake.score,
                    f"right_{score}": mistake.right_score,
                }
                for mistake in self.mistakes
            ],
        }


def evaluate_classes(model: Model, source: Source, most_mistakes: int = MOST_MISTAKES) -> Evaluation:
    """Hold a model against labelled pictures; of its mistakes the surest are kept, the worst first.

    Errors:   BadData [no-classes] for a network whose output is no list of classes, and those of `check_source`
    """
    check_source(model.network, source, "data")
    count = len(source.classes)
    confusion = np.zeros((count, count + 1), np.int64)
    loss = 0.0
    mistakes: list[Mistake] = []
    for first in range(0, len(source), CHUNK):
        x, labels = source.batch(np.arange(first, min(first + CHUNK, len(source))))
        chances = class_probabilities(model, x)
        found = np.minimum(chances.argmax(axis=1), count)
        np.add.at(confusion, (labels, found), 1)
        loss += model.program.evaluate(x.astype(model.dtype, copy=False), labels).loss * len(x)
        mistakes += [
            Mistake(
                first + int(at),
                int(labels[at]),
                int(found[at]),
                float(chances[at].max()),
                float(chances[at, labels[at]]),
            )
            for at in np.flatnonzero(found != labels)
        ]
        mistakes = sorted(mistakes, key=lambda mistake: (-mistake.score, mistake.place))[:most_mistakes]
    is_classifier = model.task != "regression"
    return Evaluation(source.classes, loss / len(source), confusion, tuple(mistakes), is_classifier)


def class_probabilities(model: Model, x: Array) -> Array:
    """Return the probability of every class; a network of one output has two classes, no and yes.

    Outputs that were trained on squared errors are estimates of the probabilities and are taken as they are.

    Shapes:   x (n, c, h, w) → (n, classes)
    Errors:   BadData [no-classes], and those of Model.predict
    """
    refuse_no_classes(model.network)
    chances = model.predict(x, probabilities=model.task != "regression")
    return np.concatenate([1 - chances, chances], axis=1) if chances.shape[1] == 1 else chances
