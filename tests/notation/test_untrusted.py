"""Texts from others end with a network or one error, within limits."""

import json
from math import prod

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import convscope as cs
from convscope.errors import BadNotation, BadSetting, ConvscopeError, suggest
from convscope.notation import limits as module
from convscope.notation import parse, parse_untrusted

SMALL = cs.Limits(
    text=400, layers=40, expanded=3000, nesting=6, axis=100, elements=20_000, parameters=50_000, seconds=2
)


def test_networks_within_the_limits_are_those_of_parse():
    text = "input 3x32x32 | conv 8 3 | relu | maxpool 2 | flatten | dense 10"
    assert parse_untrusted(text) == parse(text)
    assert parse_untrusted(cs.to_yaml(parse(text)), form="yaml") == parse(text)


REPEATED = "layers:\n- input 1x8x8\n- repeat: {times}\n  layers:\n  - repeat: {times}\n    layers:\n    - relu\n"


@pytest.mark.parametrize(
    ("text", "form", "code"),
    [
        ("input 1x8x8 | " + "relu | " * 60_000, "notation", "limit-text"),
        ("input 1x8x8\n" + "|".join(["relu"] * 12_000), "notation", None),
        ("input 3x1000000x1000000", "notation", "limit-axis"),
        ("input 3x16384x16384 | conv 4096 1", "notation", "limit-elements"),
        ("input 60000x16 | flatten | dense 900000", "notation", "limit-parameters"),
        (REPEATED.format(times=1000), "yaml", "too-large"),
        ("a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\n"
         "d: &d [*c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e]\n"
         "layers: [*f, *f, *f]", "yaml", None),
        ("[" * 30_000, "json", None),
        ("torch:os:getcwd", "notation", None),
        ("keras:os:getcwd", "notation", None),
        ("/etc/passwd", "notation", None),
        ("runs/lenet", "notation", None),
        ("lenet", "notation", None),
        ("", "notation", None),
    ],
)  # fmt: skip
def test_hostile_texts_are_refused(text, form, code):
    if code is None and text.startswith("input"):
        assert len(parse_untrusted(text, form=form).layers) > 10_000
    else:
        with pytest.raises(ConvscopeError) as caught:
            parse_untrusted(text, form=form)
        assert code is None or f"[{code}]" in str(caught.value)
        assert len(str(caught.value)) < 2000


def test_deadline_is_checked_between_layers(monkeypatch):
    """By the clock of the text: an hour passes after a hundred readings."""
    readings = iter(range(10_000_000))
    monkeypatch.setattr(module.time, "monotonic", lambda: 3600.0 * (next(readings) > 100))
    with pytest.raises(BadNotation) as caught:
        parse_untrusted("input 1x8x8 | " + " | ".join(["relu"] * 300))
    assert str(caught.value).startswith("The network must be read within 5 s (took longer). Use fewer layers.")
    assert next(readings) < 105
    parse("input 1x8x8 | " + " | ".join(["relu"] * 300))  # a trusted text has no deadline


def test_names_in_deep_groups_are_counted():
    """A long prefix for each of many layers would cost much more than the text."""
    lines = ["layers:", "- input 1x8x8"]
    for depth in range(20):
        indent = "  " * depth
        lines += [f"{indent}- name: {'n' * 1000}{depth}", f"{indent}  layers:"]
    lines += ["  " * 20 + "- repeat: 19000", "  " * 20 + "  layers: [relu]"]
    with pytest.raises(ConvscopeError):
        parse_untrusted("\n".join(lines), form="yaml")


@pytest.mark.parametrize(("name", "value"), [("layers", 0), ("seconds", -1), ("text", True), ("axis", "9")])
def test_wrong_limits_are_refused(name, value):
    with pytest.raises(BadSetting, match=rf"^Limits\.{name} must be a number above 0 \(got .*\[limits\]$"):
        cs.Limits(**{name: value})


def test_unknown_forms_are_refused():
    with pytest.raises(BadSetting, match=r"^form must be notation, yaml or json \(got 'toml'\)"):
        parse_untrusted("input 1x8x8", form="toml")


WORDS = st.sampled_from(
    ["input", "1x8x8", "3x99x99", "2x5", "7", "conv", "8", "3x5", "s2", "p1", "same", "relu", "maxpool", "2", "|", "|",
     "|", "|", "flatten", "dense", "100", "upsample", "9", "pad", "30", "add", "concat", "a:", "b:", "a", "b", "bn",
     "dropout", "0.5", "lstm", "50", "attention", "resize", "500x500", "99999999999", "-3", "{", "}", "#", "\n", ":",
     "torch:os:getcwd", "é", "\0", "embedding", "reshape", "10x-1", "spp", "1,2,99"]
)  # fmt: skip
BODIES = st.recursive(
    st.lists(WORDS, min_size=1, max_size=5).map(" ".join),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.fixed_dictionaries({"repeat": st.integers(-1, 10**6), "layers": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"add": st.lists(st.lists(inner, max_size=2), max_size=4)}),
        st.fixed_dictionaries({"name": WORDS, "layers": st.lists(inner, max_size=3)}),
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(
    st.one_of(
        st.tuples(
            st.just("notation"), st.lists(WORDS, max_size=60).map(lambda w: "input 3x40x50 | " + " ".join(w))
        ),
        st.tuples(st.just("notation"), st.text(max_size=500)),
        st.tuples(
            st.just("json"),
            st.lists(BODIES, max_size=5).map(lambda b: json.dumps({"layers": ["input 1x9x9", *b]})),
        ),
        st.tuples(st.just("yaml"), st.text(max_size=300).map(lambda t: f"layers:\n- input 1x9x9\n{t}")),
    )
)
def test_any_text_ends_within_the_limits(drawn):
    form, text = drawn
    try:
        network = parse_untrusted(text, SMALL, form)
    except ConvscopeError as error:
        note(error)
        return
    assert len(text) <= SMALL.text
    assert len(network.nodes) <= SMALL.layers
    for node in network.nodes:
        assert prod(node.output_shape) <= SMALL.elements
        assert all(size <= SMALL.axis for size in node.output_shape[1:])
    assert cs.inspect(network).totals.params <= SMALL.parameters


def test_wrong_names_among_many_are_answered_at_once():
    """Of thousands of names only those that begin alike are compared."""
    names = [f"layer{number}" for number in range(15_000)]
    assert suggest("laxer77", ["layer77", *(f"x{number}" for number in range(3000))]) == ("Did you mean layer77?")
    assert suggest("zz", names).startswith("Known: layer0, ")
