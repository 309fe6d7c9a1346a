"""What `inspect --plan` shows."""

from __future__ import annotations

from ..errors import BadSetting
from ..network import Network
from .output import say


def show_plan(network: Network, batch: int, as_json: bool) -> None:
    """Print what the native engine does for a network, in a training step and at inference.

    Errors:   BadSetting [plan-engine] where the engine cannot be used
    """
    from ..engines.native.program import NativeProgram
    from ..model import Model
    from ..present.json import to_json
    from ..present.plan import plan_document, plan_table
    from ..present.terminal import paint_for, terminal_width

    program = Model(network, engine="native").program
    if not isinstance(program, NativeProgram):
        raise BadSetting("--plan must run where the native engine can; got a machine without it. [plan-engine]")
    plans = [program.plan("training"), program.plan("update"), program.plan("inference")]
    if as_json:
        say(to_json({"schema": 1, "plans": [plan_document(plan, batch) for plan in plans]}))
    else:
        tables = [plan_table(plan, batch).text(terminal_width(), paint_for()) for plan in plans]
        say("\n\n".join(tables))
