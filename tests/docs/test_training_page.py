"""docs/how-to/train.md: its samples run one after the other, and print what the page shows.

Samples are written by running this file with CONVSCOPE_GOLDEN=write. Numbers that training makes differ from one kind
of processor to the next, so they are not compared.
"""

import os
import re
import shlex
from pathlib import Path

import pytest

from convscope.cli import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "train.md"
FENCE = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^# (?P<name>[\w.-]+\.yaml)$", re.MULTILINE)


MADE_BY_TRAINING = re.compile(r"[\d.,]+|[─█·]+|[()]| best\b|engine \w+")
"""Numbers and their marks, and which engine there is."""


def lasting(text):
    """Return a sample's words, without what another processor would compute otherwise."""
    command, *lines = text.splitlines()
    if command.startswith("$ convscope diagnose"):
        return [command]
    return [command, *(" ".join(MADE_BY_TRAINING.sub(" ", line).split()) for line in lines)]


def test_the_samples_of_the_page_run(tmp_path, monkeypatch, capsys):
    """In one folder, in the page's order."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    page = PAGE.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    written = page
    for fence in FENCE.finditer(page):
        if fence["kind"] == "yaml":
            Path(FILE.search(fence["text"])["name"]).write_text(fence["text"], encoding="utf-8")
        elif fence["kind"] == "python":
            exec(compile(fence["text"], PAGE.name, "exec"), names)
            out = capsys.readouterr().out
            assert all(promised in out for promised in re.findall(r"\)\s+# (.*)$", fence["text"], re.MULTILINE))
        else:
            written = written.replace(fence[0], _console(fence["text"], capsys))
    if os.environ.get("CONVSCOPE_GOLDEN") == "write":
        PAGE.write_text(written, encoding="utf-8")
    for made in ("mistakes.png", "curves.svg", "features.png", "kernels.png", "runs/from-file/run.json"):
        assert Path(made).exists()


def _console(text, capsys):
    """Run a sample's commands; return the sample as it is, stdout below its command, or else what went wrong."""
    shown = []
    for line in text.splitlines():
        if line.startswith("$ convscope "):
            code = main(shlex.split(line.removeprefix("$ convscope ")))
            out, err = capsys.readouterr()
            shown += [line, *(out if code == 0 else err).splitlines()]
            assert code == (2 if "[" in text and "must" in text else 0), err
    if os.environ.get("CONVSCOPE_GOLDEN") != "write":
        assert lasting(text) == lasting("\n".join(shown))
    return "```console\n" + "\n".join(shown) + "\n```"


@pytest.mark.parametrize("line", ["a  1.25   3 %", "a 17.5 · %  best", "a 1 % (3)"])
def test_only_words_are_compared(line):
    assert lasting(f"$ x 1\n{line}") == ["$ x 1", "a %"]
