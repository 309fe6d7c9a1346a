"""Inputs that excite a channel: gradient ascent from noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array
from ..optim.checks import check_integer, check_number
from ..text.language import Message
from .strongest import check_channel
from .targets import node_named

if TYPE_CHECKING:
    from ..model import Model


def maximize(
    model: Model,
    layer: str,
    channel: int,
    *,
    steps: int = 128,
    lr: float = 0.1,
    jitter: int = 4,
    blur: float = 0.5,
    blur_every: int = 4,
    decay: float = 0.01,
    seed: int = 0,
) -> Array:
    """Return an image that excites a channel: its mean response is raised step by step.

    Each step shifts the image by a random number of pixels, follows the gradient divided by its root mean square,
    and shrinks the image toward 0. Every few steps the image is blurred. The same seed gives the same image.

    Args:
        steps: Number of steps.
        lr: Step length, in units of the image's values.
        jitter: Largest shift in pixels. 0 disables it.
        blur: Standard deviation of the blur in pixels. 0 disables it.
        blur_every: Steps from one blur to the next.
        decay: The share by which a step shrinks the image.
        seed: Seed of the initial noise and the shifts.

    Shapes:   → (c, h, w), normalized as the model's images are

    Raises:
        UnknownLayer: [layer-name]
        BadUnit: [channel-range]
        BadSetting: [setting]

    Source:   Erhan et al. 2009; Yosinski et al. 2015, on the regularizers
    """
    node = node_named(model, layer)
    check_channel(node, channel)
    steps = check_integer("maximize.steps", steps, 1, Message("{usual} is usual.", usual=128))
    shift = check_integer("maximize.jitter", jitter, 0, Message("{usual} is usual.", usual=4))
    every = check_integer("maximize.blur_every", blur_every, 1, Message("{usual} is usual.", usual=4))
    deviation = check_number("maximize.blur", blur, 0, hint=Message("{usual} is usual.", usual=0.5))
    rate = check_number("maximize.lr", lr, 0, hint=Message("{usual} is usual.", usual=0.1))
    shrink = check_number("maximize.decay", decay, 0, 1, hint=Message("{usual} is usual.", usual=0.01))
    draw = np.random.default_rng(seed)
    x = (0.1 * draw.standard_normal((1, *model.network.input_shape))).astype(model.dtype)
    axes = tuple(range(2, x.ndim))
    first = model.network.inputs[0].name

    def gradient(values: Array) -> Array:
        seeds = np.zeros_like(values)
        seeds[:, channel] = 1 / values[0, channel].size
        return seeds

    for step in range(steps):
        moved = tuple(int(i) for i in draw.integers(-shift, shift + 1, len(axes)))
        x = np.roll(x, moved, axes)
        slope = model.program.differentiate(x, layer, gradient, [first])[first][1]
        size = float(np.sqrt(np.square(slope, dtype=np.float64).mean()))
        if size > 0 and np.isfinite(size):
            x = x + (rate / size * slope).astype(x.dtype)
        x = np.roll(np.multiply(x, 1 - shrink, dtype=model.dtype), tuple(-i for i in moved), axes)
        if deviation > 0 and (step + 1) % every == 0:
            x = _blurred(x, deviation)
    image: Array = x[0]
    return image


def _blurred(x: Array, deviation: float) -> Array:
    """Return images blurred by a Gaussian along each spatial axis, with edges repeated."""
    reach = max(1, int(np.ceil(3 * deviation)))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    taps /= taps.sum()
    for axis in range(2, x.ndim):
        padded = np.pad(x, [(reach, reach) if a == axis else (0, 0) for a in range(x.ndim)], mode="edge")
        parts = (np.take(padded, np.arange(i, i + x.shape[axis]), axis) * tap for i, tap in enumerate(taps))
        x = sum(parts, np.zeros_like(x)).astype(x.dtype)
    return x
