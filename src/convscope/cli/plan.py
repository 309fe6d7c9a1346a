"""What `inspect --plan` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import BadSetting
from ..network import Network
from .output import print_result

if TYPE_CHECKING:
    from ..engines.native.runtime.program import NativeProgram


def show_plan(network: Network, batch: int, as_json: bool) -> None:
    """Print what the native engine does for a network, in a training step and at inference.

    Errors:   BadSetting [native-engine] where the engine cannot be used
    """
    program = native_program(network, "--plan")
    from ..files.readable_json import to_json
    from ..render.plan import plan_document, plan_table
    from ..text.terminal import paint_for, terminal_width

    plans = [program.plan("training"), program.plan("update"), program.plan("inference")]
    if as_json:
        print_result(to_json({"schema": 1, "plans": [plan_document(plan, batch) for plan in plans]}))
    else:
        tables = [plan_table(plan, batch).text(terminal_width(), paint_for()) for plan in plans]
        print_result("\n\n".join(tables))


def native_program(network: Network, asked: str) -> NativeProgram:
    """Return a network compiled by the native engine; `asked` is what cannot be done without.

    Errors:   BadSetting [native-engine] where the engine cannot be used: a warning has said why
    """
    from ..engines.reference.program import ReferenceProgram
    from ..model import Model
    from ..optim.initialization import undrawn_parameters

    program = Model(network, engine="native", parameters=undrawn_parameters(network)).program
    if isinstance(program, ReferenceProgram):
        raise BadSetting(
            f"{asked} must run where the native engine can; got a machine without it; "
            "pip install llvmlite if that is what the warning names. [native-engine]"
        )
    from ..engines.native.runtime.program import NativeProgram

    assert isinstance(program, NativeProgram)
    return program
