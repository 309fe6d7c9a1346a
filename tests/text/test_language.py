"""Messages, and their translation."""

from __future__ import annotations

import pickle

import pytest

from convscope.errors import BadData, BadSetting
from convscope.text import language
from convscope.text.language import Message, localize, translate, use_language


@pytest.fixture
def chinese(monkeypatch):
    entries = {
        "layer {name}": "层 {name}",
        "{count:,} layer(s)": "{count:,} 层",
        "{where}: {error}": "{where}：{error}",
        "x is {got}. [x-bad]": "x 为 {got}。[x-bad]",
    }
    monkeypatch.setattr(language, "catalog", lambda name: entries)


def test_message_is_english_text():
    assert Message("layer {name}", name="conv1") == "layer conv1"


def test_plural_follows_the_count():
    assert [Message("{count:,} layer(s)", count=n) for n in (0, 1, 1200)] == [
        "0 layers",
        "1 layer",
        "1,200 layers",
    ]


def test_text_without_values_keeps_its_braces():
    assert Message("blocks are written {a, b}") == "blocks are written {a, b}"


def test_translation_uses_the_language_of_the_block(chinese):
    message = Message("layer {name}", name="conv1")
    with use_language("zh"):
        assert translate(message) == "层 conv1"
        assert localize("{count:,} layer(s)", count=1) == "1 层"
    assert translate(message) == "layer conv1"


def test_values_are_translated(chinese):
    error = BadData("x is {got}. [x-bad]", got=3)
    outer = BadData("{where}: {error}", where=Message("layer {name}", name="a"), error=error)
    with use_language("zh"):
        assert outer.translated() == "层 a：x 为 3。[x-bad]"
    assert str(outer) == "layer a: x is 3. [x-bad]"
    assert outer.code == "x-bad"


def test_messages_without_an_entry_stay_english(chinese):
    with use_language("zh"):
        assert translate(Message("other {n}", n=1)) == "other 1"
        assert translate("plain") == "plain"


@pytest.mark.parametrize("copy", [lambda x: pickle.loads(pickle.dumps(x))])
def test_messages_and_errors_survive_pickling(copy):
    message = copy(Message("layer {name}", name="conv1"))
    assert (message, message.template, message.values) == ("layer conv1", "layer {name}", {"name": "conv1"})
    error = copy(BadSetting("braces {a} of {got}. [x]", a="{", got=1))
    assert str(error) == "braces { of 1. [x]"
