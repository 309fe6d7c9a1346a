"""Figures, as PNG or SVG. They need `pip install matplotlib pillow`.

`style.py` holds colors, sizes and letters, and `save`; `shown.py` draws arrays as small images; the images to
draw on come from `convscope.images`. A network takes four steps: `boxes.py` (which boxes), `drawn_layer.py`
(color and words), `lanes.py` (columns and lanes), `page.py` (inches).
"""

from . import style  # first, for it says what to install where matplotlib is missing
from .activation_curves import activation, activations
from .curves import training_curves
from .edge_maps import convolution_maps
from .features import feature_maps
from .growth import field_growth
from .kernels import kernels_figure
from .mistakes import mistakes_figure
from .network import network_figure
from .pooling import pooling_growth
from .region import region_on_image
from .style import save
from .units import units_beside_image

__all__ = [
    "activation",
    "activations",
    "convolution_maps",
    "feature_maps",
    "field_growth",
    "kernels_figure",
    "mistakes_figure",
    "network_figure",
    "pooling_growth",
    "region_on_image",
    "save",
    "training_curves",
    "units_beside_image",
]
