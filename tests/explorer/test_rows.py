"""Every row of the specification has a check that reads one of its numbers from the page."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from urllib.parse import quote

import pytest

import convscope as cs
from convscope.explorer.session import Session
from explorer.conftest import running

ROWS = {"A": 7, "B": 9, "C": 10, "D": 6, "E": 7}
"""Rows by their letter, numbered from 1: activations, fields, the running process, calculations, layers."""

EXERCISE = "input 3x224x224 | conv 16 3 s2 | relu | bn | maxpool 2 | conv 32 3"
FIRST = "input 1x32x32 | conv 8 3 p1 | maxpool 2 | conv 8 3 p1"
SECOND = "input 3x224x224 | conv 8 7 s2 p3 | maxpool 3 s2 p1 | conv 8 3 p1"
UNEVEN = "input 1x30x31 | conv 2 3x5 s2x1 p1x0 d2 | avgpool 2 | relu | conv 2 4 same"


def rows_with_checks() -> set[str]:
    """Return the rows named by `@pytest.mark.row(…)` of tests that open the page."""
    found = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and "open_page" in {one.arg for one in node.args.args}:
                found |= {row for mark in node.decorator_list for row in marked(mark)}
    return found


def marked(mark: ast.expr) -> set[str]:
    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.row":
        return {ast.literal_eval(argument) for argument in mark.args}
    return set()


def test_every_row_has_a_check_in_the_browser():
    rows = {f"{letter}{number + 1}" for letter, count in ROWS.items() for number in range(count)}
    checked = rows_with_checks()
    assert checked <= rows, "a mark names no row"
    assert rows - checked == set()


@pytest.fixture(scope="module")
def zoo():
    """A server on which networks have no weights, as running large ones takes long."""
    session = Session(most_weights=0)
    session.add_network(cs.load("alexnet"), "alexnet")
    with running(session) as one:
        yield one


def table(page) -> dict[str, dict[str, str]]:
    """Return the table of the network: the full-precision values of every row by column."""
    page.wait_for_selector("table.report tfoot")
    return page.eval_on_selector_all(
        "table.report tbody tr",
        """rows => Object.fromEntries(rows.map((row) => {
          const cells = [...row.querySelectorAll("[data-q]")];
          const columns = ["name", "kind", "output", "params", "macs", "memory", "field", "jump", "start", "status"];
          return [cells[0].dataset.v, Object.fromEntries(cells.map((cell, k) => [columns[k], cell.dataset.v]))];
        }))""",
    )


def fact(page, name: str):
    return json.loads(page.wait_for_selector(f"table.facts [data-q='{name}']").get_attribute("data-v"))


def fields(page) -> list[str]:
    return [row["field"] for row in table(page).values()]


@pytest.mark.row("B1", "B3")
def test_alexnet_has_its_sizes_jumps_fields_and_starts(zoo, open_page):
    rows = table(open_page(zoo, "#s=1&m=alexnet&v=table&q=cost"))
    expected = {
        "conv1": (55, 4, 11, 5.5),
        "pool1": (27, 8, 19, 9.5),
        "conv2": (27, 8, 51, 9.5),
        "pool2": (13, 16, 67, 17.5),
        "conv3": (13, 16, 99, 17.5),
        "conv4": (13, 16, 131, 17.5),
        "conv5": (13, 16, 163, 17.5),
        "pool5": (6, 32, 195, 33.5),
    }
    for name, (n, jump, field, start) in expected.items():
        row = rows[name]
        found = (row["output"].split("×")[-1], row["jump"], row["field"], row["start"])
        assert found == (str(n), f"{jump}×{jump}", f"{field}×{field}", f"{start},{start}")


@pytest.mark.row("B2")
def test_windows_differ_by_axis(zoo, open_page):
    rows = table(open_page(zoo, f"#s=1&m={quote(UNEVEN)}&v=table&q=cost"))
    assert [row["field"] for row in rows.values()] == ["5×9", "7×10", "7×10", "19×16"]
    assert [row["jump"] for row in rows.values()] == ["2×1", "4×2", "4×2", "4×2"]
    report = cs.inspect(UNEVEN)
    assert [row["field"] for row in rows.values()] == [
        "×".join(map(str, row.receptive_field.size)) for row in report
    ]


@pytest.mark.row("B4")
def test_a_unit_is_asked_for_its_region(zoo, open_page):
    page = open_page(zoo, "#s=1&m=alexnet&l=pool5&u=0,3,2&v=table&q=region")
    assert fact(page, "size") == [195, 195]
    assert fact(page, "center") == [33.5 + 3 * 32, 33.5 + 2 * 32]
    assert fact(page, "box") == [32, 0, 227, 195]
    message = page.evaluate(
        """async () => {
          const { network } = await import("cs/data");
          return (await (await fetch(`/api/networks/${network.id}/region?layer=pool5&at=99,0`)).json()).message;
        }"""
    )
    assert "99" in message
    open_page.faults.forgive("422")


@pytest.mark.row("B5", "B6")
@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (EXERCISE, ["3×3", "3×3", "3×3", "5×5", "13×13"]),
        (FIRST, ["3×3", "4×4", "8×8"]),
        (SECOND, ["7×7", "11×11", "19×19"]),
    ],
)
def test_fields_of_the_exercises(zoo, open_page, network, expected):
    assert fields(open_page(zoo, f"#s=1&m={quote(network)}&v=table&q=cost")) == expected


@pytest.mark.row("B7", "D6")
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("quantity", "result"), [("receptive_field", 19), ("receptive_field_backward", 19)])
def test_derivations_run_both_ways(zoo, open_page, lang, quantity, result):
    page = open_page(zoo, f"#s=1&m={quote(SECOND)}&l=conv2&u=0,20,20&v=table&q=derive&d={quantity}&lang={lang}")
    page.wait_for_selector(f".derivation[data-quantity={quantity}]")
    (derivation,) = cs.explain(SECOND, "conv2").of(quantity)
    assert derivation.result == result
    text = "".join(page.text_content(".derivation").split())
    assert f"={result}" in text
    for step in derivation.steps:
        if step.label:
            assert "".join(step.label.to(lang).split()).partition("$")[0] in text


@pytest.mark.row("B9")
def test_a_unit_of_a_residual_network_has_its_exact_region(zoo, open_page):
    page = open_page(zoo, "#s=1&m=resnet18&l=layer1.1.conv2&u=0,0,20&v=table&q=region")
    region = cs.load("resnet18").field("layer1.1.conv2", (0, 20))
    assert fact(page, "box") == list(region.box) == [-21, 59, 22, 102]
    assert fact(page, "padded") == pytest.approx(region.padded_fraction, abs=1e-15)
    assert f"{fact(page, 'padded'):.3f}" == "0.488"
    assert fact(page, "status") == region.status
