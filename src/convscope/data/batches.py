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
        raise BadData(f"x must be floating-point numbers; got dtype={x.dtype}; {hint}. [images-type]")
    if x.ndim < 1 or x.shape[1:] != network.input_shape:
        one = x.shape == network.input_shape
        hint = "use x[None] for one image" if one else "resize it, or use network.with_input"
        raise BadData(
            f"x must be n×{show_shape(network.input_shape)} for {network.name}; got x={show_shape(x.shape)}; "
            f"{hint}. [images-shape]"
        )
    if not len(x):
        raise BadData("x must hold at least one image; got none; check where they come from. [images-empty]")
    bad = ~np.isfinite(x)
    if bad.any():
        where = np.unravel_index(int(np.argmax(bad)), x.shape)
        location = ", ".join(str(int(i)) for i in where)
        raise BadData(
            f"x must be finite numbers; got x[{location}]={x[where]}; repair or remove such images. [images-nan]"
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
            f"there must be one label per image; got {got} for {count} images; check that both come from "
            f"the same split. [labels-count]"
        )
    if not (np.issubdtype(labels.dtype, np.integer) or np.issubdtype(labels.dtype, np.floating)):
        raise BadData(
            f"labels must be numbers; got dtype={labels.dtype}; "
            "use np.unique(labels, return_inverse=True)[1] to number classes. [labels-type]"
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
                f"data must be (x, labels) or a dataset; got a tuple of {len(data)}; pass two arrays. [data-kind]"
            )
        return ArrayDataset(*data)
    if not hasattr(data, "batch"):
        raise BadData(
            f"data must be (x, labels) or a dataset; got {type(data).__name__}; use load_data, or pass a tuple "
            "of two arrays. [data-kind]"
        )
    return data


def check_dataset(network: Network, source: Dataset, what: str) -> None:
    """Check that a network can be trained on a dataset. `what` names it in messages.

    Raises:
        BadData: [data-empty], [data-shape], [data-classes]
    """
    if not len(source):
        raise BadData(f"{what} must hold at least one image; got none; check where they come from. [data-empty]")
    if tuple(source.image_shape) != network.input_shape:
        raise BadData(
            f"{what} must be images of {show_shape(network.input_shape)} for {network.name}; "
            f"got {show_shape(tuple(source.image_shape))}; resize them, or use network.with_input. [data-shape]"
        )
    outputs = max(2, network.outputs[-1].output_shape[0])
    if len(source.classes) > outputs:
        raise BadData(
            f"{what} must have at most {outputs} classes, the outputs of {network.name}; "
            f"got {len(source.classes)}; give the network more outputs. [data-classes]"
        )


def refuse_no_classes(network: Network) -> None:
    """Raise BadData [no-classes] unless a network outputs one value per class."""
    shape = network.outputs[-1].output_shape
    if len(shape) != 1:
        raise BadData(
            f"the network must output one value per class; got an output of {show_shape(shape)} from "
            f"{network.name}; end it with globalavgpool or flatten, then dense. [no-classes]"
        )
