"""The page on PyTorch modules: its samples run, and say what they say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import convscope as cs

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "pytorch.md").read_text(encoding="utf-8")
SAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def ran(sample: str) -> dict[str, object]:
    names: dict[str, object] = {"cs": cs}
    exec(compile(sample, "pytorch.md", "exec"), names)
    return names


def test_a_module_comes_in_and_goes_out():
    made = ran(SAMPLES[0])
    assert [node.kind for node in made["net"].layers] == ["Conv2d", "ReLU", "Flatten", "Linear"]
    assert type(made["back"]).__name__ == "GraphModule"
    assert made["model"].predict(np.zeros((2, 3, 32, 30), np.float32)).shape == (2, 4)


def test_two_engines_have_one_loss(capsys):
    ran(SAMPLES[1])
    one, two = re.findall(r"\d\.\d+", capsys.readouterr().out)
    assert one == two


def test_all_samples_are_run():
    assert len(SAMPLES) == 2
