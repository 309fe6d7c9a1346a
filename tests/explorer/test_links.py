"""Links hold the selection: a new browser shows the same numbers, and damaged links never break the page."""

from __future__ import annotations

from random import Random
from urllib.parse import unquote

import pytest

import convscope as cs
from convscope.explorer.session import Session
from convscope.model import Model
from explorer.conftest import running
from explorer.test_page import TINY, settle, value

VIEWS = ("maps", "predict", "field", "table", "compare", "editor")


@pytest.fixture(scope="module")
def server():
    session = Session()
    network = cs.load(TINY)
    session.add_network(network, "tiny", Model(network, seed=3, precision="strict"))
    with running(session) as one:
        yield one


def copied_link(page) -> str:
    """Return what the button copies."""
    page.evaluate(
        "() => Object.defineProperty(navigator, 'clipboard', { configurable: true,"
        " value: { writeText: async (text) => { window.copied = text; } } })"
    )
    page.click("[data-q=menu]")
    page.click("#top button:has-text('Copy link')")
    return page.wait_for_function("() => window.copied").json_value()


def numbers_of(page) -> list[str]:
    return page.eval_on_selector_all(
        "#inspector [data-q], #stage .readout [data-q]", "list => list.map(one => one.dataset.q + one.dataset.v)"
    )


@pytest.mark.parametrize("view", VIEWS)
def test_a_link_shows_the_same_unit_in_a_new_browser(server, open_page, view):
    page = open_page(server, f"#s=1&l=conv2&u=3,2,1&t=1&q=sum&v={view}")
    page.wait_for_selector("#stage .content[data-state=ready]")
    link = copied_link(page)
    assert server.token not in link
    assert "token" not in link
    other = open_page(server, "#" + link.partition("#")[2])
    other.wait_for_selector("#stage .content[data-state=ready]")
    assert other.get_attribute(f"[data-view={view}]", "aria-selected") == "true"
    assert numbers_of(other) == numbers_of(page) != []
    assert value(other, "exact_sum") == value(page, "exact_sum")


def test_long_notations_are_deflated(server, open_page):
    text = (
        "input 3x40x38 | " + " | ".join(f"c{i}: conv 4 3 same | relu" for i in range(40)) + " | flatten | dense 3"
    )
    page = open_page(server, f"#s=1&m={text.replace(' ', '%20')}&l=c39&u=1,20,19&q=region&v=table")
    page.wait_for_function("() => location.hash.includes('m=%7E')")
    link = copied_link(page)
    assert len(link) < len(text) / 2
    other = open_page(server, "#" + link.partition("#")[2])
    assert value(other, "box") == list(cs.load(text).field("c39", (20, 19)).box)


def test_back_and_forward_walk_through_the_units(server, open_page):
    page = open_page(server, "#s=1&l=conv1&u=0,1,2&q=region&v=table")
    network = server.session.first.network
    boxes = []
    for at in ((3, 4), (5, 6)):
        page.evaluate(
            "async ([row, column]) => (await import('cs/store')).set({ row, column, target: row })", list(at)
        )
        page.wait_for_function(f"() => location.hash.includes('u=0%2C{at[0]}%2C{at[1]}')")
        boxes.append(list(network.field("conv1", at).box))
    page.wait_for_function(
        "box => document.querySelector('[data-q=box]').dataset.v === box", arg=text_of(boxes[1])
    )
    page.go_back()
    page.wait_for_function(
        "box => document.querySelector('[data-q=box]').dataset.v === box", arg=text_of(boxes[0])
    )
    page.go_back()
    first = text_of(list(network.field("conv1", (1, 2)).box))
    page.wait_for_function("box => document.querySelector('[data-q=box]').dataset.v === box", arg=first)
    assert page.evaluate("async () => (await import('cs/store')).state.target") is None
    page.go_forward()
    page.wait_for_function(
        "box => document.querySelector('[data-q=box]').dataset.v === box", arg=text_of(boxes[0])
    )


def text_of(box: list[int]) -> str:
    return "[" + ",".join(map(str, box)) + "]"


def test_damaged_links_never_break_the_page(server, open_page):
    page = open_page(server)
    random = Random(21)
    good = "s=1&m=lenet&l=conv2&u=3,2,1&t=1&q=sum&v=maps&d=center&c=start&i=sample&hide=editor,predict&lang=en"
    letters = "0123456789abc=&,%-~<>\"'#\u202e{}[]\\ \x00é中"
    for _ in range(50):
        text = list(good)
        for _ in range(random.randrange(1, 9)):
            place = random.randrange(len(text))
            match random.randrange(3):
                case 0:
                    text[place] = random.choice(letters)
                case 1:
                    del text[place : place + random.randrange(1, 6)]
                case _:
                    text[place:place] = random.choices(letters, k=random.randrange(1, 40))
        page.evaluate("text => { location.hash = text; }", "".join(text))
        page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 30))")
        page.wait_for_selector("body[data-state=ready]")
        settle(page)
        assert page.query_selector("#strip .tile"), unquote("".join(text))
        assert page.text_content("#inspector .content"), "".join(text)
    open_page.faults.forgive("status of 4")  # the browser's own record of refused networks


def test_hidden_views_are_not_shown(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=editor&hide=editor,sum,maps&q=sum")
    page.wait_for_selector("#stage .content[data-state=ready]")
    views = page.eval_on_selector_all("[data-view][role=tab]", "list => list.map(one => one.dataset.view)")
    assert "editor" not in views
    assert "maps" not in views
    assert page.get_attribute("[data-view][aria-selected=true]", "data-view") == views[0]
    assert page.query_selector("[data-tab=sum]") is None
    assert page.get_attribute("[data-tab=region]", "aria-selected") == "true"
