"""docs/reference/notation.md: its examples run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from convscope.notation import parse, parse_yaml, to_notation

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "notation.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", blocks("notation"))
def test_lines(text: str) -> None:
    """Every example in lines is a network that reads back."""
    network = parse(text)
    assert parse(to_notation(network)) == network


@pytest.mark.parametrize("text", blocks("yaml"))
def test_documents(text: str) -> None:
    """Every example in YAML is a network that reads back."""
    network = parse_yaml(text)
    assert parse(to_notation(network)) == network


def test_python() -> None:
    """Every example in Python prints what the page says."""
    examples = doctest.DocTestParser().get_doctest("".join(blocks("python")), {}, "notation.md", None, 0)
    output: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=output.append)
    assert not output, "".join(output)


def test_examples_are_found() -> None:
    """The patterns above match the page's blocks."""
    assert (len(blocks("notation")), len(blocks("yaml")), len(blocks("python"))) == (8, 3, 2)


def test_names_promised() -> None:
    """The names that the page says a block's call makes."""
    network = parse_yaml(blocks("yaml")[-1])
    assert "layer1.0.conv1" in network
    assert "layer1.0.downsample.conv1" in network
