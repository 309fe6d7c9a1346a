"""Results to stdout, messages to stderr, and how a command ends."""

from __future__ import annotations

import codecs
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, ConvscopeError
from ..text.terminal import paint_for

if TYPE_CHECKING:
    from ..layers.connection import Shape

FAILED = 1
BAD_INPUT = 2
SIGNALED = 128
INTERRUPTED = 130
PIPE_CLOSED = 141
"""What shells report: 128 and the number of the signal that ended a program; of Ctrl-C; of a closed pipe."""

LONGEST_NAME = 100
"""Bytes of a file's name that is made here; file systems take 255, numbers and endings come behind it."""

_UNSAFE = re.compile(r"[^\w.-]+")
_LOOKALIKES = {
    **dict(zip("×…─━═≥≤∪≠█▒░□►−–∗✓✗⌋⌉", "x.-==><u!#%:#>--*+x))", strict=True)),
    **dict(zip("┐┘┤┬┴┼“”′∂µ₀₁₂₃₄₅₆₇₈₉", '++++++""\'du0123456789', strict=True)),
    "→": "->",
    "⌊": "floor(",
    "⌈": "ceil(",
    "¹": "^1",
    "²": "^2",
    "³": "^3",
    "⁵": "^5",
    "√": "sqrt",
    "∞": "inf",
    "Σ": "sum",
    "Φ": "Phi",
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "ε": "eps",
    "λ": "lambda",
    "μ": "mu",
    "σ": "sigma",
}
"""What is written where an encoding lacks a character; in tables it has the same width."""


def run_command(command: click.Command, arguments: Sequence[str] | None) -> int:
    """Run a command and return its exit code; whatever a user can cause ends in one clear message."""
    _prepare_streams()
    with warnings.catch_warnings():
        warnings.showwarning = _warn
        return _exit_code(command, arguments)


def _exit_code(command: click.Command, arguments: Sequence[str] | None) -> int:
    try:
        code = command.main(
            None if arguments is None else list(arguments), prog_name="convscope", standalone_mode=False
        )
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return BAD_INPUT
    except click.UsageError as error:
        print_error(error.format_message())
        if error.ctx is not None:
            print(f"try: {error.ctx.command_path} --help", file=sys.stderr)
        return BAD_INPUT
    except ConvscopeError as error:
        print_error(str(error))
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def print_result(text: str) -> None:
    """Write a result to stdout; a reader that has gone, as `head` does, ends the command in silence.

    Errors:   BadFile [output] when stdout cannot take it, as on a full disk
    """
    _check_encodable(text)
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
        raise click.exceptions.Exit(PIPE_CLOSED) from None
    except OSError as error:
        _drop_stdout()
        reason = (error.strerror or str(error)).lower()
        raise BadFile(f"the output must be written somewhere; got {reason}; make room for it. [output]") from None


def _check_encodable(text: str) -> None:
    """Refuse Chinese where the output has no characters for it, rather than print question marks.

    Errors:   BadFile [encoding]
    """
    encoding = sys.stdout.encoding or "utf-8"
    characters = "".join(sign for sign in set(text) if "\u3400" <= sign <= "\u9fff")
    try:
        characters.encode(encoding)
    except UnicodeEncodeError:
        raise BadFile(
            f"the output's encoding must have Chinese characters; got {encoding}; set PYTHONUTF8=1, or write "
            "a file with --save. [encoding]"
        ) from None


def print_error(message: str) -> None:
    """Write one message to stderr."""
    print(f"{paint_for(sys.stderr).alarm('convscope:')} {message}", file=sys.stderr)


def _warn(message: Warning | str, *_where: Any, **_more: Any) -> None:
    """Write a warning of the library as one message, without Python's place in the source."""
    print_error(str(message))


def print_note(message: str) -> None:
    """Write what was done to stderr."""
    print(message, file=sys.stderr)


def file_name(text: str) -> str:
    """Return a text as a part of a file's name: without special characters, and short; perhaps nothing is left."""
    plain = _UNSAFE.sub("-", text).strip("-.")
    return plain.encode()[:LONGEST_NAME].decode("utf-8", "ignore")


def print_stretch_note(images: Sequence[str], input_shape: Shape) -> None:
    """Say on stderr which images lose their proportions when they are fitted to a network's input."""
    from ..images import stretch_note

    note = stretch_note(images, input_shape)
    if note:
        print_note(note)


def _drop_stdout() -> None:
    """Let nothing more be written, so that closing down does not fail a second time."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _prepare_streams() -> None:
    """Make streams that cannot say every sign fall back on lookalikes of the same width."""
    codecs.register_error("convscope.lookalike", _lookalike)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="convscope.lookalike")


def _lookalike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    written = [
        _dot(error.object, place) if error.object[place] == "·" else _LOOKALIKES.get(error.object[place], "?")
        for place in range(error.start, error.end)
    ]
    return "".join(written), error.end


def _dot(text: str, place: int) -> str:
    """Return what a raised dot is: a product between two factors, else a point."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    between = (before.isalnum() or before in tuple(")]⌋⌉")) and (after.isalnum() or after in tuple("([⌊⌈"))
    return "*" if between else "."
