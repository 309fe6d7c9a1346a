"""The arithmetic of one unit as a worked solution."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from ..derivations.derivation import Derivation, Section, Text
from ..derivations.explanation import Explanation
from ..derivations.worksheet import Worksheet, written
from ..network import Network
from .terms import Term, UnitTerms

DIGITS = 5
"""Significant digits of displayed values."""

MOST_CHANNELS = 6
"""Input channels that are written out; the others are summed."""

NEGLIGIBLE = 1e-4
"""A remainder below this share of the terms is rounding."""

MOST_TERMS = 49
"""Terms of one line."""

VALUE = Text("Value of unit {at} of {layer}", "{layer} 中单元 {at} 的值")
GRADIENT = Text("Gradient of the target with respect to the unit", "目标对该单元的梯度")
CHANNEL = Text("input channel {channel} of {source}", "{source} 的输入通道 {channel}")
REST = Text("the other {count} input channels", "其余 {count} 个输入通道")
TERMS = Text("input × weight, term by term", "逐项：输入 × 权重")
TOTAL = Text("the sum over the channels, and the bias", "各通道之和，再加偏置")
SUM = Text("the sum, and the bias", "求和，再加偏置")
BIAS = Text("bias", "偏置")
WINDOW = Text("the elements of the window", "窗口中的元素")
WINNER = Text("the winner: {source} {index}", "胜出者：{source} {index}")
TIES = Text("{ties} elements are equal to it", "有 {ties} 个元素与之相等")
READ = Text("{source} {index}", "{source} {index}")
SLOPE = Text("derivative with respect to it", "对它的导数")
FACTS = {
    "mean": ("μ", Text("mean", "均值")),
    "variance": ("v", Text("variance", "方差")),
    "eps": ("ε", Text("eps", "eps")),
    "gamma": ("γ", Text("weight", "缩放系数")),
    "beta": ("β", Text("bias", "偏移系数")),
    "divisor": ("d", Text("divisor", "除数")),
    "maximum": ("m", Text("maximum", "最大值")),
    "denominator": ("D", Text("denominator", "分母")),
    "sum": ("S", Text("sum", "和")),
    "level": ("l", Text("bins per axis of the level", "该层级每轴的区间数")),
    "row": ("r", Text("row of the table", "表的行")),
    "input_gate": ("i", Text("input gate", "输入门")),
    "forget_gate": ("f", Text("forget gate", "遗忘门")),
    "candidate": ("g", Text("candidate", "候选值")),
    "output_gate": ("o", Text("output gate", "输出门")),
    "cell_before": ("c_0", Text("cell state before the step", "该时间步之前的细胞状态")),
    "cell": ("c", Text("cell state: f·c₀ + i·g", "细胞状态：f·c₀ + i·g")),
}
"""Symbol and name of intermediate results."""

FACT = Text("{name}", "{name}")
GROUPS = {
    "LSTM": (
        Text(
            "time step {channel}: what it wrote to the cell × what is left of it",
            "时间步 {channel}：写入细胞的值 × 其剩余比例",
        ),
        Text("the other {count} time steps", "其余 {count} 个时间步"),
        Text("the sum over the time steps: o·tanh(c)", "各时间步之和：o·tanh(c)"),
    ),
    "MultiheadAttention": (
        Text(
            "key position {channel}: value × attention weight, head by head",
            "键位置 {channel}：值 × 注意力权重，逐头",
        ),
        Text("the other {count} key positions", "其余 {count} 个键位置"),
        Text("the sum over the key positions, and the bias", "各键位置之和，再加偏置"),
    ),
}
"""Labels of a group of terms, of the others, and of their sum, where groups are no input channels."""

RESULT = Text("the value, from these inputs", "由这些输入得到的值")
PADDING = Text(
    "{count} positions of the window are zero padding and contribute nothing.",
    "窗口中有 {count} 个位置是零填充，没有贡献。",
)
ENGINE = Text(
    "The engine computed {value}; in float64 the sum is {sum}. Numbers above are rounded to {digits} digits.",
    "引擎算得 {value}；用 float64 求和为 {sum}。以上数字保留 {digits} 位有效数字。",
)
NO_FORM = Text("The layer has no form to list: inputs → value.", "该层没有可列出的算式：输入 → 值。")
READER = Text("read by {layer} {at}: derivative × gradient there", "由 {layer} {at} 读取：导数 × 该处的梯度")
OTHERS = Text("all other readers", "其余读取者")
DIRECT = Text("the target reads the unit itself", "目标直接读取该单元")


def explain_unit(network: Network, terms: UnitTerms) -> Explanation:
    """Return the arithmetic behind a unit as a worked solution, with methods to write it in several formats."""
    node = network[terms.layer]
    derivations = [_value(terms)]
    if terms.gradient is not None:
        derivations.append(_gradient(terms))
    section = Section(node.name, node.kind, node.input_shapes, node.output_shape, tuple(derivations))
    return Explanation(network.name, (section,))


def _rounded(value: float) -> Fraction:
    """Return the value with few digits, as an exact decimal."""
    return (
        Fraction(Decimal(f"{value:.{DIGITS}g}")) if value == value and abs(value) != float("inf") else Fraction(0)
    )


def _numbered(symbol: str, number: int) -> str:
    return f"{symbol}_{number}" if number < 10 else f"{symbol}_{{{number}}}"


def _shown(index: Sequence[int]) -> str:
    return "(" + ", ".join(map(str, index)) + ")"


def _value(terms: UnitTerms) -> Derivation:
    sheet = Worksheet()
    title = VALUE.fill(at=_shown(terms.at), layer=terms.layer)
    for name, fact in terms.facts.items():
        if isinstance(fact, int | float) and not isinstance(fact, bool) and name != "ties":
            symbol, meaning = FACTS.get(name, (name[0], FACT.fill(name=name.replace("_", " "))))
            sheet.know(symbol, _rounded(float(fact)), meaning)
    if terms.form == "inputs":
        sheet.note(NO_FORM)
    elif terms.form == "sum":
        _sum(sheet, terms)
    elif terms.form == "winner":
        _winner(sheet, terms)
    else:
        _function(sheet, terms)
    if terms.padding:
        sheet.note(PADDING, count=terms.padding)
    sheet.note(ENGINE, value=f"{terms.value:.7g}", sum=f"{terms.sum:.10g}", digits=DIGITS)
    return sheet.finish("value", title)


def _products(terms: Sequence[Term]) -> str:
    """Return the sum of products as a formula of numbers."""
    parts = [f"{written(_rounded(term.input))}·{written(_rounded(term.weight))}" for term in terms]
    return " + ".join(parts) or "0"


def _sum(sheet: Worksheet, terms: UnitTerms) -> None:
    """Write one line per input channel as far as they fit, then their sum with the bias."""
    groups: dict[tuple[str, int], list[Term]] = {}
    by_channel = len(terms.terms) > 1 and len(terms.terms[0].index) > 1
    for term in terms.terms:
        groups.setdefault((term.source, term.index[0] if by_channel else 0), []).append(term)
    names = []
    one, rest, total_label = GROUPS.get(terms.kind, (CHANNEL, REST, TOTAL))
    listed = list(groups.items())[:MOST_CHANNELS]
    for place, ((source, channel), group) in enumerate(listed):
        label = one.fill(channel=channel, source=source) if by_channel else TERMS
        if len(group) <= MOST_TERMS:
            sheet.step(_numbered("s", place), _products(group), label)
        else:
            sheet.step(_numbered("s", place), written(_rounded(sum(term.product for term in group))), label)
        names.append(_numbered("s", place))
    others = list(groups.items())[MOST_CHANNELS:]
    if others:
        total = sum(term.product for _, group in others for term in group)
        sheet.step("r", written(_rounded(total)), rest.fill(count=len(others)))
        names.append("r")
    if terms.bias:
        sheet.know("b", _rounded(terms.bias), BIAS)
        names.append("b")
    sheet.step("y", " + ".join(names) or "0", total_label if len(groups) > 1 else SUM)


def _winner(sheet: Worksheet, terms: UnitTerms) -> None:
    values = [written(_rounded(term.input)) for term in terms.terms[:MOST_TERMS]]
    best = max(terms.terms, key=lambda term: term.weight)
    smallest = best.input <= min(term.input for term in terms.terms)
    name = "min" if smallest and best.input < max(term.input for term in terms.terms) else "max"
    if len(terms.terms) <= MOST_TERMS and len(values) > 1:
        sheet.step("y", f"{name}({', '.join(values)})", WINDOW)
    else:
        sheet.step("y", written(_rounded(best.input)), WINDOW)
    sheet.note(WINNER, source=best.source, index=_shown(best.index))
    if int(terms.facts.get("ties", 1)) > 1:
        sheet.note(TIES, ties=terms.facts["ties"])


def _function(sheet: Worksheet, terms: UnitTerms) -> None:
    for place, term in enumerate(terms.terms[:MOST_TERMS]):
        symbol = "x" if len(terms.terms) == 1 else _numbered("x", place)
        sheet.know(symbol, _rounded(term.input), READ.fill(source=term.source, index=_shown(term.index)))
        if len(terms.terms) == 1:
            sheet.know("d", _rounded(term.weight), SLOPE)
    sheet.step("y", written(_rounded(terms.sum)), RESULT)


def _gradient(terms: UnitTerms) -> Derivation:
    sheet = Worksheet()
    names = []
    shown = sorted(terms.readers, key=lambda reader: -abs(reader.product))[: 2 * MOST_CHANNELS]
    kept = {(reader.layer, reader.at) for reader in shown}
    for place, reader in enumerate(one for one in terms.readers if (one.layer, one.at) in kept):
        formula = f"{written(_rounded(reader.derivative))}·{written(_rounded(reader.gradient))}"
        sheet.step(_numbered("g", place), formula, READER.fill(layer=reader.layer, at=_shown(reader.at)))
        names.append(_numbered("g", place))
    rest = terms.remainder + sum(
        reader.product for reader in terms.readers if (reader.layer, reader.at) not in kept
    )
    scale = abs(terms.gradient or 0.0) + sum(abs(reader.product) for reader in terms.readers)
    if abs(rest) > NEGLIGIBLE * scale:
        label = OTHERS if len(terms.readers) > len(kept) else DIRECT
        sheet.step("r", written(_rounded(rest)), label)
        names.append("r")
    if names:
        sheet.step("g", " + ".join(names))
    else:
        sheet.step("g", written(_rounded(terms.gradient or 0.0)))
    return sheet.finish("gradient", GRADIENT)
