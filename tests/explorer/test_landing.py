"""The first seconds of `convscope explore`: a drawn digit is read, and the strongest unit shows what it saw."""

from __future__ import annotations

import json

import numpy as np
import pytest

import convscope as cs
from convscope.explorer.session import Session
from convscope.model import Model
from explorer.conftest import running

NO_FRAMES = """
window.frames_asked = 0;
const ask = window.requestAnimationFrame;
window.requestAnimationFrame = (run) => { window.frames_asked += 1; return ask(run); };
"""


@pytest.fixture(scope="module")
def server():
    session = Session()
    session.first = session.sample_network()
    session.landing = True
    with running(session) as one:
        yield one


def open_landing(server, browser, faults, **options):
    """Open the page as a first visitor does."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, **options)
    context.add_init_script(NO_FRAMES)
    page = context.new_page()
    page.set_default_timeout(60_000)
    faults.watch(page, server.port)
    page.goto(server.link)
    return page


@pytest.fixture
def first_visit(browser, open_page):
    """Return a function that opens the landing; the page must leave no error."""
    contexts = []

    def visit(server, **options):
        page = open_landing(server, browser, open_page.faults, **options)
        contexts.append(page.context)
        return page

    yield visit
    for context in contexts:
        context.close()


def check_beam(server, page) -> None:
    """Compare the sentence, the windows and the bars with the library's numbers for the drawn digit."""
    page.wait_for_selector(".landing[data-state=ready][data-phase=beam]")
    shown = server.session.first
    x = server.session.pixels(shown, list(server.session.images.values())[-1])
    told = json.loads(page.get_attribute("[data-q=beam]", "data-v"))
    conv2 = shown.model.activations(x[None], ["conv2"])["conv2"][0]
    channel, row, column = told["at"]
    assert conv2[channel, row, column] == conv2.max()
    terms = shown.model.unit_terms(x, "conv2", (channel, row, column))
    assert (told["value"], told["sum"], told["terms"]) == (terms.value, terms.sum, len(terms.terms))
    assert told["region"] == json.loads(json.dumps(cs.load("lenet").field("conv2", (row, column)).to_dict()))
    windows = page.eval_on_selector_all(".window", "list => list.map(one => [one.dataset.layer, one.dataset.v])")
    assert [layer for layer, _ in windows] == ["input", "conv1", "pool1", "conv2"]
    for layer, box in windows[:-1]:
        region = shown.network.field("conv2", (row, column), origin=layer)
        assert box == ",".join(map(str, region.clipped)), layer
    likely = [
        float(one) for one in page.eval_on_selector_all("[data-q=digit]", "l => l.map(one => one.dataset.v)")
    ]
    assert likely == pytest.approx(shown.model.predict(x[None])[0].tolist(), rel=1e-5)
    assert int(np.argmax(likely)) == 7


def test_a_recorded_hand_draws_a_seven_that_is_read(server, first_visit):
    page = first_visit(server)
    check_beam(server, page)
    assert page.evaluate("window.frames_asked") > 0
    assert page.evaluate("document.querySelector('.pen').hidden")


def test_reduced_motion_shows_the_end_at_once(server, first_visit):
    page = first_visit(server, reduced_motion="reduce")
    sent: list[str] = []
    page.on("request", lambda request: "/api/drawings" in request.url and sent.append(request.url))
    check_beam(server, page)
    assert page.evaluate("window.frames_asked") == 0
    assert len(sent) <= 1


def test_the_landing_ends_in_the_same_image_with_and_without_motion(server, first_visit):
    found = []
    for motion in ("reduce", "no-preference"):
        page = first_visit(server, reduced_motion=motion)
        page.wait_for_selector(".landing[data-phase=beam]")
        found.append(page.get_attribute("[data-q=beam]", "data-v"))
    assert found[0] == found[1]


def test_ones_own_digit_is_read_stroke_by_stroke(server, first_visit):
    page = first_visit(server, reduced_motion="reduce")
    page.wait_for_selector(".landing[data-phase=beam]")
    before = page.get_attribute("[data-q=beam]", "data-v")
    page.click("[data-q=draw_own]")
    assert page.query_selector(".window") is None
    box = page.wait_for_selector(".landing .pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.15)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.85, steps=8)
    page.mouse.up()
    page.wait_for_selector(".landing[data-state=ready][data-phase=beam]")
    told = json.loads(page.get_attribute("[data-q=beam]", "data-v"))
    assert told != json.loads(before)
    shown = server.session.first
    x = server.session.pixels(shown, list(server.session.images.values())[-1])
    assert told["value"] == float(shown.model.activations(x[None], ["conv2"])["conv2"].max())
    likely = [
        float(one) for one in page.eval_on_selector_all("[data-q=digit]", "l => l.map(one => one.dataset.v)")
    ]
    assert likely == pytest.approx(shown.model.predict(x[None])[0].tolist(), rel=1e-5, abs=1e-9)


def test_looking_inside_shows_the_sum_of_the_strongest_unit(server, first_visit):
    page = first_visit(server, reduced_motion="reduce")
    page.wait_for_selector(".landing[data-phase=beam]")
    told = json.loads(page.get_attribute("[data-q=beam]", "data-v"))
    page.click("[data-q=look_inside]")
    value = page.wait_for_selector("#inspector [data-q=engine_value]").get_attribute("data-v")
    assert json.loads(value) == told["value"]


def test_four_coach_marks_are_shown_once(server, first_visit):
    page = first_visit(server, reduced_motion="reduce")
    page.wait_for_selector(".landing[data-phase=beam]")
    assert page.query_selector(".coach") is None
    page.click("[data-q=look_inside]")
    texts = []
    for _ in range(4):
        texts.append(page.wait_for_selector(".coach").query_selector("#coach-text").text_content())
        assert len(page.query_selector_all(".pointed")) == 1
        page.keyboard.press("Space")
    assert len(set(texts)) == 4
    assert page.query_selector(".coach, .pointed") is None
    page.goto(server.link.split("?")[0])
    page.wait_for_selector(".landing[data-phase=beam]")
    page.click("[data-q=look_inside]")
    page.wait_for_selector("#inspector [data-q=engine_value]")
    assert page.query_selector(".coach") is None


def test_coach_marks_need_no_memory_of_the_browser(server, browser, open_page):
    context = browser.new_context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });"
    )
    page = context.new_page()
    open_page.faults.watch(page, server.port)
    page.goto(server.link)
    page.wait_for_selector(".landing[data-phase=beam]")
    page.click("[data-q=look_inside]")
    page.wait_for_selector(".coach")
    page.keyboard.press("Escape")
    assert page.query_selector(".coach") is None
    context.close()


def test_a_model_of_ones_own_begins_with_the_middle_unit_of_the_last_maps(open_page):
    network = cs.load(
        "input 3x17x19 | conv 4 3 s2 p1 | relu | maxpool 3x2 s2 | conv 6 3 p2 d2 | flatten | dense 5"
    )
    session = Session()
    session.add_network(network, "mine", Model(network, seed=3))
    with running(session) as server:
        page = open_page(server)
        channels, rows, columns = network["conv2"].output_shape
        assert channels > 1
        index = f"(0, {rows // 2}, {columns // 2})"
        assert page.text_content("#inspector h2").replace("conv2", "").strip() == index
        box = ",".join(map(str, network.field("conv2", (rows // 2, columns // 2)).box))
        page.wait_for_selector(f"canvas.pixels[data-box='{box}']")
        page.click("[data-view=start]")
        page.wait_for_selector(".card")
        assert page.query_selector(".landing") is None
