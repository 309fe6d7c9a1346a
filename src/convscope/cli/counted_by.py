"""`convscope counted-by`: the counts of another tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..input_shapes import InputShape
from .group import COMMANDS
from .options import input_option, json_option, language_option, model_argument
from .output import print_result

if TYPE_CHECKING:
    from ..network import Network


@click.command("counted-by", short_help=COMMANDS["counted-by"])
@model_argument
@click.argument("tool")
@input_option
@language_option
@json_option
def command(model: str, tool: str, input_shape: InputShape | None, as_json: bool) -> None:
    """Show what TOOL counts for MODEL next to convscope's MACs, layer by layer, and why the numbers differ.

    TOOL is torchinfo, fvcore, thop, ptflops, torchvision or tf.profiler.

    \b
    Example:
      convscope counted-by lenet fvcore
    """
    from ..loading import load

    show_recount(load(model, input_shape), tool, as_json)


def show_recount(network: Network, tool: str, as_json: bool) -> None:
    """Print the counts of another tool."""
    from ..analysis.counted_by import recount
    from ..files.readable_json import to_json
    from ..render.comparison import recount_table
    from ..text.terminal import paint_for, terminal_width

    counted = recount(network, tool)
    print_result(
        to_json(counted.to_dict()) if as_json else recount_table(counted).text(terminal_width(), paint_for())
    )
