"""Redraw the figures of the documentation: `python docs/figures/draw.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import convscope as cs
from convscope import images, lab, plots
from convscope.data.transforms import resize_dataset
from convscope.inside.randomization import cascade, rank_correlation
from convscope.plots.style import GRAY, LABEL, POSITIVE, SMALL, TITLE, frame, letters, new_figure

HERE = Path(__file__).parent
LARGEST_BYTES = 150_000
"""A larger file is rewritten with a palette of 256 colors, which suits drawings."""

RANDOMIZED = (
    "input 1x28x28 | conv 8 3 same | relu | conv 16 3 same | relu | maxpool 2 | conv 24 3 same | relu | "
    "maxpool 2 | conv 32 3 same | relu | flatten | dense 64 | relu | dense 10"
)
SHOWN = 2
"""The test image that is drawn."""


def main() -> None:
    """Draw every figure."""
    alexnet, resnet = cs.load("alexnet"), cs.load("resnet18")
    image = images.sample_image(alexnet.input_shape)
    figures = {
        "activations": plots.activations(),
        "alexnet-field-growth": plots.field_growth(alexnet),
        "alexnet-pool5-region": plots.region_on_image(alexnet.field("pool5", at=(3, 2)), image),
        "attribution-randomization": randomization(),
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


def randomization() -> Figure:
    """Draw attributions of a network whose layers are randomized one by one, from the last to the first."""
    text = letters("en")
    data, test = (resize_dataset(cs.load_data("digits", part), None, (28, 28)) for part in ("train", "test"))
    model = cs.Model(RANDOMIZED, seed=0)
    model.fit(data, epochs=6, batch_size=64, optimizer=cs.Adam(lr=0.003), progress=False)
    x, labels = test.batch(np.arange(32))
    networks = [("trained", model), *((f"… {layer}", one) for layer, one in cascade(model, seed=10))]
    methods = {"gradient": {}, "grad-cam": {"layer": "relu4"}, "guided-backprop": {}, "input-x-gradient": {}}
    side, left, top, across, down = 1.25, 1.95, 1.15, 1.37, 1.6
    width, height = left + across * len(networks) + 0.25, top + down * len(methods) + 0.1
    figure = new_figure(width, height)
    title = "Attributions while layers become random, from the last to the first"
    figure.text(0.3 / width, 1 - 0.45 / height, title, **text.font(TITLE, bold=True))
    note = "below: rank correlation with the trained network's attribution, mean of 32 images"
    figure.text(0.3 / width, 1 - 0.72 / height, note, **text.font(SMALL, color=GRAY))
    for row, (method, settings) in enumerate(methods.items()):
        bottom = height - top - row * down - side
        figure.text(0.3 / width, (bottom + side / 2) / height, method, va="center", **text.font(LABEL))
        first = model.attribute(x, labels.tolist(), method, **settings)
        for column, (name, network) in enumerate(networks):
            found = network.attribute(x, labels.tolist(), method, **settings)
            box = ((left + across * column) / width, bottom / height, side / width, side / height)
            axes = figure.add_axes(box)
            image = np.abs(found[SHOWN]).reshape(28, 28)
            axes.imshow(image, cmap=POSITIVE, vmin=0, vmax=max(float(image.max()), 1e-12))
            frame(axes)
            if row == 0:
                axes.set_title(name, pad=5, **text.font(SMALL))
            mean = np.mean([rank_correlation(one, two) for one, two in zip(first, found, strict=True)])
            axes.set_xlabel(f"{mean:.2f}", labelpad=3, **text.font(SMALL, color=GRAY))
    return figure


def _use_palette(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as image:
        smaller = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    smaller.save(path, optimize=True)


if __name__ == "__main__":
    main()
