"""`convscope diagnose`: what is wrong with a network's structure, or wasteful."""

from __future__ import annotations

import click

from .arguments import extent, shape
from .group import VERBS
from .options import input_option, json_option, model_argument
from .output import say


@click.command("diagnose", short_help=VERBS["diagnose"])
@model_argument
@input_option
@click.option(
    "--object-size", metavar="PIXELS", callback=extent, help="Size of what must be seen whole: 32, 32x48."
)
@click.option(
    "--other-input", metavar="CxHxW", callback=shape, help="A second input shape; 1 pixel more if left out."
)
@json_option
def command(
    model: str,
    input_shape: tuple[int, ...] | None,
    object_size: int | tuple[int, ...] | None,
    other_input: tuple[int, ...] | None,
    as_json: bool,
) -> None:
    """Find what is wasteful or risky in the structure of MODEL, with numbers and what to change.

    \b
    Example:
      convscope diagnose vgg16 --object-size 96 --other-input 3x256x320
    """
    from ..analysis.diagnosis import diagnose
    from ..models import load
    from ..present.findings import findings_text
    from ..present.json import to_json
    from ..present.terminal import paint_for, terminal_width

    network = load(model, input_shape)
    findings = diagnose(network, object_size, other_input)
    if as_json:
        document = {"schema": 1, "model": network.name, "input_shape": list(network.input_shape)}
        say(to_json({**document, "findings": [finding.to_dict() for finding in findings]}))
    else:
        say(findings_text(network, findings, terminal_width(), paint_for()))
