"""`convscope zoo`: the networks that come with it."""

from __future__ import annotations

import click

from .group import VERBS
from .options import json_option
from .output import say


@click.command("zoo", short_help=VERBS["zoo"])
@json_option
def command(as_json: bool) -> None:
    """List the networks that come with convscope, with their input, parameters and MACs.

    \b
    Example:
      convscope zoo
    """
    from ..files.readable_json import to_json
    from ..loading import load, zoo_names
    from ..render.sections import ZooEntry, zoo_table
    from ..text.terminal import paint_for, terminal_width

    entries = [ZooEntry.of(load(name), name) for name in zoo_names()]
    if as_json:
        say(to_json([entry.to_dict() for entry in entries]))
    else:
        say(zoo_table(entries).text(terminal_width(), paint_for()))
