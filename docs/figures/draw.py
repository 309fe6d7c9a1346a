"""Redraw the figures of the documentation: `python docs/figures/draw.py`."""

from __future__ import annotations

from pathlib import Path

import convscope as cs
from convscope import images, lab, plots

HERE = Path(__file__).parent
LARGEST_BYTES = 150_000
"""A larger file is rewritten with a palette of 256 colors, which suits drawings."""


def main() -> None:
    """Draw every figure."""
    alexnet, resnet = cs.load("alexnet"), cs.load("resnet18")
    image = images.sample_image(alexnet.input_shape)
    figures = {
        "activations": plots.activations(),
        "alexnet-field-growth": plots.field_growth(alexnet),
        "alexnet-pool5-region": plots.region_on_image(alexnet.field("pool5", at=(3, 2)), image),
        "edge-maps": plots.convolution_maps(images.sample_photograph()),
        "lab-dropout": plots.lesson_figure(lab.teach("dropout")),
        "pooling-growth": plots.pooling_growth(),
        "resnet18-network": plots.network_figure(resnet),
    }
    for name, figure in figures.items():
        path = HERE / f"{name}.png"
        plots.save(figure, path)
        if path.stat().st_size > LARGEST_BYTES:
            _use_palette(path)


def _use_palette(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as image:
        smaller = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    smaller.save(path, optimize=True)


if __name__ == "__main__":
    main()
