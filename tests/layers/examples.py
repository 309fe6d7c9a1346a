"""One or more examples of every layer kind with inputs it takes: the contract tests walk over them."""

from __future__ import annotations

from convscope import layers as L

Shape = tuple[int, ...]

PICTURE = (6, 11, 14)
SIGNAL = (6, 17)
VOLUME = (6, 7, 9, 11)
VECTOR = (24,)
SEQUENCE = (5, 24)

EXAMPLES: list[tuple[L.Layer, tuple[Shape, ...]]] = [
    (L.Conv1d(4, 3, stride=2, padding=1, dilation=2, groups=2), (SIGNAL,)),
    (L.Conv2d(10, (3, 4), stride=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2), bias=False), (PICTURE,)),
    (L.Conv2d(12, (3, 2), stride=(2, 3), padding="same", groups=6), (PICTURE,)),
    (L.Conv2d(4, 3, padding=1, padding_mode="reflect"), (PICTURE,)),
    (L.Conv3d(4, (2, 3, 1), stride=(1, 2, 3), padding=(0, 1, 0)), (VOLUME,)),
    (L.ConvTranspose1d(4, 3, stride=2, output_padding=1), (SIGNAL,)),
    (L.ConvTranspose2d(8, (3, 5), stride=(2, 3), padding=(1, 0), dilation=(1, 2), groups=2), (PICTURE,)),
    (L.ConvTranspose3d(3, (2, 3, 1), stride=(1, 2, 2), bias=False), (VOLUME,)),
    (L.MaxPool1d(3, 2), (SIGNAL,)),
    (L.MaxPool2d((3, 2), (2, 1), padding=(1, 0), ceil_mode=True), (PICTURE,)),
    (L.MaxPool3d(2), (VOLUME,)),
    (L.MinPool1d(2), (SIGNAL,)),
    (L.MinPool2d((2, 3)), (PICTURE,)),
    (L.MinPool3d((1, 2, 3)), (VOLUME,)),
    (L.AvgPool1d(4, 3), (SIGNAL,)),
    (L.AvgPool2d((2, 3), padding=(1, 0), count_include_pad=False), (PICTURE,)),
    (L.AvgPool3d((1, 3, 2)), (VOLUME,)),
    (L.LPPool1d(3, norm_type=3.0), (SIGNAL,)),
    (L.LPPool2d((2, 3)), (PICTURE,)),
    (L.LPPool3d(2, norm_type=1.0), (VOLUME,)),
    (L.StochasticPool1d(2), (SIGNAL,)),
    (L.StochasticPool2d((3, 2), (2, 1)), (PICTURE,)),
    (L.StochasticPool3d(2), (VOLUME,)),
    (L.AdaptiveAvgPool1d(5), (SIGNAL,)),
    (L.AdaptiveAvgPool2d((3, 5)), (PICTURE,)),
    (L.AdaptiveAvgPool3d((2, 1, 3)), (VOLUME,)),
    (L.AdaptiveMaxPool1d(4), (SIGNAL,)),
    (L.AdaptiveMaxPool2d((4, 3)), (PICTURE,)),
    (L.AdaptiveMaxPool3d((2, 3, 4)), (VOLUME,)),
    (L.GlobalAvgPool1d(), (SIGNAL,)),
    (L.GlobalAvgPool2d(), (PICTURE,)),
    (L.GlobalAvgPool3d(), (VOLUME,)),
    (L.GlobalMaxPool1d(), (SIGNAL,)),
    (L.GlobalMaxPool2d(), (PICTURE,)),
    (L.GlobalMaxPool3d(), (VOLUME,)),
    (L.SpatialPyramidPool((4, 2, 1)), (PICTURE,)),
    (L.Linear(7), (VECTOR,)),
    (L.Linear(7, bias=False, in_features=24), (SEQUENCE,)),
    (L.Embedding(31, 8), ((5,),)),
    (L.Scale(), (PICTURE,)),
    (L.LSTM(9), (SEQUENCE,)),
    (L.LSTM(9, proj_size=4, num_layers=2, bidirectional=True, biases="one"), (SEQUENCE,)),
    (L.BatchNorm1d(), (SIGNAL,)),
    (L.BatchNorm2d(), (PICTURE,)),
    (L.BatchNorm3d(affine=False), (VOLUME,)),
    (L.GroupNorm(3), (PICTURE,)),
    (L.InstanceNorm1d(affine=True), (SIGNAL,)),
    (L.InstanceNorm2d(), (PICTURE,)),
    (L.InstanceNorm3d(), (VOLUME,)),
    (L.LayerNorm(), (SEQUENCE,)),
    (L.LayerNorm(axes=(0,)), (PICTURE,)),
    (L.LocalResponseNorm(5), (PICTURE,)),
    (L.Sigmoid(), (PICTURE,)),
    (L.Tanh(), (PICTURE,)),
    (L.ReLU(), (PICTURE,)),
    (L.ReLU6(), (PICTURE,)),
    (L.LeakyReLU(0.2), (PICTURE,)),
    (L.PReLU(), (PICTURE,)),
    (L.PReLU(6), (PICTURE,)),
    (L.ELU(0.5), (PICTURE,)),
    (L.SELU(), (PICTURE,)),
    (L.GELU(), (PICTURE,)),
    (L.GELU(approximate="tanh"), (PICTURE,)),
    (L.SiLU(), (PICTURE,)),
    (L.Mish(), (PICTURE,)),
    (L.Softplus(), (PICTURE,)),
    (L.Hardsigmoid(), (PICTURE,)),
    (L.Hardswish(), (PICTURE,)),
    (L.Softmax(), (VECTOR,)),
    (L.Softmax(axis=-1), (SEQUENCE,)),
    (L.LogSoftmax(), (PICTURE,)),
    (L.Add(), (PICTURE, PICTURE, PICTURE)),
    (L.Multiply(), (PICTURE, (6, 1, 1))),
    (L.Subtract(), (PICTURE, (6, 1, 14))),
    (L.Divide(), ((3, 4), (4,))),
    (L.Maximum(), (PICTURE, PICTURE, (6, 1, 1))),
    (L.Minimum(), (PICTURE, (11, 1))),
    (L.Affine(0.458, -0.03), (PICTURE,)),
    (L.Affine(), (PICTURE,)),
    (L.Clamp(-0.5, 0.75), (PICTURE,)),
    (L.Clamp(high=0.5), (PICTURE,)),
    (L.Power(2), (PICTURE,)),
    (L.Power(3), (SEQUENCE,)),
    *((L.Function(name), (SEQUENCE,)) for name in ("abs", "ceil", "cos", "erf", "exp", "floor", "neg")),
    *((L.Function(name), (VECTOR,)) for name in ("reciprocal", "round", "sign", "sin")),
    (L.Reduce("mean", (1, 2)), (PICTURE,)),
    (L.Reduce("sum", (0,), keepdims=True), (PICTURE,)),
    (L.Reduce("max", (-1, 0)), (PICTURE,)),
    (L.Reduce("min", (1, 2), keepdims=True), (PICTURE,)),
    (L.Concat(), (PICTURE, (3, 11, 14))),
    (L.Concat(axis=1), (PICTURE, (6, 5, 14))),
    (L.MatMul(), ((5, 7), (7, 3))),
    (L.MultiheadAttention(4), (SEQUENCE,)),
    (L.MultiheadAttention(3, bias=False), (SEQUENCE, (7, 24), (7, 24))),
    (L.Flatten(), (PICTURE,)),
    (L.Reshape((2, 3, -1)), (PICTURE,)),
    (L.Permute((1, 2, 0)), (PICTURE,)),
    (L.Pad(((1, 2), (0, 3))), (PICTURE,)),
    (L.Pad(1, mode="reflect"), (PICTURE,)),
    (L.Crop(((1, 2), (0, 3))), (PICTURE,)),
    (L.Slice(1, 2, 9, 3), (PICTURE,)),
    (L.Slice(0, 1), (PICTURE,)),
    (L.PixelShuffle(2), ((8, 5, 7),)),
    (L.ChannelShuffle(3), (PICTURE,)),
    (L.IndexSelect(1, 5), (PICTURE,)),
    (L.Roll((2, -3), (1, 2)), (PICTURE,)),
    (L.Expand((5, 6, 11)), ((6, 1),)),
    (L.Upsample(2), (PICTURE,)),
    (L.Upsample(size=(15, 9), mode="linear"), (PICTURE,)),
    (L.Upsample((3, 2), mode="cubic", align_corners=True), (PICTURE,)),
    (L.Input(PICTURE), ()),
    (L.Identity(), (PICTURE,)),
    (L.Dropout(0.3), (PICTURE,)),
    (L.Parameter((3, 5)), (PICTURE,)),
    (L.Parameter((7,), learned=False), (PICTURE,)),
    (L.Opaque("NonMaxSuppression", (5, 4)), (PICTURE,)),
]


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
