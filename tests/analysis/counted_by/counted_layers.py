"""One small network per layer setting that some tool has a rule for; no two sizes are equal."""

from __future__ import annotations

from convscope import layers as cs
from convscope.layers import Layer
from convscope.network import Entry, Network

LINE, IMAGE, SOLID = (6, 11), (6, 8, 10), (6, 5, 7, 9)
VECTOR, SEQUENCE = (13,), (5, 12)


def alone(layer: Layer, *shapes: tuple[int, ...]) -> Network:
    """Return a network of this one layer, named "it"."""
    inputs = [Entry(f"input{i}", cs.Input(shape)) for i, shape in enumerate(shapes, start=1)]
    return Network([*inputs, Entry("it", layer, tuple(entry.name for entry in inputs))])


WITH_WEIGHTS: dict[str, Network] = {
    "conv1d": alone(cs.Conv1d(9, 3, stride=2), LINE),
    "conv1d depthwise": alone(cs.Conv1d(12, 3, groups=6, bias=False), LINE),
    "conv2d": alone(cs.Conv2d(9, (3, 2), stride=(2, 1), padding=(1, 0)), IMAGE),
    "conv2d without bias": alone(cs.Conv2d(9, (3, 2), dilation=(1, 3), bias=False), IMAGE),
    "conv2d grouped": alone(cs.Conv2d(4, (3, 2), groups=2), IMAGE),
    "conv2d depthwise": alone(cs.Conv2d(6, (5, 3), groups=6), IMAGE),
    "conv2d reflecting": alone(cs.Conv2d(4, 3, padding=(2, 1), padding_mode="reflect"), IMAGE),
    "conv3d": alone(cs.Conv3d(4, (3, 2, 5), stride=(1, 2, 3)), SOLID),
    "transposed 1d": alone(cs.ConvTranspose1d(4, 3, stride=2), LINE),
    "transposed 2d": alone(
        cs.ConvTranspose2d(4, (3, 5), stride=(2, 3), padding=(1, 0), output_padding=(1, 2)), IMAGE
    ),
    "transposed 2d grouped": alone(cs.ConvTranspose2d(4, (3, 2), stride=(2, 3), groups=2, bias=False), IMAGE),
    "transposed 3d": alone(cs.ConvTranspose3d(4, (3, 2, 1), stride=(1, 2, 3)), SOLID),
    "linear": alone(cs.Linear(7), VECTOR),
    "linear without bias": alone(cs.Linear(7, bias=False), VECTOR),
    "linear over a sequence": alone(cs.Linear(7), SEQUENCE),
    "linear over a sequence without bias": alone(cs.Linear(7, bias=False), SEQUENCE),
    "linear on a pooled image": alone(cs.Linear(7), (13, 1, 1)),
    "embedding": alone(cs.Embedding(30, 7), (11,)),
    "scale": alone(cs.Scale(), IMAGE),
    "lstm": alone(cs.LSTM(7), SEQUENCE),
    "lstm stacked both ways": alone(cs.LSTM(7, num_layers=3, bidirectional=True), SEQUENCE),
    "lstm without biases": alone(cs.LSTM(7, biases="none"), SEQUENCE),
    "lstm with one bias": alone(cs.LSTM(7, num_layers=2, biases="one"), SEQUENCE),
    "lstm projected": alone(cs.LSTM(7, proj_size=3, num_layers=2), SEQUENCE),
    "attention": alone(cs.MultiheadAttention(3), SEQUENCE),
    "attention without bias": alone(cs.MultiheadAttention(2, bias=False), SEQUENCE),
    "attention to other keys": alone(cs.MultiheadAttention(3), (5, 12), (7, 12), (7, 12)),
    "matmul": alone(cs.MatMul(), (4, 5, 7), (4, 7, 3)),
}

NORMS: dict[str, Network] = {
    "batchnorm 1d vector": alone(cs.BatchNorm1d(), VECTOR),
    "batchnorm 1d": alone(cs.BatchNorm1d(), LINE),
    "batchnorm 2d": alone(cs.BatchNorm2d(), IMAGE),
    "batchnorm 2d plain": alone(cs.BatchNorm2d(affine=False), IMAGE),
    "batchnorm 3d": alone(cs.BatchNorm3d(), SOLID),
    "groupnorm": alone(cs.GroupNorm(3), IMAGE),
    "groupnorm plain": alone(cs.GroupNorm(2, affine=False), IMAGE),
    "layernorm": alone(cs.LayerNorm(), SEQUENCE),
    "layernorm plain": alone(cs.LayerNorm(affine=False), SEQUENCE),
    "layernorm over channels": alone(cs.LayerNorm((0,)), IMAGE),
    "layernorm over two axes": alone(cs.LayerNorm((1, 2)), IMAGE),
    "instancenorm 1d": alone(cs.InstanceNorm1d(affine=True), LINE),
    "instancenorm 2d": alone(cs.InstanceNorm2d(), IMAGE),
    "instancenorm 2d affine": alone(cs.InstanceNorm2d(affine=True), IMAGE),
    "instancenorm 3d": alone(cs.InstanceNorm3d(), SOLID),
    "lrn": alone(cs.LocalResponseNorm(5), IMAGE),
    "lrn of even size": alone(cs.LocalResponseNorm(4), IMAGE),
    "lrn on a line": alone(cs.LocalResponseNorm(3), LINE),
    "lrn on a solid": alone(cs.LocalResponseNorm(3), SOLID),
}

ACTIVATIONS: dict[str, Network] = {
    layer.kind.lower(): alone(layer, IMAGE)
    for layer in (
        cs.ReLU(),
        cs.ReLU6(),
        cs.LeakyReLU(0.2),
        cs.ELU(),
        cs.SELU(),
        cs.GELU(),
        cs.SiLU(),
        cs.Mish(),
        cs.Softplus(),
        cs.Sigmoid(),
        cs.Tanh(),
        cs.Hardsigmoid(),
        cs.Hardswish(),
        cs.PReLU(),
        cs.Softmax(),
        cs.LogSoftmax(),
    )
} | {
    "gelu by tanh": alone(cs.GELU("tanh"), IMAGE),
    "prelu per channel": alone(cs.PReLU(6), IMAGE),
    "softmax over the last axis": alone(cs.Softmax(-1), IMAGE),
    "softmax of a vector": alone(cs.Softmax(), VECTOR),
}

POOLS: dict[str, Network] = {
    "maxpool 1d": alone(cs.MaxPool1d(3, 2), LINE),
    "maxpool 2d": alone(cs.MaxPool2d((3, 2), (2, 1), padding=(1, 0)), IMAGE),
    "maxpool 3d": alone(cs.MaxPool3d((3, 2, 4)), SOLID),
    "minpool 2d": alone(cs.MinPool2d((3, 2)), IMAGE),
    "avgpool 1d": alone(cs.AvgPool1d(3, 2), LINE),
    "avgpool 2d": alone(cs.AvgPool2d((3, 2), (2, 1), ceil_mode=True), IMAGE),
    "avgpool 3d": alone(cs.AvgPool3d((3, 2, 4)), SOLID),
    "lppool 1d": alone(cs.LPPool1d(3, 2), LINE),
    "lppool 2d": alone(cs.LPPool2d((3, 2), (2, 1)), IMAGE),
    "lppool 3d": alone(cs.LPPool3d((3, 2, 4)), SOLID),
    "adaptive average 1d": alone(cs.AdaptiveAvgPool1d(3), LINE),
    "adaptive average 2d": alone(cs.AdaptiveAvgPool2d((3, 7)), IMAGE),
    "adaptive average 3d": alone(cs.AdaptiveAvgPool3d((3, 2, 4)), SOLID),
    "adaptive maximum 1d": alone(cs.AdaptiveMaxPool1d(3), LINE),
    "adaptive maximum 2d": alone(cs.AdaptiveMaxPool2d((3, 7)), IMAGE),
    "adaptive maximum 3d": alone(cs.AdaptiveMaxPool3d((3, 2, 4)), SOLID),
    "global average 1d": alone(cs.GlobalAvgPool1d(), LINE),
    "global average 2d": alone(cs.GlobalAvgPool2d(), IMAGE),
    "global average 3d": alone(cs.GlobalAvgPool3d(), SOLID),
    "global maximum 2d": alone(cs.GlobalMaxPool2d(), IMAGE),
    "pyramid": alone(cs.SpatialPyramidPool((3, 2, 1)), IMAGE),
}

OTHERS: dict[str, Network] = {
    "upsample 1d": alone(cs.Upsample(3), LINE),
    "upsample 2d": alone(cs.Upsample((2, 3)), IMAGE),
    "upsample 3d": alone(cs.Upsample(2), SOLID),
    "upsample to a size": alone(cs.Upsample(size=(9, 25)), IMAGE),
    "upsample linear 1d": alone(cs.Upsample(3, mode="linear"), LINE),
    "upsample linear 2d": alone(cs.Upsample((2, 3), mode="linear"), IMAGE),
    "upsample linear 3d": alone(cs.Upsample(2, mode="linear"), SOLID),
    "upsample cubic": alone(cs.Upsample((2, 3), mode="cubic"), IMAGE),
    "add": alone(cs.Add(), IMAGE, IMAGE, IMAGE),
    "add broadcast": alone(cs.Add(), IMAGE, (6, 1, 1)),
    "multiply": alone(cs.Multiply(), IMAGE, (6, 1, 1)),
    "concat": alone(cs.Concat(), IMAGE, (4, 8, 10)),
    "flatten": alone(cs.Flatten(), IMAGE),
    "reshape": alone(cs.Reshape((3, 16, 10)), IMAGE),
    "permute": alone(cs.Permute((1, 2, 0)), IMAGE),
    "pad": alone(cs.Pad(((1, 2), (3, 4))), IMAGE),
    "slice": alone(cs.Slice(1, 2, 7, 2), IMAGE),
    "pixelshuffle": alone(cs.PixelShuffle(2), (12, 5, 7)),
    "channelshuffle": alone(cs.ChannelShuffle(3), IMAGE),
    "dropout": alone(cs.Dropout(0.3), IMAGE),
    "identity": alone(cs.Identity(), IMAGE),
}

EVERY = WITH_WEIGHTS | NORMS | ACTIVATIONS | POOLS | OTHERS
