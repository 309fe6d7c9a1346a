"""The page on Keras models: its sample runs."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "keras.md").read_text(encoding="utf-8")


def test_the_sample_runs():
    sample = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy's, about what Keras itself calls
        exec(compile(sample, "keras.md", "exec"), {})
