"""Output of commands: results on stdout, messages on stderr, exit codes."""

from __future__ import annotations

import codecs
import os
import re
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, ConvscopeError, reason_of
from ..text.language import Message, translate, use_language
from ..text.lists import join_or
from ..text.terminal import paint_for
from .options import requested_language

if TYPE_CHECKING:
    from ..layers.connection import Shape

FAILED = 1
BAD_INPUT = 2
SIGNALED = 128
INTERRUPTED = 130
PIPE_CLOSED = 141
"""Exit codes as shells report them: 128 plus a signal's number, after Ctrl-C, after a closed pipe."""

LONGEST_NAME = 100
"""Most bytes of a generated file name; file systems allow 255, and numbers and suffixes are appended."""

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
"""Replacements for characters that an encoding lacks; those used in tables have the same width."""

_OPTIONS = {
    **{
        f"{optimizer}.{name}": f"--{name.replace('_', '-')}"
        for optimizer in ("SGD", "Adam", "AdamW")
        for name in ("lr", "momentum", "weight_decay")
    },
    **{
        f"fit.{name}": f"--{name.replace('_', '-')}"
        for name in (
            *("epochs", "batch_size", "optimizer", "schedule", "clip_norm", "loss", "augment", "patience"),
            *("checkpoint_every", "history", "log_every"),
        )
    },
    "CrossEntropy.label_smoothing": "--label-smoothing",
    "WarmUp.steps": "--warmup",
    "load_data.name": "--data",
    "load_data.hold_out": "--validation",
    "load_data.resize": "--resize",
    "load_data.channels": "--channels",
    "SavedRun.checkpoint": "--checkpoint",
    "Model.seed": "--seed",
    "Model.engine": "--engine",
    "Model.normalization": "--normalize",
    "Model.task": "--task",
    "load_model.weights": "--weights",
    "Model.precision": "--precision",
    "check.min_field": "--min-field",
    "check.max_field": "--max-field",
    "diagnose.object_size": "--object-size",
    "Recount.tool": "TOOL",
    "Activation.name": "NAME",
    "convolution_maps.kernels": "--kernel",
    **{name: f"--{name.replace('_', '-')}" for name in ("min_field", "max_field")},
}
"""Arguments of the library, and the options or arguments that set them."""


def run_command(command: click.Command, arguments: Sequence[str] | None) -> int:
    """Run a command and return its exit code; every error that a user can cause is one message on stderr."""
    _prepare_streams()
    language = requested_language(sys.argv[1:] if arguments is None else arguments)
    with use_language(language), warnings.catch_warnings():
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
        print_error(_usage_message(error))
        if error.ctx is not None:
            print_note(Message("try: {command} --help", command=error.ctx.command_path))
        return BAD_INPUT
    except ConvscopeError as error:
        print_error(error)
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def print_result(text: str) -> None:
    """Write a result to stdout; a closed pipe, as after `head`, ends the command silently.

    Errors:   BadFile [output] when stdout cannot be written, as on a full disk
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
        raise BadFile("The output could not be written ({reason}). [output]", reason=reason_of(error)) from None


def _check_encodable(text: str) -> None:
    """Raise where the output's encoding has no Chinese characters, rather than print question marks.

    Errors:   BadFile [encoding]
    """
    encoding = sys.stdout.encoding or "utf-8"
    characters = "".join(one for one in set(text) if "\u3400" <= one <= "\u9fff")
    try:
        characters.encode(encoding)
    except UnicodeEncodeError:
        raise BadFile(
            "The output's encoding ({encoding}) has no Chinese characters. Set PYTHONUTF8=1, or "
            "write to a file with --save. [encoding]",
            encoding=encoding,
        ) from None


def print_error(error: ConvscopeError | str) -> None:
    """Write an error or warning to stderr, with arguments named as options of the command line."""
    with _language_of_stderr():
        print(f"{paint_for(sys.stderr).alarm('convscope:')} {error_text(error)}", file=sys.stderr)


def error_text(error: ConvscopeError | str) -> str:
    """Return an error or warning in the current language, with arguments named as options.

    >>> template = "{setting} must be at least 1 (got {got}). [setting]"
    >>> error_text(ConvscopeError(template, setting="fit.epochs", got=0))
    '--epochs must be at least 1 (got 0). [setting]'
    """
    if isinstance(error, ConvscopeError):
        return ConvscopeError(with_options(error.message)).translated()
    return translate(with_options(error) if isinstance(error, Message) else error)


def with_options(message: Message) -> Message:
    """Return a message whose values `setting` and `limit` name options instead of arguments of the library."""
    if not message.values:
        return message
    return Message(message.template, **{name: _with_option(name, value) for name, value in message.values.items()})


def _with_option(name: str, value: Any) -> Any:
    inner = getattr(value, "message", value)  # an error has its message
    if isinstance(inner, Message):
        return with_options(inner)
    return _OPTIONS.get(value, value) if name in ("setting", "limit") else value


def _usage_message(error: click.UsageError) -> str:
    """Return the message of wrong usage; those of click are converted to ours, so that they can be translated."""
    match error:
        case click.NoSuchOption(possibilities=[_, *_] as known):
            names = join_or(map(repr, known))
            return Message(
                "No such option {option!r}. Did you mean {names}?", option=error.option_name, names=names
            )
        case click.NoSuchOption():
            return Message("No such option {option!r}.", option=error.option_name)
        case click.MissingParameter(param=click.Argument() as argument):
            return Message("Missing argument {name}.", name=argument.get_error_hint(error.ctx))
        case click.BadParameter(param=click.Parameter() as param):
            name = param.get_error_hint(error.ctx)
            return Message("Invalid value for {name}: {reason}", name=name, reason=refusal(error.message))
        case _:
            return error.message if isinstance(error.message, Message) else error.format_message()


def refusal(text: str) -> str:
    """Return the reason why click refuses a value, as a message."""
    if found := re.fullmatch(r"(?P<got>.+) is not one of (?P<choices>.+)\.", text):
        return Message("{got} is not one of {choices}.", **found.groupdict())
    if found := re.fullmatch(r"(?P<got>.+) is not a valid integer( range)?\.", text):
        return Message("{got} is not an integer.", got=found["got"])
    if found := re.fullmatch(r"(?P<got>.+) is not a valid float( range)?\.", text):
        return Message("{got} is not a number.", got=found["got"])
    if found := re.fullmatch(r"(?P<got>.+) is not in the range (?P<range>.+)\.", text):
        return Message("{got} is not in the range {range}.", **found.groupdict())
    return text


def _warn(message: Warning | str, *_where: Any, **_more: Any) -> None:
    """Print a warning as one message, without its location in the source."""
    text = message.args[0] if isinstance(message, Warning) and message.args else message
    print_error(text if isinstance(text, str) else str(message))


def print_note(message: str) -> None:
    """Write a note on what was done to stderr."""
    with _language_of_stderr():
        print(translate(message), file=sys.stderr)


def _language_of_stderr() -> AbstractContextManager[None]:
    """Return the context for messages: English where stderr cannot encode the current language."""
    try:
        "中".encode(sys.stderr.encoding or "utf-8")
    except UnicodeEncodeError:
        return use_language("en")
    return nullcontext()


def print_saved(path: str) -> None:
    """Note the file that was written."""
    print_note(Message("saved {path}", path=path))


def file_name(text: str) -> str:
    """Return a text as part of a file name: short and without special characters; it may be empty."""
    plain = _UNSAFE.sub("-", text).strip("-.")
    return plain.encode()[:LONGEST_NAME].decode("utf-8", "ignore")


def print_stretch_note(images: Sequence[str], input_shape: Shape) -> None:
    """Note which images lose their proportions when they are resized to a network's input."""
    from ..images import stretch_note

    note = stretch_note(images, input_shape)
    if note:
        print_note(note)


def _drop_stdout() -> None:
    """Redirect stdout to the null device, so that flushing it at exit does not fail a second time."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _prepare_streams() -> None:
    """Let streams replace characters that their encoding lacks by similar ones of the same width."""
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
        _dot(error.object, index) if error.object[index] == "·" else _LOOKALIKES.get(error.object[index], "?")
        for index in range(error.start, error.end)
    ]
    return "".join(written), error.end


def _dot(text: str, index: int) -> str:
    """Return an asterisk for a raised dot between two factors, else a period."""
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    between = (before.isalnum() or before in tuple(")]⌋⌉")) and (after.isalnum() or after in tuple("([⌊⌈"))
    return "*" if between else "."
