"""The page on ONNX files: its sample runs, and its lists match the code."""

from __future__ import annotations

import re
from pathlib import Path

from convscope.interop.onnx import operators  # noqa: F401 - registers them
from convscope.interop.onnx.call import converters
from convscope.interop.onnx.graph import MAX_GRAPH_DEPTH
from convscope.interop.onnx.importer import MAX_COMPUTED_WEIGHTS
from convscope.interop.onnx.reader import MAX_NODES, MAX_STRUCTURE_BYTES
from convscope.interop.onnx.values import MAX_ARRAY_ELEMENTS, MAX_TOTAL_ELEMENTS

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "onnx.md").read_text()


def test_sample_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], "onnx.md", "exec"), {})


def test_listed_operators_have_converters():
    (listed,) = re.findall(r"^These operators become layers: (.*)\.$", PAGE, re.MULTILINE)
    assert listed == ", ".join(f"`{name}`" for name in sorted({operator for _, operator, _ in converters()}))


def test_documented_limits_match_the_code():
    limits = [f"{MAX_STRUCTURE_BYTES >> 20} MiB", f"{MAX_NODES:,} nodes", f"deeper than {MAX_GRAPH_DEPTH}"]
    limits += [
        f"{MAX_ARRAY_ELEMENTS:,} elements",
        f"{MAX_TOTAL_ELEMENTS:,} in total",
        f"{MAX_COMPUTED_WEIGHTS:,} weights",
    ]
    for limit in limits:
        assert limit in " ".join(PAGE.split())
