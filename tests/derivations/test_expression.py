"""The notation of formulas: read, filled, computed, written in three scripts."""

from __future__ import annotations

from fractions import Fraction

import pytest

from convscope.derivations.expression import computed, filled, read
from convscope.derivations.typeset import latex, mathml, notation, number_text, text


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("⌊(227 + 2·0 - 11) / 4⌋ + 1", 55),
        ("⌈7 / 2⌉", 4),
        ("⌊-1 / 3⌋", -1),
        ("-2 + 5", 3),
        ("10 - 3 - 4", 3),
        ("12 / 4·3", 9),
        ("2^3·5", 40),
        ("max(3, 2·2, 1)", 4),
        ("min(3, (-2))", -2),
        ("1,234,567 - 1", 1_234_566),
        ("(3 - 1) / 4", Fraction(1, 2)),
        ("0.5 + 6", Fraction(13, 2)),
        ("3 × 2·2 × 7", (3, 4, 7)),
    ],
)
def test_formulas_compute_exactly(formula, value):
    assert computed(read(formula)) == value


def test_written_expression_is_read_back():
    for formula in ("⌊(h + P_{h1} + P_{h2} − K_h) / s_h⌋ + 1", "r_{12} − (−3)·x^2", "max(a, b) × c", "e^(−x)"):
        assert notation(read(formula)) == formula
        assert read(notation(read(formula))) == read(formula)


def test_negative_numbers_and_fractions_get_brackets():
    assert (
        notation(filled(read("a·b + c"), {"a": -2, "b": Fraction(1, 3), "c": Fraction(1, 2)}))
        == "(−2)·(1 / 3) + 0.5"
    )


def test_a_symbol_without_a_number_has_no_value():
    with pytest.raises(ValueError, match="has no value"):
        computed(read("a + 1"))


@pytest.mark.parametrize("formula", ["(a", "a +", "a b", "⌊a)", "a $ b", "max(a", ""])
def test_invalid_formula_is_refused(formula):
    with pytest.raises(ValueError):  # noqa: PT011 - a slip of the author of a derivation, not of a user
        read(formula)


def test_one_formula_in_three_scripts():
    formula = read("⌊(h + 2·P - k_1) / s_{ab}⌋ × start_0")
    assert text(formula) == "⌊(h + 2·P − k₁) / s_ab⌋ × start₀"
    assert latex(formula) == (
        r"\left\lfloor \frac{h + 2 \cdot P - k_{1}}{s_{\mathrm{ab}}} \right\rfloor \times \mathrm{start}_{0}"
    )
    assert mathml(formula) == (
        "<mrow><mrow><mo>⌊</mo><mfrac><mrow><mrow><mi>h</mi><mo>+</mo><mrow><mn>2</mn><mo>·</mo><mi>P</mi></mrow>"
        "<mo>−</mo><msub><mi>k</mi><mn>1</mn></msub></mrow></mrow><mrow><msub><mi>s</mi><mi>ab</mi></msub></mrow>"
        "</mfrac><mo>⌋</mo></mrow><mo>×</mo><msub><mi>start</mi><mn>0</mn></msub></mrow>"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (9999, "9999"),
        (34944, "34,944"),
        (-5, "−5"),
        (Fraction(11, 2), "5.5"),
        (Fraction(-1, 8), "−0.125"),
        (Fraction(1, 3), "1/3"),
        (Fraction(40_001, 2), "20,000.5"),
    ],
)
def test_numbers_as_people_write_them(value, written):
    assert number_text(value) == written
