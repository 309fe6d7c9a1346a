"""Source, tests and documentation keep to the field's terms: a short list of words that crept in before stays out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

WORDS = {
    "picture": "image (data) or input (to a network)",
    "pictures": "images",
    "way out": "hint, fix",
    "anew": "again, re-…",
    "kin": "related, the … family",
    "nobody knows": "unsupported, unknown",
    "come along": "are bundled",
    "comes along": "is bundled",
    "goes on": "resumes, continues",
    "held against": "tested against",
    "worked out": "computed, derived",
}
"""Words that no page, message or comment uses, and what to write instead."""

EXCEPTIONS: dict[str, tuple[str, str]] = {
    "tests/test_language.py": ("", "lists the words"),
    "CHANGELOG.md": ("picture pictures", "names the JSON keys that ended"),
}
"""By file: the words it may use (empty: all), and the reason."""

FILES = [
    file
    for pattern in (
        "src/**/*.py",
        "src/**/*.yaml",
        "tests/**/*.py",
        "tests/golden/*",
        "benchmarks/**/*.py",
        "docs/**/*.md",
        "*.md",
        "Makefile",
    )
    for file in sorted(ROOT.glob(pattern))
]


def uses(text: str, word: str) -> list[str]:
    """Return the lines that use a word, also as a part of an identifier; several words may be apart by _ or -."""
    apart = r"[\s_-]+".join(word.split())
    spelled = re.compile(rf"(?<![A-Za-z]){apart}(?![A-Za-z])", re.IGNORECASE)
    return [line.strip() for line in text.splitlines() if spelled.search(line)]


def test_words_are_found_in_names_and_sentences():
    text = "def a_way_out():\n    # Nothing here.\n    Pictures = 1  # akin"
    assert uses(text, "way out") == ["def a_way_out():"]
    assert uses(text, "pictures") == ["Pictures = 1  # akin"]
    assert uses(text, "kin") == []


@pytest.mark.parametrize("word", WORDS)
def test_word_stays_out(word):
    found = {}
    for file in FILES:
        name = file.relative_to(ROOT).as_posix()
        allowed, _ = EXCEPTIONS.get(name, ("none", ""))
        if allowed and word not in allowed.split():
            lines = uses(file.read_text(encoding="utf-8"), word)
            if lines:
                found[name] = lines
    assert not found, f"write {WORDS[word]!r}"
