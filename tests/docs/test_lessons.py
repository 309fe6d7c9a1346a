"""Every lesson shows an example's code and what it prints.

`CONVSCOPE_GOLDEN=write` writes the output to the pages.
"""

import os
import re
import subprocess
import sys

import pytest

from docs.pages import DOCS, WRITE

LESSONS = DOCS / "lessons"
EXAMPLES = sorted((LESSONS / "examples").glob("*.py"))
PAGE_OF = {
    name: page
    for page in LESSONS.glob("*.md")
    for name in re.findall(r"<!-- example: (\w+) -->", page.read_text("utf-8"))
}


def shown(path):
    """Run an example as a learner would; return the part of the page about it."""
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, path], capture_output=True, check=True, encoding="utf-8", env=environment
    )
    assert done.stderr == ""
    code = path.read_text("utf-8").strip()
    return f"```python\n{code}\n```\n\n```text\n{done.stdout.rstrip()}\n```"


def part(name):
    return re.compile(rf"(<!-- example: {name} -->\n)(.*?)(<!-- end -->)", re.S)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_page_shows_what_the_example_prints(path):
    expected = shown(path)
    assert path.stem in PAGE_OF, f"no page in docs/lessons has <!-- example: {path.stem} --> … <!-- end -->"
    page = PAGE_OF[path.stem]
    text = page.read_text("utf-8")
    found = part(path.stem).search(text)
    if WRITE:
        page.write_text(part(path.stem).sub(lambda m: f"{m[1]}{expected}\n{m[3]}", text), "utf-8")
        return
    assert found[2].strip() == expected


def test_pages_show_no_other_examples():
    assert sorted(PAGE_OF) == [path.stem for path in EXAMPLES]


def test_every_lesson_is_in_the_table_of_lessons():
    table = (LESSONS / "index.md").read_text("utf-8")
    assert {page.name for page in PAGE_OF.values()} <= set(re.findall(r"\(([\w-]+\.md)\)", table))
