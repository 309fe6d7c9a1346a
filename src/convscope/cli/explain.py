"""`convscope explain`: worked derivations."""

from __future__ import annotations

from pathlib import Path

import click

from ..input_shapes import InputShape
from .arguments import position
from .group import VERBS
from .options import input_option, model_argument, save_option
from .output import print_note, print_result

FORMATS = ("text", "markdown", "latex", "html")
_SUFFIXES = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
}


def _form_of(path: str | None) -> str:
    """Return the format that a file's suffix means; text without a file or suffix."""
    suffix = Path(path or "").suffix.lower()
    if suffix and suffix not in _SUFFIXES:
        raise click.UsageError(
            f"--save must end in {', '.join(_SUFFIXES)} to choose the format; got {suffix!r}; rename it, or add "
            "--format. [explain-suffix]",
            click.get_current_context(),
        )
    return _SUFFIXES.get(suffix, "text")


@click.command("explain", short_help=VERBS["explain"])
@model_argument
@click.argument("layer", required=False)
@input_option
@click.option("--at", metavar="ROW,COL", callback=position, help="The unit of LAYER whose center is worked out.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="English or Chinese.")
@click.option("--quantity", "quantities", metavar="NAME", multiple=True, help="Only this; may be repeated.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Output format. [default: by the suffix of --save, else text]",
)
@save_option("the derivation")
def command(
    model: str,
    layer: str | None,
    input_shape: InputShape | None,
    at: tuple[int, ...] | None,
    lang: str,
    quantities: tuple[str, ...],
    form: str | None,
    path: str | None,
) -> None:
    """Work out every number of MODEL, or of one LAYER: formula, numbers put in, result.

    \b
    Examples:
      convscope explain alexnet conv2 --at 3,5
      convscope explain alexnet pool5 --quantity receptive_field --quantity center
      convscope explain exercise --lang zh --format html --save exercise.html
    """
    from ..derivations import explain
    from ..files.atomic import write_file
    from ..loading import load
    from ..text.terminal import terminal_width

    if at is not None and layer is None:
        raise click.UsageError(
            "--at must come with a LAYER; got --at alone; name the layer after the model. [explain-at]",
            click.get_current_context(),
        )
    explanation = explain(load(model, input_shape), layer, at)
    if quantities:
        explanation = explanation.only(*quantities)
    if form is None:
        form = _form_of(path)
    if form == "text":
        text = explanation.text(lang, min(100, terminal_width()))
    else:
        text = getattr(explanation, form)(lang)
    text = text.rstrip("\n")
    if path is None:
        print_result(text)
    else:
        write_file(path, text + "\n")
        print_note(f"wrote {path}")
