"""Colors and labels of layers in a network diagram."""

from __future__ import annotations

from functools import singledispatch
from typing import NamedTuple

from ..derivations.derivation import Text
from ..layers.activation import Activation, Softmax
from ..layers.base import Layer
from ..layers.convolution import Conv, ConvTranspose
from ..layers.dense import Embedding, Linear
from ..layers.merge import Add, Concat, Elementwise, MatMul, MultiheadAttention, Multiply
from ..layers.pooling import (
    AdaptivePool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalPool,
    MaxPool,
    MinPool,
    Pool,
)
from ..layers.rearrange import Flatten
from ..layers.resize import Upsample
from ..layers.structural import Dropout, Input
from ..settings import Axes
from ..text.numbers import per_axis, times
from .style import BLUE, GRAY, GREEN, ORANGE, PURPLE, SKY, VERMILLION, YELLOW


class Look(NamedTuple):
    """Color of a layer and the label under its name."""

    color: str
    words: Text


@singledispatch
def look(layer: Layer) -> Look:
    """Return the look of a layer; by default gray, labeled as in the notation."""
    return Look(GRAY, _both(layer.keyword or layer.kind))


def _both(words: str) -> Text:
    return Text(words, words)


def _window(name: Text, kernel: Axes, stride: Axes, *more: str) -> Text:
    """Label a window: its kernel, its stride unless 1, and other details."""
    details = [times(kernel), *([f"/{per_axis(stride)}"] if set(stride) != {1} else []), *more]
    return Text(*(f"{words} {' '.join(details)}" for words in name))


def _unusual(layer: Conv | ConvTranspose) -> list[str]:
    dilation = [f"d{per_axis(layer.dilation)}"] if set(layer.dilation) != {1} else []
    return [*dilation, *([f"g{layer.groups}"] if layer.groups > 1 else [])]


@look.register
def _(layer: Conv) -> Look:
    return Look(BLUE, _window(Text("conv", "卷积"), layer.kernel_size, layer.stride, *_unusual(layer)))


@look.register
def _(layer: ConvTranspose) -> Look:
    return Look(SKY, _window(Text("up-conv", "转置卷积"), layer.kernel_size, layer.stride, *_unusual(layer)))


@look.register
def _(layer: Pool) -> Look:
    name = _POOLS.get(layer.keyword, _both(layer.keyword))
    return Look(ORANGE, _window(name, layer.kernel_size, layer.stride))


_POOLS = {
    MaxPool.keyword: Text("max pool", "最大池化"),
    MinPool.keyword: Text("min pool", "最小池化"),
    AvgPool.keyword: Text("avg pool", "平均池化"),
}


def _register(family: type[Layer], color: str, words: Text | None = None) -> None:
    """Register the color and label of a layer family; the label defaults to the notation."""

    @look.register(family)
    def _(layer: Layer) -> Look:
        return Look(color, words or _both(layer.keyword))


_register(Input, YELLOW, Text("input", "输入"))
_register(Upsample, SKY, Text("upsample", "上采样"))
_register(GlobalPool, ORANGE)
_register(GlobalAvgPool, ORANGE, Text(GlobalAvgPool.keyword, "全局平均池化"))
_register(GlobalMaxPool, ORANGE, Text(GlobalMaxPool.keyword, "全局最大池化"))
_register(AdaptivePool, ORANGE)
_register(Flatten, GRAY, Text(Flatten.keyword, "展平"))
_register(Dropout, GRAY, Text(Dropout.keyword, "随机失活"))
_register(Linear, PURPLE, Text("dense", "全连接"))
_register(Embedding, PURPLE, Text(Embedding.keyword, "嵌入"))
_register(MatMul, PURPLE, Text(MatMul.keyword, "矩阵乘法"))
_register(MultiheadAttention, PURPLE, Text(MultiheadAttention.keyword, "多头注意力"))
_register(Elementwise, GREEN)
_register(Add, GREEN, Text("add", "相加"))
_register(Multiply, GREEN, Text("multiply", "相乘"))
_register(Concat, GREEN, Text("concat", "拼接"))
_register(Activation, VERMILLION)
_register(Softmax, VERMILLION)
