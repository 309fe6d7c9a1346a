"""`convscope plot`: figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import BadSetting
from ..input_shapes import InputShape
from .arguments import matrices
from .data_options import checkpoint_option, run_argument
from .group import VERBS, NearestGroup
from .options import input_option, model_argument
from .output import file_name, remark, remark_stretched

if TYPE_CHECKING:
    from matplotlib.figure import Figure

F = TypeVar("F", bound=Callable[..., Any])

LONGEST_SIDE = 480
"""Pixels to which a larger image is reduced for its feature maps."""

_TAKEN = ("name", "lang")
"""Words that `activation` has for other things, so that no setting can be called so."""


class Figures(NearestGroup):
    """The figures that can be drawn."""

    word = "the figure"


@click.group("plot", cls=Figures, short_help=VERBS["plot"], subcommand_metavar="FIGURE ...")
def command() -> None:
    """Draw a figure to a PNG or SVG file.

    \b
    Examples:
      convscope plot activations
      convscope plot field alexnet --save growth.svg
    """


def figure_options(figure: F) -> F:
    """Give a figure its file and its language."""
    lang = click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="English or Chinese.")
    where = click.option("--save", "path", metavar="PATH", help="A .png or .svg file; by default a .png here.")
    return lang(where(figure))


@command.command("activations", short_help="Sigmoid, tanh and ReLU beside their derivatives.")
@figure_options
def activations(path: str | None, lang: str) -> None:
    """Draw sigmoid, tanh and ReLU beside their derivatives.

    \b
    Example:
      convscope plot activations --save activations.svg
    """
    from .. import plots

    _save(plots.activations(lang=lang), path, "activations")


@command.command("function", short_help="One activation function, its derivative and properties.")
@click.argument("name")
@click.option("--set", "settings", metavar="SETTING=VALUE", multiple=True, help="A setting of the function.")
@figure_options
def function(name: str, settings: tuple[str, ...], path: str | None, lang: str) -> None:
    """Draw one activation function beside its derivative, with its properties.

    \b
    Example:
      convscope plot function leakyrelu --set negative_slope=0.2
    """
    from .. import plots

    _save(plots.activation(name, lang=lang, **_read_settings(settings)), path, name)


@command.command("field", short_help="The receptive field from layer to layer.")
@model_argument
@input_option
@figure_options
def field(model: str, input_shape: InputShape | None, path: str | None, lang: str) -> None:
    """Draw how the receptive field grows from layer to layer of MODEL.

    \b
    Example:
      convscope plot field alexnet
    """
    from .. import plots
    from ..loading import load

    network = load(model, input_shape)
    _save(plots.field_growth(network, lang=lang), path, f"{network.name}-field")


@command.command("network", short_help="A network as a graph.")
@model_argument
@input_option
@figure_options
def network(model: str, input_shape: InputShape | None, path: str | None, lang: str) -> None:
    """Draw MODEL as a graph with its shapes.

    \b
    Example:
      convscope plot network resnet18
    """
    from .. import plots
    from ..loading import load

    graph = load(model, input_shape)
    _save(plots.network_figure(graph, lang=lang), path, f"{graph.name}-network")


@command.command("edges", short_help="Feature maps of edge kernels, or of your own, on an image.")
@click.option("--image", metavar="PATH", help="The image; a photograph that is bundled if left out.")
@click.option(
    "--kernel",
    "kernels",
    metavar="ROWS",
    multiple=True,
    callback=matrices,
    help="Your own kernel, rows separated by /, as in 0,1,0/1,-4,1/0,1,0; may be repeated.",
)
@figure_options
def edges(image: str | None, kernels: dict[str, list[list[float]]], path: str | None, lang: str) -> None:
    """Draw what a horizontal and a vertical edge kernel, or your own kernels, make of an image.

    \b
    Examples:
      convscope plot edges --image cat.jpg --save edges.png
      convscope plot edges --kernel 0,1,0/1,-4,1/0,1,0 --kernel 1,1,1/1,1,1/1,1,1
    """
    from .. import plots
    from ..images import load_whole_image, sample_photograph

    pixels = sample_photograph() if image is None else load_whole_image(image, LONGEST_SIDE)
    figure = plots.convolution_maps(pixels, lang, kernels) if kernels else plots.convolution_maps(pixels, lang)
    _save(figure, path, "edges")


@command.command("pooling", short_help="How max pooling enlarges the receptive field.")
@figure_options
def pooling(path: str | None, lang: str) -> None:
    """Draw how max pooling enlarges what the next convolution sees.

    \b
    Example:
      convscope plot pooling
    """
    from .. import plots

    _save(plots.pooling_growth(lang=lang), path, "pooling")


@command.command("curves", short_help="Loss, accuracy and learning rate of a run.")
@run_argument
@figure_options
def curves(run: str, path: str | None, lang: str) -> None:
    """Draw loss, accuracy and learning rate of RUN over its epochs.

    \b
    Example:
      convscope plot curves runs/lenet-digits
    """
    from .. import plots
    from ..training.run_folder import SavedRun

    saved = SavedRun(run)
    _save(plots.training_curves(saved.events(), saved.path.name, lang=lang), path, f"{saved.path.name}-curves")


@command.command("features", short_help="What a trained network's layers make of an image.")
@run_argument
@click.argument("image")
@click.option("--layer", "layers", metavar="LAYER", multiple=True, help="Only this layer; may be repeated.")
@click.option("--invert", is_flag=True, help="Swap dark and light, as for pencil on paper.")
@checkpoint_option
@figure_options
def features(
    run: str,
    image: str,
    layers: tuple[str, ...],
    invert: bool,
    checkpoint: str | None,
    path: str | None,
    lang: str,
) -> None:
    """Draw the feature maps that the layers of RUN's model make of IMAGE.

    \b
    Example:
      convscope plot features runs/lenet-digits cat.jpg --layer conv1 --layer pool2
    """
    from .. import plots
    from ..data.load import read_input
    from ..training.run_folder import SavedRun

    saved = SavedRun(run)
    model = saved.model(checkpoint)
    shape = model.network.input_shape
    activations = model.activations(read_input(image, shape, invert)[None])
    remark_stretched([image], shape)
    figure = plots.feature_maps(model.network, activations, layers, lang=lang)
    _save(figure, path, f"{saved.path.name}-features")


@command.command("kernels", short_help="The kernels that a convolution has learned.")
@run_argument
@click.option("--layer", metavar="LAYER", help="A convolution; the first one if left out.")
@checkpoint_option
@figure_options
def kernels(run: str, layer: str | None, checkpoint: str | None, path: str | None, lang: str) -> None:
    """Draw the kernels of a convolution of RUN's model.

    \b
    Example:
      convscope plot kernels runs/lenet-digits
    """
    from .. import plots
    from ..training.run_folder import SavedRun

    saved = SavedRun(run)
    model = saved.model(checkpoint)
    _save(plots.kernels_figure(model.network, model.parameters, layer, lang), path, f"{saved.path.name}-kernels")


def _save(figure: Figure, path: str | None, name: str) -> None:
    from .. import plots

    target = f"{file_name(name) or 'figure'}.png" if path is None else path
    plots.save(figure, target)
    remark(f"drew {target}")


def _read_settings(settings: tuple[str, ...]) -> dict[str, float | str]:
    known: dict[str, float | str] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (equals and name.isidentifier() and text) or name in _TAKEN:
            raise BadSetting(
                f"--set must be SETTING=VALUE; got {setting!r}; write it as in negative_slope=0.2. [set]"
            )
        known[name] = _number_or_text(text)
    return known


def _number_or_text(text: str) -> float | str:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
