"""Numbers of a network by short expressions, such as `size conv2` or `value conv1 0,2,3`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, prod

from ...analysis.report import LayerRow, Report, inspect
from ...arrays import Array
from ...errors import BadSetting, suggest
from ...inside.terms import UnitTerms
from ...lab.topics.activations import FUNCTIONS, activation_table
from ...network import Network, Node
from ...text.language import Message

Value = float | int | str
"""A number, or a text such as 6×6."""

OPERATORS: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
}
LARGEST_POWER = 1000
LONGEST = 200

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_INDEX = re.compile(r"\d{1,9}(,\d{1,9}){0,5}")


@dataclass
class Numbers:
    """Quantities of one network, and of its values for one image where `terms` computes them."""

    network: Network
    terms: Callable[[str, Sequence[int], int | None], UnitTerms] | None = None
    output: Callable[[str], Array] | None = None

    @cached_property
    def report(self) -> Report:
        """Return the report of the network."""
        return inspect(self.network)

    def evaluate(self, expression: str) -> Value:
        """Return the value of an expression: quantities and numbers with + - * / ^ between, from left to right.

        Raises:
            BadSetting: [lesson-expression]
        """
        words = expression.split()
        if not words or len(expression) > LONGEST:
            raise _bad(expression, Message("Write a quantity with its layer, such as: size conv1"))
        pieces: list[list[str]] = [[]]
        operators: list[str] = []
        for word in words:
            if word in OPERATORS:
                operators.append(word)
                pieces.append([])
            else:
                pieces[-1].append(word)
        values = [self._quantity(expression, piece) for piece in pieces]
        result = values[0]
        for operator, right in zip(operators, values[1:], strict=True):
            result = _combine(expression, operator, result, right)
        return result

    def _quantity(self, expression: str, words: Sequence[str]) -> Value:
        if len(words) == 1 and _NUMBER.fullmatch(words[0]):
            return _plain(float(words[0]))
        if not words or words[0] not in QUANTITIES:
            name = words[0] if words else ""
            raise _bad(
                expression,
                Message("There is no quantity {name!r}. {hint}", name=name[:40], hint=suggest(name, QUANTITIES)),
            )
        quantity = QUANTITIES[words[0]]
        if len(words) - 1 not in quantity.counts:
            raise _bad(expression, Message("Write it as: {form}", form=quantity.form))
        return quantity.compute(self, expression, words[1:])

    def node(self, expression: str, layer: str) -> Node:
        """Return a layer by name."""
        if layer not in self.network:
            names = [node.name for node in self.network]
            raise _bad(
                expression,
                Message(
                    "The network has no layer {layer!r}. {hint}", layer=layer[:60], hint=suggest(layer, names)
                ),
            )
        return self.network[layer]

    def row(self, expression: str, layer: str) -> LayerRow:
        """Return a layer's row of the report."""
        node = self.node(expression, layer)
        if not node.inputs:
            raise _bad(expression, Message("The input is no layer. Name a layer after it."))
        return self.report[layer]

    def unit(self, expression: str, layer: str, index: str, target: str | None = None) -> UnitTerms:
        """Return the arithmetic of a unit."""
        self.node(expression, layer)
        if self.terms is None:
            raise _bad(expression, Message("The network has no values, as it cannot be run."))
        return self.terms(
            layer, _index(expression, index), None if target is None else _index(expression, target)[0]
        )


@dataclass(frozen=True)
class Quantity:
    """A quantity: how it is written, and how it is computed from the words after its name."""

    form: str
    compute: Callable[[Numbers, str, Sequence[str]], Value]

    @property
    def counts(self) -> range:
        """Return how many words may follow the name."""
        words = self.form.split()[1:]
        optional = sum(word.startswith("[") for word in words)
        return range(len(words) - optional, len(words) + 1)


def _bad(expression: str, hint: Message) -> BadSetting:
    return BadSetting(
        "{expression!r} has no value. {hint} [lesson-expression]", expression=expression[:LONGEST], hint=hint
    )


def _plain(value: float) -> float | int:
    return int(value) if isfinite(value) and value == int(value) else value


def _combine(expression: str, operator: str, left: Value, right: Value) -> Value:
    if isinstance(left, str) or isinstance(right, str):
        raise _bad(expression, Message("Only numbers can be combined."))
    if operator == "^" and abs(right) > LARGEST_POWER:
        raise _bad(expression, Message("The exponent is too large."))
    try:
        return (
            _plain(float(OPERATORS[operator](left, right)))
            if operator == "/"
            else OPERATORS[operator](left, right)
        )
    except (ZeroDivisionError, OverflowError):
        raise _bad(expression, Message("Its result is not finite.")) from None


def _index(expression: str, text: str) -> tuple[int, ...]:
    if not _INDEX.fullmatch(text):
        raise _bad(expression, Message("An index is written as 0,2,3"))
    return tuple(map(int, text.split(",")))


def _shape_text(sizes: Sequence[float] | None) -> Value:
    """Return equal sizes as one number, others as 3×5."""
    if not sizes:
        return "–"
    plain = [_plain(size) for size in sizes]
    return plain[0] if len(set(plain)) == 1 else "×".join(map(str, plain))


def _size(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    return _shape_text(numbers.row(expression, words[0]).receptive_field.size)


def _jump(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    return _shape_text(numbers.row(expression, words[0]).receptive_field.stride)


def _start(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    return _shape_text(numbers.row(expression, words[0]).receptive_field.start)


def _shape(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    return "×".join(map(str, numbers.node(expression, words[0]).output_shape))


def _elements(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    return prod(numbers.node(expression, words[0]).output_shape)


def _axis(place: int) -> Callable[[Numbers, str, Sequence[str]], Value]:
    def compute(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
        shape = numbers.node(expression, words[0]).output_shape
        if len(shape) <= place:
            raise _bad(expression, Message("The layer has no such axis."))
        return shape[place]

    return compute


def _positions(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    return prod(numbers.node(expression, words[0]).output_shape[1:])


def _count(name: str) -> Callable[[Numbers, str, Sequence[str]], Value]:
    def compute(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
        if words[0] == "total":
            return int(getattr(numbers.report.totals, name))
        return int(getattr(numbers.row(expression, words[0]), name))

    return compute


def _weights(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    shapes = numbers.node(expression, words[0]).facts.param_shapes
    if "weight" not in shapes:
        raise _bad(expression, Message("The layer has no weights."))
    return prod(shapes["weight"])


def _value(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    node, index = numbers.node(expression, words[0]), _index(expression, words[1])
    if numbers.output is None:
        raise _bad(expression, Message("The network has no values, as it cannot be run."))
    shape = node.output_shape
    if len(index) != len(shape) or any(i >= size for i, size in zip(index, shape, strict=False)):
        raise _bad(
            expression, Message("The unit is outside the layer ({shape}).", shape="×".join(map(str, shape)))
        )
    return _plain(float(numbers.output(words[0])[index]))


def _exact_sum(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    return _plain(numbers.unit(expression, *words).sum)


def _terms(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    return len(numbers.unit(expression, *words).terms)


def _gradient(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
    found = numbers.unit(expression, *words).gradient
    assert found is not None  # a target is given
    return _plain(found)


def _box(side: str) -> Callable[[Numbers, str, Sequence[str]], Value]:
    def compute(numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
        numbers.node(expression, words[0])
        region = numbers.network.field(words[0], _index(expression, words[1])).to_dict()
        if side == "center":
            return _shape_text(region["center"])
        if side == "padding":
            return float(region["padded_fraction"])
        box = region["clipped"]
        low, high = (box[0], box[2]) if side == "rows" else (box[1], box[3])
        return f"{low}–{high - 1}"

    return compute


def _function(derivative: bool) -> Callable[[Numbers, str, Sequence[str]], Value]:
    def compute(_numbers: Numbers, expression: str, words: Sequence[str]) -> Value:
        known = {layer.keyword: layer for layer in FUNCTIONS}
        if words[0] not in known:
            raise _bad(expression, suggest(words[0][:40], known))
        if not _NUMBER.fullmatch(words[1]):
            raise _bad(expression, Message("{got!r} is not a number.", got=words[1][:40]))
        row = activation_table([float(words[1])], (known[words[0]],)).rows[0]
        return _plain(float((row.derivatives if derivative else row.values)[0]))

    return compute


QUANTITIES: Mapping[str, Quantity] = {
    "size": Quantity("size LAYER", _size),
    "jump": Quantity("jump LAYER", _jump),
    "start": Quantity("start LAYER", _start),
    "shape": Quantity("shape LAYER", _shape),
    "elements": Quantity("elements LAYER", _elements),
    "positions": Quantity("positions LAYER", _positions),
    "channels": Quantity("channels LAYER", _axis(0)),
    "height": Quantity("height LAYER", _axis(1)),
    "width": Quantity("width LAYER", _axis(2)),
    "params": Quantity("params LAYER", _count("params")),
    "weights": Quantity("weights LAYER", _weights),
    "macs": Quantity("macs LAYER", _count("macs")),
    "multiplications": Quantity("multiplications LAYER", _count("multiplications")),
    "additions": Quantity("additions LAYER", _count("additions")),
    "comparisons": Quantity("comparisons LAYER", _count("comparisons")),
    "rows": Quantity("rows LAYER ROW,COLUMN", _box("rows")),
    "columns": Quantity("columns LAYER ROW,COLUMN", _box("columns")),
    "center": Quantity("center LAYER ROW,COLUMN", _box("center")),
    "padding": Quantity("padding LAYER ROW,COLUMN", _box("padding")),
    "value": Quantity("value LAYER INDEX", _value),
    "sum": Quantity("sum LAYER INDEX", _exact_sum),
    "terms": Quantity("terms LAYER INDEX", _terms),
    "gradient": Quantity("gradient LAYER INDEX CLASS", _gradient),
    "function": Quantity("function NAME NUMBER", _function(False)),
    "slope": Quantity("slope NAME NUMBER", _function(True)),
}
"""What a lesson can ask of the library."""
