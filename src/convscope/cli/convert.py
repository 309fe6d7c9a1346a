"""`convscope convert`: a network in another format."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import BadFile
from ..input_shapes import InputShape
from .group import COMMANDS
from .options import input_option, language_option, model_argument
from .output import print_result, print_saved

_YAML = (".yaml", ".yml")


@click.command("convert", short_help=COMMANDS["convert"])
@model_argument
@click.argument("out")
@input_option
@language_option
def command(model: str, out: str, input_shape: InputShape | None) -> None:
    """Write MODEL to the file OUT: notation to .txt, YAML to .yaml. A dash prints notation to stdout.

    \b
    Examples:
      convscope convert lenet -
      convscope convert resnet18 resnet18.yaml
    """
    from ..files.atomic import write_file
    from ..loading import load
    from ..notation import to_notation, to_yaml

    suffix = Path(out).suffix.lower()
    if out != "-" and suffix not in (*_YAML, ".txt"):
        raise BadFile(
            "OUT must end in .txt for notation or .yaml for YAML, or be a dash (got {got!r}). [convert-ending]",
            got=out,
        )
    network = load(model, input_shape)
    text = (to_yaml(network) if suffix in _YAML else to_notation(network)).rstrip("\n")
    if out == "-":
        print_result(text)
    else:
        write_file(out, text + "\n")
        print_saved(out)
