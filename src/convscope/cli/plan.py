"""`convscope inspect --plan`: the execution plan of the native engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import BadSetting
from ..network import Network
from .output import print_result

if TYPE_CHECKING:
    from ..engines.native.runtime.program import NativeProgram


def show_plan(network: Network, batch: int, as_json: bool) -> None:
    """Print the plans of the native engine for a training step and for inference.

    Errors:   BadSetting [native-engine] where the engine is not available
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


def native_program(network: Network, feature: str) -> NativeProgram:
    """Return a network compiled by the native engine, which `feature` needs.

    Errors:   BadSetting [native-engine] where the engine is not available; a warning says why
    """
    from ..engines.reference.program import ReferenceProgram
    from ..model import Model
    from ..optim.initialization import undrawn_parameters

    program = Model(network, engine="native", parameters=undrawn_parameters(network)).program
    if isinstance(program, ReferenceProgram):
        raise BadSetting(
            "{feature} needs the native engine, which is not available on this machine (see "
            "the warning above). If llvmlite is missing, run `pip install llvmlite`. [native-engine]",
            feature=feature,
        )
    from ..engines.native.runtime.program import NativeProgram

    assert isinstance(program, NativeProgram)
    return program
