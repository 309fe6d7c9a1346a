"""The arrays of a recorded module in a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...engines.common.arrays import ComputedArrays
from ...engines.protocol import Array
from ...engines.reference.layers.graph import buffer_shapes, parameter_shapes
from ...errors import BadNetwork

if TYPE_CHECKING:
    from torch import Tensor

    from ...model import Model
    from ...network import Network


def with_parameters(network: Network, arrays: Mapping[str, Tensor]) -> Model:
    """Return a model of the network with the recorded parameters, statistics and constants.

    Errors:   BadNetwork [torch-no-numbers] for arrays on the meta device
    """
    import torch

    from ...model import Model

    shapes = {**parameter_shapes(network), **buffer_shapes(network)}

    def read(name: str) -> Array:
        array = arrays[name].detach()
        if array.is_meta:
            raise BadNetwork(
                f"a module's arrays must have numbers to be brought along; got {name!r} on the meta device; "
                "make the module on the CPU, or leave out parameters=True. [torch-no-numbers]"
            )
        exact = array if array.dtype == torch.float32 else array.double()
        return exact.cpu().reshape(shapes[name]).numpy()

    return Model(network, parameters=ComputedArrays(shapes, read))
