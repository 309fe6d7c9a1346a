"""Another source's images, their classes numbered as a model learned them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import BadData
from .dataset import Images, Indices, Labels, Source


class Relabeled:
    """The same images in the same order, with labels that index other class names.

    Errors:   BadData [classes-unknown] for a class that the names lack
    """

    def __init__(self, whole: Source, classes: Sequence[str]) -> None:
        unknown = [name for name in whole.classes if name not in classes]
        if unknown:
            few = ", ".join(unknown[:8]) + (", …" if len(unknown) > 8 else "")
            known = ", ".join(classes[:8]) + (", …" if len(classes) > 8 else "")
            raise BadData(
                f"the data must have only classes that the model has learned; got {few} beside {known}; "
                "name them as in training, or leave them out. [classes-unknown]"
            )
        places = np.array([classes.index(name) for name in whole.classes], np.int64)
        self._whole, self._classes, self._places = whole, tuple(classes), places

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names that were given."""
        return self._classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return (c, h, w)."""
        return self._whole.image_shape

    @property
    def labels(self) -> Labels:
        """Return all labels, in order."""
        return self._renumbered(self._whole.labels)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._whole)

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return the images at `indices` and their new labels."""
        x, labels = self._whole.batch(indices)
        return x, self._renumbered(labels)

    def _renumbered(self, labels: Labels) -> Labels:
        renumbered: Labels = self._places[labels]
        return renumbered


def relabeled(source: Source, classes: Sequence[str]) -> Source:
    """Return the source itself where its classes are these already, else with its labels renumbered."""
    return source if source.classes == tuple(classes) else Relabeled(source, classes)
