"""Pages and tables that are generated from the source are current.

`CONVSCOPE_GOLDEN=write` writes them.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from analysis.counted_by.small_network import SMALL
from convscope.analysis.counted_by import tool_comparison
from convscope.notation.keywords import words_table
from convscope.zoo.page import page as zoo_page
from docs.pages import DOCS, WRITE


def _check(page, expected):
    if WRITE:
        page.write_text(expected, "utf-8")
    assert page.read_text("utf-8") == expected


def test_command_line_is_current():
    environment = os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("help_page.py")],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env=environment,
    )
    _check(DOCS / "reference" / "cli.md", "\n".join(map(str.rstrip, done.stdout.strip().splitlines())) + "\n")


def test_zoo_is_current():
    _check(DOCS / "reference" / "zoo.md", zoo_page())


def test_notation_table_is_current():
    page = DOCS / "reference" / "notation.md"
    head = page.read_text("utf-8").split("## All words\n\n")[0]
    _check(page, f"{head}## All words\n\n{words_table()}")


def test_table_of_counts_is_current():
    page = DOCS / "explanation" / "counted-by.md"
    table_of_page = re.compile(r"(<!-- table: begin -->\n).*?(<!-- table: end -->\n)", re.DOTALL)
    _check(
        page,
        table_of_page.sub(lambda found: found[1] + tool_comparison(SMALL) + found[2], page.read_text("utf-8")),
    )
