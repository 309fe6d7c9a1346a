"""What really changes where pixels of an image change, beside what may change by the receptive fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.light_cone import light_cone
from ..analysis.paths import unit_axes
from ..analysis.position_set import Mask
from ..analysis.region import Units, origin_views
from ..arrays import Array

if TYPE_CHECKING:
    from ..model import Model


@dataclass(frozen=True)
class LayerChange:
    """The positions of a layer at which some channel changed, and those that see a changed pixel.

    `seeing` is None where positions cannot be traced to the layer.

    Shapes:   changed, seeing: over the axes that name a unit, rows first
    """

    layer: str
    changed: Mask = field(repr=False)
    seeing: Units | None

    @property
    def outside(self) -> int:
        """Return how many positions changed that see none of the changed pixels: 0, if the fields are right."""
        return 0 if self.seeing is None else int((self.changed & ~self.seeing.mask).sum())


def strict_twin(model: Model) -> Model:
    """Return the model, or one with its parameters, whose engine computes every output by itself.

    An algorithm for whole tiles, such as Winograd's, may round an output differently when another pixel of its
    tile changes, although the output does not see it.
    """
    if model.precision == "strict" or model.engine == "reference":
        return model
    from ..model import Model

    return Model(model.network, precision="strict", parameters={**model.parameters, **model.buffers})


def perturb(model: Model, image: Array, pixel: Sequence[int], size: Sequence[int] = (1, 1)) -> list[LayerChange]:
    """Change a patch of an image in all channels, and return what changed in every layer.

    Every value v of the patch becomes 1 − v, or v + 0.5 where these are nearly equal.

    Args:
        model: A model that computes every output by itself: see `strict_twin`.
        image: x (c, h, w), values 0…1, which is normalized as the model wants it.
        pixel: (row, column): the first pixel of the patch.
        size: Rows and columns of the patch, which ends at the border of the image.

    Raises:
        BadUnit: [unit-range]
    """
    network = model.network
    cone = light_cone(network, pixel, size=size)
    painted = image.copy()
    patch = (slice(None), *(slice(at, at + many) for at, many in zip(pixel, size, strict=True)))
    old = painted[patch]
    painted[patch] = np.where(np.abs(1 - 2 * old) > 0.1, 1 - old, old + 0.5)
    before, after = (model.activations(model.prepare(one[None])) for one in (image, painted))
    views = origin_views(network, network.inputs[0].name)
    changes = []
    for node in network.layers:
        a, b = before[node.name][0], after[node.name][0]
        differs = (a != b) & ~(np.isnan(a) & np.isnan(b))
        units = cone.get(node.name)
        view = views.fields[node.index]
        axes = unit_axes(node.output_shape, view.grid if isinstance(units, Units) and view is not None else ())
        others = tuple(axis for axis in range(differs.ndim) if axis not in axes)
        changes.append(
            LayerChange(node.name, differs.any(axis=others), units if isinstance(units, Units) else None)
        )
    return changes
