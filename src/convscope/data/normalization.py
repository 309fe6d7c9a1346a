"""Normalization of images by the mean and deviation of each channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import BadData, BadSetting
from ..files.json_kinds import NUMBER, first_misfit, list_of
from ..layers.base import show_shape
from ..layers.connection import Shape
from .dataset import Dataset, DatasetView, Images, Indices, Labels

_KINDS = {"mean": list_of(NUMBER), "std": list_of(NUMBER)}


LARGEST = 1e6
"""Largest mean and deviation, and the inverse of the smallest deviation: float32 holds the results."""


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation per channel, in the units of images of 0…1.

    One value stands for all channels.

    Formula:  (image − mean) / std
    Raises:   BadSetting [normalization]

    >>> Normalization((0.5,), (0.25,)).apply(np.ones((1, 2, 2), np.float32)).ravel()
    array([2., 2., 2., 2.], dtype=float32)
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        is_usual = all(abs(value) <= LARGEST for value in self.mean) and all(
            1 / LARGEST <= value <= LARGEST for value in self.std
        )
        if not self.mean or len(self.mean) != len(self.std) or not is_usual:
            raise BadSetting(
                "{setting} must be as many means as deviations, of 1e-6 to 1e6 (got mean={mean}, std={std}). "
                "Use imagenet, or one of each per channel. [normalization]",
                setting="Model.normalization",
                mean=self.mean,
                std=self.std,
            )

    def apply(self, images: Array) -> Array:
        """Return images of 0…1 as inputs of a network.

        Shapes:   (c, h, w) or (n, c, h, w) → the same
        """
        mean, std = (np.asarray(values, images.dtype).reshape(-1, 1, 1) for values in (self.mean, self.std))
        normalized: Array = (images - mean) / std
        return normalized

    def to_dict(self) -> dict[str, list[float]]:
        """Return the JSON form."""
        return {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, document: Any) -> Normalization:
        """Return the normalization in a JSON document.

        Raises:
            ValueError: If a value is missing or invalid.
        """
        misfit = first_misfit(document, _KINDS)
        if misfit is not None:
            raise ValueError(misfit)
        return cls(tuple(map(float, document["mean"])), tuple(map(float, document["std"])))


IMAGENET = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""The normalization that torchvision's and many other networks were trained with on ImageNet."""

NORMALIZATIONS: Mapping[str, Normalization] = {"imagenet": IMAGENET}
"""Normalizations by name."""


def resolve_normalization(
    value: Normalization | str | Sequence[Sequence[float]] | None, image_shape: Shape
) -> Normalization | None:
    """Return a normalization that is given by name, as (mean, std), or as it is, for images of a shape.

    Raises:
        BadSetting: [normalization]

    >>> resolve_normalization(((0.1307,), (0.3081,)), (1, 28, 28))
    Normalization(mean=(0.1307,), std=(0.3081,))
    """
    if value is None:
        return None
    found = NORMALIZATIONS.get(value) if isinstance(value, str) else value
    try:
        if not isinstance(found, Normalization):
            mean, std = found  # type: ignore[misc]  # what cannot be unpacked is refused below
            found = Normalization(tuple(map(float, mean)), tuple(map(float, std)))
    except (TypeError, ValueError) as error:
        if isinstance(error, BadSetting):
            raise
        raise BadSetting(
            "{setting} must be imagenet, or (mean, std) with one value per channel (got {got!r}). "
            "Example: ((0.1307,), (0.3081,)). [normalization]",
            setting="Model.normalization",
            got=value,
        ) from None
    if len(image_shape) != 3:
        raise BadSetting(
            "{setting} needs a network whose input is images (got an input of {shape}). Leave it out. "
            "[normalization]",
            setting="Model.normalization",
            shape=show_shape(image_shape),
        )
    if len(found.mean) not in (1, image_shape[0]):
        raise BadSetting(
            "{setting} must have a mean and a deviation for each of the {channels} input channels (got {got}). "
            "Use one value for all, or another normalization. [normalization]",
            setting="Model.normalization",
            channels=image_shape[0],
            got=len(found.mean),
        )
    return found


class NormalizedDataset(DatasetView):
    """View of a dataset with normalized images."""

    def __init__(self, dataset: Dataset, normalization: Normalization) -> None:
        super().__init__(dataset)
        self._normalization = normalization

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return the normalized images at `indices` and their labels."""
        images, labels = self._dataset.batch(indices)
        return self._normalization.apply(images), labels


def normalize_dataset(source: Dataset, normalization: Normalization | None) -> Dataset:
    """Return a dataset with normalized images; without a normalization, the dataset itself.

    Raises:
        BadData: [normalization-channels]
    """
    if normalization is None:
        return source
    if len(normalization.mean) not in (1, source.image_shape[0]):
        raise BadData(
            "The images have {got} channels, but the normalization has {expected}. Convert the images. "
            "[normalization-channels]",
            got=source.image_shape[0],
            expected=len(normalization.mean),
        )
    return NormalizedDataset(source, normalization)
