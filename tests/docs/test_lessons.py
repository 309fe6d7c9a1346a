"""Every topic of the laboratory has a lesson in English and Chinese, and texts repeat what the commands print."""

import re

import pytest

from convscope.lab import list_topics
from docs.pages import DOCS, commands

LESSONS = DOCS / "lessons"
PAGES = [
    page for page in sorted(LESSONS.glob("*.md")) if commands(page) and page.stem.removesuffix(".zh") != "index"
]
SUFFIXES = {"english": "", "chinese": ".zh"}


def language(page):
    return ".zh" if page.name.endswith(".zh.md") else ""


@pytest.mark.parametrize("suffix", SUFFIXES.values(), ids=list(SUFFIXES))
def test_every_topic_has_a_lesson(suffix):
    shown = {
        line.split()[1]
        for page in PAGES
        if language(page) == suffix
        for line in commands(page)
        if line[:4] == "lab "
    }
    assert shown == set(list_topics())


@pytest.mark.parametrize("suffix", SUFFIXES.values(), ids=list(SUFFIXES))
def test_every_lesson_is_in_the_table_of_lessons(suffix):
    table = (LESSONS / f"index{suffix}.md").read_text("utf-8")
    pages = {page.name for page in PAGES if language(page) == suffix}
    assert pages <= set(re.findall(r"\(([\w.-]+\.md)\)", table))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_values_in_the_text_are_in_the_output(page):
    text = page.read_text("utf-8")
    output = " ".join(re.findall(r"^```.*?^```", text, re.M | re.S))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    assert set(re.findall(r"−?\d+\.\d{4}", prose)) <= set(re.findall(r"−?\d+\.\d{4}", output))
