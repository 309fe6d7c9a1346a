"""The command line: one file per verb, each a thin shell around the library.

| file | what |
|---|---|
| `group.py` | the verbs, loaded when called |
| `arguments.py` | what users type, as values: shapes, units, amounts |
| `options.py` | options that several verbs have |
| `output.py` | results to stdout, messages to stderr, and how it all ends |
| `inspect.py`, `field.py`, … | the verbs |
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 a check failed, 2 bad input."""
    try:
        from .group import convscope
        from .output import ending

        return ending(convscope, arguments)
    except KeyboardInterrupt:  # while all this was imported
        return 130
