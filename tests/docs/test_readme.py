"""The README: its sample of Python, and its speeds.

`test_samples.py` runs its commands, `test_site.py` follows its links.
"""

import re

from docs.pages import README


def test_speeds_are_quoted_from_the_benchmark():
    quoted = re.search(r"report_speed.py\n(.*?)```", README.read_text("utf-8"), re.DOTALL)[1]
    assert re.search(r"ratio \d+×", quoted)


def test_readme_shows_python():
    """The sample of Python is run, and promises results."""
    text = README.read_text("utf-8")
    assert len(re.findall(r"# → ", re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])) >= 2
