"""`convscope check`: a budget, for continuous integration."""

from __future__ import annotations

from typing import Any

import click

from ..input_shapes import InputShape
from .arguments import amount, extent
from .group import VERBS
from .options import input_option, json_option, model_argument
from .output import print_result

BROKEN = 1
"""The exit code of a budget that is not kept."""

Extent = int | tuple[int, ...] | None


@click.command("check", short_help=VERBS["check"])
@model_argument
@input_option
@click.option("--max-params", metavar="AMOUNT", callback=amount, help="Most parameters.")
@click.option("--max-macs", metavar="AMOUNT", callback=amount, help="Most multiply-adds per image.")
@click.option("--max-memory", metavar="AMOUNT", callback=amount, help="Most bytes of activations at once, to run.")
@click.option("--max-training-memory", metavar="AMOUNT", callback=amount, help="The same in a training step.")
@click.option("--max-parameter-bytes", metavar="AMOUNT", callback=amount, help="Most bytes of parameters.")
@click.option("--min-field", metavar="PIXELS", callback=extent, help="Least receptive field before global layers.")
@click.option("--max-field", metavar="PIXELS", callback=extent, help="Most receptive field before global layers.")
@json_option
def command(
    model: str,
    input_shape: InputShape | None,
    max_params: int | None,
    max_macs: int | None,
    max_memory: int | None,
    max_training_memory: int | None,
    max_parameter_bytes: int | None,
    min_field: Extent,
    max_field: Extent,
    as_json: bool,
) -> None:
    """Hold MODEL to a budget: exit code 0 when every limit is kept, 1 when one is broken.

    An AMOUNT is written as in 4G, 500M, 1.5e9 or 16MiB. A number that is not known breaks its limit.

    \b
    Example:
      convscope check resnet50 --max-params 26M --max-macs 4.2G --max-memory 16MiB --min-field 224
    """
    from ..analysis.budget import check
    from ..files.readable_json import to_json
    from ..loading import load
    from ..render.diagnosis import verdict_text
    from ..text.terminal import paint_for, terminal_width

    limits: dict[str, Any] = {
        "max_params": max_params,
        "max_macs": max_macs,
        "max_memory": max_memory,
        "max_training_memory": max_training_memory,
        "max_parameter_bytes": max_parameter_bytes,
        "min_field": min_field,
        "max_field": max_field,
    }
    context = click.get_current_context()
    if all(limit is None for limit in limits.values()):
        raise click.UsageError(
            "a limit must be given; got none; write one, as in --max-macs 4G. [no-limit]", context
        )
    verdict = check(load(model, input_shape), **limits)
    if as_json:
        print_result(to_json(verdict.to_dict()))
    else:
        print_result(verdict_text(verdict, terminal_width(), paint_for()))
    context.exit(0 if verdict.ok else BROKEN)
