"""Checks of images on their way into a network, and of data on its way into training."""

from __future__ import annotations

import numpy as np

from ..arrays import Array, DType
from ..errors import BadData
from ..layers.base import show_shape
from ..network import Network
from .arrays import ArrayDataset
from .dataset import Dataset

Data = Dataset | tuple[Array, Array]
"""What training takes: a source, or images and labels."""


def checked_images(network: Network, x: Array, dtype: DType) -> Array:
    """Return images in the model's number type.

    Shapes:   x (n, c, h, w) as the network's input with the batch in front
    Errors:   BadData [images-type], [images-shape], [images-empty], [images-nan]
    """
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.floating):
        way_out = "use (x / 255).astype('float32')" if x.dtype == np.uint8 else "use x.astype('float32')"
        raise BadData(f"x must be floating-point numbers; got dtype={x.dtype}; {way_out}. [images-type]")
    if x.ndim < 1 or x.shape[1:] != network.input_shape:
        one = x.shape == network.input_shape
        way_out = "use x[None] for one image" if one else "resize it, or use network.with_input"
        raise BadData(
            f"x must be n×{show_shape(network.input_shape)} for {network.name}; got x={show_shape(x.shape)}; "
            f"{way_out}. [images-shape]"
        )
    if not len(x):
        raise BadData("x must hold at least one image; got none; check where they come from. [images-empty]")
    bad = ~np.isfinite(x)
    if bad.any():
        where = np.unravel_index(int(np.argmax(bad)), x.shape)
        place = ", ".join(str(int(i)) for i in where)
        raise BadData(
            f"x must be finite numbers; got x[{place}]={x[where]}; mend or leave out such images. [images-nan]"
        )
    return x.astype(dtype, copy=False)


def checked_labels(labels: Array, count: int) -> Array:
    """Return labels or targets as an array, one per image.

    Errors:   BadData [labels-count], [labels-type]
    """
    labels = np.asarray(labels)
    if labels.ndim < 1 or len(labels) != count:
        got = len(labels) if labels.ndim else "one number"
        raise BadData(
            f"labels must be as many as images; got {got} for {count} images; give one per image. [labels-count]"
        )
    if not (np.issubdtype(labels.dtype, np.integer) or np.issubdtype(labels.dtype, np.floating)):
        raise BadData(
            f"labels must be numbers; got dtype={labels.dtype}; "
            "use np.unique(labels, return_inverse=True)[1] to number classes. [labels-type]"
        )
    return labels


def as_dataset(data: Data) -> Dataset:
    """Return data as a source.

    Errors:   BadData [data-kind], and those of ArrayDataset
    """
    if isinstance(data, tuple):
        if len(data) != 2:
            raise BadData(
                f"data must be (x, labels) or a source; got a tuple of {len(data)}; give two. [data-kind]"
            )
        return ArrayDataset(*data)
    if not hasattr(data, "batch"):
        raise BadData(
            f"data must be (x, labels) or a source; got {type(data).__name__}; "
            "use load_data, or give a tuple of two arrays. [data-kind]"
        )
    return data


def check_dataset(network: Network, source: Dataset, what: str) -> None:
    """Refuse data that cannot be learned by this network.

    Errors:   BadData [data-empty], [data-shape], [data-classes]
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
    """Raise BadData [no-classes] where a network's output is no list of numbers, one per class."""
    shape = network.outputs[-1].output_shape
    if len(shape) != 1:
        raise BadData(
            f"a network must give one number per class; got an output of {show_shape(shape)} from {network.name}; "
            "end it in globalavgpool or flatten, and dense. [no-classes]"
        )
