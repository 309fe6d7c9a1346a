"""Figures, as PNG or SVG. They need `pip install matplotlib pillow`.

| file | figure |
|---|---|
| `activation_curves.py` | `activations`: sigmoid, tanh, ReLU beside their derivatives; `activation`: any one |
| `growth.py` | `field_growth`: the receptive field from layer to layer |
| `network.py` | `network_figure`: the graph of feature maps |
| `region.py` | `region_on_picture`: what one unit sees of a picture |
| `units.py` | `units_beside_picture`: which units of a layer see a pixel |
| `edge_maps.py` | `convolution_maps`: what two edge kernels make of a picture |
| `pooling.py` | `pooling_growth`: how max pooling enlarges what the next layer sees |
| `curves.py` | `training_curves`: loss, accuracy and learning rate of a run |
| `features.py` | `feature_maps`: what layers make of a picture |
| `kernels.py` | `kernels_figure`: what a layer has learned to look for |
| `mistakes.py` | `mistakes_figure`: the pictures that a model got most wrong |

`style.py` holds colours, sizes and letters, and `save`; `shown.py` draws arrays as small pictures; the pictures to
draw on come from `convscope.pictures`. A network takes four steps: `boxes.py` (which boxes), `drawn_layer.py`
(colour and words), `lanes.py` (columns and lanes), `page.py` (inches).
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
from .region import region_on_picture
from .style import save
from .units import units_beside_picture

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
    "region_on_picture",
    "save",
    "training_curves",
    "units_beside_picture",
]
