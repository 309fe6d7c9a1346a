"""One or more examples of every layer kind with inputs it takes: the contract tests walk over them."""

from __future__ import annotations

from convscope import layers as L

Shape = tuple[int, ...]

IMAGE = (6, 11, 14)
SIGNAL = (6, 17)
VOLUME = (6, 7, 9, 11)
VECTOR = (24,)
SEQUENCE = (5, 24)

EXAMPLES: list[tuple[L.Layer, tuple[Shape, ...]]] = [
    (L.Conv1d(4, 3, stride=2, padding=1, dilation=2, groups=2), (SIGNAL,)),
    (L.Conv2d(10, (3, 4), stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2), bias=False), (IMAGE,)),
    (L.Conv2d(12, (3, 2), stride=(2, 3), padding="same", groups=6), (IMAGE,)),
    (L.Conv2d(4, 3, padding=1, padding_mode="reflect"), (IMAGE,)),
    (L.Conv3d(4, (2, 3, 1), stride=(1, 2, 3), padding=(0, 1, 0)), (VOLUME,)),
    (L.ConvTranspose1d(4, 3, stride=2, output_padding=1), (SIGNAL,)),
    (L.ConvTranspose2d(8, (3, 5), stride=(2, 3), padding=(1, 0), dilation=(1, 2), groups=2), (IMAGE,)),
    (L.ConvTranspose3d(3, (2, 3, 1), stride=(1, 2, 2), bias=False), (VOLUME,)),
    (L.MaxPool1d(3, 2), (SIGNAL,)),
    (L.MaxPool2d((3, 2), (2, 1), padding=(1, 0), ceil_mode=True), (IMAGE,)),
    (L.MaxPool3d(2), (VOLUME,)),
    (L.MinPool1d(2), (SIGNAL,)),
    (L.MinPool2d((2, 3)), (IMAGE,)),
    (L.MinPool3d((1, 2, 3)), (VOLUME,)),
    (L.AvgPool1d(4, 3), (SIGNAL,)),
    (L.AvgPool2d((2, 3), padding=(1, 0), count_include_pad=False), (IMAGE,)),
    (L.AvgPool3d((1, 3, 2)), (VOLUME,)),
    (L.LPPool1d(3, norm_type=3.0), (SIGNAL,)),
    (L.LPPool2d((2, 3)), (IMAGE,)),
    (L.LPPool3d(2, norm_type=1.0), (VOLUME,)),
    (L.StochasticPool1d(2), (SIGNAL,)),
    (L.StochasticPool2d((3, 2), (2, 1)), (IMAGE,)),
    (L.StochasticPool3d(2), (VOLUME,)),
    (L.AdaptiveAvgPool1d(5), (SIGNAL,)),
    (L.AdaptiveAvgPool2d((3, 5)), (IMAGE,)),
    (L.AdaptiveAvgPool3d((2, 1, 3)), (VOLUME,)),
    (L.AdaptiveMaxPool1d(4), (SIGNAL,)),
    (L.AdaptiveMaxPool2d((4, 3)), (IMAGE,)),
    (L.AdaptiveMaxPool3d((2, 3, 4)), (VOLUME,)),
    (L.GlobalAvgPool1d(), (SIGNAL,)),
    (L.GlobalAvgPool2d(), (IMAGE,)),
    (L.GlobalAvgPool3d(), (VOLUME,)),
    (L.GlobalMaxPool1d(), (SIGNAL,)),
    (L.GlobalMaxPool2d(), (IMAGE,)),
    (L.GlobalMaxPool3d(), (VOLUME,)),
    (L.SpatialPyramidPool((4, 2, 1)), (IMAGE,)),
    (L.Linear(7), (VECTOR,)),
    (L.Linear(7, bias=False, in_features=24), (SEQUENCE,)),
    (L.Embedding(31, 8), ((5,),)),
    (L.Scale(), (IMAGE,)),
    (L.LSTM(9), (SEQUENCE,)),
    (L.LSTM(9, proj_size=4, num_layers=2, bidirectional=True, biases="one"), (SEQUENCE,)),
    (L.BatchNorm1d(), (SIGNAL,)),
    (L.BatchNorm2d(), (IMAGE,)),
    (L.BatchNorm3d(affine=False), (VOLUME,)),
    (L.GroupNorm(3), (IMAGE,)),
    (L.InstanceNorm1d(affine=True), (SIGNAL,)),
    (L.InstanceNorm2d(), (IMAGE,)),
    (L.InstanceNorm3d(), (VOLUME,)),
    (L.LayerNorm(), (SEQUENCE,)),
    (L.LayerNorm(axes=(0,)), (IMAGE,)),
    (L.LocalResponseNorm(5), (IMAGE,)),
    (L.Sigmoid(), (IMAGE,)),
    (L.Tanh(), (IMAGE,)),
    (L.ReLU(), (IMAGE,)),
    (L.ReLU6(), (IMAGE,)),
    (L.LeakyReLU(0.2), (IMAGE,)),
    (L.PReLU(), (IMAGE,)),
    (L.PReLU(6), (IMAGE,)),
    (L.ELU(0.5), (IMAGE,)),
    (L.SELU(), (IMAGE,)),
    (L.GELU(), (IMAGE,)),
    (L.GELU(approximate="tanh"), (IMAGE,)),
    (L.SiLU(), (IMAGE,)),
    (L.Mish(), (IMAGE,)),
    (L.Softplus(), (IMAGE,)),
    (L.Hardsigmoid(), (IMAGE,)),
    (L.Hardswish(), (IMAGE,)),
    (L.Softmax(), (VECTOR,)),
    (L.Softmax(axis=-1), (SEQUENCE,)),
    (L.LogSoftmax(), (IMAGE,)),
    (L.Add(), (IMAGE, IMAGE, IMAGE)),
    (L.Multiply(), (IMAGE, (6, 1, 1))),
    (L.Subtract(), (IMAGE, (6, 1, 14))),
    (L.Divide(), ((3, 4), (4,))),
    (L.Maximum(), (IMAGE, IMAGE, (6, 1, 1))),
    (L.Minimum(), (IMAGE, (11, 1))),
    (L.Affine(0.458, -0.03), (IMAGE,)),
    (L.Affine(), (IMAGE,)),
    (L.Clamp(-0.5, 0.75), (IMAGE,)),
    (L.Clamp(high=0.5), (IMAGE,)),
    (L.Power(2), (IMAGE,)),
    (L.Power(3), (SEQUENCE,)),
    *((L.Function(name), (SEQUENCE,)) for name in ("abs", "ceil", "cos", "erf", "exp", "floor", "neg")),
    *((L.Function(name), (VECTOR,)) for name in ("reciprocal", "round", "sign", "sin")),
    (L.Reduce("mean", (1, 2)), (IMAGE,)),
    (L.Reduce("sum", (0,), keepdims=True), (IMAGE,)),
    (L.Reduce("max", (-1, 0)), (IMAGE,)),
    (L.Reduce("min", (1, 2), keepdims=True), (IMAGE,)),
    (L.Concat(), (IMAGE, (3, 11, 14))),
    (L.Concat(axis=1), (IMAGE, (6, 5, 14))),
    (L.MatMul(), ((5, 7), (7, 3))),
    (L.MultiheadAttention(4), (SEQUENCE,)),
    (L.MultiheadAttention(3, bias=False), (SEQUENCE, (7, 24), (7, 24))),
    (L.Flatten(), (IMAGE,)),
    (L.Reshape((2, 3, -1)), (IMAGE,)),
    (L.Permute((1, 2, 0)), (IMAGE,)),
    (L.Pad(((1, 2), (0, 3))), (IMAGE,)),
    (L.Pad(1, mode="reflect"), (IMAGE,)),
    (L.Crop(((1, 2), (0, 3))), (IMAGE,)),
    (L.Slice(1, 2, 9, 3), (IMAGE,)),
    (L.Slice(0, 1), (IMAGE,)),
    (L.PixelShuffle(2), ((8, 5, 7),)),
    (L.ChannelShuffle(3), (IMAGE,)),
    (L.IndexSelect(1, 5), (IMAGE,)),
    (L.Roll((2, -3), (1, 2)), (IMAGE,)),
    (L.Expand((5, 6, 11)), ((6, 1),)),
    (L.Upsample(2), (IMAGE,)),
    (L.Upsample(size=(15, 9), mode="linear"), (IMAGE,)),
    (L.Upsample((3, 2), mode="cubic", align_corners=True), (IMAGE,)),
    (L.Input(IMAGE), ()),
    (L.Identity(), (IMAGE,)),
    (L.Dropout(0.3), (IMAGE,)),
    (L.Parameter((3, 5)), (IMAGE,)),
    (L.Parameter((7,), learned=False), (IMAGE,)),
    (L.Opaque("NonMaxSuppression", (5, 4)), (IMAGE,)),
]


READ_AS_OTHERS = {
    *(
        f"{name}Pool{rank}d"
        for name in ("Min", "LP", "Stochastic", "AdaptiveAvg", "AdaptiveMax")
        for rank in (1, 2, 3)
    ),
    *("SpatialPyramidPool", "MultiheadAttention", "LSTM", "Affine", "Roll", "Expand", "Reduce"),
}
"""Layers that ONNX has no operator of its own for: a file with them may be read as other layers."""


def concrete_kinds() -> list[type[L.Layer]]:
    """Return every layer a user can build."""
    families = {base for kind in vars(L).values() if isinstance(kind, type) for base in kind.__mro__[1:]}
    return sorted(
        {
            kind
            for kind in vars(L).values()
            if isinstance(kind, type) and issubclass(kind, L.Layer) and (kind not in families or kind is L.Softmax)
        },
        key=lambda kind: kind.__name__,
    )


def example_id(example: tuple[L.Layer, tuple[Shape, ...]]) -> str:
    layer, shapes = example
    return f"{layer.kind}-{'+'.join('x'.join(map(str, shape)) for shape in shapes)}"
