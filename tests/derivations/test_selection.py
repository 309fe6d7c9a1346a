"""Only some quantities, and lines as wide as the terminal."""

import pytest

from convscope import explain
from convscope.derivations.render.text import columns
from convscope.errors import BadSetting


def test_only_some_quantities_are_kept():
    chosen = explain("exercise", "conv2").only("params", "center")
    assert [derivation.quantity for derivation in chosen] == ["params", "center"]


def test_layers_without_the_quantity_are_left_out():
    sections = explain("exercise").only("im2col").sections
    assert [section.name for section in sections] == ["conv1", "conv2"]


def test_an_unknown_quantity_offers_the_nearest():
    with pytest.raises(BadSetting) as caught:
        explain("exercise", "conv2").only("parms")
    assert str(caught.value) == ("'parms' is not derived here. Did you mean params? [quantity]")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_narrow_terminals_get_narrow_lines(lang):
    explanation = explain("exercise", "conv2").only("receptive_field")
    hanging = 2 if lang == "zh" else 0  # a Chinese comma or full stop never begins a line
    assert max(map(columns, explanation.text(lang, width=60).splitlines())) <= 60 + hanging
    assert max(map(columns, explanation.text(lang).splitlines())) > 60
