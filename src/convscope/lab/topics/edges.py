"""Edge detection with a horizontal and a vertical kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...data import load_data
from ...derivations.derivation import Text
from ...engines.reference.layers import activation as _activation  # noqa: F401 - registers the answers
from ...engines.reference.layers import convolution as _convolution  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Array, Context, forward
from ...errors import BadSetting, BadShape
from ...images import Image, load_whole_image
from ...layers.activation import ReLU
from ...layers.base import show_shape
from ...layers.convolution import Conv2d
from ...text.language import Message
from ..arrays import number, numbers
from ..lesson import Lesson, Row, Section, Taught, Value, Words
from ..options import INPUT, Option, word
from ..options import KERNELS as OWN_KERNELS
from ..topic import Chapter, Topic

KERNELS = {
    "horizontal": np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -1.0, -1.0]]),
    "vertical": np.array([[1.0, 0.0, -1.0], [1.0, 0.0, -1.0], [1.0, 0.0, -1.0]]),
}
"""Prewitt's kernels: bright above dark, and bright left of dark."""

LONGEST_SIDE = 480
"""Pixels to which the longer side of an image is reduced."""

INK = 16
"""The largest gray level of the bundled digits."""

IMAGE = Text("The image", "图像")
IMAGE_WORDS = Text(
    "One channel of {shape} gray levels. One layer makes one feature map per kernel.",
    "一个通道，{shape} 个灰度值。一层对每个卷积核生成一张特征图。",
)
EDGES = {"horizontal": Text("Horizontal edges", "水平边缘"), "vertical": Text("Vertical edges", "垂直边缘")}
OWN = Text("Kernel {name}", "卷积核 {name}")
RESPONSE = Text(
    "Large where the image looks like the kernel, negative where it looks like its opposite; ReLU keeps the "
    "first.",
    "图像与卷积核相似处值大，相反处为负；ReLU 只保留前者。",
)
KERNEL, MAP, RECTIFIED = Text("kernel", "卷积核"), Text("feature map", "特征图"), Text("after ReLU", "ReLU 之后")


@dataclass(frozen=True)
class EdgeMaps(Taught):
    """An image and each kernel's feature map, before and after ReLU."""

    x: Array
    kernels: dict[str, Array]
    maps: dict[str, Array]
    rectified: dict[str, Array]

    def lesson(self) -> Lesson:
        about = Words(IMAGE_WORDS.fill(shape=show_shape(self.x.shape)))
        sections = [Section(IMAGE, (about, Row((Value("x", self.x, IMAGE),))))]
        for place, (name, kernel) in enumerate(self.kernels.items(), start=1):
            row = (
                Value(f"kernel_{place}", kernel, KERNEL),
                "→",
                Value(f"map_{place}", self.maps[name], MAP),
                Value(f"relu_{place}", self.rectified[name], RECTIFIED),
            )
            title = EDGES.get(name, OWN.fill(name=name))
            sections.append(Section(title, (*((Words(RESPONSE),) if place == 1 else ()), Row(row))))
        return Lesson("edges", Text("Kernels on an image", "图像上的卷积核"), tuple(sections))


def edge_maps(image: ArrayLike, kernels: Mapping[str, ArrayLike] = KERNELS) -> EdgeMaps:
    """Convolve a gray image with a horizontal and a vertical edge kernel, or with others, and apply ReLU.

    Shapes:   image (h, w), kernels (kh, kw), all the same → maps (h − kh + 1, w − kw + 1)
    Errors:   BadShape [lab-image], [lab-kernels]

    >>> edge_maps([[9, 9, 9], [9, 9, 9], [0, 0, 0]]).maps["horizontal"]
    array([[27.]])
    """
    x = numbers("image", image)
    given = {name: numbers("kernel", kernel) for name, kernel in kernels.items()}
    shapes = {kernel.shape for kernel in given.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise BadShape(
            "kernels must be matrices of one shape (got {shapes}). Pass each as rows of numbers. [lab-kernels]",
            shapes=", ".join(show_shape(kernel.shape) for kernel in given.values()) or Message("none"),
        )
    size = next(iter(shapes))
    if x.ndim != 2 or x.shape[0] < size[0] or x.shape[1] < size[1]:
        raise BadShape(
            "image must be a matrix of at least {least} gray levels (got image={got}). Pass one channel, as rows "
            "of numbers. [lab-image]",
            least=show_shape(size),
            got=show_shape(x.shape),
        )
    weight = np.stack(list(given.values()))[:, None]
    layer = Conv2d(len(given), size, bias=False)
    maps = forward(layer, (x[None, None],), {"weight": weight}, Context())
    rectified = forward(ReLU(), (maps,), {}, Context())
    return EdgeMaps(x, given, dict(zip(given, maps[0], strict=True)), dict(zip(given, rectified[0], strict=True)))


def _teach(x: ArrayLike | None = None, image: str | None = None, kernels: Sequence[ArrayLike] = ()) -> Lesson:
    if x is not None and image is not None:
        raise BadSetting("An image file and a matrix exclude each other. Use only one of them. [lab-two-images]")
    if image is not None:
        x = gray_levels(load_whole_image(image, LONGEST_SIDE))
    elif x is None:
        x = load_data("digits").batch(np.arange(1))[0][0, 0] * INK
    chosen = {_name(kernel): kernel for kernel in kernels}
    return edge_maps(x, chosen or KERNELS).lesson()


def _name(kernel: ArrayLike) -> str:
    return "/".join(",".join(number(one) for one in row) for row in np.atleast_2d(numbers("kernel", kernel)))


def gray_levels(image: Image) -> Array:
    """Return the luminance (h, w) of an image, from 0 to 1."""
    levels = np.asarray(image, float) / 255
    weights = np.array([0.299, 0.587, 0.114]) if levels.shape[2] == 3 else np.ones(1)
    return levels @ weights


TOPIC = Topic(
    "edges",
    Chapter.CONVOLUTION,
    Text("edge kernels, or your own, on an image", "图像上的边缘卷积核，或自己的卷积核"),
    _teach,
    (
        INPUT,
        Option("image", "--image", "PATH", "Own image; the first bundled digit by default.", word, source="file"),
        OWN_KERNELS,
    ),
    "edges --image cat.jpg --kernel 0,1,0/1,-4,1/0,1,0",
)
