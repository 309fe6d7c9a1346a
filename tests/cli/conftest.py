"""The command line called in this process, and golden files."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cli.small_data import write_npz
from convscope.cli import main

GOLDEN = Path(__file__).parent.parent / "golden"
REWRITE = os.environ.get("CONVSCOPE_GOLDEN") == "write"


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def convscope(capsys, monkeypatch) -> Callable[..., Ended]:
    """Run the command line on a terminal of so many cells."""

    def run(*arguments: object, width: int = 100) -> Ended:
        monkeypatch.setenv("COLUMNS", str(width))
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with the golden file of this name, or rewrite the file with CONVSCOPE_GOLDEN=write."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if REWRITE:
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"make it with CONVSCOPE_GOLDEN=write pytest {Path(__file__).parent}"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in a folder that has small.npz in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONVSCOPE_DATA", raising=False)
    write_npz(tmp_path / "small.npz")
    return tmp_path
