"""The editor: the table of what is typed, never that of an older text, and mistakes at their place."""

from __future__ import annotations

import json

import pytest

import convscope as cs
from convscope.explorer.session import Session
from explorer.conftest import running

EXERCISE = "input 1x39x39 | conv 10 3 | conv 20 5 s2 | conv 40 5 s2 | flatten | dense 2"
"""Strides 1, 2, 2 and kernels 3, 5, 5 on 39×39, as in the classic exercise on output sizes."""


@pytest.fixture(scope="module")
def server():
    session = Session(most_weights=0)
    session.add_network(cs.load("input 1x20x20 | conv 4 3"), "start")
    with running(session) as one:
        yield one


BEFORE = cs.to_notation(cs.load("input 1x20x20 | conv 4 3")).split()


def rows_of(page) -> list[list[str]]:
    return page.eval_on_selector_all(
        "table.edited tbody tr[data-layer]",
        "rows => rows.map(row => [row.dataset.layer, ...['output', 'params', 'macs', 'field'].map(name =>"
        " row.querySelector(`[data-q=${name}]`).dataset.v)])",
    )


def expected_rows(text: str) -> list[list[str]]:
    return [
        [
            row.name,
            "×".join(map(str, row.output_shape)),
            str(row.params),
            str(row.macs),
            "×".join(map(str, row.receptive_field.size or ())),
        ]
        for row in cs.inspect(text)
    ]


def wait_for_rows(page, text: str) -> None:
    page.wait_for_function(
        """want => JSON.stringify([...document.querySelectorAll("table.edited tbody tr[data-layer]")].map(row =>
          [row.dataset.layer, ...["output", "params", "macs", "field"].map(name =>
            row.querySelector(`[data-q=${name}]`).dataset.v)])) === want""",
        arg=json.dumps(expected_rows(text), ensure_ascii=False, separators=(",", ":")),
    )


def test_typing_never_shows_an_older_answer(server, open_page):
    page = open_page(server, "#s=1&v=editor&q=cost")
    delays = iter([900, 20, 600, 10, 400, 0] * 40)
    texts: list[str] = []

    def delay(route):
        texts.append(route.request.post_data)
        answer = route.fetch()
        page.wait_for_timeout(next(delays))
        try:
            route.fulfill(response=answer)
        except Exception:  # the page gave the request up
            return

    page.route("**/api/networks?*", delay)
    page.evaluate(
        """() => {
          window.seen = [];
          new MutationObserver(() => {
            const table = document.querySelector("table.edited");
            if (table) window.seen.push([document.querySelector("textarea").value,
              ...[...table.querySelectorAll("tr[data-layer]")].map((row) => row.dataset.layer +
                " " + row.querySelector("[data-q=output]").dataset.v + " " + row.querySelector("[data-q=macs]").dataset.v)]);
          }).observe(document.querySelector("#stage .content"), { childList: true, subtree: true });
        }"""
    )
    page.fill("textarea", "")
    page.focus("textarea")
    for part in EXERCISE.split(" "):
        page.keyboard.type(part + " ", delay=1)
        if part in ("10", "s2", "dense"):
            page.wait_for_selector("#stage .content[data-state=ready]")
        else:
            page.wait_for_timeout(340)
    page.unroute("**/api/networks?*")
    page.keyboard.type(" ")
    wait_for_rows(page, EXERCISE)
    page.wait_for_timeout(1200)
    assert rows_of(page) == expected_rows(EXERCISE)
    check_seen(page.evaluate("() => window.seen"))
    assert [row[1] for row in rows_of(page)][:3] == ["10×37×37", "20×17×17", "40×7×7"]
    assert len(texts) > 5
    open_page.faults.forgive("status of 422")


def check_seen(seen: list[list[str]]) -> None:
    """Check that every table was that of the text at the time, or of the layers before its mistake."""
    tables = 0
    for text, *rows in seen:
        try:
            network = cs.load(text)
        except cs.ConvscopeError:
            network = cs.load(EXERCISE)
        whole = [f"{row.name} {'×'.join(map(str, row.output_shape))} {row.macs}" for row in cs.inspect(network)]
        if network.name and text.strip() and whole[: len(rows)] == rows:
            tables += 1
            continue
        assert rows in ([], whole), text
    assert tables >= 3


def test_an_older_table_would_be_found():
    with pytest.raises(AssertionError):
        check_seen([["input 1x9x8 | conv 2 3", "conv1 3×7×6 378"]] * 9)


def test_a_mistake_is_marked_with_the_layers_before_it(server, open_page):
    page = open_page(server, "#s=1&v=editor&q=cost")
    text = "input 1x20x20\nconv 4 3\nmaxpool 2\nconf 8 3\nrelu"
    page.fill("textarea", text)
    where = json.loads(page.wait_for_selector("[data-q=mistake]").get_attribute("data-v"))
    assert where == [4, 1]
    assert page.text_content(".mistake mark") == "c"
    assert rows_of(page) == expected_rows("input 1x20x20 | conv 4 3 | maxpool 2")
    page.fill("textarea", "input 1x20x20 | conv 4 3 | conv 8 55 | relu")
    page.wait_for_function("() => document.querySelector('[data-q=mistake]').dataset.v === '[1,28]'")
    assert rows_of(page) == expected_rows("input 1x20x20 | conv 4 3")
    open_page.faults.forgive("status of 422")


def test_differences_are_shown_and_undo_restores(server, open_page):
    page = open_page(server, "#s=1&v=editor&q=cost")
    page.wait_for_selector("table.edited tbody tr[data-layer]")
    before = "input 1x20x20 | conv 4 3"
    assert rows_of(page) == expected_rows(before)
    page.click("textarea")
    page.keyboard.press("Control+a")
    page.keyboard.type("input 1x20x20 | conv 4 5 | relu | conv 3 3 | bn")
    after = "input 1x20x20 | conv 4 5 | relu | conv 3 3 | bn"
    wait_for_rows(page, after)
    page.wait_for_selector("[data-q=delta][data-v*=changed]")
    compared = {one["b"]: one for one in cs.compare(before, after).to_dict()["layers"] if one["b"]}
    shown = page.eval_on_selector_all(
        "table.edited tr[data-layer]",
        "rows => rows.map(row => [row.dataset.layer, row.querySelector('[data-q=delta]').dataset.v])",
    )
    assert {name: json.loads(delta) for name, delta in shown} == {
        name: json.loads(json.dumps({"change": one["change"], "differences": one["differences"]}))
        for name, one in compared.items()
    }
    codes = page.eval_on_selector_all("table.edited [data-code]", "list => list.map(one => one.dataset.code)")
    assert sorted(set(codes)) == sorted({one.code for one in cs.diagnose(after) if one.layers})
    for _ in range(20):
        if page.input_value("textarea").split() == BEFORE:
            break
        page.keyboard.press("Control+z")
    assert page.input_value("textarea").split() == BEFORE
    wait_for_rows(page, before)
