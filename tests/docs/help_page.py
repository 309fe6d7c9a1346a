"""Print docs/reference/cli.md: a process of its own, since click remembers how help was first asked for."""

import click

from convscope.cli import main
from convscope.cli.group import convscope

HEAD = """\
# Command line

What `convscope --help` and `convscope VERB --help` print. [How-to guides](../how-to/index.md) show the commands at work.

`--lang zh` prints tables, findings and messages in Chinese, and labels figures in Chinese. The environment variable `CONVSCOPE_LANG` sets
the language of all commands: `export CONVSCOPE_LANG=zh`. `--json`, `--csv`, `--help`, option names and error codes are English in
every language.
"""


def paths(command=convscope, path=()):
    """Yield a command and those below it, as words."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from paths(command.get_command(context, name), (*path, name))


if __name__ == "__main__":
    print(HEAD)
    for path in paths():
        print(f"{'#' * min(2 + len(path), 3)} {' '.join(['convscope', *path])}\n\n```text", flush=True)
        main([*path, "--help"])
        print("```\n")
