"""`convscope field`: what one unit sees, and who sees one pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..input_shapes import InputShape
from .arguments import position
from .group import VERBS
from .options import exclusive, input_option, json_option, model_argument, save_option
from .output import print_note, print_result, print_stretch_note

if TYPE_CHECKING:
    from ..analysis.region import Region, Units
    from ..network import Network

Place = tuple[int, ...]


@click.command("field", short_help=VERBS["field"])
@model_argument
@click.argument("layer")
@input_option
@click.option("--at", metavar="ROW,COL", callback=position, help="The unit of LAYER whose region is wanted.")
@click.option(
    "--pixel", metavar="ROW,COL", callback=position, help="The other way: which units of LAYER see this pixel?"
)
@click.option("--of", "origin", metavar="LAYER", help="Count pixels in this layer's map instead of the input.")
@click.option("--image", metavar="PATH", help="Draw on this image; needs --save.")
@save_option("the region, or the units that see the pixel, drawn on the image,")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="The figure's language.")
@json_option
def command(
    model: str,
    layer: str,
    input_shape: InputShape | None,
    at: Place | None,
    pixel: Place | None,
    origin: str | None,
    image: str | None,
    path: str | None,
    lang: str,
    as_json: bool,
) -> None:
    """Show the exact region that one unit of LAYER sees, border, padding and holes included.

    Rows and columns count from 0. Boxes are half-open: rows 32:227 are the rows 32 to 226.

    \b
    Examples:
      convscope field alexnet pool5 --at 3,2
      convscope field alexnet pool5 --at 3,2 --image cat.jpg --save seen.png
      convscope field alexnet conv2 --pixel 100,60 --save units.png
    """
    from ..files.readable_json import to_json
    from ..loading import load
    from ..render.field import region_text, units_text
    from ..text.terminal import paint_for, terminal_width

    _check(at, pixel, origin, image, path)
    network = load(model, input_shape)
    start = network[origin] if origin else network.inputs[0]
    if pixel is not None:
        units = network.seen_by(pixel, layer, origin)
        if path is not None:
            _draw(network, units, image, path, lang)
        print_result(
            to_json(units.to_dict())
            if as_json
            else units_text(network, units, start, terminal_width(), paint_for())
        )
        return
    assert at is not None
    region = network.field(layer, at, origin)
    if path is not None:
        _draw(network, region, image, path, lang)
    print_result(
        to_json(region.to_dict())
        if as_json
        else region_text(network, region, start, terminal_width(), paint_for())
    )


def _check(at: Place | None, pixel: Place | None, origin: str | None, image: str | None, path: str | None) -> None:
    context = click.get_current_context()
    exclusive({"--at": at is not None, "--pixel": pixel is not None})
    if at is None and pixel is None:
        raise click.UsageError(
            "a unit must be given with --at, or a pixel with --pixel; got neither; "
            "write --at ROW,COL, as in --at 3,2. [field-at]",
            context,
        )
    if image is not None and path is None:
        raise click.UsageError(
            "--image must come with --save; got --image alone; say where to draw, as in --save seen.png. "
            "[field-image]",
            context,
        )
    exclusive({"--of": origin is not None, "--save": path is not None})


def _draw(network: Network, found: Region | Units, image: str | None, path: str, lang: str) -> None:
    from ..analysis.region import Units
    from ..images import load_image, sample_image
    from ..plots import region_on_image, save, units_beside_image

    shape = network.input_shape
    pixels = sample_image(shape) if image is None else load_image(image, shape)
    if image is not None:
        print_stretch_note([image], shape)
    figure = (
        units_beside_image(found, pixels, lang)
        if isinstance(found, Units)
        else region_on_image(found, pixels, lang)
    )
    save(figure, path)
    print_note(f"drew {path}")
