"""Public functions that take anything `load` takes: a name, notation, a file, a module or a Model.

The functions of the same names in `analysis` and `derivations` take a Network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import derivations
from .analysis import budget, diagnosis, report
from .analysis import compare as comparison
from .input_shapes import InputShape
from .loading import ModelSource, load

__all__ = ["check", "compare", "diagnose", "explain", "inspect"]


def inspect(model: ModelSource, input_shape: InputShape | None = None) -> report.Report:
    """Report shape, parameters, operations, memory and receptive field of every layer, in one static pass.

    Args:
        model: What `load` takes, PyTorch modules and Keras models included.
        input_shape: Another input shape, as in `load`.

    >>> inspect("alexnet")["conv1"].receptive_field.size
    (11, 11)
    """
    return report.inspect(load(model, input_shape))


def explain(
    model: ModelSource,
    layer_name: str | None = None,
    at: Iterable[int] | None = None,
    input_shape: InputShape | None = None,
    quantities: Iterable[str] | str = (),
) -> derivations.Explanation:
    """Derive every number of one layer, or of all layers; with `quantities`, only those.

    One layer's receptive field is derived from the image on, forward and backward, with the center of one unit.
    Among all layers each shows its own step, and the outputs the whole way.

    Args:
        model: What `load` takes.
        layer_name: The layer; all layers unless given.
        at: The unit (row, column); the middle one unless given.
        input_shape: Another input shape, as in `load`.
        quantities: Names such as "macs" or "receptive_field". Nothing else is derived, which is much faster in
            deep networks than `Explanation.only`, with the same result.

    Raises:
        UnknownLayer: [layer-name]
        BadUnit: [unit-range], [unit-rank]
        BadSetting: [quantity]
    """
    return derivations.explain(load(model, input_shape), layer_name, at, quantities)


def diagnose(
    model: ModelSource,
    object_size: int | Sequence[int] | None = None,
    other_input: Sequence[int] | None = None,
    input_shape: InputShape | None = None,
) -> list[diagnosis.Finding]:
    """Return risks and waste in a network's structure, most severe first.

    Args:
        model: What `load` takes.
        object_size: Pixels of what should be seen whole: one integer, or one per axis.
        other_input: A second input shape the network will be used on; one pixel larger in every direction unless
            given.
        input_shape: Another input shape, as in `load`.

    Raises:
        BadSetting: [object-size], [other-input]
        BadShape: If the network cannot take `other_input`.
    """
    return diagnosis.diagnose(load(model, input_shape), object_size, other_input)


def compare(a: ModelSource, b: ModelSource, input_shape: InputShape | None = None) -> comparison.Comparison:
    """Compare two networks layer by layer and in sum.

    Args:
        a: What `load` takes.
        b: The other network.
        input_shape: Another input shape for both, as in `load`.
    """
    return comparison.compare(load(a, input_shape), load(b, input_shape))


def check(
    model: ModelSource,
    max_params: float | None = None,
    max_macs: float | None = None,
    max_memory: float | None = None,
    max_training_memory: float | None = None,
    max_parameter_bytes: float | None = None,
    min_field: int | Sequence[int] | None = None,
    max_field: int | Sequence[int] | None = None,
    input_shape: InputShape | None = None,
) -> budget.Verdict:
    """Check a network against limits. Unknown values exceed every limit.

    Args:
        model: What `load` takes.
        max_params: Parameters.
        max_macs: Multiply-adds per image.
        max_memory: Bytes of the activations alive at once at inference.
        max_training_memory: The same in a training step.
        max_parameter_bytes: Bytes of the parameters in float32.
        min_field: Pixels that units of the last spatial layer, before global pooling or dense layers, must see:
            one integer, or one per axis.
        max_field: Pixels that they may see.
        input_shape: Another input shape, as in `load`.

    Raises:
        BadSetting: [budget-limit] for a limit that is no number, [no-limit] without any limit.
    """
    return budget.check(
        load(model, input_shape),
        max_params,
        max_macs,
        max_memory,
        max_training_memory,
        max_parameter_bytes,
        min_field,
        max_field,
    )
