"""The table of words in docs/reference/notation.md: `python -m convscope.notation.page`."""

from __future__ import annotations

from .keywords import ALIASES, FLAGS, SHORT, Kind, kinds


def table() -> str:
    """Return every word with its settings by position, its other settings, and other spellings."""
    rows = [_row(kind) for _, kind in sorted(kinds().items())]
    return "| written | other settings | also |\n|---|---|---|\n" + "".join(rows)


def _row(kind: Kind) -> str:
    flags = {name: f"`{flag}`" for flag, (name, _) in FLAGS.items() if flag in ("ceil", "nobias")}
    letters = {name: f"`{letter}N`" for letter, name in SHORT.items()}
    others = [name for name in kind.settings if name not in kind.positional]
    words = [letters.get(name) or flags.get(name) or f"`{name}=`" for name in others]
    also = [f"`{alias}`" for alias, word in sorted(ALIASES.items()) if word == kind.word]
    return f"| `{kind.usage}` | {', '.join(words)} | {', '.join(also)} |\n"


if __name__ == "__main__":
    print(table(), end="")
