"""Only some quantities, and lines as wide as the terminal."""

from importlib import import_module

import pytest

from convscope import explain, load
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


@pytest.mark.parametrize("model", ["exercise", "unet", "resnet18", "lenet"])
def test_asked_quantities_equal_those_of_the_whole_explanation(model):
    """Every quantity of every layer that has it, alone and together with another; at a unit, too."""
    network = load(model)
    for layer in (None, [node.name for node in network.layers if node.kind == "Conv2d"][-1]):
        for at in (None, (2, 3)) if layer else (None,):
            every = explain(network, layer, at)
            known = list(dict.fromkeys(derivation.quantity for derivation in every))
            for asked in [(one,) for one in known] + [(known[0], known[-1]), tuple(known)]:
                assert explain(network, layer, at, quantities=asked) == every.only(*asked)
    assert explain(network, quantities="params") == explain(network).only("params")


def test_only_asked_quantities_are_derived(monkeypatch):
    """Neither parameters nor the other chain of the receptive field cost the walk through the network."""
    module = import_module("convscope.derivations.receptive_field")
    refuse = pytest.fail
    monkeypatch.setattr(module, "_center", lambda *_: refuse("center"))
    monkeypatch.setattr(module, "_backward", lambda *_: refuse("backward"))
    assert len(list(explain("vgg16", "conv5_3", quantities="receptive_field"))) == 1
    monkeypatch.setattr(module, "_forward", lambda *_: refuse("forward"))
    assert len(list(explain("vgg16", "conv5_3", quantities=["params", "macs"]))) == 2


def test_an_unknown_quantity_is_refused_before_anything_is_written():
    with pytest.raises(BadSetting) as caught:
        explain("exercise", "conv2", quantities="parms")
    assert str(caught.value) == "'parms' is not derived here. Did you mean params? [quantity]"


def test_fragments_are_the_pages_without_head_and_frame():
    explanation = explain("exercise", "conv2")
    for lang in ("en", "zh"):
        page, fragment = explanation.html(lang), explanation.html(lang, fragment=True)
        assert fragment in page
        assert fragment.startswith("<section><h2>conv2</h2>")
        assert not any(tag in fragment for tag in ("<html", "<head", "<style", "<body", "<h1"))
        document, part = explanation.latex(lang), explanation.latex(lang, fragment=True)
        assert part in document
        assert not any(word in part for word in (r"\documentclass", r"\begin{document}", r"\end{document}"))
