"""Every lesson shows an example's code and what it prints, in English and in Chinese.

`CONVSCOPE_GOLDEN=write` writes the output to the pages.
"""

import ast
import os
import re
import subprocess
import sys

import pytest

from docs.pages import DOCS, WRITE

LESSONS = DOCS / "lessons"
FOLDERS = {"": LESSONS / "examples", ".zh": LESSONS / "examples" / "zh"}
"""Folder of the examples, by the suffix of the pages that show them."""

EXAMPLES = {path: suffix for suffix, folder in FOLDERS.items() for path in sorted(folder.glob("*.py"))}
PAGES_OF = {
    (name, ".zh" if page.name.endswith(".zh.md") else ""): page
    for page in LESSONS.glob("*.md")
    for name in re.findall(r"<!-- example: (\w+) -->", page.read_text("utf-8"))
}
NAMES = sorted(path.stem for path in FOLDERS[""].glob("*.py"))


def printed(path):
    """Run an example as a learner would."""
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, path], capture_output=True, check=True, encoding="utf-8", env=environment
    )
    assert done.stderr == ""
    return done.stdout.rstrip()


def part(name):
    return re.compile(rf"(<!-- example: {name} -->\n)(.*?)(<!-- end -->)", re.S)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem + EXAMPLES[path])
def test_page_shows_what_the_example_prints(path):
    code = path.read_text("utf-8").strip()
    expected = f"```python\n{code}\n```\n\n```text\n{printed(path)}\n```"
    key = path.stem, EXAMPLES[path]
    assert key in PAGES_OF, f"no page in docs/lessons has <!-- example: {path.stem} --> … <!-- end -->"
    page = PAGES_OF[key]
    text = page.read_text("utf-8")
    found = part(path.stem).search(text)
    if WRITE:
        page.write_text(part(path.stem).sub(lambda m: f"{m[1]}{expected}\n{m[3]}", text), "utf-8")
        return
    assert found[2].strip() == expected


def test_pages_show_no_other_examples():
    assert sorted(PAGES_OF) == sorted((path.stem, suffix) for path, suffix in EXAMPLES.items())


def without_texts(path):
    """Return the code of an example without comments and texts that are printed."""
    tree = ast.parse(path.read_text("utf-8"))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print":
            call.args = [one for one in call.args if not isinstance(one, ast.Constant)]
    return ast.dump(ast.Module(tree.body[1:], []))


@pytest.mark.parametrize("name", NAMES)
def test_examples_differ_in_language_only(name):
    english, chinese = (without_texts(folder / f"{name}.py") for folder in FOLDERS.values())
    assert english == chinese


@pytest.mark.parametrize("suffix", FOLDERS, ids=["english", "chinese"])
def test_every_lesson_is_in_the_table_of_lessons(suffix):
    table = (LESSONS / f"index{suffix}.md").read_text("utf-8")
    pages = {page.name for (_, language), page in PAGES_OF.items() if language == suffix}
    assert pages <= set(re.findall(r"\(([\w.-]+\.md)\)", table))


@pytest.mark.parametrize("page", sorted(set(PAGES_OF.values())), ids=lambda page: page.name)
def test_values_in_the_text_are_in_the_output(page):
    output = " ".join(re.findall(r"<!-- example: .*?<!-- end -->", page.read_text("utf-8"), re.S))
    prose = re.sub(r"<!-- example: .*?<!-- end -->", "", page.read_text("utf-8"), flags=re.S)
    assert set(re.findall(r"−?\d+\.\d{4}", prose)) <= set(re.findall(r"−?\d+\.\d{4}", output))
