"""`convscope lab`: the lessons of the laboratory, as text, figures and JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..lab import Topic, list_topics
from ..text.language import Message, current_language
from ..text.lists import join_or
from .group import COMMANDS, NearestGroup
from .options import exclusive, json_option, language_option, save_option, with_default
from .output import print_result, print_saved

if TYPE_CHECKING:
    from ..lab import Lesson
    from ..lab.options import Option

FORMATS = ("text", "markdown", "latex", "html")
_DOCUMENTS = {".txt": "text", ".md": "markdown", ".tex": "latex", ".html": "html"}
_FIGURES = (".png", ".svg")


class Topics(NearestGroup):
    """One command per topic."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(list_topics())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        topic = list_topics().get(cmd_name)
        return None if topic is None else _command_of(topic)

    def unknown(self, name: str, hint: Message) -> Message:
        return Message("There is no topic {name!r}. {hint} [lab-topic]", name=name, hint=hint)


@click.group(
    "lab", cls=Topics, short_help=COMMANDS["lab"], subcommand_metavar="TOPIC ...", invoke_without_command=True
)
@language_option
@click.pass_context
def command(context: click.Context) -> None:
    """Teach one topic with every number: text, figure or JSON, with your own numbers.

    Without a topic, list the topics.

    \b
    Examples:
      convscope lab
      convscope lab max-pooling --input 1,3/2,4 --stride 1
      convscope lab dropout --lang zh --save dropout.png
    """
    if context.invoked_subcommand is None:
        print_result(_contents())


def _contents() -> str:
    """Return the list of topics, one line each, by chapter."""
    lang = current_language()
    topics = list(list_topics().values())
    widest = max(len(topic.name) for topic in topics)
    lines: list[str] = []
    for chapter in dict.fromkeys(topic.chapter for topic in topics):
        lines += ["", chapter.value.to(lang)] if lines else [chapter.value.to(lang)]
        lines += [f"  {one.name.ljust(widest)}  {one.about.to(lang)}" for one in topics if one.chapter is chapter]
    return "\n".join(lines)


def _command_of(topic: Topic) -> click.Command:
    def run(as_json: bool, form: str | None, path: str | None, **options: Any) -> None:
        kept = {name: value for name, value in options.items() if value is not None and value != ()}
        exclusive({"--json": as_json, "--format": form})
        suffix = _checked_suffix(path, form, as_json)
        _write(topic.teach(**kept), as_json, form, path, suffix)

    example = _broken(f"  convscope lab {topic.example}")
    run.__doc__ = f"Teach {topic.about.en}.\n\n\b\nExample:\n{example}"
    made: Callable[..., Any] = language_option(run)
    made = save_option("a figure (.png, .svg) or the lesson (.txt, .md, .tex, .html)")(made)
    made = click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        help=with_default("Output format.", "by the suffix of --save, else text"),
    )(made)
    made = json_option(made)
    for option in reversed(topic.options):
        made = click.option(
            option.flag,
            option.name,
            metavar=option.metavar,
            multiple=option.repeated,
            callback=_reader(option),
            help=option.help,
        )(made)
    return click.command(topic.name, short_help=f"{topic.about.en[0].upper()}{topic.about.en[1:]}.")(made)


def _reader(option: Option) -> Callable[..., Any]:
    def read(_context: click.Context, _param: click.Parameter, text: str | tuple[str, ...] | None) -> Any:
        if text is None:
            return None
        if isinstance(text, tuple):
            return tuple(option.parse(option.flag, one) for one in text)
        return option.parse(option.flag, text)

    return read


def _checked_suffix(path: str | None, form: str | None, as_json: bool) -> str:
    """Return the suffix of --save, in lower case; raise where nothing is written to such a file."""
    suffix = Path(path or "").suffix.lower()
    known = [*_FIGURES, *_DOCUMENTS]
    if path is not None and suffix not in known:
        raise click.UsageError(
            Message(
                "--save must end in {suffixes} (got {got!r}). Rename the file. [lab-suffix]",
                suffixes=join_or(known),
                got=suffix,
            ),
            click.get_current_context(),
        )
    if as_json and suffix in _DOCUMENTS:
        exclusive({"--json": True, f"--save {path}": True})
    return suffix


def _write(lesson: Lesson, as_json: bool, form: str | None, path: str | None, suffix: str) -> None:
    from ..files.atomic import write_file
    from ..files.readable_json import to_json

    lang = current_language()
    if path is not None and suffix in _DOCUMENTS:
        write_file(path, _rendered(lesson, form or _DOCUMENTS[suffix]) + "\n")
        print_saved(path)
        return
    if path is not None:
        from .. import plots

        plots.save(plots.lesson_figure(lesson, lang), path)
        print_saved(path)
    print_result(to_json(lesson.to_dict()) if as_json else _rendered(lesson, form or "text"))


def _rendered(lesson: Lesson, form: str) -> str:
    from ..text.terminal import terminal_width

    lang = current_language()
    if form == "text":
        return lesson.text(lang, min(100, terminal_width())).rstrip("\n")
    text: str = getattr(lesson, form)(lang)
    return text.rstrip("\n")


def _broken(command: str) -> str:
    """Break a command before options into lines that fit a help text of 80 columns."""
    first, *options = command.split(" --")
    lines = [first]
    for option in options:
        joined = f"{lines[-1]} --{option}"
        if len(joined) <= 76:
            lines[-1] = joined
        else:
            lines.append(f"    --{option}")
    return " \\\n".join(lines)
