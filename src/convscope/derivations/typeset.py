"""One formula in three scripts: plain text, LaTeX, MathML."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from html import escape

from .expression import (
    RIGHT,
    Bracket,
    Exponentiation,
    Expression,
    FunctionCall,
    Name,
    Number,
    Product,
    Quotient,
    Rational,
    Sizes,
    Sum,
    Value,
    is_decimal,
    read,
)

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_GREEK = {
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "ε": r"\varepsilon",
    "λ": r"\lambda",
    "μ": r"\mu",
    "σ": r"\sigma",
    "Φ": r"\Phi",
    "Σ": r"\Sigma",
    "∞": r"\infty",
}
_LATEX_BRACKETS = {
    "(": (r"\left(", r"\right)"),
    "⌊": (r"\left\lfloor", r"\right\rfloor"),
    "⌈": (r"\left\lceil", r"\right\rceil"),
}
_LATEX_FUNCTIONS = {"max", "min", "tanh", "exp", "ln"}


def number_text(value: Rational) -> str:
    """Write a number: 3025, 34,944, 5.5, −1, 7/3."""
    if value < 0:
        return f"−{number_text(-value)}"
    if isinstance(value, int):
        return f"{value:,}" if value >= 10_000 else str(value)
    if not is_decimal(value):
        return f"{value.numerator}/{value.denominator}"
    digits = 1
    while (value * 10**digits).denominator != 1:
        digits += 1
    whole, rest = divmod(int(value * 10**digits), 10**digits)
    return f"{number_text(whole)}.{rest:0{digits}d}"


def text(expression: Expression) -> str:
    """Write a formula on one line of plain text.

    >>> from convscope.derivations.expression import read
    >>> text(read("⌊(h + 2·P - k_1) / s⌋ + 1"))
    '⌊(h + 2·P − k₁) / s⌋ + 1'
    """
    return _line(expression, _text_name)


def notation(expression: Expression) -> str:
    """Write a formula in the notation that `read` reads.

    >>> from convscope.derivations.expression import read
    >>> notation(read("k_1-1"))
    'k_1 − 1'
    """
    return _line(expression, lambda name: name.key)


def symbol_text(symbol: str) -> str:
    """Write a symbol, or a chain of them, in plain text."""
    return " = ".join(text(read(part)) for part in symbol.split(" = "))


def _text_name(name: Name) -> str:
    if name.subscript.isdecimal():
        return name.base + name.subscript.translate(_SUBSCRIPTS)
    return f"{name.base}_{name.subscript}" if name.subscript else name.base


def _line(expression: Expression, spell: Callable[[Name], str]) -> str:
    def line(part: Expression) -> str:
        return _line(part, spell)

    match expression:
        case Number(value):
            return number_text(value)
        case Name():
            return spell(expression)
        case Sum(terms):
            return _signed(terms, line)
        case Product(factors):
            return "·".join(map(line, factors))
        case Quotient(over, under):
            return f"{line(over)} / {line(under)}"
        case Exponentiation(base, exponent):
            return f"{line(base)}^{line(exponent)}"
        case Bracket(left, inner):
            return f"{left}{line(inner)}{RIGHT[left]}"
        case FunctionCall(function, arguments):
            return f"{function}({', '.join(map(line, arguments))})"
        case Sizes(items):
            return " × ".join(map(line, items))


def _signed(terms: tuple[tuple[str, Expression], ...], write: Callable[[Expression], str]) -> str:
    first = ("" if terms[0][0] == "+" else "−") + write(terms[0][1])
    return first + "".join(f" {sign} {write(term)}" for sign, term in terms[1:])


def _bare(expression: Expression) -> Expression:
    """Return what stands in round brackets, for places where a fraction line or a height does their work."""
    return expression.inner if isinstance(expression, Bracket) and expression.left == "(" else expression


def latex(expression: Expression) -> str:
    r"""Write a formula in LaTeX's math mode.

    >>> from convscope.derivations.expression import read
    >>> latex(read("⌈(h - k_1) / s⌉"))
    '\\left\\lceil \\frac{h - k_{1}}{s} \\right\\rceil'
    """
    match expression:
        case Number(value):
            return latex_value(value)
        case Name(base, subscript):
            return _latex_name(base, subscript)
        case Sum(terms):
            return _signed(terms, latex).replace("−", "-")
        case Product(factors):
            return r" \cdot ".join(map(latex, factors))
        case Quotient(over, under):
            return rf"\frac{{{latex(_bare(over))}}}{{{latex(_bare(under))}}}"
        case Exponentiation(base, exponent):
            return f"{latex(base)}^{{{latex(_bare(exponent))}}}"
        case Bracket(left, inner):
            opening, closing = _LATEX_BRACKETS[left]
            return f"{opening} {latex(inner)} {closing}"
        case FunctionCall(function, arguments):
            name = rf"\{function}" if function in _LATEX_FUNCTIONS else _latex_name(function, "")
            return rf"{name}\left( {', '.join(map(latex, arguments))} \right)"
        case Sizes(items):
            return r" \times ".join(map(latex, items))


def _latex_name(base: str, subscript: str) -> str:
    stem, prime = (base[:-1], "'") if base.endswith("′") else (base, "")
    word = _GREEK.get(stem) or (stem if len(stem) == 1 else rf"\mathrm{{{stem}}}")
    if not subscript:
        return word + prime
    plain = subscript if len(subscript) == 1 or subscript.isdecimal() else rf"\mathrm{{{subscript}}}"
    return f"{word}{prime}_{{{plain}}}"


def latex_value(value: Value) -> str:
    """Write a result in LaTeX's math mode."""
    if isinstance(value, tuple):
        return r" \times ".join(map(str, value)) if value else "1"
    if isinstance(value, Fraction) and not is_decimal(value):
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    return number_text(value).replace(",", "{,}").replace("−", "-")


def mathml(expression: Expression) -> str:
    """Write a formula as MathML, without the surrounding math element."""
    match expression:
        case Number(value):
            return mathml_value(value)
        case Name(base, subscript):
            word = f"<mi>{escape(base)}</mi>"
            mark = "mn" if subscript.isdecimal() else "mi"
            return f"<msub>{word}<{mark}>{escape(subscript)}</{mark}></msub>" if subscript else word
        case Sum(terms):
            first = ("" if terms[0][0] == "+" else _sign("−")) + mathml(terms[0][1])
            return _row(first + "".join(_sign(sign) + mathml(term) for sign, term in terms[1:]))
        case Product(factors):
            return _row(_sign("·").join(map(mathml, factors)))
        case Quotient(over, under):
            return f"<mfrac>{_row(mathml(_bare(over)))}{_row(mathml(_bare(under)))}</mfrac>"
        case Exponentiation(base, exponent):
            return f"<msup>{_row(mathml(base))}{_row(mathml(_bare(exponent)))}</msup>"
        case Bracket(left, inner):
            return _fenced(left, mathml(inner))
        case FunctionCall(function, arguments):
            inside = _sign(",").join(map(mathml, arguments))
            return _row(f"<mi>{escape(function)}</mi>{_fenced('(', inside)}")
        case Sizes(items):
            return _row(_sign("×").join(map(mathml, items)))


def mathml_value(value: Value) -> str:
    """Write a result as MathML."""
    if isinstance(value, tuple):
        return _row(_sign("×").join(f"<mn>{size}</mn>" for size in value))
    if value < 0:
        return _row(_sign("−") + mathml_value(-value))
    return f"<mn>{number_text(value)}</mn>"


def _sign(sign: str) -> str:
    return f"<mo>{sign}</mo>"


def _fenced(left: str, inside: str) -> str:
    """Put brackets around a formula. They grow with fractions only, not with subscripts."""
    fixed = "" if "<mfrac>" in inside else ' stretchy="false"'
    return _row(f"<mo{fixed}>{left}</mo>{inside}<mo{fixed}>{RIGHT[left]}</mo>")


def _row(inside: str) -> str:
    return f"<mrow>{inside}</mrow>"
