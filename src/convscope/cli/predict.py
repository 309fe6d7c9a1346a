"""`convscope predict`: classes of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, BadSetting
from ..text.language import Message
from .data import checkpoint_option, engine_option
from .group import COMMANDS
from .options import json_option, language_option, model_argument
from .output import BAD_INPUT, print_error, print_note, print_result, print_stretch_note
from .weighted_model import read_model, weights_options

if TYPE_CHECKING:
    from ..engines.protocol import Array
    from ..model import Model


@click.command("predict", short_help=COMMANDS["predict"])
@model_argument
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--top", metavar="CLASSES", type=int, default=3, show_default=True, help="Number of classes to show."
)
@click.option("--invert", is_flag=True, help="Invert the images, as for dark pencil on white paper.")
@weights_options
@checkpoint_option
@engine_option
@language_option
@json_option
def command(
    model: str,
    images: tuple[str, ...],
    top: int,
    invert: bool,
    as_json: bool,
    **source: Any,
) -> None:
    """Classify each IMAGE with MODEL, and show the most probable classes.

    MODEL is the folder of a run, or another model with weights: see --weights.

    The values of an output that is not a classifier's are printed as they are, with a note. A network with several
    outputs gets one block per output.

    Images of any size are resized and converted to the network's input. Files that cannot be read as images are
    reported, the others are still classified, and the exit code is 2.

    \b
    Examples:
      convscope predict runs/lenet-digits cat.jpg --top 2
      convscope predict lenet three.png --weights lenet.safetensors \\
        --normalize 0.13/0.31 --classes digits.txt
    """
    from ..data.load import read_input
    from ..files.readable_json import to_json
    from ..render.evaluation import prediction_text
    from ..text.terminal import paint_for

    if top < 1:
        raise BadSetting("--top must be an integer of at least 1 (got {got}). 3 is usual. [top]", got=top)
    loaded = read_model(model, **source)
    results: list[dict[str, Any]] = []
    read: list[str] = []
    for image in images:
        try:
            pixels = read_input(image, loaded.network.input_shape, invert)
        except BadFile as error:
            print_error(error)
            results.append({"image": image, "error": str(error)})
            continue
        answer = _answer(loaded, loaded.prepare(pixels[None]), top)
        results.append({"image": image, **answer})
        if not as_json:
            print_result(("\n" if read else "") + prediction_text(image, answer, paint_for()))
        read.append(image)
    if read:
        print_stretch_note(read, loaded.network.input_shape)
        _print_output_note(loaded)
    if as_json:
        print_result(to_json({"schema": 1, "run": model, "task": loaded.task, "images": results}))
    click.get_current_context().exit(BAD_INPUT if len(read) < len(images) else 0)


def _answer(model: Model, x: Array, top: int) -> dict[str, Any]:
    """Return the classes or the output of one image for JSON, and all outputs by name where there are several."""
    from ..render.evaluation import output_summary, top_guesses
    from ..training.evaluation import class_probabilities

    classes = model.classes or ()
    if _is_classifier(model):
        guesses = top_guesses(class_probabilities(model, x)[0], classes, top)
        answer: dict[str, Any] = {"classes": [guess._asdict() for guess in guesses]}
    else:
        answer = {"output": output_summary(model.predict(x, probabilities=False)[0], classes, top)}
    *others, last = (node.name for node in model.network.outputs)
    if not others:
        return answer
    values = model.activations(x)
    return {
        "outputs": {
            **{name: {"output": output_summary(values[name][0], (), top)} for name in others},
            last: answer,
        }
    }


def _is_classifier(model: Model) -> bool:
    return model.task in ("classification", "multi_label") and len(model.network.outputs[-1].output_shape) == 1


def _print_output_note(model: Model) -> None:
    """Explain the printed values where they are not the probabilities of exclusive classes."""
    if not _is_classifier(model):
        print_note(
            Message(
                "The values are the network's output, not probabilities: the model is not declared as a "
                "classifier (task={task}). Add --task classification for probabilities.",
                task=model.task,
            )
        )
    elif model.task == "multi_label" and model.network.outputs[-1].output_shape[0] > 1:
        print_note(Message("Each output is an independent probability: the model is a multi-label classifier."))
