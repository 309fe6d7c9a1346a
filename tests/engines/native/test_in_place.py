"""Kernels that may write over what they read, and plans that let them."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

import convscope as cs
from convscope.engines.native.codegen.kernel import Kernel, argument_names
from convscope.engines.native.codegen.target import host_cpu
from convscope.engines.native.kernels.activation.pointwise import Activate, ActivateGradient
from convscope.engines.native.kernels.common.shapes import PoolingShape
from convscope.engines.native.kernels.merge.merges import ReluGradient, SumKernel
from convscope.engines.native.kernels.normalization.batch_norm import Normalize, NormGradient
from convscope.engines.native.kernels.pooling.maximum import MaxPoolGradient
from convscope.engines.native.kernels.update.dropout import DropoutGradient, DropoutKernel
from convscope.engines.native.plan import Role
from convscope.engines.native.runtime.memory_planner import by_lifetime, lifetimes, shared_lifetimes
from convscope.engines.native.runtime.program import NativeProgram

from .harness import loader

LANES = host_cpu().width
IMAGES, HEIGHT, WIDTH = 3, 6, 5
CHANNELS = 2 * LANES
PLANE = HEIGHT * WIDTH
SIZES = (CHANNELS, HEIGHT, WIDTH, LANES)
POOL = PoolingShape(CHANNELS, HEIGHT, WIDTH, (2, 2), (2, 2), (0, 0), (1, 1), (3, 2), LANES)
FLOATS = IMAGES * CHANNELS * PLANE

KERNELS = [
    SumKernel(3, relu=True),
    ReluGradient(),
    Activate("silu", (), *SIZES),
    ActivateGradient("tanh", (), *SIZES),
    Normalize(*SIZES, relu=True, residual=True),
    NormGradient(*SIZES, relu=True, residual=False, addends=2),
    MaxPoolGradient(POOL, masked=True, bias_slices=2),
    DropoutKernel(0.4),
    DropoutGradient(0.4),
]


def run(kernel: Kernel, one_memory: tuple[str, str] | None) -> np.ndarray:
    """Return what the kernel writes to its first in-place result, with that array apart from or on another one."""
    draw = np.random.default_rng(3)
    arrays = {name: draw.normal(size=FLOATS).astype(np.float32) for name in kernel.pointers}
    if isinstance(kernel, MaxPoolGradient):
        from convscope.engines.native.kernels.pooling.maximum import MaxPoolKernel

        made = MaxPoolKernel(POOL)
        start(made, {name: arrays[name] for name in ("x", "y")}, {"batch": IMAGES})
    written = kernel.in_place[0][0]
    if one_memory is not None:
        arrays[one_memory[0]] = arrays[one_memory[1]]
    start(kernel, arrays, {"batch": IMAGES, "floats": FLOATS, "key_low": 5, "key_high": 7})
    return arrays[written].copy()


def start(kernel: Kernel, arrays: dict[str, np.ndarray], numbers: dict[str, int]) -> None:
    names = argument_names(kernel, host_cpu())
    table = np.array([arrays[name].ctypes.data if name in arrays else numbers[name] for name in names], np.int64)
    address = loader("host").addresses([kernel])[kernel]
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(address)
    function(table.ctypes.data, 0, kernel.items(IMAGES), 0)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
def test_in_place_results_match_out_of_place(kernel: Kernel) -> None:
    """Each pair that a kernel declares gives the same bits as separate memory."""
    assert kernel.in_place
    apart = run(kernel, None)
    for pair in kernel.in_place:
        got = run(kernel, pair)
        used = IMAGES * CHANNELS * PLANE
        np.testing.assert_array_equal(got[:used], apart[:used])


def test_overlapping_windows_are_not_pooled_in_place() -> None:
    """A number is needed by several windows there."""
    shape = PoolingShape(CHANNELS, 7, 7, (3, 3), (2, 2), (0, 0), (1, 1), (3, 3), LANES)
    assert MaxPoolGradient(shape, masked=False).in_place == ()


def test_plan_overwrites_dead_buffers() -> None:
    """The gradient of a pooling takes the place of the image that was pooled; nothing that is read later moves."""
    text = "input 1x12x10 | conv 16 3 same | relu | maxpool 2 | conv 20 3 | bn | relu | flatten | dense 4"
    program = cs.Model(text, engine="native").program
    assert isinstance(program, NativeProgram)
    plan = program.plan("training")
    lives, hosts = shared_lifetimes(plan)
    names = {guest.name: place.name for guest, place in hosts.items()}
    assert names["gradient of relu1"] == "relu1"
    placed, own = by_lifetime(plan, 7), lifetimes(plan)
    assert set(placed.offsets) == {buffer for buffer in own if buffer.role is Role.ACTIVATION}
    for guest, place in hosts.items():
        assert placed.offsets[guest] == placed.offsets[place]
        assert own[place][1] <= own[guest][0]
    assert set(lives) | set(hosts) == set(own)
