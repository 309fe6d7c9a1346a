"""Every derivation in four forms and two languages: readable, well formed, translated."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import fields, is_dataclass
from unicodedata import east_asian_width

import pytest

from convscope import layers as L
from convscope.derivations import LANGUAGES, Explanation, Section, explain
from convscope.derivations.expression import read
from convscope.derivations.family import derivations
from convscope.derivations.render.markdown import escaped
from convscope.derivations.render.prose import members
from convscope.derivations.structural import memory
from convscope.derivations.typeset import latex, mathml
from convscope.errors import BadSetting, UnknownLayer
from convscope.layers.facts import facts
from derivations.networks import EXERCISE, NETWORKS, chain
from layers.examples import EXAMPLES, example_id

ENGLISH = re.compile(r"[A-Za-z][a-z]+(?:[ ,]+[a-z]{2,}){2,}")


def of_layer(example):
    layer, shapes = example
    shape = facts(layer, shapes).output_shape
    worked = (*derivations(layer, shapes), memory(shape, layer.view))
    return Explanation("one layer", (Section("layer", layer.kind, shapes, shape, worked),))


EXPLANATIONS = [pytest.param(of_layer(example), id=example_id(example)) for example in EXAMPLES]
EXPLANATIONS += [pytest.param(explain(network), id=network.name) for network in NETWORKS]
EXPLANATIONS += [
    pytest.param(explain(network, node.name), id=f"{network.name}-{node.name}")
    for network in NETWORKS
    for node in network.layers
]
every_explanation = pytest.mark.parametrize("explanation", EXPLANATIONS)
every_language = pytest.mark.parametrize("lang", LANGUAGES)


@every_language
@every_explanation
def test_text_fits_100_columns_and_leaves_no_marks(explanation, lang):
    written = explanation.text(lang)
    assert "$" not in written
    assert "{" not in written
    for line in written.splitlines():
        width = sum(2 if east_asian_width(letter) in "WF" else 1 for letter in line)
        assert width <= 102, line  # a comma may hang over the edge
        assert line == line.rstrip()


@every_explanation
def test_chinese_has_no_english_sentence(explanation):
    for form in (explanation.text, explanation.markdown):
        written = re.sub(r"\$[^$]*\$|\[[^\]]*\]|\([A-Z][^)]*\)", "", form("zh"))
        assert not ENGLISH.search(written), ENGLISH.search(written)


@every_explanation
def test_every_text_is_in_both_languages(explanation):
    for words in texts_in(explanation):
        assert words.en
        assert words.zh
        assert not re.search(r"[\u4e00-\u9fff]", words.en), words
        assert re.search(r"[\u4e00-\u9fff]", words.zh), words


def texts_in(part):
    from convscope.derivations import Text

    if isinstance(part, Text):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from texts_in(one)
    elif is_dataclass(part):
        for field in fields(part):
            yield from texts_in(getattr(part, field.name))


@every_language
@every_explanation
def test_latex_environments_are_balanced(explanation, lang):
    written = explanation.latex(lang)
    bare = re.sub(r"\\[\\{}$%&#_]", "", written)
    depth = 0
    for letter in bare:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    assert re.findall(r"\\begin\{(\w+\*?)\}", written).__len__() == len(re.findall(r"\\end\{(\w+\*?)\}", written))
    for name in set(re.findall(r"\\begin\{(\w+\*?)\}", written)):
        assert written.count(rf"\begin{{{name}}}") == written.count(rf"\end{{{name}}}")
    assert written.count(r"\left") == written.count(r"\right")
    assert not re.search(r"[⌊⌋⌈⌉₀-₉]", written)


@every_language
@every_explanation
def test_html_is_well_formed_and_fetches_nothing(explanation, lang):
    written = explanation.html(lang)
    root = ElementTree.fromstring(written)
    assert root.tag == "html"
    assert root.get("lang") == {"en": "en", "zh": "zh-CN"}[lang]
    assert not [one for one in root.iter() if one.get("src") or one.get("href") or one.tag == "script"]
    assert "$" not in written
    for one in root.iter("mfrac"):
        assert len(one) == 2
    for one in (*root.iter("msub"), *root.iter("msup")):
        assert len(one) == 2


@every_language
@every_explanation
def test_markdown_tables_have_two_columns_and_dollars_in_pairs(explanation, lang):
    for line in explanation.markdown(lang).splitlines():
        bare = re.sub(r"\\.", "", line)
        assert bare.count("$") % 2 == 0, line
        if line.startswith("|"):
            assert bare.count("|") == 3, line


def test_every_formula_of_every_layer_is_accepted_by_a_latex_parser():
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    written = {
        latex(member) for one in EXPLANATIONS for d in one.values[0] for s in d.steps for member in members(s)
    }
    assert len(written) > 500
    for formula in sorted(written):
        parser.parse(f"${formula}$")


def test_the_exercise_in_english():
    assert FORWARD_EN in explain(EXERCISE, "conv2").text()


def test_the_exercise_in_chinese():
    assert FORWARD_ZH in explain(EXERCISE, "conv2").text("zh")


def test_the_exercise_in_mathml():
    assert f"<math><mo>=</mo>{mathml(read('5 + (3 - 1)·4'))}</math>" in explain(EXERCISE, "conv2").html()


def test_a_long_equation_breaks_before_its_equals_signs():
    """The joined axis of thirty inputs does not fit one line."""
    section = of_layer((L.Concat(), ((3, 4, 5),) * 30))
    lines = section.text().splitlines()
    assert max(map(len, lines)) <= 100
    assert sum(line.lstrip().startswith("= ") for line in lines) >= 2


def test_names_with_marks_of_the_formats_come_out_literally():
    explanation = explain(chain((3, 8, 9), ("a_b<c>&%", L.Opaque("N_x", (2, 3)))))
    assert "a_b<c>&%" in explanation.text()
    assert r"a\_b\<c\>&%" in explanation.markdown()
    assert r"The operator N\_x is not supported" in explanation.markdown()
    assert escaped("a|b") == r"a\|b"
    assert r"a\_b<c>\&\%" in explanation.latex()
    assert "a_b&lt;c&gt;&amp;%" in explanation.html()


def test_another_language_is_refused():
    for form in ("text", "markdown", "latex", "html"):
        with pytest.raises(BadSetting) as raised:
            getattr(explain(EXERCISE), form)(lang="fr")
        assert str(raised.value) == ('lang must be "en" or "zh" (got lang=\'fr\'). [language]')


def test_unknown_layer_is_refused():
    with pytest.raises(UnknownLayer) as raised:
        explain(EXERCISE, "conv3")
    assert str(raised.value).startswith("exercise has no layer 'conv3'. Did you mean conv")


def test_the_data_is_plain_and_complete():
    document = explain(EXERCISE, "conv2").to_dict()
    (layer,) = document["layers"]
    assert (layer["name"], layer["kind"], layer["output_shape"]) == ("conv2", "Conv2d", [32, 53, 53])
    size = layer["derivations"][0]
    assert size["quantity"] == "output_shape"
    assert size["steps"][0] == {
        "symbol": "h_{out} = w_{out}",
        "formula": "⌊(h + 2·p − k) / s⌋ + 1",
        "substitution": "⌊(55 + 2·0 − 3) / 1⌋ + 1",
        "value": 53,
        "source": "Dumoulin & Visin 2016, (6)",
        "label": {"en": "rows and columns", "zh": "行方向和列方向"},
    }
    assert size["steps"][-1]["value"] == [32, 53, 53]


FORWARD_EN = """\
Receptive field, from the first layer to the last
─────────────────────────────────────────────────
  The image: a pixel sees itself, and its neighbor is one pixel away
    r₀ = 1
    j₀ = 1
  Layer 1, conv1: kernel 3, stride 2
    r₁ = r₀ + (k₁ − 1)·j₀ = 1 + (3 − 1)·1 = 3
    j₁ = j₀·s₁ = 1·2 = 2
  Layer 2, pool1: kernel 2, stride 2
    r₂ = r₁ + (k₂ − 1)·j₁ = 3 + (2 − 1)·2 = 5
    j₂ = j₁·s₂ = 2·2 = 4
  Layer 3, conv2: kernel 3, stride 1
    r₃ = r₂ + (k₃ − 1)·j₂ = 5 + (3 − 1)·4 = 13
    j₃ = j₂·s₃ = 4·1 = 4
  So a unit of conv2 sees this many pixels of the image
     r = r₃ = 13
  · relu1, bn1: these layers see one position only (k = 1, s = 1), so they change nothing.
"""

FORWARD_ZH = """\
感受野：从第一层推到最后一层
────────────────────────────
  输入图像：一个像素只看到自身，与相邻像素的间距为 1
    r₀ = 1
    j₀ = 1
  第 1 层 conv1：核大小 3，步长 2
    r₁ = r₀ + (k₁ − 1)·j₀ = 1 + (3 − 1)·1 = 3
    j₁ = j₀·s₁ = 1·2 = 2
  第 2 层 pool1：核大小 2，步长 2
    r₂ = r₁ + (k₂ − 1)·j₁ = 3 + (2 − 1)·2 = 5
    j₂ = j₁·s₂ = 2·2 = 4
  第 3 层 conv2：核大小 3，步长 1
    r₃ = r₂ + (k₃ − 1)·j₂ = 5 + (3 − 1)·4 = 13
    j₃ = j₂·s₃ = 4·1 = 4
  因此 conv2 的一个单元在输入图像上看到的像素数为
     r = r₃ = 13
  · relu1、bn1：逐位置运算，相当于 k = 1、s = 1，不改变感受野。
"""
