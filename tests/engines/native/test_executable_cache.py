"""Memory of a program after many batch sizes: that of the largest, and the same bits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import convscope as cs
from convscope.engines.native.runtime.executable import MAX_EXECUTABLES, SPARE
from convscope.engines.native.runtime.program import NativeProgram

SMALL = (
    "input 3x12x10 | conv 8 3 p1 nobias | batchnorm | relu | conv 9 3 p1 | relu | maxpool 2 | flatten | dense 5"
)
HEAVY = "input 40x7x6 | conv 48 3 p1 nobias | batchnorm | relu | conv 56 3 p1 | relu | globalavgpool | flatten | dense 3"
"""Weights in Winograd's domain take more than activations."""

Use = Callable[[cs.Model, int], bytes]


def made(text: str) -> cs.Model:
    model = cs.Model(text, seed=3, engine="native")
    for name in model.buffers:
        moved = np.random.default_rng(1).uniform(0.5, 2, model.buffers.shape(name))
        model.buffers[name] = moved.astype(np.float32)
    return model


def batch(model: cs.Model, size: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(size)
    x = draw.normal(size=(size, *model.network.input_shape)).astype(np.float32)
    return x, draw.integers(0, 3, size)


@pytest.fixture
def tiles_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another tile of Winograd's algorithm for one image, for some, for many: each has weights of its own."""
    tiles = {1: 0, 8: 2, 64: 4}
    home = "convscope.engines.native.lowering.convolution.winograd_tile"
    monkeypatch.setattr(home, lambda shape, hint, purpose, strict: tiles[hint])


def predict(model: cs.Model, size: int) -> bytes:
    return model.predict(batch(model, size)[0]).tobytes()


def differentiate(model: cs.Model, size: int) -> bytes:
    """A training step without the update, so that the sizes before do not change what follows."""
    gradients = model.gradients(*batch(model, size))
    return b"".join(gradients[name].tobytes() for name in sorted(gradients))


def program_of(model: cs.Model) -> NativeProgram:
    assert isinstance(model.program, NativeProgram)
    return model.program


@pytest.mark.parametrize(
    ("use", "text", "order"), [(predict, SMALL, 1), (predict, HEAVY, -1), (differentiate, SMALL, -1)]
)
def test_memory_after_many_batch_sizes_is_that_of_the_largest(
    tiles_by_batch: None, use: Use, text: str, order: int
) -> None:
    """Growing or shrinking, at most 10 % above; each result has the bits that a model of its own gives."""
    alone, mixed = made(text), made(text)
    use(alone, 100)
    sizes = range(1, 101)[::order]
    results = {size: use(mixed, size) for size in sizes}
    assert program_of(mixed).nbytes <= 1.1 * program_of(alone).nbytes
    for size in (1, 5, 31, 32, 99, 100):
        assert results[size] == use(made(text), size)


def test_memory_of_tables_is_bounded() -> None:
    """Only the last sizes stay bound, the one used again among them."""
    model = made(SMALL)
    cache = program_of(model)._executables
    for size in (1, 8, 64, 40):
        predict(model, size)
    first = program_of(model).executable("inference", 40)
    for size in range(1, 3 * MAX_EXECUTABLES):
        predict(model, size)
        assert len(cache._executables) <= MAX_EXECUTABLES
        assert program_of(model).executable("inference", 40) is first


def test_prepared_weights_of_idle_plans_are_freed_and_restored(tiles_by_batch: None) -> None:
    """Where they weigh much: one image, then many, then one again, each with its own bits."""
    model = made(HEAVY)
    fresh = {size: made(HEAVY) for size in (1, 8, 64)}
    once = {size: predict(fresh[size], size) for size in fresh}
    prepared = [program_of(one).arrays.nbytes for one in fresh.values()]
    assert len(set(prepared)) == 3
    for size in (1, 64, 1, 8, 64, 64, 1):
        assert predict(model, size) == once[size]
        assert program_of(model).arrays.nbytes <= max(prepared) + SPARE * program_of(model).nbytes
    model.parameters["conv1.weight"] = 2 * model.parameters["conv1.weight"]
    assert predict(model, 64) != once[64]
    assert predict(model, 1) != once[1]


def test_arrays_are_released_when_memory_grows() -> None:
    """What held the smaller memory is gone before the larger is used."""
    import gc
    import weakref

    model = made(SMALL)
    predict(model, 3)
    bound = weakref.ref(program_of(model).executable("inference", 3))
    predict(model, 90)
    gc.collect()
    assert bound() is None


RESIDENT = """
import json, sys
from pathlib import Path
import numpy as np
import convscope as cs

model = cs.Model(sys.argv[1], seed=1, engine="native")
x = np.ones((128, *model.network.input_shape), np.float32)
y = np.zeros(128, int)


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])


model.predict(x[:1])
model.gradients(x[:1], y[:1])
before = resident()
for size in json.loads(sys.argv[2]):
    model.predict(x[:size])
    model.gradients(x[:size], y[:size])
print(json.dumps([before, resident()]))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell a process's memory")
def test_resident_memory_after_many_batch_sizes_is_that_of_the_largest() -> None:
    """As the system counts it, in a process of its own: some 40 MB of activations."""
    text = "input 3x40x36 | conv 16 3 p1 | relu | conv 16 3 p1 | relu | maxpool 2 | flatten | dense 10"

    def grown(sizes: list[int]) -> int:
        command = [sys.executable, "-c", RESIDENT, text, json.dumps(sizes)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        before, after = json.loads(done.stdout)
        return int(after - before)

    assert grown(list(range(3, 129, 5))) <= 1.1 * grown([128])
