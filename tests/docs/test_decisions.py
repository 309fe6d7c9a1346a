"""Decision records match the code: names that exist, the order of imports, the dependencies."""

import re
import tomllib

import pytest

from docs.pages import DOCS, ROOT, relative
from test_import_order import ORDER

DECISIONS = DOCS / "decisions"
RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))
FILES = [
    path.relative_to(ROOT).as_posix()
    for folder in ("src", "tests", "docs", "benchmarks")
    for path in (ROOT / folder).rglob("*")
    if path.suffix != ".pyc"
]
SOURCE = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "src").rglob("*.py")))


def status(record):
    return re.search(r"^\*\*Status:\*\* (.*)$", record.read_text("utf-8"), re.MULTILINE)[1]


def unknown_names(text):
    """Return the files, folders, functions and methods in backticks that do not exist."""
    for name in re.findall(r"`([\w./-]+)`", text):
        if re.fullmatch(r"[\w./-]+(?:/|\.py)", name):
            if not any(f"/{file}".endswith(f"/{name.rstrip('/')}") for file in FILES):
                yield name
        elif re.fullmatch(r"[a-z]+(?:_[a-z]+)+", name):
            if not re.search(rf"\b{name}\b", SOURCE):
                yield name
        elif re.fullmatch(r"[A-Z]+[a-z]\w*\.[a-z]\w+", name):
            kind, member = name.split(".")
            if not re.search(rf"^class {kind}\b", SOURCE, re.M) or not re.search(
                rf"^    (?:def {member}\b|{member}:)", SOURCE, re.M
            ):
                yield name


def test_table_lists_every_record_with_its_status():
    rows = re.findall(
        r"^\| \[\d+\]\(([\w-]+\.md)\) \|.*\| ([^|]+) \|$", (DECISIONS / "README.md").read_text("utf-8"), re.M
    )
    assert dict(rows) == {record.name: status(record) for record in RECORDS}


@pytest.mark.parametrize("record", RECORDS, ids=relative)
def test_status_says_what_the_record_contains(record):
    assert ("amended" in status(record)) == ("**Amended.**" in record.read_text("utf-8"))


@pytest.mark.parametrize("record", RECORDS, ids=relative)
def test_names_exist(record):
    assert list(unknown_names(record.read_text("utf-8"))) == []


def test_unknown_names_are_noticed():
    text = "`recipes/`, `layers/`, `nothing.py`, `Code.nowhere`, `AxisMap.span`, `by_rank`, `by_order`"
    assert list(unknown_names(text)) == ["recipes/", "nothing.py", "Code.nowhere", "by_order"]


def test_order_of_imports_matches_the_test():
    text = (DECISIONS / "0001-layout.md").read_text("utf-8")
    block = re.search(r"```\n(.*?)```", text, re.DOTALL)[1]
    levels = [set(re.findall(r"\w+", level)) for level in block.split("→")]
    assert levels == [set(names.split()) for names in ORDER]


def test_every_core_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = (DECISIONS / "0003-dependencies.md").read_text("utf-8").lower()
    names = [re.match(r"\w+", one)[0].lower() for one in project["dependencies"]]
    assert [name for name in names if name not in text] == []
