"""Operators of every family: shapes, parameters, MACs and values match PyTorch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import prod

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from convscope.interop.torch.call import converters, converts
from interop.torch.parity import images, randomized, same_as_pytorch, same_values

SIGNAL, IMAGE, VOLUME, SEQUENCE = (4, 17), (4, 11, 14), (4, 5, 7, 9), (5, 12)


class Of(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., object], **parameters: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        for name, shape in parameters.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def forward(self, x: torch.Tensor) -> object:
        return self.function(x, **dict(self.named_parameters()))


def cases(*listed: tuple[str, nn.Module, tuple[int, ...]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("module", "shape"), [pytest.param(module, shape, id=name) for name, module, shape in listed]
    )


def of(name: str, function: Callable[..., object], shape: tuple[int, ...] = IMAGE, **parameters: tuple[int, ...]):
    return name, Of(function, **parameters), shape


def bias_of_parts(x: torch.Tensor, w: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Uses a bias with a constant part, as BEiT's keys have."""
    return F.conv2d(x, w, torch.cat((a, torch.zeros(1), b)), stride=(1, 2))


@cases(
    ("1d", nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2), SIGNAL),
    ("2d", nn.Conv2d(4, 6, (3, 4), stride=(2, 1), padding=(1, 0), dilation=(1, 2), bias=False), IMAGE),
    ("same", nn.Conv2d(4, 6, (3, 4), padding="same", dilation=(1, 2)), IMAGE),
    ("valid", nn.Conv2d(4, 6, (3, 4), padding="valid"), IMAGE),
    ("depthwise", nn.Conv2d(4, 8, (3, 5), groups=4), IMAGE),
    ("reflect", nn.Conv2d(4, 6, 3, padding=(2, 1), padding_mode="reflect"), IMAGE),
    ("circular", nn.Conv2d(4, 6, 3, padding=(2, 1), padding_mode="circular"), IMAGE),
    ("3d", nn.Conv3d(4, 5, (2, 3, 1), stride=(1, 2, 3), padding=(0, 1, 0)), VOLUME),
    ("transposed1d", nn.ConvTranspose1d(4, 6, 3, stride=2, output_padding=1), SIGNAL),
    ("transposed2d", nn.ConvTranspose2d(4, 6, (3, 5), (2, 3), (1, 0), dilation=(1, 2), groups=2), IMAGE),
    ("transposed3d", nn.ConvTranspose3d(4, 3, (2, 3, 1), (1, 2, 2), bias=False), VOLUME),
    of("functional", lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1)), w=(6, 4, 3, 2), b=(6,)),
    of("folded", lambda x, w: F.conv2d(x.transpose(1, 2).flatten(0, 1), w), (4, 5, 7, 9), w=(6, 4, 3, 2)),
    of(
        "folded-back",
        lambda x, w: F.conv_transpose2d(x.transpose(1, 2).flatten(0, 1), w, stride=(2, 3)).unflatten(0, (-1, 5)),
        (4, 5, 7, 9),
        w=(4, 6, 3, 2),
    ),
    of("bias-of-parts", bias_of_parts, w=(6, 4, 3, 2), a=(2,), b=(3,)),
)
def test_convolution(module, shape):
    same_as_pytorch(module, shape)


@cases(
    ("max1d", nn.MaxPool1d(3, 2), SIGNAL),
    ("max2d", nn.MaxPool2d((3, 2), (2, 1), padding=(1, 0), dilation=(1, 2), ceil_mode=True), IMAGE),
    ("max3d", nn.MaxPool3d(2), VOLUME),
    ("avg1d", nn.AvgPool1d(4, 3), SIGNAL),
    ("avg2d", nn.AvgPool2d((2, 3), padding=(1, 0), count_include_pad=False, ceil_mode=True), IMAGE),
    ("avg-divisor", nn.AvgPool2d((2, 3), padding=1, divisor_override=5), IMAGE),
    ("avg3d", nn.AvgPool3d((1, 3, 2)), VOLUME),
    ("lp2d", nn.LPPool2d(2, (2, 3), stride=(1, 2)), IMAGE),
    ("adaptive-avg1d", nn.AdaptiveAvgPool1d(5), SIGNAL),
    ("adaptive-avg2d", nn.AdaptiveAvgPool2d((3, None)), IMAGE),
    ("adaptive-avg3d", nn.AdaptiveAvgPool3d((2, 1, 3)), VOLUME),
    ("adaptive-max2d", nn.AdaptiveMaxPool2d((4, 3)), IMAGE),
    of("max-indices", lambda x: F.max_pool2d(x, (2, 3), return_indices=True)[0]),
    of("max-padded", lambda x: F.max_pool2d(F.pad(x, (1, 2, 0, 3), value=-torch.inf), (3, 2))),
    of("folded", lambda x: F.avg_pool2d(x.transpose(1, 2).flatten(0, 1), (3, 2)), (4, 70, 7, 9)),
)
def test_pooling(module, shape):
    same_as_pytorch(module, shape)


@cases(
    ("linear", nn.Linear(17, 5), SIGNAL),
    ("vectors", nn.Sequential(nn.Flatten(), nn.Linear(68, 5, bias=False)), SIGNAL),
    of("rows", lambda x, w: F.linear(x.reshape(-1, 17), w), SIGNAL, w=(5, 17)),
    of("matmul", lambda x, w: x @ w, SIGNAL, w=(17, 3)),
    of("matmul-left", lambda x, w: w @ x, SIGNAL, w=(3, 4)),
    of("matmul-vectors", lambda x, w: x.flatten(1) @ w, SIGNAL, w=(68, 3)),
    of("matmul-self", lambda x: torch.matmul(x, x.transpose(-1, -2))),
    of("bmm", lambda x: torch.bmm(x.transpose(1, 2), x), SIGNAL),
    of("addmm", lambda x, w, b: torch.addmm(b, x.flatten(1), w, beta=0.5, alpha=2.0), SIGNAL, w=(68, 3), b=(3,)),
    of("einsum-weights", lambda x, w: torch.einsum("bchw,co->bohw", x, w), w=(4, 3)),
    of("einsum-images", lambda x: torch.einsum("bchw,bdhw->bcd", x, 2 * x)),
)
def test_matrix_products(module, shape):
    same_as_pytorch(module, shape)


@cases(
    ("batch1d", nn.BatchNorm1d(4), SIGNAL),
    ("batch2d", nn.BatchNorm2d(4), IMAGE),
    ("batch3d", nn.BatchNorm3d(4, affine=False), VOLUME),
    ("group", nn.GroupNorm(2, 4), IMAGE),
    ("instance", nn.InstanceNorm2d(4, affine=True), IMAGE),
    ("instance-running", nn.InstanceNorm1d(4, track_running_stats=True), SIGNAL),
    ("layer", nn.LayerNorm((11, 14)), IMAGE),
    ("layer-last", nn.LayerNorm(14, elementwise_affine=False), IMAGE),
    ("layer-no-bias", nn.LayerNorm(17, bias=False), SIGNAL),
    ("rms", nn.RMSNorm(17), SIGNAL),
    ("local", nn.LocalResponseNorm(3, alpha=0.1), IMAGE),
    of("normalize", lambda x: F.normalize(x, dim=1)),
    of("group-no-shift", lambda x, w: F.group_norm(x, 2, w), w=(4,)),
    of("instance-no-scale", lambda x, w: F.instance_norm(x, bias=w), w=(4,)),
    ("batch-of-rows", nn.Sequential(nn.Flatten(0, 1), nn.BatchNorm1d(14), nn.Unflatten(0, (-1, 71))), (71, 14)),
    of("frozen", lambda x, w, b: x * w.reshape(1, -1, 1, 1) + b.reshape(1, -1, 1, 1), w=(4,), b=(4,)),
)
def test_normalization(module, shape):
    same_as_pytorch(module, shape)


MODULES = [
    *(nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.Sigmoid(), nn.Tanh(), nn.SELU(), nn.SiLU(), nn.Mish()),
    *(nn.Hardsigmoid(), nn.Hardswish(), nn.GELU(), nn.GELU("tanh"), nn.LeakyReLU(0.2), nn.PReLU(), nn.PReLU(4)),
    *(nn.ELU(0.5), nn.CELU(0.7), nn.CELU(), nn.Hardtanh(-0.5, 0.75), nn.Softplus(), nn.Softplus(2.0)),
    *(nn.LogSigmoid(), nn.Softsign(), nn.Tanhshrink(), nn.Softshrink(0.3), nn.GLU(1), nn.RReLU()),
    *(nn.Softmax(1), nn.LogSoftmax(-1), nn.Softmin(2), nn.Dropout(0.3), nn.Dropout2d(0.3), nn.AlphaDropout(0.2)),
]


@pytest.mark.parametrize("module", MODULES, ids=repr)
def test_activation_layer_is_converted(module):
    same_as_pytorch(module, IMAGE)


@cases(
    of("add", lambda x: x + 0.5 * x),
    of("add-alpha", lambda x: torch.add(x, x.abs(), alpha=3)),
    of("numbers", lambda x: (3 - (x + 1) * 2 - 4) / 5),
    of("constants", lambda x: x * torch.arange(14.0) + torch.ones(4, 1, 1)),
    of("reciprocal", lambda x: 2 / (1 + x.square())),
    of("ratio", lambda x: x / (1 + x * x)),
    of("in-place", lambda x: x.mul_(2).add_(x).sub_(1)),
    of("extremes", lambda x: torch.maximum(x, -x) + torch.min(x, 2 * x)),
    of("powers", lambda x: x**2 + x.abs() ** 0.5 + (1 + x * x).pow(-1.5)),
    of(
        "functions", lambda x: x.exp() + x.sin() + x.cos() + torch.erf(x) + (1 + x * x).log() + (2 + x * x).rsqrt()
    ),
    of("rounding", lambda x: x.floor() + 2 * x.ceil() + 4 * x.round() + 8 * x.sign()),
    of("clamp", lambda x: x.clamp(-0.5, 0.75) + x.clamp_min(0.1) + torch.clip(x, max=0.3)),
    of("clamp-arrays", lambda x, w: x.clamp(torch.full((14,), -0.5), w) + x.clamp(max=0.5 * x.abs()), w=(4, 1, 1)),
    of("scale", lambda x, w: x * w, w=(4, 1, 1)),
    of("scale-rows", lambda x, w: w * x, w=(1, 1, 11, 1)),
    of("offset", lambda x, w: x + w, w=(1, 4, 11, 14)),
    of("learned-number", lambda x, w: x * w, w=(1,)),
    of("mask", lambda x: x.masked_fill(torch.arange(14) > 5, 7.0)),
    of("mask-infinite", lambda x: x.masked_fill(torch.arange(14) > 5, float("-inf")).softmax(-1)),
    of(
        "addcmul",
        lambda x, w, b: torch.addcmul(b, w, x) + x.addcdiv(x, 1 + x * x, value=0.5),
        w=(4, 1, 1),
        b=(14,),
    ),
    of("where", lambda x: torch.where(torch.arange(14) > 5, x, -1.0)),
    of("truncated", lambda x: (3 * x).trunc() + torch.div(5 * x, 3, rounding_mode="trunc")),
    of("floored", lambda x: torch.div((100 * x).round(), 49, rounding_mode="floor") + torch.div(x, 0.7)),
    of(
        "integers",
        lambda x: (3 * x).long() * 2.5 + (5 * x).int().float() + (7 * x).to(torch.int16).double().float(),
    ),
    of("bytes", lambda x: (9 * x.abs()).to(torch.uint8).float() / 255 + (9 * x.abs()).type(torch.int8)),
    of("integer-copy", lambda x: torch.zeros(x.shape, dtype=torch.long).copy_(3 * x) * 0.5),
    of("same-type", lambda x: x.float().to(x.dtype).type_as(x) * x.long().long().to(torch.int64)),
)
def test_arithmetic(module, shape):
    same_as_pytorch(module, shape)


@cases(
    of("mean", lambda x: x.mean((2, 3))),
    of("mean-kept", lambda x: x.mean([-1, -2], keepdim=True)),
    of("mean-channels", lambda x: x.mean(1, keepdim=True)),
    of("sum", lambda x: torch.sum(x, dim=2)),
    of("everything", lambda x: x.sum((1, 2, 3))),
    of("amax", lambda x: x.amax((2, 3)) + torch.amin(x, (2, 3))),
    of("max", lambda x: x.max(dim=1)[0] + x.min(dim=1).values),
    of("var", lambda x: x.var((2, 3)) + x.var(dim=(2, 3), unbiased=False)),
    of("std", lambda x: x.std(1, keepdim=True)),
    of("norm", lambda x: x.norm(dim=1) + torch.linalg.vector_norm(x, 1, dim=1)),
    of("logsumexp", lambda x: x.logsumexp(1) + x.logsumexp(1, keepdim=True)[:, 0]),
)
def test_reductions(module, shape):
    same_as_pytorch(module, shape)


@cases(
    of("view", lambda x: x.view(x.size(0), 2, 2, -1).flatten(1, 2).unsqueeze(1).squeeze(1)),
    of("permute", lambda x: x.permute(0, 2, 3, 1).transpose(1, 2).movedim(3, 1)),
    of("batch-moves", lambda x: x.permute(1, 0, 2, 3).relu().transpose(0, 1)),
    of("mT", lambda x: x.mT.relu()),
    of("pad", lambda x: F.pad(x, (1, 2, 0, 3), value=0.5)),
    of("pad-reflect", lambda x: F.pad(x, (1, 2, 3, 0), mode="reflect")),
    of("pad-replicate", lambda x: F.pad(x, (1, 2, 3, 0), mode="replicate")),
    of("pad-channels", lambda x: F.pad(x, (0, 0, 0, 0, 1, 2))),
    of("crop", lambda x: F.pad(x, (-1, -2, -3, 0))),
    of("pixel-shuffle", lambda x: F.pixel_shuffle(x, 2)),
    of("pixel-unshuffle", lambda x: F.pixel_unshuffle(x[:, :, :10], 2)),
    of("channel-shuffle", lambda x: F.channel_shuffle(x, 2)),
    of("nearest", lambda x: F.interpolate(x, scale_factor=(2, 3))),
    of("bilinear", lambda x: F.interpolate(x, size=(15, 9), mode="bilinear")),
    of("corners", lambda x: F.interpolate(x, size=(15, 9), mode="bilinear", align_corners=True)),
    of("bicubic", lambda x: F.interpolate(x, size=(23, 19), mode="bicubic")),
    of("area", lambda x: F.interpolate(x, size=(4, 5), mode="area")),
    of("table", lambda x, w: x + F.interpolate(w, size=(11, 14), mode="bicubic"), w=(1, 4, 5, 6)),
    of("unfold", lambda x: F.unfold(x, (3, 2), dilation=(2, 1), padding=(1, 0), stride=(2, 3))),
    of("unfold-patches", lambda x: F.unfold(x, (3, 4), stride=(3, 4))),
    of(
        "fold",
        lambda x: F.fold(
            F.unfold(x, (3, 2), padding=(1, 0), stride=2), (11, 14), (3, 2), padding=(1, 0), stride=2
        ),
    ),
    of("fold-close", lambda x: F.fold(F.unfold(x, (3, 2), dilation=(2, 1)), (11, 14), (3, 2), dilation=(2, 1))),
    of("windows-of-an-axis", lambda x: x.unfold(2, 4, 3).unfold(3, 5, 5)),
    ("upsample", nn.Upsample(scale_factor=2, mode="nearest"), IMAGE),
)
def test_shape_functions_match(module, shape):
    same_as_pytorch(module, shape)


def folded(x: torch.Tensor) -> torch.Tensor:
    """Splits rows into windows that are folded into the batch, and back, as window attention does."""
    n, c, h, w = x.shape
    windows = x.view(n, c, 5, 2, w).permute(0, 2, 1, 3, 4).reshape(n * 5, c, 2 * w)
    return windows.softmax(-1).view(n, 5, c, 2, w).permute(0, 2, 1, 3, 4).reshape(n, c, h, w)


def written(x: torch.Tensor) -> torch.Tensor:
    """Write into a block of a tensor, by assignment and by `+=`."""
    y = x * 1.5
    y[:, 1:3, 2:] = 2 * x[:, 1:3, 2:]
    y[:, :, 3:5, 4:9] += x[:, :, 1:3, 0:5]
    y[..., 0] = 1.25
    return y


@cases(
    of("cat", lambda x: torch.cat([x, x.relu(), torch.ones(x.shape[0], 2, 11, 14)], dim=1)),
    of("cat-rows", lambda x: torch.cat((x, x[:, :, :3]), -2)),
    of("stack", lambda x: torch.stack([x, 2 * x], dim=2)),
    of("split", lambda x: torch.cat(x.split([1, 3], dim=1)[::-1], 1) + torch.cat(torch.chunk(x, 2, 1), 1)),
    of("unbind", lambda x: x.unbind(1)[2] + x.select(1, -1)),
    of("slices", lambda x: x[:, 1:, ::2, -5:-1] + x[:, 1:, ::2, None, 3:7][:, :, :, 0]),
    of("index", lambda x: x[:, [2, 0, 2], 1:] * x[:, -1:, 1:]),
    of("mask", lambda x: x[:, torch.tensor([True, False, True, True])]),
    of("narrow", lambda x: x.narrow(2, 3, 5) + x.index_select(2, torch.tensor([0, 2, 4, 6, 8]))),
    of("flip", lambda x: x.flip(2, 3) + x.roll((2, -3), (1, 3))),
    of("expand", lambda x: x[:, :1].expand(-1, 4, -1, -1) * x.mean(1, keepdim=True).expand_as(x)),
    of("repeat", lambda x: x.repeat(1, 2, 1, 3)),
    of("interleave", lambda x: x.repeat_interleave(2, dim=1)),
    of("copies-of-images", lambda x: (x.repeat_interleave(5, dim=0) * 2).unflatten(0, (-1, 5))),
    of("copies-for-images", lambda x, w: x + w.repeat(x.shape[0], 1, 2, 1), (4, 10, 14), w=(1, 4, 5, 14)),
    of("tiles", lambda x, w: x + w.tile(5, 2), (4, 10, 14), w=(1, 4, 2, 7)),
    of("pairs", lambda x: x[:, torch.arange(4)[:, None], torch.tensor([[0, -1, 2]])] * x[:, :1, 1:4]),
    of("nothing", lambda x: torch.cat((2 * x[:, :, :0], x[:, :, 1:]), 2)),
    of("token", lambda x, w: torch.cat([w.expand(x.shape[0], -1, -1), x], 1), SIGNAL, w=(1, 1, 17)),
    of("windows", folded, (4, 10, 14)),
    of("rows-of-batches", lambda x: x.permute(2, 0, 1, 3).reshape(-1, 4, 14).softmax(-1).view(11, -1, 4, 14)[2]),
    of("written", written),
)
def test_indexing(module, shape):
    same_as_pytorch(module, shape)


class LastState(nn.Module):
    """The last state of an LSTM, as sequence classifiers use it."""

    def __init__(self, bidirectional: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(12, 6, batch_first=True, bidirectional=bidirectional)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lstm(x)[1][0].transpose(0, 1).flatten(1)


class First(nn.Module):
    """The first result of a module with several."""

    def __init__(self, inner: nn.Module, times: int = 1) -> None:
        super().__init__()
        self.inner = inner
        self.times = times

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(*[x] * self.times)[0]


class Rows(nn.Module):
    """Rows of an image as sequences, as Sequencer reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(12, 6, batch_first=True, bidirectional=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lstm(x.flatten(0, 1))[0].unflatten(0, x.shape[:2])


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@cases(
    ("plain", First(nn.LSTM(12, 6, batch_first=True)), SEQUENCE),
    ("stacked", First(nn.LSTM(12, 6, 2, batch_first=True, bidirectional=True, proj_size=4)), SEQUENCE),
    ("no-bias", First(nn.LSTM(12, 6, batch_first=True, bias=False)), SEQUENCE),
    ("rows", Rows(), (3, 5, 12)),
    ("last", LastState(False), SEQUENCE),
    ("last-two-way", LastState(True), SEQUENCE),
)
def test_lstm(module, shape):
    """PyTorch counts no flops of an LSTM: they are its weights at every step."""
    network = same_values(randomized(module), shape).network
    weights = [p for p in module.parameters() if p.dim() > 1]
    totals = cs.inspect(network).totals
    assert totals.params == sum(p.numel() for p in module.parameters())
    assert totals.macs == prod(shape[:-1]) * sum(p.numel() for p in weights)


class Masked(nn.Module):
    """Attention with a mask, which is converted in parts."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)
        self.register_buffer("mask", torch.ones(5, 5, dtype=torch.bool).triu(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, attn_mask=self.mask, need_weights=False)[0]


class Attending(nn.Module):
    """Calls the function of attention with every argument by keyword, or by position, with a mask or without."""

    def __init__(self, by_name: bool, masked: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 3)
        self.by_name = by_name
        self.masked = masked

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one, x = self.attention, x.transpose(0, 1)
        packed = (
            one.in_proj_weight,
            one.in_proj_bias,
            None,
            None,
            False,
            0.0,
            one.out_proj.weight,
            one.out_proj.bias,
        )
        mask = torch.ones(5, 5, dtype=torch.bool).triu(1) if self.masked else None
        given = (x, x, x, 12, 3, *packed, False, None, False, mask)
        names = list(inspect.signature(F.multi_head_attention_forward).parameters)[: len(given)]
        named = dict(zip(names, given, strict=True))
        made = F.multi_head_attention_forward(**named) if self.by_name else F.multi_head_attention_forward(*given)
        return made[0].transpose(0, 1)


@cases(
    ("function", Attending(False, False), SEQUENCE),
    ("function-named", Attending(True, False), SEQUENCE),
    ("function-masked", Attending(False, True), SEQUENCE),
    ("function-named-masked", Attending(True, True), SEQUENCE),
    ("module", First(nn.MultiheadAttention(12, 3, batch_first=True), 3), SEQUENCE),
    ("no-bias", First(nn.MultiheadAttention(12, 3, batch_first=True, bias=False), 3), SEQUENCE),
    ("masked", Masked(), SEQUENCE),
    ("encoder", nn.TransformerEncoderLayer(12, 3, 20, batch_first=True), SEQUENCE),
    of("scaled", lambda x: F.scaled_dot_product_attention(x, 2 * x, x + 1), (3, 5, 8)),
    of("causal", lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True, scale=0.3), (3, 5, 8)),
    of("offset", lambda x, w: F.scaled_dot_product_attention(x, x, x, attn_mask=w), (3, 5, 8), w=(3, 5, 5)),
)
def test_attention(module, shape):
    same_as_pytorch(module, shape)


def test_plain_attention_is_one_layer():
    network = same_as_pytorch(First(nn.MultiheadAttention(12, 3, batch_first=True), 3), SEQUENCE)
    assert [(node.name, node.kind) for node in network.layers] == [("inner", "MultiheadAttention")]


def test_embedding_of_integers_matches_keras():
    words = images((5,)).abs().mul(4).long()
    module = nn.Sequential(nn.Embedding(31, 8), nn.Linear(8, 3))
    network = same_as_pytorch(module, (5,), words)
    assert [node.kind for node in network.layers] == ["Embedding", "Linear"]


def test_two_converters_for_one_function_are_refused():
    assert len(converters()) > 300
    with pytest.raises(ValueError, match="relu has two converters"):
        converts("relu")(lambda call, input: call.node(input))
