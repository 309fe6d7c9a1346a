"""docs/how-to/diagnose.md: every finding has a heading and an example."""

import re

from docs.pages import DOCS, ROOT

PAGE = DOCS / "how-to" / "diagnose.md"


def test_every_finding_has_a_heading_and_an_example():
    """The codes are read from the source of the families."""
    folder = ROOT / "src" / "convscope" / "analysis" / "diagnosis"
    codes = {
        code
        for file in folder.glob("*.py")
        for code in re.findall(r'Finding\(\s*"([a-z-]+)"', file.read_text("utf-8"))
    }
    page = PAGE.read_text("utf-8")
    headings = re.findall(r"^### .*$", page, re.MULTILINE)
    assert {code for line in headings for code in re.findall(r"`([a-z-]+)`", line)} == codes
    shown = "".join(re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)).replace("\n", "")
    assert {code for code in codes if f"[{code}]" in shown} == codes
