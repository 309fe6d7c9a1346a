"""How docstrings become pages: the extension of Griffe that mkdocs.yml names.

Doctests become code blocks. One-line sections (`Shapes:   (c, h, w) → …`) become a list. Frozen
dataclasses show how they are called: Griffe cannot read fields that `convscope.settings` declares.
"""

from __future__ import annotations

import inspect
import re
from contextlib import suppress
from importlib import import_module
from typing import Any

try:
    from griffe import Extension
except ImportError:  # the tests call `rewrite` without it
    Extension = object  # type: ignore[assignment, misc]

SECTION = re.compile(r"^(Shapes|Formula|Units|Errors|Raises|Source): +(\S.*)$")


def rewrite(text: str) -> str:
    """Return a docstring's text with doctests fenced and one-line sections as a list."""
    lines: list[str] = []
    rest = text.splitlines()
    while rest:
        line = rest.pop(0)
        if line.startswith(">>> "):
            block = [line]
            while rest and rest[0].strip():
                block.append(rest.pop(0))
            lines += ["```pycon", *block, "```"]
        elif found := SECTION.match(line):
            content = found[2]
            while rest and rest[0].startswith("  ") and rest[0].strip():
                content += " " + rest.pop(0).strip()
            if lines and lines[-1] and not lines[-1].startswith("- **"):
                lines.append("")
            lines.append(f"- **{found[1]}:** {_code(content)}")
        else:
            lines.append(line)
    return "\n".join(lines)


def _code(content: str) -> str:
    """Quote what Markdown would read as links or emphasis."""
    return content.replace("[", "\\[") if "`" in content else f"`{content}`"


def call(value: type) -> str:
    """Return how an object is made, as a block of code; of a family of layers, how each layer is."""
    parameters = inspect.signature(value).parameters.values()
    arguments = ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters)
    home = import_module(value.__module__)
    family = [f"{value.__name__}{rank}d" for rank in (1, 2, 3) if hasattr(home, f"{value.__name__}{rank}d")]
    calls = "\n".join(f"{name}({arguments})" for name in family or [value.__name__])
    return f"```python\n{calls}\n```"


class Docstrings(Extension):
    """Rewrites every docstring when it is loaded."""

    def on_object(self, *, obj: Any, **_others: Any) -> None:
        """Rewrite the docstring of one module, class or function."""
        if not obj.docstring:
            return
        text = rewrite(obj.docstring.value)
        decorators = [str(decorator.value) for decorator in getattr(obj, "decorators", ())]
        if obj.is_class and obj.name[0] != "_" and any(name.startswith("dataclass") for name in decorators):
            with suppress(ImportError):  # modules that need a framework which is not installed
                first, _, rest = text.partition("\n")
                text = f"{first}\n\n{call(getattr(import_module(obj.module.path), obj.name))}\n{rest}"
        obj.docstring.value = text
