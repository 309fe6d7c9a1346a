"""`convscope predict`: what images show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, BadSetting
from .data_options import checkpoint_option, engine_option, run_argument
from .group import VERBS
from .options import json_option
from .output import BAD_INPUT, complain, remark, remark_stretched, say

if TYPE_CHECKING:
    from ..model import Model


@click.command("predict", short_help=VERBS["predict"])
@run_argument
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--top", type=int, default=3, show_default=True, help="How many classes to show.")
@click.option("--invert", is_flag=True, help="Swap dark and light, as for pencil on paper.")
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
    """Say what each IMAGE shows, with probabilities, by the model of RUN.

    Of a model that is no classifier the output's values are shown instead, and a remark says so.

    Images of any size and color are brought to what the network takes. A file that is no image is named, the
    others are answered, and the exit code is 2.

    \b
    Example:
      convscope predict runs/lenet-digits cat.jpg --top 2
    """
    from ..data.load import read_input
    from ..files.readable_json import to_json
    from ..render.predictions import output_summary, output_text, prediction_text, top_guesses
    from ..text.terminal import paint_for
    from ..training.evaluation import class_probabilities
    from ..training.run_folder import SavedRun

    if top < 1:
        raise BadSetting(f"--top must be a whole number from 1; got {top}; 3 is usual. [top]")
    model = SavedRun(run).model(checkpoint, engine)
    classes = model.classes or ()
    is_classifier = (
        model.task in ("classification", "multi_label") and len(model.network.outputs[-1].output_shape) == 1
    )
    answers: list[dict[str, Any]] = []
    refused = 0
    for number, image in enumerate(images):
        try:
            pixels = read_input(image, model.network.input_shape, invert)
        except BadFile as error:
            refused += 1
            complain(str(error))
            answers.append({"image": image, "error": str(error)})
            continue
        if is_classifier:
            guesses = top_guesses(class_probabilities(model, pixels[None])[0], classes, top)
            answers.append({"image": image, "classes": [guess._asdict() for guess in guesses]})
            text = prediction_text(image, guesses, paint_for())
        else:
            summary = output_summary(model.predict(pixels[None], probabilities=False)[0], classes, top)
            answers.append({"image": image, "output": summary})
            text = output_text(image, summary, paint_for())
        if not as_json:
            before = "\n" if number > refused else ""  # a blank line between answers, none above the first
            say(before + text)
    read = [answer["image"] for answer in answers if "error" not in answer]
    if read:
        remark_stretched(read, model.network.input_shape)
        _remark_output(model, is_classifier)
    if as_json:
        say(to_json({"schema": 1, "run": run, "task": model.task, "images": answers}))
    click.get_current_context().exit(BAD_INPUT if refused else 0)


def _remark_output(model: Model, is_classifier: bool) -> None:
    """Say on stderr what the printed values are where they are not the probabilities of exclusive classes."""
    from ..render.predictions import INDEPENDENT, NO_CLASSIFIER

    if not is_classifier:
        remark(NO_CLASSIFIER.format(task=model.task))
    elif model.task == "multi_label" and model.network.outputs[-1].output_shape[0] > 1:
        remark(INDEPENDENT)
