"""`convscope compare`: two networks side by side."""

from __future__ import annotations

import click

from ..input_shapes import InputShape
from .group import COMMANDS
from .options import input_option, json_option, language_option, two_models_argument
from .output import print_result


@click.command("compare", short_help=COMMANDS["compare"])
@two_models_argument
@input_option
@language_option
@json_option
def command(a: str, b: str, input_shape: InputShape | None, as_json: bool) -> None:
    """Show how network B differs from network A: changed, added and removed layers, and totals.

    \b
    Examples:
      convscope compare resnet18 resnet34
      convscope compare "input 3x64x64 | conv 16 3" \\
        "input 3x64x64 | conv 16 5 s2" --json
    """
    from ..analysis.compare import compare
    from ..files.readable_json import to_json
    from ..loading import load
    from ..render.comparison import comparison_text
    from ..text.terminal import paint_for, terminal_width

    comparison = compare(load(a, input_shape), load(b, input_shape))
    if as_json:
        print_result(to_json(comparison.to_dict()))
    else:
        print_result(comparison_text(comparison, terminal_width(), paint_for()))
