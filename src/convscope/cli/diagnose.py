"""`convscope diagnose`: wasteful or risky parts of a network, and problems of its training."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from ..text.language import Message
from .arguments import pixels, shape
from .data import DATA_OPTIONS, data_choice, data_options, fit_to_network, print_skipped
from .group import COMMANDS
from .options import json_option, language_option, model_argument, with_default
from .output import print_result
from .weighted_model import read_model, weights_options

if TYPE_CHECKING:
    from ..analysis.diagnosis import Finding
    from ..data.dataset import Dataset
    from ..model import Model


@click.command("diagnose", short_help=COMMANDS["diagnose"])
@model_argument
@click.option(
    "--object-size",
    metavar="PIXELS",
    callback=pixels,
    help="Size of the objects that a unit must see whole: 32, or 32x48.",
)
@click.option(
    "--other-input",
    metavar="CxHxW",
    callback=shape,
    help=with_default("Second input shape to check the network with.", "one pixel larger"),
)
@data_options
@weights_options
@language_option
@json_option
def command(
    model: str,
    object_size: int | tuple[int, ...] | None,
    other_input: tuple[int, ...] | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Find wasteful or risky parts of MODEL, each with its cost and a suggested change.

    For a run, its training is diagnosed first: dead units, saturation, gradients, progress. With --data, the
    channels of a MODEL with weights are diagnosed over the images: dead, saturated and duplicate ones.

    \b
    Examples:
      convscope diagnose vgg16 --object-size 96 --other-input 3x256x320
      convscope diagnose runs/lenet-digits --data digits
      convscope diagnose lenet --weights lenet.safetensors \\
        --normalize 0.13/0.31 --data digits
    """
    from ..analysis.diagnosis import diagnose
    from ..files.readable_json import to_json
    from ..loading import load
    from ..render.diagnosis import channel_findings_text, findings_text, training_findings_text
    from ..text.terminal import paint_for, terminal_width

    data = {name: options.pop(name) for name in DATA_OPTIONS}
    network = load(model, options["input_shape"])
    findings = diagnose(network, object_size, other_input)
    trained = _training_findings(model)
    label, images, channels = _channel_findings(model, data, options)
    if as_json:
        document: dict[str, Any] = {"schema": 1, "model": network.name, "input_shape": list(network.input_shape)}
        if trained is not None:
            document |= {"run": model, "training": [finding.to_dict() for finding in trained]}
        if channels is not None:
            document |= {"data": label, "images": images, "channels": [finding.to_dict() for finding in channels]}
        print_result(to_json({**document, "findings": [finding.to_dict() for finding in findings]}))
        return
    width, paint = terminal_width(), paint_for()
    if trained is not None:
        print_result(training_findings_text(model, trained, width, paint) + "\n")
    if channels is not None:
        print_result(channel_findings_text(network, label, images, channels, width, paint) + "\n")
    print_result(findings_text(network, findings, width, paint))


def _training_findings(model: str) -> list[Finding] | None:
    """Return the findings in a run's log; None for a MODEL that is no run."""
    if not os.path.isfile(os.path.join(model, "log.jsonl")):
        return None
    from ..training.run_diagnosis import diagnose_run

    return diagnose_run(model)


def _channel_findings(
    source: str, data: dict[str, Any], options: dict[str, Any]
) -> tuple[str, int, list[Finding] | None]:
    """Return the data's label, the number of images, and the findings about channels; None without --data."""
    if data["data"] is None:
        without = next(
            (name for name, value in options.items() if name != "input_shape" and value is not None), None
        )
        if without is not None:
            raise click.UsageError(
                Message(
                    "--{option} needs --data with images for the channels of MODEL. [diagnose-data]",
                    option=without,
                ),
                click.get_current_context(),
            )
        return "", 0, None
    from ..inside.channel_health import diagnose_channels

    model = read_model(source, **options)
    choice = fit_to_network(data_choice(**data), model.network)
    _, images = choice.evaluation_part()
    print_skipped(images)
    found = diagnose_channels(model, _inputs(model, images, choice.label), progress=True)
    return choice.label, len(images), found


def _inputs(model: Model, images: Dataset, label: str) -> Dataset:
    from ..data.normalization import normalize_dataset
    from .data import refuse_other_shape

    refuse_other_shape(model.network, images, label)
    return normalize_dataset(images, model.normalization)
