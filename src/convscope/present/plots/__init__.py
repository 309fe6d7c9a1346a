"""Figures, as PNG or SVG. They need `pip install "convscope[plot]"`.

| file | figure |
|---|---|
| `activation.py` | `activations`: sigmoid, tanh, ReLU beside their derivatives; `activation`: any one |
| `field_growth.py` | `field_growth`: the receptive field from layer to layer |
| `network_figure.py` | `network_figure`: the graph of feature maps |
| `region_on_picture.py` | `network_figure.py` | `network_figure`: the graph of feature maps |
| `region_on_picture`: what one unit sees of a picture |
| `convolution_maps.py` | `convolution_maps`: what two edge kernels make of a picture |
| `pooling_growth.py` | `pooling_growth`: how max pooling enlarges what the next layer sees |

`picture.py` has the pictures to draw on: `load_picture`, `sample_picture`. `style.py` holds colours, sizes and
letters, and `save`. A network is drawn in four steps: `boxes.py` (which boxes), `drawn_layer.py` (their colour and
words), `lanes.py` (columns and lanes), `page.py` (inches).
"""

from . import style  # first, for it says what to install where matplotlib is missing
from .activation import activation, activations
from .convolution_maps import convolution_maps
from .field_growth import field_growth
from .network_figure import network_figure
from .picture import load_picture, sample_picture
from .pooling_growth import pooling_growth
from .region_on_picture import region_on_picture
from .style import save

__all__ = [
    "activation",
    "activations",
    "convolution_maps",
    "field_growth",
    "load_picture",
    "network_figure",
    "pooling_growth",
    "region_on_picture",
    "sample_picture",
    "save",
]
