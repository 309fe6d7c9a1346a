"""`convscope diagnose`: wasteful or risky parts of a network, and problems of its training."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from ..input_shapes import InputShape
from .arguments import pixels, shape
from .group import COMMANDS
from .options import input_option, json_option, language_option, model_argument, with_default
from .output import print_result

if TYPE_CHECKING:
    from ..analysis.diagnosis import Finding


@click.command("diagnose", short_help=COMMANDS["diagnose"])
@model_argument
@input_option
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
@language_option
@json_option
def command(
    model: str,
    input_shape: InputShape | None,
    object_size: int | tuple[int, ...] | None,
    other_input: tuple[int, ...] | None,
    as_json: bool,
) -> None:
    """Find wasteful or risky parts of MODEL, each with its cost and a suggested change.

    For a run, its training is diagnosed first: dead units, saturation, gradients, progress.

    \b
    Examples:
      convscope diagnose vgg16 --object-size 96 --other-input 3x256x320
      convscope diagnose runs/lenet-digits
    """
    from ..analysis.diagnosis import diagnose
    from ..files.readable_json import to_json
    from ..loading import load
    from ..render.diagnosis import findings_text, training_findings_text
    from ..text.terminal import paint_for, terminal_width

    network = load(model, input_shape)
    findings = diagnose(network, object_size, other_input)
    trained = _training_findings(model)
    if as_json:
        document: dict[str, Any] = {"schema": 1, "model": network.name, "input_shape": list(network.input_shape)}
        if trained is not None:
            document |= {"run": model, "training": [finding.to_dict() for finding in trained]}
        print_result(to_json({**document, "findings": [finding.to_dict() for finding in findings]}))
        return
    width, paint = terminal_width(), paint_for()
    if trained is not None:
        print_result(training_findings_text(model, trained, width, paint) + "\n")
    print_result(findings_text(network, findings, width, paint))


def _training_findings(model: str) -> list[Finding] | None:
    """Return the findings in a run's log; None for a MODEL that is no run."""
    if not os.path.isfile(os.path.join(model, "log.jsonl")):
        return None
    from ..training.run_diagnosis import diagnose_run

    return diagnose_run(model)
