"""The verbs of the command line, each loaded only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from .. import __version__
from ..errors import nearest

VERBS = {
    "inspect": "Show shape, parameters, operations, memory and receptive field of every layer.",
    "field": "Show the exact region of the input that one unit sees, or the units that see a pixel.",
    "explain": "Work out every number: formula, numbers put in, result.",
    "plot": "Draw figures: activation functions, receptive fields, networks, training, feature maps.",
    "compare": "Show how two networks differ.",
    "check": "Hold a network to a budget; exit code 1 when it is broken.",
    "train": "Train a network on images; stop and go on when you like.",
    "evaluate": "Show a run's accuracy, class by class, and its worst mistakes.",
    "predict": "Say what images show.",
    "bench": "Measure the native engine on this machine, beside PyTorch.",
    "tune": "Measure which algorithms are fastest here for a network, and keep them.",
    "diagnose": "Find what is wasteful or risky in a network or a run.",
    "convert": "Write a network as notation or YAML.",
    "zoo": "List the networks that come with convscope.",
    "counted-by": "Show what another tool counts, and why it differs.",
}
"""Verb and what it does; the verb's command stands in the module of the same name."""


class NearestGroup(click.Group):
    """A group that offers the nearest names for one that it does not have."""

    word = "the verb"

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which there are."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            ctx.fail(
                f"{self.word} must be one of {', '.join(known)}; got {args[0]!r}; {nearest(args[0], known)} [verb]"
            )
        return super().resolve_command(ctx, args)


class Verbs(NearestGroup):
    """The verbs; each one's module is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order in which people meet them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a verb's command."""
        if cmd_name not in VERBS:
            return None
        command = import_module(f"convscope.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="VERB ...",
    epilog="A MODEL is a name in the zoo, a line of notation, a .yaml, .json or .onnx file, a run's folder, or "
    "Python code that builds a PyTorch or Keras model: torch:package.module:callable, "
    "keras:package.module:callable.",
)
@click.version_option(__version__, prog_name="convscope", message="%(prog)s %(version)s")
def convscope() -> None:
    """See inside a convolutional network before, while and after you train it.

    \b
    convscope inspect alexnet
    convscope inspect "input 1x28x28 | conv 32 3 same | relu | maxpool 2 | flatten | dense 10"
    convscope field alexnet pool5 --at 3,2
    convscope explain exercise
    convscope train lenet --data digits --resize 28 --epochs 1
    """
