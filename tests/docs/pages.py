"""The pages of the documentation: their samples, run in order, and their links.

Fences that are run, each page in a folder of its own:

- `console`: commands after `$ `, each with its output (stdout, or stderr where the command fails).
- `python`: code in one namespace for the page; `# → value` promises what is printed. A `text` fence right after it is
  its output.
- `yaml` and `python` whose first line is `# NAME.yaml` or `# NAME.py`: also a file, for the commands below it.

`<!-- output varies -->` before a fence: it is run, and its output is not compared.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
READMES = [README, ROOT / "README.zh.md"]
PAGES = sorted(DOCS.rglob("*.md"))
WRITE = os.environ.get("CONVSCOPE_GOLDEN") == "write"
COLUMNS = {"README.md": 110, "README.zh.md": 110}
"""Width of the terminal; 100 elsewhere."""

FENCE = re.compile(
    r"^(?P<varies><!-- output varies -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$"
    r"(?P<shown>\n\n```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
FILE = re.compile(r"# (?P<name>[\w.-]+\.(?:yaml|py))$", re.MULTILINE)
LINK = re.compile(r"\]\((?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")

MADE_BY_TRAINING = re.compile(r"[\d.,]+|[─█·]+|[()]| best\b| 最佳|(?:engine|引擎) \w+")
"""Values and their marks, and which engine there is: they differ from one processor to the next."""


def relative(page: Path) -> str:
    """Name of a page in messages and test ids."""
    return page.relative_to(ROOT).as_posix()


def samples(page: Path) -> list[re.Match[str]]:
    """Fences of a page that are run."""
    return [fence for fence in FENCE.finditer(page.read_text("utf-8")) if fence["kind"] in _RUN]


def run_samples(page: Path, main: Callable[[list[str]], int]) -> None:
    """Run a page's samples in the current folder; compare them, or write them to the page."""
    written = text = page.read_text("utf-8")
    names: dict[str, object] = {"__name__": "sample"}
    for fence in samples(page):
        if found := FILE.match(fence["text"]):
            Path(found["name"]).write_text(fence["text"], "utf-8")
        replacement = _RUN[fence["kind"]](fence, names, main)
        if not WRITE and not fence["varies"]:
            assert _compared(fence[0]) == _compared(replacement)
        if WRITE:
            written = written.replace(fence[0], replacement)
    if written != text:
        page.write_text(written, "utf-8")


def _compared(sample: str) -> str:
    """Return what must not change: of a training only the words."""
    parts = re.split(r"^(?=\$ convscope )", sample, flags=re.MULTILINE)
    return "".join(lasting(part) for part in parts)


def lasting(text: str) -> str:
    """Return a command and its output, without what another processor would compute differently."""
    command, *lines = text.splitlines()
    verb = command.removeprefix("$ convscope ").split()[0] if command.startswith("$ convscope ") else ""
    if verb == "diagnose" and " runs/" in command:
        return command
    if verb not in ("train", "evaluate", "predict") and not command.startswith("$ convscope lab small-network"):
        return text
    return "\n".join([command, *(" ".join(MADE_BY_TRAINING.sub(" ", line).split()) for line in lines)])


def _console(fence: re.Match[str], names: dict[str, object], main: Callable[[list[str]], int]) -> str:
    shown = []
    for line in fence["text"].splitlines():
        if line.startswith("$ convscope "):
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(shlex.split(line.removeprefix("$ convscope ")))
            output = out.getvalue() or (err.getvalue() if code else "")
            assert code == (2 if not out.getvalue() and code else code) <= 2, err.getvalue()
            assert code < 2 or re.search(r"\[[\w-]+\]$", output, re.MULTILINE), output
            shown += [line, *output.rstrip("\n").splitlines()]
        elif line.startswith("$ "):
            raise AssertionError(f"only convscope is run: {line}")
    return f"{fence['varies'] or ''}```console\n" + "\n".join(shown) + "\n```" + (fence["shown"] or "")


def _python(fence: re.Match[str], names: dict[str, object], main: Callable[[list[str]], int]) -> str:
    if fence["text"].startswith(">>>"):
        return fence[0]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(fence["text"], "sample", "exec", dont_inherit=True), names)
    printed = out.getvalue()
    for promised in re.findall(r"# → (.*)$", fence["text"], re.MULTILINE):
        assert promised in printed, f"{promised!r} is not in {printed!r}"
    if fence["shown"] is None:
        return fence[0]
    code = f"{fence['varies'] or ''}```python\n{fence['text']}```"
    return f"{code}\n\n```text\n{printed.rstrip()}\n```"


def _yaml(fence: re.Match[str], names: dict[str, object], main: Callable[[list[str]], int]) -> str:
    return fence[0]


_RUN = {"console": _console, "python": _python, "yaml": _yaml}


def commands(page: Path) -> list[str]:
    """Every line of a page that calls convscope, in fences that are run or only shown."""
    lines = []
    for fence in re.findall(r"^```(?:console|sh|bash|)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S):
        joined = fence.replace("\\\n", " ")
        lines += re.findall(r"^(?:\$ )?convscope (.+?)(?:\s+#.*)?$", joined, re.MULTILINE)
    return lines


def links(page: Path) -> list[tuple[Path, str]]:
    """Pages and anchors that a page links to; links to other sites are left out."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = [(link["target"], link["anchor"] or "") for link in LINK.finditer(text)]
    return [
        ((page.parent / target).resolve() if target else page, anchor)
        for target, anchor in found
        if not re.match(r"[a-z]+:", target)
    ]


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {
        re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings
    } | set(re.findall(r'<a id="([^"]+)"', text))
