"""`convscope tune`: measured choice of algorithms for a network, cached on disk."""

from __future__ import annotations

import click

from ..input_shapes import InputShape
from ..text.language import localize
from .group import COMMANDS
from .options import input_option, json_option, language_option, model_argument
from .output import print_note, print_result


@click.command("tune", short_help=COMMANDS["tune"])
@model_argument
@input_option
@click.option(
    "--batch", metavar="IMAGES", type=click.IntRange(1), default=64, show_default=True, help="Batch size."
)
@language_option
@json_option
def command(model: str, input_shape: InputShape | None, batch: int, as_json: bool) -> None:
    """Measure the fastest algorithm for each convolution of MODEL on this machine, and cache the choice.

    Without measurements, a heuristic chooses. Cached choices apply to every model with a layer of the same
    sizes, so the last digits of its results may change.

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
        print_result(localize("Nothing to measure: each convolution of this network has only one algorithm."))
    else:
        print_result(tune_table(choices).text(terminal_width(), paint_for()))
