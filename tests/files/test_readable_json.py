import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.files.readable_json import to_json

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_what_is_written_reads_back_the_same(document):
    """Whatever the document, in ASCII."""
    text = to_json(document)
    assert text.isascii()
    assert json.loads(text) == document


def test_each_entry_of_a_list_has_its_line():
    """So that layers can be searched and compared line by line; shapes stay together."""
    document = {
        "schema": 1,
        "layers": [{"name": "a", "shape": [1, 2]}, {"name": "b", "shape": []}],
        "ok": {"x": 1},
    }
    assert to_json(document).splitlines() == [
        "{",
        '  "schema": 1,',
        '  "layers": [',
        '    {"name": "a", "shape": [1, 2]},',
        '    {"name": "b", "shape": []}',
        "  ],",
        '  "ok": {"x": 1}',
        "}",
    ]


def test_what_json_cannot_say_is_refused():
    """NaN is no JSON: better an error than a document that no other parser reads."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"x": float("nan")})
