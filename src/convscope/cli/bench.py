"""`convscope bench`: this machine, the native engine beside its peers."""

from __future__ import annotations

import sys

import click

from .group import VERBS
from .options import json_option
from .output import remark, say


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
    take part in inference where they are installed.

    \b
    Examples:
      convscope bench --networks
      convscope bench --convolutions --seconds 3
    """
    from ..bench.peak import measured_peak
    from ..bench.run import Peers, Row, convolution_rows, network_rows
    from ..present.bench import bench_document, bench_table
    from ..present.json import to_json
    from ..present.terminal import paint_for, terminal_width

    def tell(text: str) -> None:
        remark(text) if not sys.stderr.isatty() else click.echo(f"\r{text:<78}", nl=False, err=True)

    peers = None if alone else Peers()
    peak = measured_peak()
    rows: list[Row] = []
    if only != "networks":
        rows += convolution_rows(peak, peers.torch if peers else None, seconds, tell, strict)
    if only != "convolutions":
        rows += network_rows(peak, peers, seconds, tell, compiled)
    if sys.stderr.isatty():
        click.echo("\r" + " " * 78 + "\r", nl=False, err=True)
    if as_json:
        say(to_json(bench_document(rows, peak)))
    else:
        say(bench_table(rows, peak).text(terminal_width(), paint_for()))
