"""Docstrings as the reference shows them."""

import importlib.util

from convscope.layers import Linear, MaxPool
from docs.pages import DOCS

SPEC = importlib.util.spec_from_file_location("docstrings", DOCS / "docstrings.py")
docstrings = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(docstrings)

TEXT = """A layer.

Shapes:   (c, h, w) → (o, p, q)
Errors:   BadShape [conv-rank],
          [conv-groups]

>>> 1 + 1
2

More."""

SHOWN = """A layer.

- **Shapes:** `(c, h, w) → (o, p, q)`
- **Errors:** `BadShape [conv-rank], [conv-groups]`

```pycon
>>> 1 + 1
2
```

More."""


def test_sections_and_doctests_become_markdown():
    assert docstrings.rewrite(TEXT) == SHOWN


def test_other_text_is_unchanged():
    text = "Return x.\n\nArgs:\n    x: an array\n"
    assert docstrings.rewrite(text) == text.rstrip("\n")


def test_calls_name_settings_and_defaults():
    assert docstrings.call(Linear) == "```python\nLinear(out_features, bias=True, in_features=None)\n```"


def test_families_show_their_layers():
    lines = docstrings.call(MaxPool).splitlines()[1:-1]
    assert [line.split("(")[0] for line in lines] == ["MaxPool1d", "MaxPool2d", "MaxPool3d"]
