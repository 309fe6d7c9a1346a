"""Every layer that ONNX can say is written, passes the checker, and computes the same in ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from convscope import Entry, Network
from convscope import layers as L
from convscope.interop.onnx.export import as_onnx
from convscope.reference import run
from convscope.training.initialization import initial_buffers, initial_parameters
from interop.onnx.runtime import assert_close, by_reference, by_runtime
from layers.examples import EXAMPLES, example_id

BATCH = 3


def alone(layer: L.Layer, shapes: tuple[tuple[int, ...], ...]) -> Network:
    """Return a network of one layer."""
    inputs = [Entry(f"x{index}", L.Input(shape)) for index, shape in enumerate(shapes)]
    return Network([*inputs, Entry("made", layer, tuple(entry.name for entry in inputs))])


def arrays_of(network: Network, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Return parameters and statistics that no two of are alike; variances and indices stay legal."""
    arrays = {}
    for name, array in {**initial_parameters(network, 1), **initial_buffers(network)}.items():
        arrays[name] = array + 0.3 * generator.random(array.shape) if not name.endswith(".index") else array
    for node in network.layers:
        if isinstance(node.layer, L.IndexSelect):
            size = node.input_shapes[0][node.layer.axis]
            arrays[f"{node.name}.index"] = generator.permutation(size)[: node.layer.size].astype(float)
    return arrays


def numbers_for(network: Network, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Return inputs in [0.1, 1.1): every function is defined there; whole numbers for a table."""
    looks_up = any(isinstance(node.layer, L.Embedding) for node in network.layers)
    return {
        node.name: generator.integers(0, 7, (BATCH, *node.output_shape)).astype(np.int64)
        if looks_up
        else (generator.random((BATCH, *node.output_shape)) + 0.1).astype(np.float32)
        for node in network.inputs
    }


def can_be_written(layer: L.Layer) -> bool:
    return not isinstance(layer, L.Input | L.Opaque) and not (isinstance(layer, L.LSTM) and layer.proj_size)


WRITTEN = [example for example in EXAMPLES if can_be_written(example[0])]


@pytest.mark.parametrize("example", WRITTEN, ids=example_id)
def test_a_layer_computes_the_same_in_onnx_runtime_and_when_read_again(example, tmp_path):
    """Written from our arrays, run by ONNX Runtime; then read back with its weights and run here."""
    generator = np.random.default_rng(7)
    network = alone(*example)
    arrays = arrays_of(network, generator)
    x = numbers_for(network, generator)
    if isinstance(example[0], L.Pointwise | L.Activation | L.Softmax | L.Pool):
        x = {name: array - np.float32(0.6) for name, array in x.items()}
        if isinstance(example[0], L.Function) and example[0].function in ("log", "sqrt", "rsqrt"):
            x = {name: np.abs(array) for name, array in x.items()}
    model = as_onnx(network, arrays)
    onnx.checker.check_model(model, full_check=True)
    wide = {name: array.astype(np.float64) for name, array in x.items()}
    expected = run(network, wide, arrays, arrays).output
    assert_close(by_runtime(model.SerializeToString(), x)[0], expected)
    if isinstance(example[0], L.Parameter):
        return  # a network of constants alone is refused; one with a constant branch is read below
    path = tmp_path / "written.onnx"
    path.write_bytes(model.SerializeToString())
    one_picture = {name: array[:1] for name, array in x.items()}
    _, again = by_reference(path, one_picture)
    assert_close(again, expected[:1])
