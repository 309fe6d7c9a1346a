"""Words of the notation and the layers they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache, cached_property, lru_cache
from math import prod

from .. import layers
from ..errors import BadNetwork, BadShape, suggest
from ..layers.base import Layer, show_shape
from ..layers.connection import Shape
from ..layers.convolution import Conv
from ..layers.dense import Linear
from ..layers.pooling import Pool
from ..settings import Count, FieldType
from ..text.language import Message

SHORT = {"s": "stride", "p": "padding", "d": "dilation", "g": "groups"}
"""Settings written as one letter and a number: `s2`, `p1x0`."""

FLAGS = {
    "same": ("padding", "same"),
    "valid": ("padding", "valid"),
    "ceil": ("ceil_mode", "true"),
    "nobias": ("bias", "false"),
}
"""Settings written as one word."""

ALIASES = {
    "avgpooling": "avgpool",
    "averagepool": "avgpool",
    "averagepooling": "avgpool",
    "batchnorm": "bn",
    "batchnormalization": "bn",
    "cat": "concat",
    "concatenate": "concat",
    "convolution": "conv",
    "convt": "convtranspose",
    "deconv": "convtranspose",
    "divide": "div",
    "transposedconv": "convtranspose",
    "cropping": "crop",
    "depthwiseconv": "dwconv",
    "fc": "dense",
    "fullyconnected": "dense",
    "gap": "globalavgpool",
    "globalaveragepool": "globalavgpool",
    "globalaveragepooling": "globalavgpool",
    "gmp": "globalmaxpool",
    "globalmaxpooling": "globalmaxpool",
    "gn": "groupnorm",
    "groupnormalization": "groupnorm",
    "hsigmoid": "hardsigmoid",
    "hswish": "hardswish",
    "layernormalization": "layernorm",
    "ln": "layernorm",
    "localresponsenorm": "lrn",
    "localresponsenormalization": "lrn",
    "maxpooling": "maxpool",
    "mha": "attention",
    "multiheadattention": "attention",
    "multiply": "mul",
    "skip": "identity",
    "spatialpyramidpool": "spp",
    "subtract": "sub",
    "sum": "add",
    "swish": "silu",
    "upsampling": "upsample",
    "zeropad": "pad",
    "zeropadding": "pad",
}
"""Spellings of other frameworks; capitals, `_` and `-` never matter."""


@dataclass(frozen=True)
class Kind:
    """A keyword and its layers: one, or one per number of spatial axes."""

    word: str
    classes: tuple[type[Layer], ...]

    @cached_property
    def settings(self) -> Mapping[str, FieldType]:
        """Return the settings with their types."""
        return dict(self.classes[0].forms())

    @cached_property
    def positional(self) -> tuple[str, ...]:
        """Return the settings that are given by position."""
        return self.classes[0].positional

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Return the settings that have no default."""
        return tuple(item.name for item in fields(self.classes[0]) if item.default is MISSING)

    @property
    def joins(self) -> bool:
        """Return whether the layer needs several inputs, which are then listed by name."""
        return self.classes[0].arity[0] > 1

    @property
    def is_input(self) -> bool:
        """Return whether the layer has no inputs."""
        return self.classes[0].arity[1] == 0

    @property
    def base(self) -> str:
        """Return the name that unnamed layers are numbered under."""
        return "pool" if issubclass(self.classes[0], Pool) else self.word

    @property
    def usage(self) -> str:
        """Return how the layer is written."""
        optional = [name if name in self.required else f"[{name}]" for name in self.positional]
        inputs = ["layer", "layer"] if self.joins else []
        return " ".join([self.word, *optional, *inputs])

    def fitting(self, inputs: tuple[Shape, ...]) -> type[Layer]:
        """Return the class for inputs of these shapes: Conv1d, Conv2d or Conv3d."""
        if len(self.classes) == 1:
            return self.classes[0]
        axes = len(inputs[0]) - 1 if inputs else 1
        return self.classes[min(max(axes, 1), len(self.classes)) - 1]

    def make(self, given: tuple[tuple[str, str], ...], inputs: tuple[Shape, ...]) -> Layer:
        """Return the layer with these settings; raises ValueError or ConvscopeError."""
        return made(self.fitting(inputs), given)  # type: ignore[arg-type]  # mypy: a class's hash

    def check(self, layer: Layer, inputs: tuple[Shape, ...]) -> None:
        """Raise BadShape where the word asks for more than the layer does."""


class Dense(Kind):
    """Linear on a vector: on an image, `flatten` is usually missing."""

    def check(self, layer: Layer, inputs: tuple[Shape, ...]) -> None:
        """Refuse images."""
        if not is_vector(inputs[0]):
            raise BadShape(
                "{layer} needs a vector as input (got {shape}). Put `flatten` before it, or write `linear` for "
                "the last axis. [dense-flatten]",
                layer=layer.kind,
                shape=show_shape(inputs[0]),
            )


class Depthwise(Kind):
    """A convolution with one group per channel: `dwconv KERNEL [MULTIPLIER]`."""

    @cached_property
    def settings(self) -> Mapping[str, FieldType]:
        """Return a convolution's settings, the multiplier in place of channels and groups."""
        forms = dict(self.classes[0].forms())
        del forms["out_channels"], forms["groups"]
        return {**forms, "multiplier": Count()}

    @cached_property
    def positional(self) -> tuple[str, ...]:
        """Return kernel size and multiplier."""
        return ("kernel_size", "multiplier")

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Return the kernel size."""
        return ("kernel_size",)

    def make(self, given: tuple[tuple[str, str], ...], inputs: tuple[Shape, ...]) -> Layer:
        """Return the convolution for the channels of the input."""
        channels = inputs[0][0] if inputs else 1
        multiplier = int(dict(given).get("multiplier", "1"))
        others = tuple(pair for pair in given if pair[0] != "multiplier")
        sizes = (("out_channels", str(channels * multiplier)), ("groups", str(channels)))
        return made(self.fitting(inputs), sizes + others)  # type: ignore[arg-type]


@lru_cache(maxsize=1 << 14)
def made(layer: type[Layer], given: tuple[tuple[str, str], ...]) -> Layer:
    """Return a layer from settings as text."""
    forms = dict(layer.forms())
    return layer(**{name: forms[name].parse(text) for name, text in given})


@cache
def kinds() -> Mapping[str, Kind]:
    """Return all keywords, without aliases."""
    families: dict[str, list[type[Layer]]] = {}
    for found in vars(layers).values():
        if isinstance(found, type) and issubclass(found, Layer) and found.keyword:
            families.setdefault(found.keyword, []).append(found)
    table: dict[str, Kind] = {}
    for word, family in families.items():
        ranked = sorted((one for one in family if one.rank), key=lambda one: one.rank or 0)
        table[word] = Kind(word, tuple(ranked or family))
    for one in (
        Dense("dense", (Linear,)),
        Kind("linear", (Linear,)),
        Depthwise("dwconv", table[Conv.keyword].classes),
    ):
        table[one.word] = one
    return table


@cache
def _spellings() -> Mapping[str, Kind]:
    known = kinds()
    table = {alias: known[word] for alias, word in ALIASES.items()}
    for word, kind in known.items():
        for one in kind.classes:
            table.setdefault(one.__name__.lower(), Kind(word, (one,)) if len(kind.classes) > 1 else kind)
        table[word] = kind
    return table


def find(word: str) -> Kind | None:
    """Return the keyword for a word or one of its aliases."""
    table = _spellings()
    return table.get(word) or table.get(word.lower().replace("_", "").replace("-", ""))


def suggest_kinds(word: str, blocks: Iterable[str]) -> Message:
    """Return a hint with the closest keywords and names of blocks."""
    return suggest(word.lower(), (*kinds(), *ALIASES, *blocks))


def kind_of(layer: Layer, inputs: tuple[Shape, ...]) -> Kind:
    """Return the word that writes this layer on these inputs."""
    known = kinds()
    if isinstance(layer, Linear):
        return known["dense" if is_vector(inputs[0]) else "linear"]
    if isinstance(layer, Conv):
        channels = inputs[0][0]
        return known["dwconv" if layer.groups == channels > 1 else layer.keyword]
    kind = known.get(layer.keyword)
    if kind is None or type(layer) is not kind.fitting(inputs):
        raise BadNetwork(
            "{layer} has no word in the notation. Use one of the layers in convscope.layers. [no-keyword]",
            layer=type(layer).__name__,
        )
    return kind


def is_vector(shape: Shape) -> bool:
    """Tell whether a shape is a vector, or an image pooled to C×1×1."""
    return len(shape) == 1 or prod(shape[1:]) == 1


def numbered(base: str, number: int) -> str:
    """Return the name of an unnamed layer: conv1, conv2, …; the first input is just `input`."""
    if base == "input" and number == 1:
        return base
    return f"{base}_{number}" if base[-1].isdigit() else f"{base}{number}"


def words_table() -> str:
    """Return every word with its settings by position, its other settings, and other spellings."""
    rows = [_row(kind) for _, kind in sorted(kinds().items())]
    return "| written | other settings | also |\n|---|---|---|\n" + "".join(rows)


def _row(kind: Kind) -> str:
    flags = {name: f"`{flag}`" for flag, (name, _) in FLAGS.items() if flag in ("ceil", "nobias")}
    letters = {name: f"`{letter}N`" for letter, name in SHORT.items()}
    others = [name for name in kind.settings if name not in kind.positional]
    words = [letters.get(name) or flags.get(name) or f"`{name}=`" for name in others]
    also = [f"`{alias}`" for alias, word in sorted(ALIASES.items()) if word == kind.word]
    return f"| `{kind.usage}` | {', '.join(words)} | {', '.join(also)} |\n"
