"""Figures as PNG or SVG. They need `pip install matplotlib pillow`.

`style.py` has colors, sizes, fonts, small images and `save`. `network.py` draws what the package `layout` has
placed; `drawn_layer.py` has the colors and labels of its layers.
"""

from . import style  # first: it reports a missing matplotlib
from .activation_curves import activation, activations
from .attribution import Attribution, attribution_figure, effective_field_figure, strongest_figure
from .edge_maps import convolution_maps
from .effective_growth import effective_growth_figure
from .growth import field_growth
from .lesson import lesson_figure
from .maps import feature_maps, kernels_figure
from .network import network_figure
from .pooling import pooling_growth
from .region import region_on_image, units_beside_image
from .style import save
from .training import mistakes_figure, training_curves

__all__ = [
    "Attribution",
    "activation",
    "activations",
    "attribution_figure",
    "convolution_maps",
    "effective_field_figure",
    "effective_growth_figure",
    "feature_maps",
    "field_growth",
    "kernels_figure",
    "lesson_figure",
    "mistakes_figure",
    "network_figure",
    "pooling_growth",
    "region_on_image",
    "save",
    "strongest_figure",
    "training_curves",
    "units_beside_image",
]
