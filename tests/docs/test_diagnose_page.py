"""docs/how-to/diagnose.md: its examples are what the commands print; every finding is on it.

Examples are written by running this file with CONVSCOPE_GOLDEN=write.
"""

import os
import re
import shlex
from pathlib import Path

import pytest

from convscope.cli import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "diagnose.md"
EXAMPLE = re.compile(r"^```console\n\$ convscope (?P<command>.*)\n(?P<output>(?:.*\n)*?)```$", re.MULTILINE)


def examples():
    return [(found["command"], found["output"]) for found in EXAMPLE.finditer(PAGE.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("command", "shown"), examples())
def test_examples_are_what_is_printed(command, shown, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    main(shlex.split(command))
    printed = capsys.readouterr().out
    if os.environ.get("CONVSCOPE_GOLDEN") == "write":
        text = PAGE.read_text(encoding="utf-8")
        start = f"```console\n$ convscope {command}\n"
        PAGE.write_text(text.replace(f"{start}{shown}```", f"{start}{printed}```"), encoding="utf-8")
    else:
        assert shown == printed


def test_every_finding_has_a_heading_and_an_example():
    """The codes are read from the source of the families."""
    folder = ROOT / "src" / "convscope" / "analysis" / "diagnosis"
    codes = {
        code for file in folder.glob("*.py") for code in re.findall(r'Finding\(\s*"([a-z-]+)"', file.read_text())
    }
    page = PAGE.read_text(encoding="utf-8")
    headed = {
        code for line in re.findall(r"^### .*$", page, re.MULTILINE) for code in re.findall(r"`([a-z-]+)`", line)
    }
    assert headed == codes
    shown = "".join(output for _, output in examples())
    assert {code for code in codes if f"[{code}]" in shown.replace("\n", "")} == codes
