"""The README's samples are what its commands print, and its links lead somewhere.

Samples are written by running this file with CONVSCOPE_GOLDEN=write.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
CONSOLE = re.compile(r"```console\n\$ convscope (?P<command>.*)\n(?P<output>(?:.*\n)*?)```\n")


def samples():
    return [(found["command"], found["output"]) for found in CONSOLE.finditer(README.read_text())]


def printed(command):
    environment = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "convscope", *shlex.split(command)],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(("command", "shown"), samples(), ids=[command.split()[0] for command, _ in samples()])
def test_samples_are_what_is_printed(command, shown):
    actual = printed(command)
    if os.environ.get("CONVSCOPE_GOLDEN") == "write":
        text = README.read_text()
        README.write_text(
            text.replace(
                f"```console\n$ convscope {command}\n{shown}```", f"```console\n$ convscope {command}\n{actual}```"
            )
        )
    else:
        assert shown == actual


def test_the_python_sample_runs_and_prints_what_its_comments_say(capsys):
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    exec(compile(code, "README.md", "exec"), {})
    out = capsys.readouterr().out
    for promised in re.findall(r"# (\d+|\(\d+, \d+\))$", code, re.MULTILINE):
        assert promised in out


def test_links_lead_somewhere():
    for page in [README, ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_speeds_are_quoted_from_the_benchmark():
    quoted = re.search(r"report_speed.py\n(.*?)```", README.read_text(), re.DOTALL)[1]
    assert re.search(r"ratio \d+×", quoted)
