"""`convscope inspect`: the summary table of a network."""

from __future__ import annotations

import click

from ..input_shapes import InputShape
from .group import COMMANDS
from .options import exclusive, input_option, json_option, language_option, model_argument
from .output import print_result


@click.command("inspect", short_help=COMMANDS["inspect"])
@model_argument
@input_option
@language_option
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print one line of comma-separated values per layer.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a Markdown table.")
@click.option(
    "--depth", metavar="N", type=click.IntRange(1), help="Group layers by the first N parts of their dotted names."
)
@click.option(
    "--counted-by",
    "tool",
    metavar="TOOL",
    help="Show the counts of another tool; see counted-by.",
)
@click.option(
    "--plan", "as_plan", is_flag=True, help="Show the execution plan of the native engine: kernels and memory."
)
@click.option(
    "--batch",
    metavar="IMAGES",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="Batch size of --plan.",
)
def command(
    model: str,
    input_shape: InputShape | None,
    as_json: bool,
    as_csv: bool,
    as_markdown: bool,
    depth: int | None,
    tool: str | None,
    as_plan: bool,
    batch: int,
) -> None:
    """Show shape, parameters, operations, memory and receptive field of every layer of MODEL.

    \b
    Examples:
      convscope inspect alexnet
      convscope inspect resnet152 --depth 1
      convscope inspect resnet50 --input 3x256x320 --json
      convscope inspect "input 1x28x28 | conv 32 3 same | relu | maxpool 2"
    """
    from ..analysis.report import inspect
    from ..files.readable_json import to_json
    from ..loading import load
    from ..render.report import report_csv, report_markdown, report_table
    from ..text.terminal import paint_for

    exclusive({"--json": as_json, "--csv": as_csv, "--markdown": as_markdown})
    for other, chosen in (("--json", as_json), ("--csv", as_csv), ("--counted-by", tool), ("--plan", as_plan)):
        exclusive({"--depth": depth, other: chosen})
    network = load(model, input_shape)
    if tool is not None:
        from .counted_by import show_recount

        exclusive({"--counted-by": True, "--csv": as_csv, "--markdown": as_markdown})
        show_recount(network, tool, as_json)
        return
    if as_plan:
        from .plan import show_plan

        exclusive({"--plan": True, "--csv": as_csv, "--markdown": as_markdown})
        show_plan(network, batch, as_json)
        return
    report = inspect(network)
    if as_json:
        print_result(to_json(report.to_dict()))
    elif as_csv:
        print_result(report_csv(report))
    elif as_markdown:
        print_result(report_markdown(report, depth))
    else:
        print_result(report_table(report, paint=paint_for(), depth=depth))
