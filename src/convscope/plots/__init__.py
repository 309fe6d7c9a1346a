"""Figures as PNG or SVG. They need `pip install matplotlib pillow`.

`style.py` has colors, sizes, fonts, small images and `save`. A network diagram takes four steps: `boxes.py` (merge
layers), `drawn_layer.py` (colors and labels), `lanes.py` (columns and lanes) and `page.py` (positions in inches).
"""

from . import style  # first: it reports a missing matplotlib
from .activation_curves import activation, activations
from .edge_maps import convolution_maps
from .growth import field_growth
from .maps import feature_maps, kernels_figure
from .network import network_figure
from .pooling import pooling_growth
from .region import region_on_image, units_beside_image
from .style import save
from .training import mistakes_figure, training_curves

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
