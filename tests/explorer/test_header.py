"""The header: one row on a small laptop, everything reachable on a phone."""

from __future__ import annotations

import pytest

import convscope as cs
from convscope.explorer.session import Session
from convscope.model import Model
from explorer.conftest import running

NET = "input 1x28x28 | conv 8 5 | relu | maxpool 2 | conv 16 5 | relu | maxpool 2 | flatten | dense 120 | dense 10"

OVERLAPS = """() => {
  const boxes = [...document.getElementById("top").children].map((one) => one.getBoundingClientRect()).filter((one) => one.width > 1);
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)).length;
}"""


@pytest.fixture(scope="module")
def server():
    session = Session()
    network = cs.load(NET)
    session.add_network(network, "a network with a long name", Model(network, seed=2))
    with running(session) as one:
        yield one


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_header_is_one_row_at_1280(server, open_page, lang):
    page = open_page(server, f"#s=1&l=conv2&u=1,2,3&v=table&q=cost&lang={lang}")
    page.wait_for_function("() => document.querySelector('[data-q=scores]').textContent !== ''")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.evaluate("document.getElementById('top').offsetHeight") <= 48
    assert page.evaluate(OVERLAPS) == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    report = cs.inspect(NET)
    assert f"{report.totals.params:,}" in page.get_attribute("[data-q=summary]", "title")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_header_is_usable_at_360(server, open_page, lang):
    page = open_page(server, f"#s=1&l=conv2&u=1,2,3&v=table&q=cost&lang={lang}")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate(OVERLAPS) == 0
    page.click("[data-q=menu]")
    box = page.wait_for_selector(".menu > div").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    page.keyboard.press("Escape")
    assert page.query_selector(".menu[open]") is None
    page.focus("[data-q=menu]")
    page.keyboard.press("Enter")
    page.click("[data-q=theme]")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.query_selector(".menu[open]") is None
