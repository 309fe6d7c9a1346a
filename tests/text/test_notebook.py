"""What notebooks show: an HTML form of every result."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope import lab
from convscope.training.history import Epoch, History

NET = "input 3x9x12 | conv 4 3 | relu"

RESULTS = {
    "report": lambda: cs.inspect(NET),
    "summary": lambda: cs.Model(NET).summary(),
    "explanation": lambda: cs.explain(NET, "conv1"),
    "region": lambda: cs.load(NET).field("conv1", at=(2, 5)),
    "comparison": lambda: cs.compare(NET, "input 3x9x12 | conv 5 3 | relu"),
    "verdict": lambda: cs.check(NET, max_params=50),
    "history": lambda: History((Epoch(1, 7, 0.5, 1.25, 0.625),)),
    "activations": lambda: lab.activation_table(),
    "softmax": lambda: lab.softmax_table(),
    "channels": lambda: lab.two_convolutions(),
    "columns": lambda: lab.matrix_product(),
    "edges": lambda: lab.edge_maps(np.arange(20.0).reshape(4, 5)),
    "walk": lambda: lab.walk(cs.load(NET), np.ones((3, 9, 12))),
    "pooling": lambda: lab.pooling_table(),
    "max pooling": lambda: lab.max_pooling(),
    "correlation": lambda: lab.correlation([1, 2, 3, 4, 5], [1, 0, -1]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_have_an_html_form(name: str) -> None:
    html = RESULTS[name]()._repr_html_()
    assert html.startswith(("<table>", "<pre>", "<section>"))
    assert "<html" not in html


def test_preformatted_text_is_escaped() -> None:
    html = cs.compare(NET, "input 3x9x12 | a<b: conv 5 3")._repr_html_()
    assert "a&lt;b" in html


def test_summary_prints_as_the_report() -> None:
    assert str(cs.Model(NET).summary()) == str(cs.inspect(NET))
