"""The examples run, and the page shows what they print.

`CONVSCOPE_GOLDEN=write` writes the page anew.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "lessons"
PAGE = DOCS / "index.md"
EXAMPLES = sorted((DOCS / "examples").glob("*.py"))


def shown(path):
    """Run an example as a learner would; return the part of the page about it."""
    done = subprocess.run([sys.executable, path], capture_output=True, check=True, encoding="utf-8", env=plain())
    assert done.stderr == ""
    code = path.read_text("utf-8").strip()
    return f"```python\n{code}\n```\n\n```text\n{done.stdout.rstrip()}\n```"


def plain():
    return os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"}


def part(name):
    return re.compile(rf"(<!-- example: {name} -->\n)(.*?)(<!-- end -->)", re.S)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_page_shows_what_the_example_prints(path):
    expected = shown(path)
    page = PAGE.read_text("utf-8")
    found = part(path.stem).search(page)
    assert found, f"docs/lessons/index.md lacks <!-- example: {path.stem} --> … <!-- end -->"
    if os.environ.get("CONVSCOPE_GOLDEN") == "write":
        PAGE.write_text(part(path.stem).sub(lambda m: f"{m[1]}{expected}\n{m[3]}", page), "utf-8")
        return
    assert found[2].strip() == expected


def test_the_page_shows_no_other_examples():
    names = re.findall(r"<!-- example: (\w+) -->", PAGE.read_text("utf-8"))
    assert sorted(names) == [path.stem for path in EXAMPLES]


def test_links_of_the_page_lead_somewhere():
    """Every heading that the table of contents names is there."""
    page = PAGE.read_text("utf-8")
    headings = {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in re.findall(r"^## (.*)$", page, re.M)
    }
    assert set(re.findall(r"\(#([^)]+)\)", page)) == headings
