"""`convscope field`: the region that a unit sees, and the units that see a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import click

from ..input_shapes import InputShape
from ..text.language import Message, current_language
from .arguments import position
from .group import COMMANDS
from .options import (
    exclusive,
    input_option,
    json_option,
    language_option,
    model_argument,
    save_option,
    with_default,
)
from .output import print_result, print_saved, print_stretch_note
from .weighted_model import read_model_or_network, read_normalization

if TYPE_CHECKING:
    from ..analysis.region import Region, Units
    from ..data.normalization import Normalization
    from ..network import Network

Position = tuple[int, ...]

IMAGES = 32
"""Images that an effective field is measured with by default."""


@click.command("field", short_help=COMMANDS["field"])
@model_argument
@click.argument("layer")
@input_option
@click.option("--at", metavar="ROW,COL", callback=position, help="Position of the unit in LAYER's output.")
@click.option(
    "--pixel", metavar="ROW,COL", callback=position, help="Show the units of LAYER that see this pixel instead."
)
@click.option(
    "--origin",
    "--of",
    "origin",
    metavar="LAYER",
    help="Compute the receptive field with respect to this layer's output instead of the network input.",
)
@click.option("--image", metavar="PATH", help="Image to draw on; needs --save.")
@click.option(
    "--effective",
    is_flag=True,
    help="Measure by gradients how strongly the unit depends on each pixel. --at is the middle by default.",
)
@click.option(
    "--images",
    "folder",
    metavar="FOLDER",
    help=with_default("Images to measure with; needs --effective.", "normally distributed noise"),
)
@click.option(
    "--count",
    metavar="IMAGES",
    type=click.IntRange(1, 4096),
    help=with_default("Most images to measure with; needs --effective.", "32"),
)
@click.option("--weights", metavar="FILE", help="Weights of MODEL, with --effective: as in attribute.")
@click.option(
    "--normalize",
    metavar="MEAN/STD",
    callback=read_normalization,
    help="Normalization of the images of --images: as in attribute.",
)
@save_option("a figure of the region, of the units that see the pixel, or of the effective field,")
@language_option
@json_option
def command(
    model: str,
    layer: str,
    input_shape: InputShape | None,
    at: Position | None,
    pixel: Position | None,
    origin: str | None,
    image: str | None,
    effective: bool,
    folder: str | None,
    count: int | None,
    weights: str | None,
    normalize: Normalization | Literal["none"] | None,
    path: str | None,
    as_json: bool,
) -> None:
    """Show the exact region of the input that a unit of LAYER sees, including borders, padding and gaps.

    Rows and columns count from 0. Boxes are half-open: rows 32:227 are the rows 32 to 226.

    With --effective, show how much of the region the unit depends on: MODEL is a run, a saved model, an .onnx
    file, or any network with --weights; without weights it is initialized randomly, several times.

    \b
    Examples:
      convscope field alexnet pool5 --at 3,2
      convscope field alexnet pool5 --at 3,2 --image cat.jpg --save seen.png
      convscope field alexnet conv2 --pixel 100,60 --save units.png
      convscope field runs/lenet-digits conv2 --effective --save effective.png
    """
    from ..loading import load

    if effective:
        exclusive({"--effective": True, "--pixel": pixel is not None})
        exclusive({"--effective": True, "--origin": origin is not None})
        exclusive({"--effective": True, "--image": image is not None})
        source = {"weights": weights, "normalize": normalize, "input_shape": input_shape}
        _effective(model, layer, source, at, folder, count, path, as_json)
        return
    if any(one is not None for one in (folder, count, weights, normalize)):
        raise click.UsageError(
            Message(
                "--images, --count, --weights and --normalize need --effective. Add it, or draw on one image with "
                "--image. [field-effective]"
            ),
            click.get_current_context(),
        )
    _check(at, pixel, origin, image, path)
    _exact(load(model, input_shape), layer, at, pixel, origin, image, path, as_json)


def _exact(
    network: Network,
    layer: str,
    at: Position | None,
    pixel: Position | None,
    origin: str | None,
    image: str | None,
    path: str | None,
    as_json: bool,
) -> None:
    """Print and draw the region of a unit, or the units that see a pixel."""
    from ..files.readable_json import to_json
    from ..render.field import region_text, units_text
    from ..text.terminal import paint_for, terminal_width

    start = network[origin] if origin else network.inputs[0]
    if pixel is not None:
        units = network.seen_by(pixel, layer, origin)
        if path is not None:
            _draw(network, units, image, path)
        text = "" if as_json else units_text(network, units, start, terminal_width(), paint_for())
        print_result(to_json(units.to_dict()) if as_json else text)
        return
    assert at is not None
    region = network.field(layer, at, origin)
    if path is not None:
        _draw(network, region, image, path)
    text = "" if as_json else region_text(network, region, start, terminal_width(), paint_for())
    print_result(to_json(region.to_dict()) if as_json else text)


def _effective(
    model: str,
    layer: str,
    options: Mapping[str, Any],
    at: Position | None,
    folder: str | None,
    count: int | None,
    path: str | None,
    as_json: bool,
) -> None:
    from ..files.readable_json import to_json
    from ..network import Network
    from ..render.effective_field import effective_text
    from ..text.terminal import paint_for, terminal_width
    from .effective_field import measure

    source = read_model_or_network(model, **options)
    found = measure(source, layer, at, folder, count or IMAGES)
    random = isinstance(source, Network)
    network = source if isinstance(source, Network) else source.network
    if path is not None:
        from ..plots import effective_field_figure, save

        save(effective_field_figure(found, current_language()), path)
        print_saved(path)
    if as_json:
        document = {"model": model, "weights": "random" if random else "own", **found.to_dict()}
        print_result(to_json(document))
    else:
        noise = folder is None
        print_result(effective_text(network, found, random, noise, terminal_width(), paint_for()))


def _check(
    at: Position | None, pixel: Position | None, origin: str | None, image: str | None, path: str | None
) -> None:
    context = click.get_current_context()
    exclusive({"--at": at is not None, "--pixel": pixel is not None})
    if at is None and pixel is None:
        raise click.UsageError(
            Message(
                "Neither a unit nor a pixel is given. Add --at ROW,COL for a unit, such as --at 3,2, or "
                "--pixel ROW,COL. [field-at]"
            ),
            context,
        )
    if image is not None and path is None:
        raise click.UsageError(
            Message("--image needs --save. Add the file to write, such as --save seen.png. [field-image]"),
            context,
        )
    exclusive({"--origin": origin is not None, "--save": path is not None})


def _draw(network: Network, shown: Region | Units, image: str | None, path: str) -> None:
    from ..analysis.region import Units
    from ..images import load_image, sample_image
    from ..plots import region_on_image, save, units_beside_image

    shape = network.input_shape
    pixels = sample_image(shape) if image is None else load_image(image, shape)
    if image is not None:
        print_stretch_note([image], shape)
    figure = (
        units_beside_image(shown, pixels, current_language())
        if isinstance(shown, Units)
        else region_on_image(shown, pixels, current_language())
    )
    save(figure, path)
    print_saved(path)
