"""Options shared by several commands, as decorators."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import pairwise
from typing import Any, TypeVar, cast

import click

from ..errors import BadSetting
from ..text.language import LANGUAGES, Message, set_language
from ..text.lists import join_and
from .arguments import input_shapes, named_value

F = TypeVar("F", bound=Callable[..., Any])

LANGUAGE_VARIABLE = "CONVSCOPE_LANG"
"""The environment variable with the default of --lang."""

_ARGUMENTS = "convscope.arguments"
_CALLED = ("torch:", "keras:")
_INPUT_HELP = "Input shape, channels first; overrides the network's own. Once per input if there are several."


def model_argument(command: F) -> F:
    """Add the argument MODEL, and --arg for a model built by a Python callable."""
    return arg_option(click.argument("model", callback=_with_arguments)(command))


def optional_model_argument(command: F) -> F:
    """Add the argument MODEL, which may be left out, and --arg."""
    return arg_option(click.argument("model", required=False, callback=_with_arguments)(command))


def two_models_argument(command: F) -> F:
    """Add the arguments A and B, and --arg for those built by a Python callable."""
    for name in ("b", "a"):
        command = click.argument(name)(command)

    @wraps(command)
    def with_arguments(*args: Any, a: str, b: str, **options: Any) -> Any:
        context = click.get_current_context()
        called = [model for model in (a, b) if _is_called(model)]
        models = {
            name: _with_arguments(context, None, model) if model in called or not called else model
            for name, model in (("a", a), ("b", b))
        }
        return command(*args, **models, **options)

    return arg_option(cast(F, with_arguments))


def arg_option(command: F) -> F:
    """Add the repeatable option --arg NAME=VALUE."""
    return click.option(
        "--arg",
        metavar="NAME=VALUE",
        multiple=True,
        is_eager=True,
        expose_value=False,
        callback=_keep_arguments,
        help="Keyword argument for a torch: or keras: callable, such as weights=None; repeatable.",
    )(command)


def _keep_arguments(context: click.Context, param: click.Parameter, given: tuple[str, ...]) -> None:
    context.meta[_ARGUMENTS] = tuple(named_value(param, text) for text in given)


def _with_arguments(context: click.Context, _param: click.Parameter | None, model: str) -> str:
    """Append the arguments to the model's name: torch:nets:build(depth=3)."""
    given = context.meta.get(_ARGUMENTS, ())
    if not given:
        return model
    if model is None or not _is_called(model):
        raise BadSetting(
            "--arg needs a MODEL that is a Python callable (got {got!r}). Example: "
            "torch:torchvision.models:resnet50. [arg-model]",
            got=model,
        )
    return f"{model}({', '.join(f'{name}={value!r}' for name, value in given)})"


def _is_called(model: str) -> bool:
    """Tell whether a model names a callable without arguments, to which --arg can be added."""
    return model.startswith(_CALLED) and not model.endswith(")")


def input_option(command: F) -> F:
    """Add --input."""
    return click.option(
        "--input", "input_shape", metavar="[NAME=]CxHxW", multiple=True, callback=input_shapes, help=_INPUT_HELP
    )(command)


def json_option(command: F) -> F:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")(
        command
    )


def language_option(command: F) -> F:
    """Add --lang, which sets the language of tables, texts, messages and figures for the rest of the command."""
    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        default="en",
        envvar=LANGUAGE_VARIABLE,
        show_default=True,
        show_envvar=True,
        is_eager=True,
        expose_value=False,
        callback=_set_language,
        help="Language of the output.",
    )(command)


def _set_language(_context: click.Context, _param: click.Parameter, language: str) -> None:
    set_language(language)


def requested_language(arguments: Sequence[str]) -> str:
    """Return the language that arguments or the environment ask for, before options are parsed.

    Errors in other options are reported in this language.
    """
    language = os.environ.get(LANGUAGE_VARIABLE, "")
    for argument, following in pairwise([*arguments, ""]):
        name, equals, value = argument.partition("=")
        if name == "--lang":
            language = value if equals else following
    return language if language in LANGUAGES else "en"


def save_option(what: str) -> Callable[[F], F]:
    """Add --save, which writes `what` to a file."""
    return click.option("--save", "path", metavar="PATH", help=f"Write {what} to this file.")


def exclusive(chosen: Mapping[str, object]) -> None:
    """Raise where more than one of several exclusive options is set."""
    given = [name for name, value in chosen.items() if value]
    if len(given) > 1:
        raise click.UsageError(
            Message(
                "{options} exclude each other (got {got}). Use only one of them. [one-of]",
                options=join_and(chosen),
                got=join_and(given),
            ),
            click.get_current_context(),
        )


def with_default(text: str, default: object) -> str:
    """Return a help text with its default as click shows one; for options whose value stays None when unset."""
    return f"{text}  [default: {default}]"
