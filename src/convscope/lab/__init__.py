"""Small numeric examples for lessons. Functions return data with a readable `str()`.

All values are computed by `convscope.engines.reference.layers`. `blocks.py`
converts arguments to arrays and writes arrays as text.
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
