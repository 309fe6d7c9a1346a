"""Two networks side by side: the differences are those of `compare`, and both show the same unit."""

from __future__ import annotations

import json

import pytest

import convscope as cs
from convscope.explorer.export import Start, export_page, run_to_end
from convscope.explorer.session import SAMPLE, Session
from convscope.model import Model
from explorer.conftest import running
from explorer.test_export import open_file
from explorer.test_page import go, value

__all__ = ["open_file"]

A = "input 3x21x19 | a: conv 4 3 s2 p1 | relu | b: conv 6 3 | relu | flatten | dense 5"
B = "input 3x21x19 | a: conv 4 3 s2 p1 | relu | b: conv 8 5 p1 | relu | maxpool 2 | flatten | dense 5"


def both() -> Session:
    session = Session()
    for text, seed in ((A, 1), (B, 2)):
        network = cs.load(text)
        session.other = session.add_network(network, text, Model(network, seed=seed))
    return session


def check_rows(page, a, b):
    expected = cs.compare(a, b).to_dict()
    page.wait_for_selector("table.compared tbody tr")
    rows = page.eval_on_selector_all(
        "table.compared tbody tr", "rows => rows.map(row => [row.dataset.change, JSON.parse(row.dataset.v)])"
    )
    assert rows == [[one["change"], json.loads(json.dumps(one["differences"]))] for one in expected["layers"]]
    for name, total in expected["totals"].items():
        assert value(page, f"compared_{name}") == total


def test_differences_are_those_of_compare(open_page):
    session = Session(most_weights=0)
    session.add_network(cs.load("resnet18"), "resnet18")
    with running(session) as server:
        page = open_page(server, "#s=1&v=compare&c=resnet34&q=cost&l=layer1.0.conv1&u=0,3,4")
        check_rows(page, "resnet18", "resnet34")
        assert value(page, "box_a") == list(cs.load("resnet18").field("layer1.0.conv1", (3, 4)).box)
        assert value(page, "box_b") == list(cs.load("resnet34").field("layer1.0.conv1", (3, 4)).box)
        curve = page.get_attribute("path.curve.b", "data-v").split(",")
        sizes = [row.receptive_field.size for row in cs.inspect("resnet34")]
        assert curve == ["" if size is None else str(size[-1]) for size in sizes]


def test_the_same_unit_is_shown_in_both(open_page):
    session = both()
    with running(session) as server:
        page = open_page(server, "#s=1&v=compare&q=region&l=b&u=3,2,1")
        check_rows(page, A, B)
        x = session.pixels(session.first, SAMPLE)[None]
        for at in ((3, 2, 1), (5, 7, 6)):
            go(page, l="b", u=",".join(map(str, at)), v="compare", q="region")
            for name, shown in (("a", session.first), ("b", session.other)):
                expected = float(shown.model.activations(x)["b"][(0, *at)])
                page.wait_for_selector(f"[data-q=value_{name}][data-v='{js(expected)}']")
                assert value(page, f"box_{name}") == list(shown.network.field("b", at[1:]).box)


def js(number: float) -> str:
    return repr(int(number)) if number == int(number) else repr(number)


def test_a_file_compares_two_networks(tmp_path, open_file):
    session = both()
    page = run_to_end(
        lambda: export_page(
            session, session.first, [SAMPLE], Start("#s=1&v=compare&l=b&u=3,2,1"), others=[session.other]
        )
    )
    path = tmp_path / "both.html"
    path.write_text(page.html, encoding="utf-8")
    shown = open_file(path)
    check_rows(shown, A, B)
    x = session.pixels(session.first, SAMPLE)[None]
    for name, one in (("a", session.first), ("b", session.other)):
        assert value(shown, f"value_{name}") == pytest.approx(float(one.model.activations(x)["b"][0, 3, 2, 1]))
