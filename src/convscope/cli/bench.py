"""`convscope bench`: the native engine against other frameworks on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ..progress import StatusLine
from ..text.language import Message, translate
from ..text.lists import listed
from .group import COMMANDS
from .options import json_option, language_option
from .output import INTERRUPTED, print_note, print_result

if TYPE_CHECKING:
    from ..bench.run import Measurement, Report


@click.command("bench", short_help=COMMANDS["bench"])
@click.option(
    "--seconds",
    metavar="SECONDS",
    type=click.FloatRange(0.1),
    default=1.0,
    show_default=True,
    help="Time budget per row, in seconds.",
)
@click.option("--convolutions", "only", flag_value="convolutions", help="Benchmark only single convolutions.")
@click.option("--networks", "only", flag_value="networks", help="Benchmark only whole networks.")
@click.option("--compiled", is_flag=True, help="Include torch.compile; needs a C++ compiler.")
@click.option("--alone", is_flag=True, help="Skip other frameworks.")
@click.option("--strict", is_flag=True, help="Run single convolutions without Winograd's algorithm.")
@language_option
@json_option
def command(seconds: float, only: str | None, compiled: bool, alone: bool, strict: bool, as_json: bool) -> None:
    """Benchmark the native engine against PyTorch and, for inference, ONNX Runtime and OpenVINO if installed.

    All frameworks run the same work in this process, in turn; times are medians. CONVSCOPE_THREADS sets the number
    of threads for all of them. Ctrl-C stops the benchmark and prints the results so far.

    \b
    Examples:
      convscope bench --networks
      convscope bench --convolutions --seconds 3
    """
    from ..notation import parse
    from .plan import native_program

    native_program(parse("input 1x4x4 | flatten | dense 2"), "bench")
    from ..bench.peak import measured_peak
    from ..bench.run import Peers, convolution_rows, network_rows
    from ..files.readable_json import to_json
    from ..render.bench import bench_document, bench_table
    from ..text.terminal import paint_for, terminal_width

    peers = None if alone else Peers()
    if peers is not None and peers.missing:
        print_note(Message("not installed, skipped: {names}", names=listed(peers.missing)))
    rows: list[Measurement] = []
    stopped = False
    with _progress() as report:
        try:
            report(Message("peak performance of this processor"))
            peak = measured_peak()
        except KeyboardInterrupt:
            raise click.Abort from None
        try:
            if only != "networks":
                torch = peers.torch if peers is not None else None
                rows.extend(convolution_rows(peak, torch, seconds, report, strict))
            if only != "convolutions":
                rows.extend(network_rows(peak, peers, seconds, report, compiled))
        except KeyboardInterrupt:
            stopped = True
    if as_json:
        print_result(to_json(bench_document(rows, peak)))
    elif rows:
        print_result(bench_table(rows, peak).text(terminal_width(), paint_for()))
    if stopped:
        print_note(Message("stopped after {count:,} measurement(s)", count=len(rows)))
        raise click.exceptions.Exit(INTERRUPTED)


@contextmanager
def _progress() -> Iterator[Report]:
    """Yield a function that shows the current measurement: on one line of a terminal, else line by line."""
    line = StatusLine()

    def report(text: str) -> None:
        if line.is_live:
            line.show(translate(text))
        else:
            print_note(text)

    try:
        yield report
    finally:
        if line.is_live:
            line.clear()
