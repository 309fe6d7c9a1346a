"""The laboratory: small examples with every number, for lessons. Functions return data with a readable `str()`.

| file | shows |
|---|---|
| `activations.py` | `activation_table`: values, derivatives, properties; `softmax_table` |
| `pooling.py` | `pooling_table`: one window through every kind; `max_pooling`: window by window |
| `edges.py` | `edge_maps`: horizontal and vertical edges of a picture |
| `channels.py` | `by_channels`: each channel convolved on its own, then summed; `two_convolutions` |
| `small_convolution.py` | `correlation`: a convolution in 1-D or 2-D with its graph, forward and backward |
| `columns.py` | `matrix_product`: im2col, and convolution as one product |
| `network_walk.py` | `walk`: a small network forward, layer by layer |

All values come from `convscope.reference`. `given.py` reads what is handed over, `blocks.py`
writes arrays as text.
"""

from .activations import activation_table, softmax_table
from .channels import by_channels, two_convolutions
from .columns import matrix_product
from .edges import edge_maps
from .network_walk import walk
from .pooling import max_pooling, pooling_table
from .small_convolution import correlation

__all__ = [
    "activation_table",
    "by_channels",
    "correlation",
    "edge_maps",
    "matrix_product",
    "max_pooling",
    "pooling_table",
    "softmax_table",
    "two_convolutions",
    "walk",
]
