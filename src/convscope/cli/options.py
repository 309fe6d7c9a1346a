"""Options that several verbs have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from .arguments import shape

F = TypeVar("F", bound=Callable[..., Any])

_INPUT_HELP = "Use pictures of this shape instead of the network's own."


def model_argument(verb: F) -> F:
    """Give a verb its MODEL."""
    return click.argument("model")(verb)


def input_option(verb: F) -> F:
    """Give a verb --input."""
    return click.option("--input", "input_shape", metavar="CxHxW", callback=shape, help=_INPUT_HELP)(verb)


def json_option(verb: F) -> F:
    """Give a verb --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")(verb)


def save_option(what: str) -> Callable[[F], F]:
    """Give a verb --save."""
    return click.option("--save", "path", metavar="PATH", help=f"Write {what} to this file.")


def one_of(chosen: Mapping[str, object]) -> None:
    """Refuse options that exclude each other."""
    given = [name for name, value in chosen.items() if value]
    if len(given) > 1:
        raise click.UsageError(
            f"of {_listed(chosen)} one must be chosen; got {' and '.join(given)}; leave out all but one. [one-of]",
            click.get_current_context(),
        )


def _listed(names: Mapping[str, object]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}"
