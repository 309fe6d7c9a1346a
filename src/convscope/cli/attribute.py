"""`convscope attribute`: which pixels a class depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import BadSetting, suggest
from ..text.language import Message, current_language, localize
from ..text.numbers import number
from .data import engine_option
from .group import COMMANDS
from .options import json_option, language_option, model_argument, with_default
from .output import file_name, print_result, print_saved, print_stretch_note
from .weighted_model import read_model, weights_options

if TYPE_CHECKING:
    from ..engines.protocol import Array
    from ..model import Model


@click.command("attribute", short_help=COMMANDS["attribute"])
@model_argument
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--method",
    metavar="METHOD",
    default="grad-cam",
    show_default=True,
    help="grad-cam, grad-cam-plus-plus, layer-cam, gradient, input-x-gradient, integrated-gradients, smooth-grad, "
    "guided-backprop, deconvolution or occlusion.",
)
@click.option(
    "--target",
    "targets",
    metavar="CLASS",
    multiple=True,
    help=with_default("Class by name or number; repeatable.", "the class with the highest score"),
)
@click.option("--layer", metavar="LAYER", help=with_default("Layer of a class map.", "the last with positions"))
@click.option(
    "--placement",
    type=click.Choice(["exact", "resize"]),
    default="exact",
    show_default=True,
    help="Draw class maps at the centers of receptive fields, or spread evenly over the image.",
)
@click.option("--invert", is_flag=True, help="Invert the images, as for dark pencil on white paper.")
@weights_options
@engine_option
@click.option("--save", "path", metavar="PATH", help=with_default("Figure to write.", "IMAGE-METHOD.png"))
@language_option
@json_option
def command(
    model: str,
    images: tuple[str, ...],
    method: str,
    targets: tuple[str, ...],
    layer: str | None,
    placement: str,
    invert: bool,
    path: str | None,
    as_json: bool,
    **source: Any,
) -> None:
    """Draw which pixels of each IMAGE the score of a class depends on.

    MODEL is the folder of a run, or another model with weights: see --weights. Images of any size are resized to
    the network's input.

    \b
    Examples:
      convscope attribute runs/lenet-digits three.png
      convscope attribute lenet three.png --weights lenet.safetensors \\
        --normalize 0.13/0.31 --classes digits.txt
      convscope attribute runs/lenet-digits three.png --target 3 --target 8 \\
        --method occlusion --save why.png
    """
    from pathlib import Path

    from .. import plots
    from ..data.load import read_input
    from ..files.readable_json import to_json
    from ..inside.class_maps import CLASS_MAPS, default_layer

    if path is not None and len(images) > 1:
        raise BadSetting(
            "--save names one figure (got {count} images). Leave it out. [attribute-save]", count=len(images)
        )
    loaded = read_model(model, **source)
    shape = loaded.network.input_shape
    is_map = method.replace("-", "_") in CLASS_MAPS
    shown_layer = (layer or default_layer(loaded.network)) if is_map else None
    documents = []
    for image in images:
        pixels = read_input(image, shape, invert)
        x = loaded.prepare(pixels[None])
        scores = loaded.logits(x)[0]
        scores = scores.reshape(len(scores), -1).sum(axis=1)
        chosen = [_class(loaded, name) for name in targets] or [int(scores.argmax())]
        found = [
            (one, loaded.attribute(x, one, method, layer, placement)[0])  # type: ignore[arg-type]
            for one in chosen
        ]
        saved = path or f"{file_name(Path(image).stem)}-{file_name(method)}.png"
        labels = [_label(loaded, one, scores) for one, _ in found]
        drawn = [plots.Attribution(label, values) for label, (_, values) in zip(labels, found, strict=True)]
        name = loaded.network.name
        figure = plots.attribution_figure(pixels, drawn, method, name, current_language(), shown_layer)
        plots.save(figure, saved)
        documents.append(_document(image, saved, found, scores, loaded))
        if not as_json:
            print_saved(saved)
            for label in labels:
                print_result(localize("{image}: {method} of {label}", image=image, method=method, label=label))
    print_stretch_note(images, shape)
    if as_json:
        print_result(to_json({"schema": 1, "model": model, "method": method, "images": documents}))


def _class(model: Model, name: str) -> int:
    """Return the index of a class given by name or number."""
    classes = model.classes or ()
    if name in classes:
        return classes.index(name)
    if name.isascii() and name.isdecimal():
        return int(name)
    raise BadSetting(
        "--target must be a class of the model (got {got!r}). {hint} [target]",
        got=name,
        hint=suggest(name, classes) if classes else Message("Its classes have no names. Use a number from 0."),
    )


def _label(model: Model, index: int, scores: Array) -> str:
    name = (model.classes or ())[index] if model.classes and index < len(model.classes) else str(index)
    score = number(float(scores[index])) if index < len(scores) else "?"
    return localize("{name} (score {score})", name=name, score=score)


def _document(
    image: str, saved: str, found: list[tuple[int, Array]], scores: Array, model: Model
) -> dict[str, Any]:
    """Return one image's attributions for JSON: the strongest position of each."""
    import numpy as np

    entries = []
    for index, values in found:
        flat = values.sum(axis=0) if values.ndim == 3 else values
        row, column = (int(i) for i in np.unravel_index(int(np.abs(flat).argmax()), flat.shape))
        entries.append(
            {
                "target": index,
                "class": model.classes[index] if model.classes else None,
                "score": float(scores[index]),
                "peak": [row, column],
                "min": float(flat.min()),
                "max": float(flat.max()),
            }
        )
    return {"image": image, "figure": saved, "attributions": entries}
