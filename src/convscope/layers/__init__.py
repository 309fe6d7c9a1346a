"""The layers: frozen hyper-parameters and the integer facts that follow from them.

| file | layers |
|---|---|
| `convolution.py` | Conv1d/2d/3d, ConvTranspose1d/2d/3d |
| `pooling.py` | Max, Min, Avg, LP, Stochastic, Adaptive, Global pooling, SpatialPyramidPool |
| `dense.py` | Linear, Embedding, Scale |
| `recurrent.py` | LSTM |
| `normalization.py` | BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm |
| `activation.py` | ReLU and its kin with their properties, Softmax, LogSoftmax |
| `merge.py` | Add, Multiply, Concat, MatMul, MultiheadAttention |
| `rearrange.py` | Flatten, Reshape, Permute, Pad, Crop, Slice, PixelShuffle, ChannelShuffle |
| `resize.py` | Upsample |
| `special.py` | Input, Identity, Dropout, Opaque |

`base.py` says what every layer answers, `connection.py` how outputs hang on inputs, `operations.py` how
arithmetic is counted, `facts.py` puts a layer's answers for one input together.
"""

from .activation import (
    ELU,
    GELU,
    SELU,
    Activation,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from .base import Layer, show_shape
from .convolution import (
    Conv,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from .dense import Embedding, Linear, Scale
from .merge import Add, Concat, MatMul, MultiheadAttention, Multiply
from .normalization import (
    BatchNorm,
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    GroupNorm,
    InstanceNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    LayerNorm,
    LocalResponseNorm,
)
from .pooling import (
    AdaptiveAvgPool,
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AdaptivePool,
    AvgPool,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    GlobalAvgPool3d,
    GlobalMaxPool,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    GlobalMaxPool3d,
    GlobalPool,
    LPPool,
    LPPool1d,
    LPPool2d,
    LPPool3d,
    MaxPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    MinPool,
    MinPool1d,
    MinPool2d,
    MinPool3d,
    Pool,
    SpatialPyramidPool,
    StochasticPool,
    StochasticPool1d,
    StochasticPool2d,
    StochasticPool3d,
)
from .rearrange import ChannelShuffle, Crop, Flatten, Pad, Permute, PixelShuffle, Reshape, Slice
from .recurrent import LSTM
from .resize import Upsample
from .special import Dropout, Identity, Input, Opaque
