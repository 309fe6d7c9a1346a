"""`convscope explain`: worked derivations of every quantity."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ..input_shapes import InputShape
from ..text.language import Message, current_language
from ..text.lists import join_or
from .arguments import hyphens_to_underscores, position
from .group import COMMANDS
from .options import input_option, language_option, model_argument, save_option, with_default
from .output import print_result, print_saved, print_stretch_note
from .weighted_model import read_model, read_normalization

if TYPE_CHECKING:
    from ..data.normalization import Normalization
    from ..derivations import Explanation
    from ..inside.terms import UnitTerms

FORMATS = ("text", "markdown", "latex", "html", "json")
_SUFFIXES = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
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
@click.option("--image", metavar="PATH", help="Derive the value of a unit for this image; needs weights.")
@click.option("--channel", type=click.IntRange(0), metavar="CHANNEL", help="Channel of the unit, with --image.")
@click.option("--target", type=click.IntRange(0), metavar="CLASS", help="Also derive the gradient of this class.")
@click.option("--weights", metavar="FILE", help="Weights of MODEL, with --image: as in attribute.")
@click.option(
    "--normalize",
    metavar="MEAN/STD",
    callback=read_normalization,
    help="Normalization of the image: as in attribute.",
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
    image: str | None,
    channel: int | None,
    target: int | None,
    weights: str | None,
    normalize: Normalization | Literal["none"] | None,
    path: str | None,
) -> None:
    """Derive every quantity of MODEL, or of one LAYER: formula, substituted values, result.

    With --image, derive the value of one unit of a MODEL with weights from its inputs and weights: a run, a saved
    model, an .onnx file, or any network with --weights. As JSON this is the unit's value with all its terms.

    \b
    Examples:
      convscope explain alexnet conv2 --at 3,5
      convscope explain alexnet pool5 --quantity receptive-field --quantity center
      convscope explain exercise --lang zh --format html --save exercise.html
      convscope explain runs/lenet-digits conv1 --image three.png \\
        --channel 2 --at 8,5
      convscope explain runs/lenet-digits conv1 --image three.png \\
        --channel 2 --at 8,5 --format json
    """
    from ..files.atomic import write_file
    from ..files.readable_json import to_json
    from ..text.terminal import terminal_width

    if at is not None and layer is None:
        raise click.UsageError(
            Message("--at needs a LAYER. Name the layer after the model. [explain-at]"),
            click.get_current_context(),
        )
    terms: UnitTerms | None = None
    if image is not None:
        source = {"weights": weights, "normalize": normalize, "input_shape": input_shape}
        explanation, terms = _unit(model, source, layer, at, channel, target, image)
    elif channel is not None or target is not None:
        raise click.UsageError(
            Message("--channel and --target need --image, and a trained MODEL. [explain-image]"),
            click.get_current_context(),
        )
    else:
        from ..derivations import explain
        from ..loading import load

        explanation = explain(load(model, input_shape), layer, at, quantities)
    if quantities and image is not None:
        explanation = explanation.only(*quantities)
    if form is None:
        form = _format_of(path)
    if form == "text":
        text = explanation.text(current_language(), min(100, terminal_width()))
    elif form == "json":
        text = to_json(terms.to_dict() if terms is not None else explanation_document(explanation))
    else:
        text = getattr(explanation, form)(current_language())
    text = text.rstrip("\n")
    if path is None:
        print_result(text)
    else:
        write_file(path, text + "\n")
        print_saved(path)


def _unit(
    model: str,
    source: dict[str, Any],
    layer: str | None,
    at: tuple[int, ...] | None,
    channel: int | None,
    target: int | None,
    image: str,
) -> tuple[Explanation, UnitTerms]:
    """Return the worked solution of one unit's value for an image, and its terms."""
    from ..data.load import read_input
    from ..inside.solution import explain_unit
    from ..inside.targets import node_named

    if layer is None or channel is None:
        raise click.UsageError(
            Message(
                "--image needs a LAYER and --channel. Add --at ROW,COL, too, if the layer has positions. "
                "[explain-image]"
            ),
            click.get_current_context(),
        )
    loaded = read_model(model, **source)
    x = loaded.prepare(read_input(image, loaded.network.input_shape))
    shape = node_named(loaded, layer).output_shape
    middle = tuple((n - 1) // 2 for n in shape[1:])
    unit = (channel, *(middle if at is None else at))
    print_stretch_note([image], loaded.network.input_shape)
    terms = loaded.unit_terms(x, layer, unit, target)
    return explain_unit(loaded.network, terms), terms


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """Return derivations as JSON values, in the current language."""
    language = current_language()
    return {
        "schema": 1,
        "derivations": [
            {
                "quantity": name,
                "text": explanation.only(name).text(language, 100),
                "latex": explanation.only(name).latex(language, fragment=True),
            }
            for name in dict.fromkeys(one.quantity for one in explanation)
        ],
    }
