"""`convscope predict`: classes of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, BadSetting
from .data import checkpoint_option, engine_option, run_argument
from .group import COMMANDS
from .options import json_option
from .output import BAD_INPUT, print_error, print_note, print_result, print_stretch_note

if TYPE_CHECKING:
    from ..model import Model


@click.command("predict", short_help=COMMANDS["predict"])
@run_argument
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--top", metavar="CLASSES", type=int, default=3, show_default=True, help="Number of classes to show."
)
@click.option("--invert", is_flag=True, help="Invert the images, as for dark pencil on white paper.")
@checkpoint_option
@engine_option
@json_option
def command(
    run: str,
    images: tuple[str, ...],
    top: int,
    invert: bool,
    checkpoint: str | None,
    engine: str | None,
    as_json: bool,
) -> None:
    """Classify each IMAGE with the model of RUN, and show the most probable classes.

    For a model that is no classifier, the values of its output are shown instead, with a note.

    Images are resized and converted to the network's input. Files that are no images are reported, the others are
    still classified, and the exit code is 2.

    \b
    Example:
      convscope predict runs/lenet-digits cat.jpg --top 2
    """
    from ..data.load import read_input
    from ..files.readable_json import to_json
    from ..render.evaluation import output_summary, output_text, prediction_text, top_guesses
    from ..text.terminal import paint_for
    from ..training.evaluation import class_probabilities
    from ..training.run_folder import SavedRun

    if top < 1:
        raise BadSetting("--top must be an integer of at least 1 (got {top}). 3 is usual. [top]", top=top)
    model = SavedRun(run).model(checkpoint, engine)
    classes = model.classes or ()
    is_classifier = (
        model.task in ("classification", "multi_label") and len(model.network.outputs[-1].output_shape) == 1
    )
    results: list[dict[str, Any]] = []
    refused = 0
    for number, image in enumerate(images):
        try:
            pixels = read_input(image, model.network.input_shape, invert)
        except BadFile as error:
            refused += 1
            print_error(str(error))
            results.append({"image": image, "error": str(error)})
            continue
        if is_classifier:
            guesses = top_guesses(class_probabilities(model, pixels[None])[0], classes, top)
            results.append({"image": image, "classes": [guess._asdict() for guess in guesses]})
            text = prediction_text(image, guesses, paint_for())
        else:
            summary = output_summary(model.predict(pixels[None], probabilities=False)[0], classes, top)
            results.append({"image": image, "output": summary})
            text = output_text(image, summary, paint_for())
        if not as_json:
            separator = "\n" if number > refused else ""
            print_result(separator + text)
    read = [result["image"] for result in results if "error" not in result]
    if read:
        print_stretch_note(read, model.network.input_shape)
        _print_output_note(model, is_classifier)
    if as_json:
        print_result(to_json({"schema": 1, "run": run, "task": model.task, "images": results}))
    click.get_current_context().exit(BAD_INPUT if refused else 0)


def _print_output_note(model: Model, is_classifier: bool) -> None:
    """Explain the printed values where they are not the probabilities of exclusive classes."""
    from ..render.evaluation import INDEPENDENT, NO_CLASSIFIER

    if not is_classifier:
        print_note(NO_CLASSIFIER.format(task=model.task))
    elif model.task == "multi_label" and model.network.outputs[-1].output_shape[0] > 1:
        print_note(INDEPENDENT)
