"""Errors of importers in Chinese: no English fragment is left inside."""

from __future__ import annotations

import re

import pytest

import convscope as cs
from convscope.errors import ConvscopeError
from convscope.text.language import use_language


def in_chinese(act) -> str:
    with pytest.raises(ConvscopeError) as raised, use_language("zh"):
        act()
    with use_language("zh"):
        return raised.value.translated()


def test_damaged_onnx_file_is_described_in_chinese(tmp_path):
    pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x08\x0a\x3a\x7f")
    text = in_chinese(lambda: cs.from_onnx(path))
    assert text == f"{str(path)!r} 已损坏（从第 2 字节开始的字段缺少 127 字节）。请重新复制或下载。[onnx-damaged]"


def test_unusable_import_specs_are_described_in_chinese():
    pytest.importorskip("torch")
    for spec, code in (
        ("torch:nets", "torch-name"),
        ("torch:convscope:__version__", "torch-model"),
        ("torch:convscope:Model", "torch-arguments"),
    ):
        text = in_chinese(lambda spec=spec: cs.load(spec))
        assert text.endswith(f"。[{code}]")
        assert not re.search(r"[a-z] (must|is|are|the|has|Did)\b", text)
