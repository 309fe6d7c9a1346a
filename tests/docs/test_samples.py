"""Samples of the pages print what the pages show.

`CONVSCOPE_GOLDEN=write` writes them.
"""

import shlex
import sys
import types
from importlib.util import find_spec

import click
import pytest

from convscope.cli import main
from convscope.cli.group import convscope as group
from docs.pages import COLUMNS, PAGES, READMES, commands, lasting, relative, run_samples, samples

CHECKED_ELSEWHERE = {"explanation/engine.md", "reference/notation.md"}
"""Pages with a test of their own."""

WITH_SAMPLES = [
    page
    for page in [*READMES, *PAGES]
    if samples(page) and not any(part in page.as_posix() for part in CHECKED_ELSEWHERE)
]
FRAMEWORKS = {"pytorch": "torch", "onnx": "onnx", "keras": "keras"}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras
@pytest.mark.parametrize("page", WITH_SAMPLES, ids=relative)
def test_samples_print_what_the_page_shows(page, tmp_path, monkeypatch):
    for name, library in FRAMEWORKS.items():
        if page.name.startswith(name) and find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", str(COLUMNS.get(page.name, 100)))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setitem(sys.modules, "sample", types.ModuleType("sample"))
    loaded = set(sys.modules)
    try:
        run_samples(page, main)
    finally:
        for file in tmp_path.glob("*.py"):
            if file.stem not in loaded:
                sys.modules.pop(file.stem, None)


def refused(page):
    """Return the commands of a page whose verb, figure or option does not exist; nothing is run."""
    for line in commands(page):
        first, *arguments = shlex.split(line)
        command = group.get_command(click.Context(group), first) or group
        if isinstance(command, click.Group):
            words = [first, *arguments] if command is group else arguments
            named = bool(words) and words[0][0] != "-"
            command = command.get_command(click.Context(command), words[0]) if named else command
        options = {name for parameter in command.params for name in parameter.opts} if command else set()
        given = {argument.split("=")[0] for argument in arguments if argument.startswith("--")}
        if command is None or not given <= options | {"--help"}:
            yield line


@pytest.mark.parametrize("page", [page for page in [*READMES, *PAGES] if commands(page)], ids=relative)
def test_commands_exist(page):
    assert list(refused(page)) == []


@pytest.mark.parametrize("line", ["inspect lenet --jsn", "inspct lenet", "plot activation --save x.png"])
def test_unknown_commands_are_noticed(line, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"```sh\nconvscope {line}\nconvscope zoo --json\n```\n", "utf-8")
    assert list(refused(page)) == [line]


@pytest.mark.parametrize("line", ["a  1.25   3 %", "a 17.5 · %  best", "a 1 % (3)", "a 1 % 最佳"])
def test_of_a_training_only_words_are_compared(line):
    assert lasting(f"$ convscope train x\n{line}") == "$ convscope train x\na %"


@pytest.mark.parametrize(
    "text",
    ["```console\n$ convscope zoo --json\n[]\n```\n", "```python\nprint(1)\n```\n\n```text\n2\n```\n"],
)
def test_wrong_output_is_noticed(text, tmp_path, monkeypatch):
    monkeypatch.setattr("docs.pages.WRITE", False)
    page = tmp_path / "page.md"
    page.write_text(text, "utf-8")
    with pytest.raises(AssertionError):
        run_samples(page, main)
