"""`convscope convert`: a network in another format, with its weights where the format has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, BadSetting
from .data import checkpoint_option
from .group import COMMANDS
from .options import language_option, model_argument
from .output import print_result, print_saved
from .weighted_model import read_model, weights_options

if TYPE_CHECKING:
    from ..model import Model

_YAML = (".yaml", ".yml")
_WITH_WEIGHTS = (".onnx", ".safetensors", ".pt", ".pth")
_PAGE = (".html", ".htm")
_NEED_WEIGHTS = ("weights", "classes", "normalize", "task", "checkpoint")


@click.command("convert", short_help=COMMANDS["convert"])
@model_argument
@click.argument("out")
@weights_options
@checkpoint_option
@language_option
def command(model: str, out: str, **source: Any) -> None:
    """Write MODEL to the file OUT: notation to .txt, YAML to .yaml. A dash prints notation to stdout.

    With weights, MODEL is written to .onnx, .safetensors (a model that convscope loads) or .pt (a PyTorch state
    dict). Class names and the normalization are written to .safetensors and to the metadata of .onnx.

    To .html, MODEL is written as a page that shows it unit by unit, as explore does, and works offline; see
    explore --export for images and what the page shows first.

    \b
    Examples:
      convscope convert lenet -
      convscope convert resnet18 resnet18.yaml
      convscope convert runs/lenet-digits lenet.onnx
      convscope convert runs/lenet-digits lenet.html
      convscope convert lenet digits.onnx --weights lenet.safetensors \\
        --normalize 0.13/0.31 --classes digits.txt
    """
    suffix = Path(out).suffix.lower()
    if suffix in _WITH_WEIGHTS:
        _write_model(read_model(model, **source), Path(out))
        print_saved(out)
        return
    if suffix in _PAGE:
        _write_page(model, source, out)
        return
    if out != "-" and suffix not in (*_YAML, ".txt"):
        raise BadFile(
            "OUT must end in .txt for notation, .yaml for YAML, .html for a page, or .onnx, .safetensors or .pt "
            "with weights, or be a dash (got {got!r}). [convert-ending]",
            got=out,
        )
    unused = next((name for name in _NEED_WEIGHTS if source[name] is not None), None)
    if unused is not None:
        raise BadSetting(
            "--{option} needs a format with weights (got {got!r}). Write to .onnx, .safetensors or .pt. "
            "[convert-weights]",
            option=unused,
            got=out,
        )
    _write_structure(model, source["input_shape"], out)


def _write_structure(model: str, input_shape: Any, out: str) -> None:
    from ..files.atomic import write_file
    from ..loading import load
    from ..notation import to_notation, to_yaml

    network = load(model, input_shape)
    is_yaml = Path(out).suffix.lower() in _YAML
    text = (to_yaml(network) if is_yaml else to_notation(network)).rstrip("\n")
    if out == "-":
        print_result(text)
    else:
        write_file(out, text + "\n")
        print_saved(out)


def _write_page(model: str, source: dict[str, Any], out: str) -> None:
    """Write the explorer's page; a run's checkpoint is that of the option."""
    from ..explorer.libraries import check_libraries

    check_libraries()
    from ..explorer.session import Session
    from .explore import open_model, write_page

    session = Session()
    open_model(session, model, source)
    write_page(session, out, None)


def _write_model(model: Model, path: Path) -> None:
    match path.suffix.lower():
        case ".onnx":
            from ..exchange import to_onnx

            to_onnx(model, path)
        case ".safetensors":
            model.save(path)
        case _:
            from ..exchange import save_state

            save_state(model, path)
