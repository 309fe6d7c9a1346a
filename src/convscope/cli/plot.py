"""`convscope plot`: figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import BadSetting
from ..input_shapes import InputShape
from ..text.language import Message, current_language
from .arguments import matrices, position
from .data import (
    DATA_OPTIONS,
    checkpoint_option,
    data_choice,
    data_options,
    fit_to_network,
    refuse_misfit,
    run_argument,
    saved_run,
)
from .group import COMMANDS, NearestGroup
from .options import input_option, language_option, model_argument, with_default
from .output import file_name, print_note, print_saved, print_stretch_note
from .weighted_model import is_run, read_model, read_model_or_network, weights_options

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..model import Model

F = TypeVar("F", bound=Callable[..., Any])

MOST_CHANNELS = 12
"""Channels that `plot strongest` draws by default."""

LONGEST_SIDE = 480
"""Pixels to which the longer side of an image is reduced for its feature maps."""

_RESERVED = ("name", "lang")
"""Parameters of `plots.activation` that are no settings of the function."""


class Figures(NearestGroup):
    """Commands of `plot`, one per figure."""

    def unknown(self, name: str, hint: Message) -> Message:
        return Message("There is no figure {name!r}. {hint} [verb]", name=name, hint=hint)


@click.group("plot", cls=Figures, short_help=COMMANDS["plot"], subcommand_metavar="FIGURE ...")
def command() -> None:
    """Draw a figure and save it as PNG or SVG.

    \b
    Examples:
      convscope plot activations
      convscope plot field alexnet --save growth.svg
    """


def figure_options(figure: F) -> F:
    """Add --save and --lang."""
    where = click.option(
        "--save",
        "path",
        metavar="PATH",
        help=with_default("File to write, .png or .svg.", "NAME.png in the current folder"),
    )
    return where(language_option(figure))


@command.command("activations", short_help="Sigmoid, tanh and ReLU with their derivatives.")
@figure_options
def activations(path: str | None) -> None:
    """Draw sigmoid, tanh and ReLU with their derivatives.

    \b
    Example:
      convscope plot activations --save activations.svg
    """
    from .. import plots

    _save(plots.activations(lang=current_language()), path, "activations")


@command.command("function", short_help="An activation function, its derivative and properties.")
@click.argument("name")
@click.option(
    "--set",
    "settings",
    metavar="SETTING=VALUE",
    multiple=True,
    help="Setting of the function, such as negative_slope=0.2; repeatable.",
)
@figure_options
def function(name: str, settings: tuple[str, ...], path: str | None) -> None:
    """Draw the activation function NAME with its derivative and properties.

    \b
    Example:
      convscope plot function leakyrelu --set negative_slope=0.2
    """
    from .. import plots

    _save(plots.activation(name, lang=current_language(), **_read_settings(settings)), path, name)


@command.command("field", short_help="Growth of the receptive field from layer to layer.")
@model_argument
@input_option
@figure_options
def field(model: str, input_shape: InputShape | None, path: str | None) -> None:
    """Draw how the receptive field grows from layer to layer of MODEL.

    \b
    Example:
      convscope plot field alexnet
    """
    from .. import plots
    from ..loading import load

    network = load(model, input_shape)
    _save(plots.field_growth(network, lang=current_language()), path, f"{network.name}-field")


@command.command("network", short_help="Architecture diagram of a network.")
@model_argument
@input_option
@figure_options
def network(model: str, input_shape: InputShape | None, path: str | None) -> None:
    """Draw the architecture of MODEL with the shapes of its feature maps.

    \b
    Example:
      convscope plot network resnet18
    """
    from .. import plots
    from ..loading import load

    graph = load(model, input_shape)
    _save(plots.network_figure(graph, lang=current_language()), path, f"{graph.name}-network")


@command.command("edges", short_help="Feature maps of edge kernels, or your own kernels, on an image.")
@click.option("--image", metavar="PATH", help=with_default("Image to convolve.", "a bundled photograph"))
@click.option(
    "--kernel",
    "kernels",
    metavar="ROWS",
    multiple=True,
    callback=matrices,
    help="Kernel with rows separated by /, such as 0,1,0/1,-4,1/0,1,0; repeatable.",
)
@figure_options
def edges(image: str | None, kernels: dict[str, list[list[float]]], path: str | None) -> None:
    """Draw the feature maps of a horizontal and a vertical edge kernel, or of your own kernels, on an image.

    \b
    Examples:
      convscope plot edges --image cat.jpg --save edges.png
      convscope plot edges --kernel 0,1,0/1,-4,1/0,1,0 --kernel 1,1,1/1,1,1/1,1,1
    """
    from .. import plots
    from ..images import load_whole_image, sample_photograph

    pixels = sample_photograph() if image is None else load_whole_image(image, LONGEST_SIDE)
    lang = current_language()
    figure = plots.convolution_maps(pixels, lang, kernels) if kernels else plots.convolution_maps(pixels, lang)
    _save(figure, path, "edges")


@command.command("pooling", short_help="Effect of max pooling on the receptive field.")
@figure_options
def pooling(path: str | None) -> None:
    """Draw how max pooling enlarges the receptive field of the next convolution.

    \b
    Example:
      convscope plot pooling
    """
    from .. import plots

    _save(plots.pooling_growth(lang=current_language()), path, "pooling")


@command.command("curves", short_help="Loss, accuracy and learning rate of a run.")
@run_argument
@figure_options
def curves(run: str, path: str | None) -> None:
    """Draw loss, accuracy and learning rate of RUN over its epochs.

    \b
    Example:
      convscope plot curves runs/lenet-digits
    """
    from .. import plots

    saved = saved_run(run)
    _save(
        plots.training_curves(saved.events(), saved.path.name, lang=current_language()),
        path,
        f"{saved.path.name}-curves",
    )


@command.command("features", short_help="Feature maps of a network with weights for an image.")
@model_argument
@click.argument("image")
@click.option("--layer", "layers", metavar="LAYER", multiple=True, help="Draw only this layer; repeatable.")
@click.option("--invert", is_flag=True, help="Invert the image, as for dark pencil on white paper.")
@weights_options
@checkpoint_option
@figure_options
def features(
    model: str, image: str, layers: tuple[str, ...], invert: bool, path: str | None, **source: Any
) -> None:
    """Draw the feature maps of MODEL for IMAGE.

    MODEL is the folder of a run, or another model with weights: see --weights. An image of any size is resized to
    the network's input.

    \b
    Examples:
      convscope plot features runs/lenet-digits cat.jpg \\
        --layer conv1 --layer pool2
      convscope plot features lenet three.png \\
        --weights lenet.safetensors --layer conv1
    """
    from .. import plots
    from ..data.load import read_input

    loaded = read_model(model, **source)
    shape = loaded.network.input_shape
    pixels = read_input(image, shape, invert)[None]
    activations = loaded.activations(loaded.prepare(pixels))
    print_stretch_note([image], shape)
    shown = {**activations, loaded.network.inputs[0].name: pixels}
    figure = plots.feature_maps(loaded.network, shown, layers, lang=current_language())
    _save(figure, path, f"{_name_of(model, loaded)}-features")


@command.command("strongest", short_help="Image regions with the strongest responses of a layer's channels.")
@model_argument
@click.argument("layer")
@data_options
@click.option(
    "--channel", "wanted", metavar="CHANNEL", type=int, multiple=True, help="Draw only this channel; repeatable."
)
@click.option(
    "--count",
    metavar="IMAGES",
    type=click.IntRange(1, 32),
    default=9,
    show_default=True,
    help="Images per channel.",
)
@weights_options
@figure_options
def strongest(
    model: str, layer: str, wanted: tuple[int, ...], count: int, path: str | None, **options: Any
) -> None:
    """Draw the image regions that excite the channels of LAYER most.

    MODEL is the folder of a run, or another model with weights: see --weights. --data names the images to search.
    They are resized and converted to the network's input.

    \b
    Example:
      convscope plot strongest runs/lenet-digits conv2 --data digits
    """
    from .. import plots
    from ..data.normalization import normalize_dataset
    from ..inside.strongest import strongest_of_channels

    data = {name: options.pop(name) for name in DATA_OPTIONS}
    if data["data"] is None:
        raise click.UsageError(
            Message("No images to search are given. Add --data with a dataset or a folder. [data-missing]"),
            click.get_current_context(),
        )
    loaded = read_model(model, **options)
    choice = fit_to_network(data_choice(**data), loaded.network)
    _, source = choice.evaluation_part()
    refuse_misfit(loaded.network, source, choice.label)
    known = next((node.output_shape[0] for node in loaded.network if node.name == layer), 0)
    chosen = list(wanted) or list(range(min(known, MOST_CHANNELS)))
    if not wanted and known > MOST_CHANNELS:
        print_note(
            Message(
                "The first {count} of {total} channels are drawn. Choose others with --channel.",
                count=MOST_CHANNELS,
                total=known,
            )
        )
    inputs = normalize_dataset(source, loaded.normalization)
    found = strongest_of_channels(loaded, inputs, layer, chosen, count, progress=True)
    figure = plots.strongest_figure(source, layer, found, loaded.network.name, current_language())
    _save(figure, path, f"{_name_of(model, loaded)}-{file_name(layer)}-strongest")


@command.command(
    "effective-field", short_help="How strongly each pixel influences a unit, and growth over the depth."
)
@model_argument
@click.argument("layer", required=False)
@click.option("--at", "at", metavar="ROW,COL", callback=position, help=with_default("Position.", "the middle"))
@click.option(
    "--count", metavar="IMAGES", type=click.IntRange(1, 4096), default=32, show_default=True, help="Random images."
)
@weights_options
@figure_options
def effective_field(
    model: str, layer: str | None, at: tuple[int, ...] | None, count: int, path: str | None, **source: Any
) -> None:
    """Draw the effective receptive field of LAYER, or, without LAYER, how both fields grow over the depth.

    MODEL is what inspect takes. Of a run, the growth is drawn before and after training. A network without weights
    is initialized randomly, several times.

    \b
    Examples:
      convscope plot effective-field runs/lenet-digits
      convscope plot effective-field runs/lenet-digits conv2
    """
    from .. import plots
    from ..inside.effective_field import effective_field as measure
    from .effective_field import growth_by_weights, has_initial_weights

    shown = read_model_or_network(model, **source)
    if layer is not None:
        figure = plots.effective_field_figure(measure(shown, layer, at=at, count=count), current_language())
        _save(figure, path, f"{file_name(layer)}-effective-field")
        return
    if at is not None:
        raise click.UsageError(
            Message("--at needs a LAYER. Name the layer after the model. [effective-at]"),
            click.get_current_context(),
        )
    name, fields = growth_by_weights(shown, has_initial_weights(source["weights"] or model), count)
    figure = plots.effective_growth_figure(fields, name, current_language())
    _save(figure, path, f"{file_name(Path(model).name if is_run(model) else name)}-effective-field")


@command.command("kernels", short_help="Learned kernels of a convolution.")
@model_argument
@click.option("--layer", metavar="LAYER", help=with_default("Convolution to draw.", "the first one"))
@weights_options
@checkpoint_option
@figure_options
def kernels(model: str, layer: str | None, path: str | None, **source: Any) -> None:
    """Draw the learned kernels of a convolution of MODEL.

    MODEL is the folder of a run, or another model with weights: see --weights.

    \b
    Examples:
      convscope plot kernels runs/lenet-digits
      convscope plot kernels lenet --weights lenet.safetensors
    """
    from .. import plots

    loaded = read_model(model, **source)
    _save(
        plots.kernels_figure(loaded.network, loaded.parameters, layer, current_language()),
        path,
        f"{_name_of(model, loaded)}-kernels",
    )


def _name_of(source: str, model: Model) -> str:
    """Return the beginning of a figure's file name: a run's folder, or the network."""
    return Path(source).name if is_run(source) else model.network.name


def _save(figure: Figure, path: str | None, name: str) -> None:
    from .. import plots

    target = f"{file_name(name) or 'figure'}.png" if path is None else path
    plots.save(figure, target)
    print_saved(target)


def _read_settings(settings: tuple[str, ...]) -> dict[str, float | str]:
    known: dict[str, float | str] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (equals and name.isidentifier() and text) or name in _RESERVED:
            raise BadSetting(
                "--set must be SETTING=VALUE (got {got!r}). Example: negative_slope=0.2. [set]",
                got=setting,
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
