"""Whatever is written: a network or an error made for people, never another."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.errors import BadNotation, ConvscopeError
from convscope.loading import load
from convscope.notation import parse, parse_json, parse_yaml
from convscope.notation.keywords import kinds

WORDS = st.sampled_from(
    [
        *sorted(kinds()),
        *(
            "a:",
            "b:",
            "from=a",
            "from=a,b",
            "share=b",
            "a",
            "b",
            "same",
            "ceil",
            "nobias",
            "s2",
            "p1x0",
            "g0",
            "p0/1",
        ),
        *(
            "3",
            "0",
            "-1",
            "3x2",
            "1x2x0",
            "eps=1e-3",
            "axis=9",
            "shape=x",
            "=",
            "s2x",
            "{a}",
            "{1+1}",
            "{",
            "9" * 5000,
        ),
    ]
)
LINES = st.lists(st.lists(WORDS, max_size=5).map(" ".join), max_size=6).map("\n".join)
TREES = st.recursive(
    st.lists(WORDS, max_size=4).map(" ".join) | st.none() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["add", "repeat", "layers", "a", "concat axis=1", "b c=1"]), inner, max_size=2
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(LINES | st.text(max_size=60), st.booleans())
def test_text(text: str, after_input: bool) -> None:
    """Words in any order, and any characters at all."""
    with contextlib.suppress(ConvscopeError):
        parse(f"input 4x5x6\n{text}" if after_input else text)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(["layers", "blocks", "input", "name"]), TREES), st.booleans())
def test_documents(parts: dict[str, object], with_input: bool) -> None:
    """Trees of any form where layers, blocks, input and name are expected."""
    import json

    whole = {"input": "4x5x6", "layers": ["relu"], **parts} if with_input else parts
    with contextlib.suppress(ConvscopeError):
        parse_json(json.dumps(whole))


@settings(max_examples=300)
@given(st.text(max_size=80) | LINES)
def test_yaml(text: str) -> None:
    """Texts that may or may not be YAML."""
    with contextlib.suppress(ConvscopeError):
        parse_yaml(text)
    with contextlib.suppress(ConvscopeError):
        parse_yaml(f"input: 4x5x6\nlayers:\n- {text}")
    with contextlib.suppress(ConvscopeError):
        parse_json(text)


@settings(max_examples=100)
@given(st.text(max_size=40))
def test_models(text: str) -> None:
    """Any string where a model is asked for."""
    with contextlib.suppress(ConvscopeError):
        load(text)


def test_a_number_too_long_for_python_is_refused_by_name() -> None:
    """JSON takes numbers of any length; Python refuses to make them."""
    with pytest.raises(BadNotation):
        parse_json('{"input": [3, ' + "9" * 5000 + ', 8], "layers": ["relu"]}')
