"""Checks of batches and datasets against a network."""

from __future__ import annotations

import numpy as np

from ..arrays import Array, DType
from ..errors import BadData
from ..layers.base import show_shape
from ..network import Network
from ..text.language import Message
from .arrays import ArrayDataset
from .dataset import Dataset

Data = Dataset | tuple[Array, Array]
"""A dataset, or images and labels."""


def check_inputs(network: Network, x: Array, dtype: DType) -> Array:
    """Check a batch of images and return it in the model's dtype.

    Shapes:   x (n, c, h, w)
    Raises:   BadData [images-type], [images-shape], [images-empty], [images-nan]
    """
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.floating):
        code = "(x / 255).astype('float32')" if x.dtype == np.uint8 else "x.astype('float32')"
        raise BadData(
            "x must contain floating-point numbers (got dtype={dtype}). Use {code}. [images-type]",
            dtype=x.dtype,
            code=code,
        )
    if x.ndim < 1 or x.shape[1:] != network.input_shape:
        one = x.shape == network.input_shape
        single, other = Message("Use x[None] for one image."), Message("Resize it, or use network.with_input.")
        raise BadData(
            "x must be n×{expected} for {network} (got x={got}). {hint} [images-shape]",
            expected=show_shape(network.input_shape),
            network=network.name,
            got=show_shape(x.shape),
            hint=single if one else other,
        )
    if not len(x):
        raise BadData("x must contain at least one image (got none). Check where they come from. [images-empty]")
    bad = ~np.isfinite(x)
    if bad.any():
        where = np.unravel_index(int(np.argmax(bad)), x.shape)
        location = ", ".join(str(int(i)) for i in where)
        raise BadData(
            "x must be finite (got x[{location}]={value}). Repair or remove such images. [images-nan]",
            location=location,
            value=x[where],
        )
    return x.astype(dtype, copy=False)


def check_labels(labels: Array, count: int) -> Array:
    """Return labels or targets as an array, one per image.

    Raises:   BadData [labels-count], [labels-type]
    """
    labels = np.asarray(labels)
    if labels.ndim < 1 or len(labels) != count:
        raise BadData(
            "There must be one label per image (got {got} for {images} images). Check that both come from the "
            "same split. [labels-count]",
            got=len(labels) if labels.ndim else Message("one number"),
            images=count,
        )
    if not (np.issubdtype(labels.dtype, np.integer) or np.issubdtype(labels.dtype, np.floating)):
        raise BadData(
            "labels must be numbers (got dtype={dtype}). Use np.unique(labels, return_inverse=True)[1] to number "
            "classes. [labels-type]",
            dtype=labels.dtype,
        )
    return labels


def as_dataset(data: Data) -> Dataset:
    """Return data as a dataset.

    Raises:
        BadData: [data-kind], and those of ArrayDataset.
    """
    if isinstance(data, tuple):
        if len(data) != 2:
            raise BadData(
                "data must be (x, labels) or a dataset (got a tuple of {length}). Pass two arrays. [data-kind]",
                length=len(data),
            )
        return ArrayDataset(*data)
    if not hasattr(data, "batch"):
        raise BadData(
            "data must be (x, labels) or a dataset (got {got}). Use load_data, or pass a tuple of two arrays. "
            "[data-kind]",
            got=type(data).__name__,
        )
    return data


def check_dataset(network: Network, source: Dataset, argument: str) -> None:
    """Check that a network can be trained on a dataset. `argument` names it in messages: "data", "validation".

    Raises:
        BadData: [data-empty], [data-shape], [data-classes]
    """
    if not len(source):
        raise BadData(
            "{argument} must contain at least one image (got none). Check where they come from. [data-empty]",
            argument=argument,
        )
    if tuple(source.image_shape) != network.input_shape:
        raise BadData(
            "{argument} must be images of {expected} for {network} (got {got}). Resize them, or use "
            "network.with_input. [data-shape]",
            argument=argument,
            expected=show_shape(network.input_shape),
            network=network.name,
            got=show_shape(tuple(source.image_shape)),
        )
    outputs = max(2, network.outputs[-1].output_shape[0])
    if len(source.classes) > outputs:
        raise BadData(
            "{argument} must have at most {outputs} classes, the outputs of {network} (got {classes}). Give the "
            "network more outputs. [data-classes]",
            argument=argument,
            outputs=outputs,
            network=network.name,
            classes=len(source.classes),
        )


def refuse_no_classes(network: Network) -> None:
    """Raise BadData [no-classes] unless a network outputs one value per class."""
    shape = network.outputs[-1].output_shape
    if len(shape) != 1:
        raise BadData(
            "{network} does not output one value per class (its output is {shape}). End it with globalavgpool or "
            "flatten, then dense. [no-classes]",
            network=network.name,
            shape=show_shape(shape),
        )
