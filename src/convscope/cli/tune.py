"""`convscope tune`: measure which algorithm is fastest for a network here, and keep it."""

from __future__ import annotations

import click

from ..input_shapes import InputShape
from .group import VERBS
from .options import input_option, json_option, model_argument
from .output import print_note, print_result


@click.command("tune", short_help=VERBS["tune"])
@model_argument
@input_option
@click.option("--batch", metavar="N", type=click.IntRange(1), default=64, help="Images at once; 64.")
@json_option
def command(model: str, input_shape: InputShape | None, batch: int, as_json: bool) -> None:
    """Measure how each convolution of MODEL is computed fastest on this machine, and keep that for later.

    Without it a rule decides. From then on every model with a layer of these sizes uses what was measured, so its
    last digits may differ from before.

    \b
    Examples:
      convscope tune resnet18 --batch 1
      convscope tune digits --json
    """
    from ..bench.tune import tune
    from ..files.readable_json import to_json
    from ..loading import load
    from ..render.bench import tune_document, tune_table
    from ..text.terminal import paint_for, terminal_width
    from .plan import native_program

    network = load(model, input_shape)
    native_program(network, "tune")
    choices = list(tune(network, batch, print_note))
    if as_json:
        print_result(to_json(tune_document(choices)))
    elif not choices:
        print_result("every convolution of this network can be computed in one way only: nothing to measure.")
    else:
        print_result(tune_table(choices).text(terminal_width(), paint_for()))
