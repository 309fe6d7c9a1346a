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
    from ..models import load, zoo_names
    from ..present.json import to_json
    from ..present.sections import ZooEntry, zoo_table
    from ..present.terminal import paint_for, terminal_width

    entries = [ZooEntry.of(load(name), name) for name in zoo_names()]
    if as_json:
        say(to_json([entry.to_dict() for entry in entries]))
    else:
        say(zoo_table(entries).text(terminal_width(), paint_for()))
