"""Convolution by plain loops, and its two adjoints.

Every function visits the same products (image, group, output channel, output position, input channel, tap); they
differ in which of the three numbers of `output += weight · input` they add to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from ....axis import Window
from ..layers.rules import Array

Place = tuple[int, ...]


def correlate(
    padded: Array, weight: Array, windows: Sequence[Window], counts: Sequence[int], groups: int
) -> Array:
    """Correlate padded images with kernels.

    Shapes:   padded (n, c, h, w), weight (o, c / groups, kh, kw) → (n, o, p, q)
    """
    outputs, depth, *kernel = weight.shape
    output = np.zeros((len(padded), outputs, *counts), padded.dtype)
    for image in range(len(padded)):
        for o in range(outputs):
            first = first_channel(o, outputs, groups, depth)
            for at in places(counts):
                total = output.dtype.type(0)
                for ci in range(depth):
                    for tap in places(kernel):
                        pixel = under(at, tap, windows)
                        total += weight[(o, ci, *tap)] * padded[(image, first + ci, *pixel)]
                output[(image, o, *at)] = total
    return output


def spread(grad: Array, weight: Array, sizes: Sequence[int], windows: Sequence[Window], groups: int) -> Array:
    """Return the gradient of the images: the adjoint of `correlate` in its images.

    Shapes:   grad (n, o, p, q), weight (o, c / groups, kh, kw), sizes (h, w) with border → (n, c, h, w)
    """
    outputs, depth, *kernel = weight.shape
    images = np.zeros((len(grad), depth * groups, *sizes), grad.dtype)
    for image in range(len(grad)):
        for o in range(outputs):
            first = first_channel(o, outputs, groups, depth)
            for at in places(grad.shape[2:]):
                for ci in range(depth):
                    for tap in places(kernel):
                        pixel = under(at, tap, windows)
                        images[(image, first + ci, *pixel)] += weight[(o, ci, *tap)] * grad[(image, o, *at)]
    return images


def kernel_gradient(grad: Array, padded: Array, windows: Sequence[Window], groups: int) -> Array:
    """Return the gradient of the kernels: the adjoint of `correlate` in its kernels.

    Shapes:   grad (n, o, p, q), padded (n, c, h, w) → (o, c / groups, kh, kw)
    """
    outputs, depth = grad.shape[1], padded.shape[1] // groups
    kernel = [window.size for window in windows]
    weight = np.zeros((outputs, depth, *kernel), grad.dtype)
    for image in range(len(grad)):
        for o in range(outputs):
            first = first_channel(o, outputs, groups, depth)
            for at in places(grad.shape[2:]):
                for ci in range(depth):
                    for tap in places(kernel):
                        pixel = under(at, tap, windows)
                        weight[(o, ci, *tap)] += grad[(image, o, *at)] * padded[(image, first + ci, *pixel)]
    return weight


def first_channel(o: int, outputs: int, groups: int, depth: int) -> int:
    """Return the first input channel that output channel o sees: that of its group."""
    return o // (outputs // groups) * depth


def places(sizes: Sequence[int]) -> Iterator[Place]:
    """Yield every index of a grid, row by row."""
    return product(*(range(size) for size in sizes))


def under(at: Place, tap: Place, windows: Sequence[Window]) -> Place:
    """Return the pixel of the padded image at a tap of the window of an output position."""
    return tuple(p * w.stride + t * w.dilation for p, t, w in zip(at, tap, windows, strict=True))
