import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convscope.files.readable_json import to_json

TEXTS = st.text(max_size=6)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a loaded machine, generating documents takes long
@given(DOCUMENTS)
def test_json_survives_a_round_trip(document):
    """For any document, in ASCII."""
    text = to_json(document)
    assert text.isascii()
    assert json.loads(text) == document


def test_each_list_entry_has_its_own_line():
    """Layers can be compared line by line; shapes stay on one line."""
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


def test_values_outside_json_are_refused():
    """NaN is not valid JSON."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"x": float("nan")})
