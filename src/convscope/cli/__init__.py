"""The command line: one file per command, each a thin shell around the library."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 success, 1 failed check, 2 bad input."""
    try:
        from .group import convscope
        from .output import run_command

        return run_command(convscope, arguments)
    except KeyboardInterrupt:  # during the imports above
        return 130
