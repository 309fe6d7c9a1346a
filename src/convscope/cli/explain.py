"""`convscope explain`: worked derivations of every quantity."""

from __future__ import annotations

from pathlib import Path

import click

from ..input_shapes import InputShape
from ..text.language import Message, current_language
from ..text.lists import join_or
from .arguments import hyphens_to_underscores, position
from .group import COMMANDS
from .options import input_option, language_option, model_argument, save_option, with_default
from .output import print_result, print_saved

FORMATS = ("text", "markdown", "latex", "html")
_SUFFIXES = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
}

QUANTITIES = (
    *(
        "output-shape",
        "params",
        "macs",
        "multiplications",
        "additions",
        "comparisons",
        "divisions",
        "exponentials",
    ),
    *("operations", "activation-bytes", "im2col", "receptive-field", "receptive-field-backward", "center"),
)


def _format_of(path: str | None) -> str:
    """Return the format for a file's suffix; text without a file or suffix."""
    suffix = Path(path or "").suffix.lower()
    if suffix and suffix not in _SUFFIXES:
        raise click.UsageError(
            Message(
                "--save must end in {suffixes} (got {got!r}). Rename the file, or add --format. [explain-suffix]",
                suffixes=join_or(_SUFFIXES),
                got=suffix,
            ),
            click.get_current_context(),
        )
    return _SUFFIXES.get(suffix, "text")


@click.command("explain", short_help=COMMANDS["explain"])
@model_argument
@click.argument("layer", required=False)
@input_option
@click.option("--at", metavar="ROW,COL", callback=position, help="Unit of LAYER, to derive its region and center.")
@click.option(
    "--quantity",
    "quantities",
    metavar="NAME",
    multiple=True,
    callback=hyphens_to_underscores,
    help=f"Derive only this quantity; repeatable. One of {', '.join(QUANTITIES)}.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help=with_default("Output format.", "by the suffix of --save, else text"),
)
@save_option("the derivation")
@language_option
def command(
    model: str,
    layer: str | None,
    input_shape: InputShape | None,
    at: tuple[int, ...] | None,
    quantities: tuple[str, ...],
    form: str | None,
    path: str | None,
) -> None:
    """Derive every quantity of MODEL, or of one LAYER: formula, substituted values, result.

    \b
    Examples:
      convscope explain alexnet conv2 --at 3,5
      convscope explain alexnet pool5 --quantity receptive-field --quantity center
      convscope explain exercise --lang zh --format html --save exercise.html
    """
    from ..derivations import explain
    from ..files.atomic import write_file
    from ..loading import load
    from ..text.terminal import terminal_width

    if at is not None and layer is None:
        raise click.UsageError(
            Message("--at needs a LAYER. Name the layer after the model. [explain-at]"),
            click.get_current_context(),
        )
    explanation = explain(load(model, input_shape), layer, at)
    if quantities:
        explanation = explanation.only(*quantities)
    if form is None:
        form = _format_of(path)
    if form == "text":
        text = explanation.text(current_language(), min(100, terminal_width()))
    else:
        text = getattr(explanation, form)(current_language())
    text = text.rstrip("\n")
    if path is None:
        print_result(text)
    else:
        write_file(path, text + "\n")
        print_saved(path)
