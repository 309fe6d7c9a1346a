"""The arrays of a recorded module in a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...errors import BadNetwork

if TYPE_CHECKING:
    from torch import Tensor

    from ...model import Model
    from ...network import Network


def with_parameters(network: Network, arrays: Mapping[str, Tensor]) -> Model:
    """Return a model of the network with the recorded parameters, statistics and constants.

    Errors:   BadNetwork [torch-no-numbers] for arrays on the meta device
    """
    from ...model import Model

    model = Model(network)
    for target in (model.parameters, model.buffers):
        for name in target:
            array = arrays[name]
            if array.is_meta:
                raise BadNetwork(
                    f"a module's arrays must have numbers to be brought along; got {name!r} on the meta device; "
                    "make the module on the CPU, or leave out parameters=True. [torch-no-numbers]"
                )
            target[name] = array.detach().cpu().double().reshape(target.shape(name)).numpy()
    return model
