"""Options that several verbs have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

import click

from ..errors import BadSetting
from .arguments import input_shapes, named_value

F = TypeVar("F", bound=Callable[..., Any])

_ARGUMENTS = "convscope.arguments"
_CALLED = ("torch:", "keras:")
_INPUT_HELP = "Input shape, channels first, instead of the network's own. Several inputs: NAME=CxHxW each."


def model_argument(verb: F) -> F:
    """Give a verb its MODEL, and --arg for one that is built by a function."""
    return arg_option(click.argument("model", callback=_with_arguments)(verb))


def two_models_argument(verb: F) -> F:
    """Give a verb the models A and B, and --arg for those of them that are built by a function."""
    for name in ("b", "a"):
        verb = click.argument(name)(verb)

    @wraps(verb)
    def with_arguments(*args: Any, a: str, b: str, **options: Any) -> Any:
        context = click.get_current_context()
        called = [model for model in (a, b) if _is_called(model)]
        models = {
            name: _with_arguments(context, None, model) if model in called or not called else model
            for name, model in (("a", a), ("b", b))
        }
        return verb(*args, **models, **options)

    return arg_option(cast(F, with_arguments))


def arg_option(verb: F) -> F:
    """Give a verb --arg name=value, which may be given several times."""
    return click.option(
        "--arg",
        metavar="NAME=VALUE",
        multiple=True,
        is_eager=True,
        expose_value=False,
        callback=_keep_arguments,
        help="Call what torch:package.module:callable names with this argument, as in weights=None.",
    )(verb)


def _keep_arguments(context: click.Context, param: click.Parameter, given: tuple[str, ...]) -> None:
    context.meta[_ARGUMENTS] = tuple(named_value(param, text) for text in given)


def _with_arguments(context: click.Context, _param: click.Parameter | None, model: str) -> str:
    """Write the arguments into the model's name: torch:nets:build(depth=3)."""
    given = context.meta.get(_ARGUMENTS, ())
    if not given:
        return model
    if not _is_called(model):
        raise BadSetting(
            f"--arg must go with a MODEL named package.module:callable; got MODEL {model!r}; "
            "write it as in torch:torchvision.models:resnet50. [arg-model]"
        )
    return f"{model}({', '.join(f'{name}={value!r}' for name, value in given)})"


def _is_called(model: str) -> bool:
    """Tell whether --arg can be added to a model's name: it names a callable without arguments."""
    return model.startswith(_CALLED) and not model.endswith(")")


def input_option(verb: F) -> F:
    """Give a verb --input."""
    return click.option(
        "--input", "input_shape", metavar="[NAME=]CxHxW", multiple=True, callback=input_shapes, help=_INPUT_HELP
    )(verb)


def json_option(verb: F) -> F:
    """Give a verb --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")(verb)


def save_option(what: str) -> Callable[[F], F]:
    """Give a verb --save."""
    return click.option("--save", "path", metavar="PATH", help=f"Write {what} to this file.")


def exclusive(chosen: Mapping[str, object]) -> None:
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
