"""`convscope.explore`: the explorer in a notebook, or as one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from ..arrays import Array
from ..data.load import read_input
from ..errors import BadShape
from ..files.atomic import write_file
from ..files.regular import open_regular
from ..layers.base import show_shape
from ..loading import ModelSource, load
from ..model import Model
from ..network import Network
from .libraries import check_libraries

ImageSource = str | PathLike[str] | Array

HEIGHT = 860
"""Height of the frame in a notebook, in pixels."""


@dataclass(frozen=True)
class ExplorerPage:
    """The explorer as one HTML file, which works offline.

    A notebook shows it in a frame. `left_out` names the layers whose values are not in the file, because it would
    become too large.
    """

    html: str = field(repr=False)
    left_out: tuple[str, ...] = ()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the page to a file.

        Raises:
            BadFile: [save]
        """
        write_file(Path(path), self.html)

    def _repr_html_(self) -> str:
        style = f"width: 100%; height: {HEIGHT}px; border: 0"
        allowed = "allow-scripts allow-downloads"
        return f'<iframe sandbox="{allowed}" style="{style}" srcdoc="{escape(self.html)}"></iframe>'


def explore(
    model: ModelSource,
    image: ImageSource | Sequence[ImageSource] | None = None,
    layer: str | None = None,
    at: Sequence[int] | None = None,
    hide: Sequence[str] = (),
) -> ExplorerPage:
    """Show a network on an image, unit by unit: in a notebook, or with `.save` as one file.

    The page is that of `convscope explore`, without a server. Sums of all units are computed in the page from the
    recorded values, as far as the file's size allows. Gradients are recorded for the middle unit of each layer,
    and for the selected one.

    Args:
        model: A Model with its weights, or what `load` takes, with random weights.
        image: A file, or values of 0 to 1 in the shape of the input, or several of these. A sample by default.
        layer: The layer that is selected. The last one with maps by default.
        at: The selected unit's index in the layer's output: (channel, row, column), or (feature,).
        hide: Views and tabs that are not shown, such as "predict" or "gradient".

    Raises:
        UnknownLayer: [layer-name]
        BadShape: [explore-image] for values in another shape.
        MissingExtra: [explore-extra]
    """
    check_libraries()
    from .export import HIDDEN, Start, export_page, run_to_end
    from .session import SAMPLE, Session

    session = Session()
    if isinstance(model, Model):
        shown = session.add_network(model.network, model.network.name, model)
    else:
        network = load(model)
        shown = session.add_network(network, model if isinstance(model, str) else network.name)
    given = [] if image is None else [image] if isinstance(image, str | PathLike | np.ndarray) else list(image)
    images = [session.add_image(*_content(shown.network, one, place)) for place, one in enumerate(given)]
    start = Start(_fragment(shown.network, layer, at), (*HIDDEN, *hide))
    page = run_to_end(lambda: export_page(session, shown, images or [SAMPLE], start))
    return ExplorerPage(page.html, page.left_out)


def _content(network: Network, image: ImageSource, place: int) -> tuple[str, bytes | Array]:
    """Return the name and the content of an image."""
    if isinstance(image, str | PathLike):
        path = Path(image)
        read_input(path, network.input_shape)
        with open_regular(path) as file:
            return path.name, file.read()
    values = np.asarray(image, np.float32)
    if values.shape == (1, *network.input_shape):
        values = values[0]
    if values.shape != network.input_shape:
        raise BadShape(
            "image must be {expected} (got {got}). Resize it, or give the path of a file. [explore-image]",
            expected=show_shape(network.input_shape),
            got=show_shape(values.shape),
        )
    return f"image {place + 1}", values


def _fragment(network: Network, layer: str | None, at: Sequence[int] | None) -> str:
    """Return the selection as the fragment of an address."""
    if layer is None:
        return ""
    shape = network[layer].output_shape
    index = tuple(n // 2 for n in shape) if at is None else tuple(at)
    channel, *rest = index if len(index) > 1 else (0, *index)
    row, column = rest if len(rest) == 2 else (0, rest[-1])
    return "#" + urlencode({"s": 1, "l": layer, "u": f"{channel},{row},{column}"})
