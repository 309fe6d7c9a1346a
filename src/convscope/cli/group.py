"""The commands, each imported only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from .. import __version__
from ..errors import suggest
from ..text.language import Message

COMMANDS = {
    "inspect": "Show shape, parameters, operations, memory and receptive field of every layer.",
    "field": "Show the exact region of the input that a unit sees, or the units that see a pixel.",
    "explain": "Derive every quantity step by step: formula, substituted values, result.",
    "plot": "Draw figures: activation functions, receptive fields, networks, training, feature maps.",
    "compare": "Compare two networks layer by layer.",
    "check": "Check a network against limits; exit code 1 if any is exceeded.",
    "train": "Train a network on images; interrupt and resume at any time.",
    "evaluate": "Show the accuracy of a run per class, and the confusion matrix.",
    "predict": "Classify images with a trained model.",
    "attribute": "Draw which pixels of an image the score of a class depends on.",
    "explore": "Show a network on an image in the browser, unit by unit.",
    "bench": "Benchmark the native engine on this machine against PyTorch.",
    "tune": "Measure the fastest algorithms for a network on this machine, and cache the choice.",
    "diagnose": "Find wasteful or risky parts of a network or a run.",
    "convert": "Write a network as notation or YAML, or with its weights as ONNX, .safetensors or .pt.",
    "lab": "Teach how networks compute: lessons with every number, and with your own.",
    "zoo": "List the bundled networks.",
    "counted-by": "Show what another tool counts for a network, and why the numbers differ.",
}
"""Command names and their short help; each command is defined in the module of the same name."""


ALIASES = {"export": "convert"}
"""Other names of commands, which are not listed."""


class NearestGroup(click.Group):
    """Command group that suggests similar names for an unknown command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        args = [ALIASES.get(args[0], args[0]), *args[1:]]
        if args[0] not in known and not args[0].startswith("-"):
            ctx.fail(self.unknown(args[0], suggest(args[0], known)))
        return super().resolve_command(ctx, args)

    def unknown(self, name: str, hint: Message) -> Message:
        """Return the message for an unknown command."""
        return Message("There is no command {name!r}. {hint} [verb]", name=name, hint=hint)


class LazyGroup(NearestGroup):
    """Commands whose modules are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"convscope.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="COMMAND ...",
    epilog="A MODEL is the name of a bundled network (see zoo), a line of notation, a .yaml, .json or .onnx file, "
    "the folder of a run, or a Python callable that builds a PyTorch or Keras model: "
    "torch:package.module:callable, keras:package.module:callable.",
)
@click.version_option(__version__, prog_name="convscope", message="%(prog)s %(version)s")
def convscope() -> None:
    """See inside a convolutional network before, while and after you train it.

    \b
    convscope inspect alexnet
    convscope inspect "input 1x28x28 | conv 32 3 | relu | flatten | dense 10"
    convscope field alexnet pool5 --at 3,2
    convscope explain exercise
    convscope train lenet --data digits --resize 28 --epochs 1
    """
