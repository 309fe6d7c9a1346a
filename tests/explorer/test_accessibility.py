"""Everything by keyboard; texts for screen readers; axe finds nothing serious in any view, theme and language."""

from __future__ import annotations

import re

import pytest

import convscope as cs
from convscope.explorer.app import static_files
from convscope.explorer.session import Session
from convscope.model import Model
from explorer.conftest import enter, running

TINY = "input 1x12x11 | conv 4 3 p1 | relu | maxpool 2 | conv 6 3 | flatten | dense 5"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def views() -> list[str]:
    """Return the views of the stage, as `views.js` lists them."""
    source = static_files()["app/views.js"].decode()
    listed = re.search(r"Object\.entries\(\{ ([\w, ]+) \}\)", source)
    assert listed
    return listed[1].split(", ")


@pytest.fixture(scope="module")
def server():
    session = Session()
    network = cs.load(TINY)
    session.add_network(network, "tiny", Model(network, seed=2))
    with running(session) as one:
        yield one


def open_view(contexts, server, fragment: str, **options):
    """Open a page whose policy lets axe in, which no other test allows."""
    context = contexts.get(viewport={"width": 1280, "height": 800}, bypass_csp=True, **options)
    enter(context, server)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"http://127.0.0.1:{server.port}/{fragment}")
    page.wait_for_selector("body[data-state=ready]")
    page.wait_for_selector("#stage .content[data-state=ready], #stage .empty")
    return page


def serious(page) -> list[str]:
    """Return what axe finds, with the elements."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    found = axe.Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response["violations"]
    return [
        f"{one['id']} {one['impact']}: {node['target']} {node['html'][:160]}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(("theme", "lang"), [("light", "en"), ("dark", "zh")])
@pytest.mark.parametrize("view", views())
def test_axe_finds_nothing_in_a_view(contexts, server, view, theme, lang):
    page = open_view(
        contexts,
        server,
        f"#s=1&l=conv2&u=3,2,1&v={view}&q=sum&lang={lang}",
        color_scheme=theme,
        reduced_motion="reduce",
    )
    page.wait_for_load_state("networkidle")
    found = serious(page)
    contexts.reset()
    assert found == []


@pytest.mark.parametrize("tab", ["region", "gradient", "derive", "cost"])
def test_axe_finds_nothing_in_a_tab(contexts, server, tab):
    page = open_view(contexts, server, f"#s=1&l=conv2&u=3,2,1&v=table&q={tab}", reduced_motion="reduce")
    page.wait_for_selector("#inspector .content[data-state=ready]")
    found = serious(page)
    contexts.reset()
    assert found == []


def test_axe_finds_nothing_in_the_landing_a_lesson_and_the_keys(contexts):
    session = Session()
    session.first = session.sample_network()
    session.landing = True
    with running(session) as server:
        page = open_view(contexts, server, "", reduced_motion="reduce")
        page.wait_for_selector(".landing[data-state=ready][data-phase=beam]")
        page.wait_for_selector(".card")
        found = serious(page)
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        found += serious(page)
        page.keyboard.press("Escape")
        page.click("[data-lesson=calculations]")
        page.wait_for_selector("#lesson[data-state=ready]")
        page.click(".choice")
        found += serious(page)
        contexts.reset()
    assert found == []


def test_axe_finds_a_planted_fault(contexts, server):
    page = open_view(contexts, server, "#s=1&l=conv2&u=3,2,1&v=table&q=cost")
    page.evaluate("document.getElementById('stage').append(document.createElement('img'))")
    found = serious(page)
    contexts.reset()
    assert any(one.startswith("image-alt") for one in found)


def focused(page) -> str:
    return page.evaluate(
        "() => { const one = document.activeElement; "
        "return one.dataset.view || one.dataset.tab || one.dataset.layer || one.dataset.q || one.className || one.tagName; }"
    )


def tab_to(page, wanted: str, most: int = 80) -> None:
    """Press Tab until an element has the focus; every stop on the way has a visible outline."""
    for _ in range(most):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "() => { const style = getComputedStyle(document.activeElement); const box = document.activeElement.getBoundingClientRect();"
            " return document.activeElement === document.body || style.outlineStyle !== 'none' || box.width < 2; }"
        ), focused(page)
        if focused(page) == wanted:
            return
    pytest.fail(f"Tab does not reach {wanted}")


def test_a_unit_and_its_derivation_are_reached_without_a_mouse(server, open_page):
    page = open_page(server, "#s=1&l=conv1&u=0,0,0&v=table&q=region")
    tab_to(page, "conv2")
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.hash.includes('l=conv2')")
    assert focused(page) == "conv2"
    tab_to(page, "table")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[data-view=maps][aria-selected=true]")
    assert focused(page) == "maps"
    page.wait_for_selector("#stage .content[data-state=ready]")
    tab_to(page, "conv2")  # the large map of the layer
    row = int(page.evaluate("async () => (await import('cs/store')).state.row"))
    page.keyboard.press("ArrowUp")
    page.wait_for_function(
        f"() => new URLSearchParams(location.hash.slice(1)).get('u').split(',')[1] === '{row - 1}'"
    )
    tab_to(page, "region")
    page.keyboard.press("ArrowRight")
    assert page.wait_for_selector("#inspector [data-q=exact_sum]")
    page.keyboard.press("End")
    page.wait_for_selector("[data-tab=cost][aria-selected=true]")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".derivation math")
    assert focused(page) == "derive"


def test_a_row_of_tabs_is_one_stop(server, open_page):
    page = open_page(server, "#s=1&l=conv1&u=0,0,0&v=table&q=region")
    for tabs in ("#stage", "#inspector"):
        stops = page.eval_on_selector_all(f"{tabs} [role=tab]", "list => list.map(one => one.tabIndex)")
        assert sorted(stops) == [-1] * (len(stops) - 1) + [0]
    page.focus("[data-tab=region]")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#inspector [role=tab]:last-child[aria-selected=true]")


def test_the_keys_are_listed_by_a_key(server, open_page):
    page = open_page(server, "#s=1&l=conv1&u=0,0,0&v=table&q=region&lang=zh")
    page.keyboard.press("?")
    assert page.wait_for_selector("dialog[open] h2").text_content() == "按键"
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.keys", state="hidden")


@pytest.mark.parametrize("view", views())
def test_canvases_have_a_text(server, open_page, view):
    page = open_page(server, f"#s=1&l=conv2&u=3,2,1&v={view}&q=sum")
    page.wait_for_load_state("networkidle")
    silent = page.eval_on_selector_all(
        "canvas",
        """list => list.filter((one) => one.getClientRects().length && !one.ariaLabel && !one.title
          && !one.closest("[aria-hidden=true], [aria-label], button, td, .empty")).map((one) => one.outerHTML)""",
    )
    assert silent == []


@pytest.mark.parametrize("width", [360, 640, 1920, 3840])
def test_no_width_needs_sideways_scrolling(server, open_page, width):
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=table&q=sum")
    page.set_viewport_size({"width": width, "height": 800})
    for view in views():
        page.click(f"[data-view={view}]")
        page.wait_for_selector("#stage .content[data-state=ready], #stage .empty")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), view


def test_forced_colors_keep_the_selection_visible(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=table&q=sum", forced_colors="active")
    styles = page.eval_on_selector_all(
        "[aria-current=true], [aria-selected=true]", "list => list.map(one => getComputedStyle(one).outlineStyle)"
    )
    assert styles
    assert set(styles) == {"solid"}
