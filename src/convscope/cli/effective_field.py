"""Effective receptive fields of models on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .output import print_stretch_note

if TYPE_CHECKING:
    from ..engines.protocol import Array
    from ..inside.effective_field import EffectiveField
    from ..layers.connection import Shape
    from ..model import Model
    from ..network import Network


def has_initial_weights(model: str) -> bool:
    """Tell whether a model is a run whose initial weights follow from its seed."""
    if not Path(model, "run.json").is_file():
        return False
    from ..training.run_folder import SavedRun

    return "weights" not in SavedRun(model).document["notes"]


def measure(
    source: Model | Network, layer: str, at: tuple[int, ...] | None, folder: str | None, count: int
) -> EffectiveField:
    """Return the effective field for the images of a folder, or for `count` random images."""
    from ..inside.effective_field import effective_field
    from ..network import Network

    network = source if isinstance(source, Network) else source.network
    images = None if folder is None else read_folder(folder, network.input_shape, count)
    if images is not None and not isinstance(source, Network):
        images = source.prepare(images)
    return effective_field(source, layer, images, at, count=count)


def read_folder(folder: str, input_shape: Shape, most: int) -> Array:
    """Return up to `most` images of a folder and the folders in it, evenly chosen.

    Raises:
        BadFile: [images-folder]
    """
    from ..data.folder import image_files
    from ..data.load import read_input

    files = image_files(folder)
    chosen = [files[i * len(files) // min(most, len(files))] for i in range(min(most, len(files)))]
    images = np.stack([read_input(path, input_shape) for path in chosen])
    print_stretch_note([str(path) for path in chosen], input_shape)
    return images


def growth_by_weights(
    source: Model | Network, has_initial: bool, count: int
) -> tuple[str, dict[str, list[EffectiveField]]]:
    """Return a network's name, and the effective fields of its layers by the kind of weights.

    With `has_initial`, the model is also measured with the initial weights that its seed determines.
    """
    from ..inside.effective_field import effective_field, growth_layers
    from ..model import Model
    from ..network import Network

    network = source if isinstance(source, Network) else source.network
    sources: dict[str, Model | Network] = {"random": network}
    if isinstance(source, Model):
        sources = {"own": source}
        if has_initial:
            initial = Model(network, source.seed, source.engine, np.dtype(source.dtype).name)
            sources = {"initial": initial, "trained": source}
    layers = growth_layers(network)
    return network.name, {
        kind: [effective_field(one, layer, count=count) for layer in layers] for kind, one in sources.items()
    }
