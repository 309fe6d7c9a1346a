"""`convscope bench`: this machine, the native engine beside its peers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from .group import VERBS
from .options import json_option
from .output import INTERRUPTED, print_note, print_result

if TYPE_CHECKING:
    from ..bench.run import Row, Tell

_LINE = 78
"""Cells of the line that says what is being measured."""


@click.command("bench", short_help=VERBS["bench"])
@click.option("--seconds", type=click.FloatRange(0.1), default=1.0, help="For each row, all peers together; 1.")
@click.option("--convolutions", "only", flag_value="convolutions", help="Only single convolutions.")
@click.option("--networks", "only", flag_value="networks", help="Only whole networks.")
@click.option("--compiled", is_flag=True, help="Let torch.compile take part, too; it needs a C++ compiler.")
@click.option("--alone", is_flag=True, help="Without peers.")
@click.option("--strict", is_flag=True, help="Single convolutions without Winograd's algorithm.")
@json_option
def command(seconds: float, only: str | None, compiled: bool, alone: bool, strict: bool, as_json: bool) -> None:
    """Measure the native engine on this machine, beside PyTorch and the inference runtimes that are installed.

    Everything runs in this process, in turn, on the same work; the figures are medians. ONNX Runtime and OpenVINO
    take part in inference where they are installed. CONVSCOPE_THREADS sets the threads of all of them. Ctrl-C ends
    the measurements and prints those that are there.

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
        print_note(f"not installed, so not compared with: {', '.join(peers.missing)}")
    rows: list[Row] = []
    stopped = False
    with _progress() as tell:
        try:
            tell("what this processor can do")
            peak = measured_peak()
        except KeyboardInterrupt:
            raise click.Abort from None
        try:
            if only != "networks":
                torch = peers.torch if peers is not None else None
                rows.extend(convolution_rows(peak, torch, seconds, tell, strict))
            if only != "convolutions":
                rows.extend(network_rows(peak, peers, seconds, tell, compiled))
        except KeyboardInterrupt:
            stopped = True
    if as_json:
        print_result(to_json(bench_document(rows, peak)))
    elif rows:
        print_result(bench_table(rows, peak).text(terminal_width(), paint_for()))
    if stopped:
        print_note(f"stopped after {len(rows)} measurement{'' if len(rows) == 1 else 's'}")
        raise click.exceptions.Exit(INTERRUPTED)


@contextmanager
def _progress() -> Iterator[Tell]:
    """Give a function that says what is being measured: one line on a terminal, one after the other elsewhere."""
    terminal = sys.stderr.isatty()

    def tell(text: str) -> None:
        if terminal:
            print(f"\r{text[:_LINE]:<{_LINE}}", end="", file=sys.stderr, flush=True)
        else:
            print_note(text)

    try:
        yield tell
    finally:
        if terminal:
            print("\r" + " " * _LINE + "\r", end="", file=sys.stderr, flush=True)
