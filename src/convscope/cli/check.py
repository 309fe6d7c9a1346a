"""`convscope check`: limits for a network, for continuous integration."""

from __future__ import annotations

from typing import Any

import click

from ..input_shapes import InputShape
from ..text.language import Message
from .arguments import amount, pixels
from .group import COMMANDS
from .options import input_option, json_option, language_option, model_argument
from .output import print_result

EXCEEDED = 1
"""Exit code when a limit is exceeded."""

Extent = int | tuple[int, ...] | None


@click.command("check", short_help=COMMANDS["check"])
@model_argument
@input_option
@click.option("--max-params", metavar="COUNT", callback=amount, help="Maximum number of parameters.")
@click.option("--max-macs", metavar="COUNT", callback=amount, help="Maximum number of MACs per image.")
@click.option("--max-memory", metavar="BYTES", callback=amount, help="Maximum peak activation memory (inference).")
@click.option(
    "--max-training-memory", metavar="BYTES", callback=amount, help="Maximum peak activation memory (training)."
)
@click.option("--max-parameter-bytes", metavar="BYTES", callback=amount, help="Maximum memory of the parameters.")
@click.option(
    "--min-field", metavar="PIXELS", callback=pixels, help="Minimum receptive field before global layers."
)
@click.option(
    "--max-field", metavar="PIXELS", callback=pixels, help="Maximum receptive field before global layers."
)
@language_option
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
    """Check MODEL against limits: the exit code is 0 if all are met and 1 if any is exceeded.

    COUNT and BYTES may have prefixes: 4G, 500M, 1.5e9, 16MiB. An unknown quantity exceeds its limit.

    \b
    Example:
      convscope check resnet50 --max-params 26M --max-macs 4.2G \\
        --max-memory 16MiB --min-field 224
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
        raise click.UsageError(Message("No limit is given. Add one, such as --max-macs 4G. [no-limit]"), context)
    verdict = check(load(model, input_shape), **limits)
    if as_json:
        print_result(to_json(verdict.to_dict()))
    else:
        print_result(verdict_text(verdict, terminal_width(), paint_for()))
    context.exit(0 if verdict.ok else EXCEEDED)
