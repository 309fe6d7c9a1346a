import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.text.numbers import memory
from convscope.text.table import Column, MarkedNumber, Note, Table, width_of
from convscope.text.terminal import Paint

COLUMNS = (
    Column("layer", 0, right=False, least=8),
    Column("kind", 1, right=False, least=6),
    Column("params", 0),
    Column("memory", 3, form=memory),
    Column("size", 0, group="field", alone="field"),
    Column("stride", 2, group="field"),
)
ROWS = [
    ["conv1", "Conv2d", 34_944, 1_161_600, "11×11", "/4"],
    ["卷积2", "Conv2d", MarkedNumber(307_456, "≥"), 746_496, "51×51", "/8"],
    ["pool", "MaxPool2d", "?", 0, "all", ""],
]
TABLE = Table(
    COLUMNS, ROWS, ["total", "", MarkedNumber(342_400, "≥"), 1_908_096, "", ""], "net", ("a note",), core=2
)


def test_a_table_with_room_for_all():
    """Groups above their columns, exact digits, totals and notes below; a Chinese character takes two cells."""
    assert TABLE.text(80).splitlines() == [
        "net",
        "                                       ─── field ───",
        "layer  kind         params     memory   size  stride",
        "────────────────────────────────────────────────────",
        "conv1  Conv2d       34,944  1.108 MiB  11×11      /4",
        "卷积2  Conv2d     ≥307,456    729 KiB  51×51      /8",
        "pool   MaxPool2d         ?        0 B    all",
        "────────────────────────────────────────────────────",
        "total             ≥342,400   1.82 MiB",
        "",
        "a note",
    ]


@pytest.mark.parametrize(
    ("width", "headings", "first"),
    [
        (52, "layer  kind         params     memory   size  stride", "34,944"),
        (51, "layer  kind         params   size  stride", "34,944"),
        (41, "layer  kind         params   size  stride", "34,944"),
        (40, "layer  kind        params   size  stride", "34.94 k"),
        (39, "layer  kind       params   size  stride", "34.94 k"),
        (38, "layer  kind      params   size  stride", "34.94 k"),
        (36, "layer  kind         params  field", "34.94 k"),
        (32, "layer  kind        params  field", "34.94 k"),
        (29, "layer    params  field", "34.94 k"),
    ],
)
def test_columns_go_in_the_order_of_their_importance(width, headings, first):
    """Memory first, then digits, then letters of the kind, then the stride, at last the kind."""
    lines = TABLE.text(width).splitlines()
    rule = next(number for number, line in enumerate(lines) if line.startswith("─"))
    assert lines[rule - 1] == headings
    assert first in lines[rule + 1]
    assert max(map(width_of, lines)) <= width


@given(st.integers(1, 120))
def test_lines_have_one_width_and_no_blank_ends(width):
    """Whatever the width, rules are as wide as rows, and wide characters keep columns straight."""
    lines = TABLE.text(width).splitlines()
    assert all(line == line.rstrip() for line in lines)
    rules = {width_of(line) for line in lines if line.startswith("─")}
    assert len(rules) == 1
    assert max(width_of(line) for line in lines[1:-2]) == rules.pop()


def test_color_does_not_change_the_alignment():
    """Taking the color out again leaves the plain table."""
    painted = TABLE.text(52, Paint(True))
    assert "\x1b[1m" in painted
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == TABLE.text(52)


def test_markdown_escapes_what_would_end_a_cell():
    """Bars and stars in names stay what they are."""
    table = Table((Column("a|b", right=False), Column("n")), [["x*y|z_", 1234]], ["sum", 1234])
    assert table.markdown().splitlines() == [
        r"| a\|b | n |",
        "|---|---:|",
        r"| x\*y\|z\_ | 1,234 |",
        "| **sum** | **1,234** |",
    ]


def test_csv_has_bare_numbers():
    """Commas are left to CSV."""
    assert TABLE.csv().splitlines()[:2] == [
        "layer,kind,params,memory,size,stride",
        "conv1,Conv2d,34944,1161600,11×11,/4",
    ]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.cells, self.text = [], 0, []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.cells += tag == "td"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_html_is_well_formed_and_escaped():
    """Every tag is closed, every cell is there, names cannot smuggle markup in."""
    table = Table(TABLE.columns, [["<script>", "a&b", 1, 2, "3", "4"]], None, "t", ("n",))
    tags = Tags()
    tags.feed(table.html())
    tags.close()
    assert tags.open == []
    assert tags.cells == 6
    assert "<script>" in tags.text
    assert "<script>" not in table.html()


def test_left_out_columns_are_named_and_not_explained():
    columns = (Column("name", 0, right=False), Column("kept", 0), Column("wide column", 1))
    notes = (Note((("kept", "kept: first"), ("wide column", "wide: second"))), Note((("wide column", "third"),)))
    table = Table(columns, [["a", 1, 2]], notes=notes)
    assert table.text(40).splitlines()[-2:] == ["kept: first; wide: second.", "third."]
    assert " ".join(table.text(12).split()).endswith("kept: first. not shown at this width: wide column.")
    assert "third" not in table.text(12)
    assert "third." in table.markdown()
    assert "third." in table.html()
