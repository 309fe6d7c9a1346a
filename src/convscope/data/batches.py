"""Checks of batches and datasets against a network."""

from __future__ import annotations

import numpy as np

from ..arrays import Array, DType
from ..errors import BadData
from ..layers.base import show_shape
from ..network import Network
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
        hint = "use (x / 255).astype('float32')" if x.dtype == np.uint8 else "use x.astype('float32')"
        raise BadData(
            "x must be floating-point numbers; got dtype={dtype}; {hint}. [images-type]", dtype=x.dtype, hint=hint
        )
    if x.ndim < 1 or x.shape[1:] != network.input_shape:
        one = x.shape == network.input_shape
        hint = "use x[None] for one image" if one else "resize it, or use network.with_input"
        raise BadData(
            "x must be n×{input_shape} for {name}; got x={shape}; {hint}. [images-shape]",
            input_shape=show_shape(network.input_shape),
            name=network.name,
            shape=show_shape(x.shape),
            hint=hint,
        )
    if not len(x):
        raise BadData("x must hold at least one image; got none; check where they come from. [images-empty]")
    bad = ~np.isfinite(x)
    if bad.any():
        where = np.unravel_index(int(np.argmax(bad)), x.shape)
        location = ", ".join(str(int(i)) for i in where)
        raise BadData(
            "x must be finite numbers; got x[{location}]={x}; repair or remove such images. [images-nan]",
            location=location,
            x=x[where],
        )
    return x.astype(dtype, copy=False)


def check_labels(labels: Array, count: int) -> Array:
    """Return labels or targets as an array, one per image.

    Raises:   BadData [labels-count], [labels-type]
    """
    labels = np.asarray(labels)
    if labels.ndim < 1 or len(labels) != count:
        got = len(labels) if labels.ndim else "one number"
        raise BadData(
            "there must be one label per image; got {got} for {count} images; check that both come "
            "from the same split. [labels-count]",
            got=got,
            count=count,
        )
    if not (np.issubdtype(labels.dtype, np.integer) or np.issubdtype(labels.dtype, np.floating)):
        raise BadData(
            "labels must be numbers; got dtype={dtype}; use np.unique(labels, "
            "return_inverse=True)[1] to number classes. [labels-type]",
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
                "data must be (x, labels) or a dataset; got a tuple of {count}; pass two arrays. [data-kind]",
                count=len(data),
            )
        return ArrayDataset(*data)
    if not hasattr(data, "batch"):
        raise BadData(
            "data must be (x, labels) or a dataset; got {name__}; use load_data, or pass a tuple of "
            "two arrays. [data-kind]",
            name__=type(data).__name__,
        )
    return data


def check_dataset(network: Network, source: Dataset, what: str) -> None:
    """Check that a network can be trained on a dataset. `what` names it in messages.

    Raises:
        BadData: [data-empty], [data-shape], [data-classes]
    """
    if not len(source):
        raise BadData(
            "{what} must hold at least one image; got none; check where they come from. [data-empty]", what=what
        )
    if tuple(source.image_shape) != network.input_shape:
        raise BadData(
            "{what} must be images of {input_shape} for {name}; got {image_shape}; resize them, or "
            "use network.with_input. [data-shape]",
            what=what,
            input_shape=show_shape(network.input_shape),
            name=network.name,
            image_shape=show_shape(tuple(source.image_shape)),
        )
    outputs = max(2, network.outputs[-1].output_shape[0])
    if len(source.classes) > outputs:
        raise BadData(
            "{what} must have at most {outputs} classes, the outputs of {name}; got {count}; give "
            "the network more outputs. [data-classes]",
            what=what,
            outputs=outputs,
            name=network.name,
            count=len(source.classes),
        )


def refuse_no_classes(network: Network) -> None:
    """Raise BadData [no-classes] unless a network outputs one value per class."""
    shape = network.outputs[-1].output_shape
    if len(shape) != 1:
        raise BadData(
            "the network must output one value per class; got an output of {shape} from {name}; end "
            "it with globalavgpool or flatten, then dense. [no-classes]",
            shape=show_shape(shape),
            name=network.name,
        )
