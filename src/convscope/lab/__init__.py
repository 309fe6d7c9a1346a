"""The laboratory: lessons with every number, as text, figures and JSON.

`teach(topic, …)` is `convscope lab TOPIC`. A lesson is one module of `topics`, with its data and its `TOPIC`; all
values are computed by `convscope.engines.reference.layers`.
"""

from .correlation import correlation
from .lesson import Lesson
from .topic import Topic, list_topics, teach
from .topics.activations import activation_table
from .topics.channels import by_channels, two_convolutions
from .topics.edges import edge_maps
from .topics.im2col import matrix_product
from .topics.max_pooling import max_pooling
from .topics.pooling_kinds import pooling_table
from .topics.small_network import walk
from .topics.softmax import softmax_table

__all__ = [
    "Lesson",
    "Topic",
    "activation_table",
    "by_channels",
    "correlation",
    "edge_maps",
    "list_topics",
    "matrix_product",
    "max_pooling",
    "pooling_table",
    "softmax_table",
    "teach",
    "two_convolutions",
    "walk",
]
