import re

import pytest

from convscope import inspect
from convscope.loading import load
from convscope.render.field import field_notes, field_text
from convscope.render.report import report_html, report_table


def test_printing_a_report_prints_its_table(monkeypatch):
    """str() is the table at the terminal's width, without color."""
    monkeypatch.setenv("COLUMNS", "90")
    report = inspect("lenet")
    assert str(report) == report_table(report, 90)


def test_the_html_table_holds_every_layer():
    """For notebooks: one row per layer, names escaped."""
    report = inspect(load("input 1x20x30 | a<b: conv 2 3 | relu"))
    html = report_html(report)
    assert html == report._repr_html_()
    assert html.count("<tr>") == len(report) + 2
    assert "a&lt;b" in html
    assert "a<b" not in html


def test_sources_are_shown_unless_the_network_is_a_chain():
    """A chain needs none; a branch does."""
    assert " from " not in report_table(inspect("lenet"), 200)
    branched = "input 3x8x9 | a: conv 4 3 p1 | b: conv 4 3 p1 | add a b"
    table = report_table(inspect(branched), 200)
    assert re.search(r"^add1 +Add +a, b ", table, re.MULTILINE)


@pytest.mark.parametrize(
    ("network", "text", "note"),
    [
        ("input 1x31x32 | conv 2 11x7 s4x2", ("11×7", "/4×2", "@5.5,3.5"), None),
        (
            "input 1x20x21 | a: conv 2 3x5 p1x2 | b: conv 2 1 from=input | add a b",
            ("∪3×5", "/1", "@0.5"),
            "∪ union: paths with different receptive fields meet; the size covers all of them.",
        ),
        (
            "input 1x20x21 | a: conv 2 3 p2/0x1 | b: conv 2 1 from=input | join: add a b",
            ("≠3×3", "/1", "@-0.5,0.5"),
            "≠ misaligned: paths whose centers differ meet in join by 1×0 px.",
        ),
        (
            "input 1x20x21 | conv 2 3 s2 | upsample 2",
            ("≤3×3", "/1", "@1.5"),
            "≤ varying: units differ; size is the largest, stride the mean, start that of the first unit.",
        ),
        (
            "input 1x20x21 | conv 2 3 | squeeze: globalavgpool",
            ("all", "", ""),
            "all: every unit sees every pixel, through squeeze.",
        ),
        (
            "input 2x20x21 | a: conv 2 3 p1 | squeeze: globalavgpool | mul a squeeze",
            ("3×3+", "/1", "@0.5"),
            "+ a side path also sees every pixel, through squeeze.",
        ),
        (
            "input 1x20x21 | riddle: opaque fold 2x5x6 | relu",
            ("?", "", ""),
            "? unknown: positions cannot be traced through riddle.",
        ),
    ],
)
def test_every_status_has_its_sign_and_footnote(network, text, note):
    """The sign is explained exactly where it occurs."""
    last = inspect(load(network)).rows[-1]
    assert field_text(last.receptive_field) == text
    assert field_notes([(last.name, last.receptive_field)]) == ([] if note is None else [note])


def test_long_lists_in_footnotes_are_cut():
    """Three names, and how many more."""
    report = inspect("input 1x9x8 | " + " | ".join(f"g{i}: globalavgpool from=input" for i in range(5)))
    assert field_notes((row.name, row.receptive_field) for row in report) == [
        "all: every unit sees every pixel, through g0, g1, g2 and 2 more."
    ]
