"""The page on ONNX files: its sample runs, its list of operators is the registry's."""

from __future__ import annotations

import re
from pathlib import Path

from convscope.interop.onnx import operators  # noqa: F401 - registers them
from convscope.interop.onnx.graph import DEEPEST_GRAPHS
from convscope.interop.onnx.importer import LARGEST_MADE
from convscope.interop.onnx.reader import LARGEST_STRUCTURE, MOST_NODES
from convscope.interop.onnx.registry import CONVERTERS
from convscope.interop.onnx.values import LARGEST_ARRAY, MOST_ELEMENTS

PAGE = (Path(__file__).parents[3] / "docs" / "onnx.md").read_text()


def test_the_sample_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], "onnx.md", "exec"), {})


def test_the_operators_are_those_that_have_a_converter():
    (listed,) = re.findall(r"^Operators that become layers: (.*)\.$", PAGE, re.MULTILINE)
    assert listed == ", ".join(f"`{name}`" for name in sorted({operator for _, operator, _ in CONVERTERS}))


def test_the_limits_are_those_that_hold():
    limits = [f"{LARGEST_STRUCTURE >> 20} MiB", f"{MOST_NODES:,} nodes", f"deeper than {DEEPEST_GRAPHS}"]
    limits += [f"{LARGEST_ARRAY:,} elements", f"{MOST_ELEMENTS:,} of all", f"{LARGEST_MADE:,} weights"]
    for limit in limits:
        assert limit in " ".join(PAGE.split())
