"""Which instructions are used and which processor code is scheduled for: by features first, then by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.codegen.target import (
    V3,
    V4,
    Target,
    all_names,
    host_cpu,
    named,
    names_here,
    target_for,
)
from convscope.engines.native.kernels.activation.pointwise import RELU
from convscope.engines.native.kernels.common.shapes import PoolingShape
from convscope.engines.native.kernels.convolution.direct import Convolution, ConvolutionInputGradient
from convscope.engines.native.kernels.convolution.weight_gradient import ConvolutionWeightGradient
from convscope.engines.native.kernels.dense.product import DenseInputGradient, DenseKernel, DenseWeightGradient
from convscope.engines.native.kernels.depthwise.direct import DepthwiseConvolution
from convscope.engines.native.kernels.normalization.batch_norm import Normalize
from convscope.engines.native.kernels.normalization.layer_norm import LayerNormKernel
from convscope.engines.native.kernels.pooling.maximum import MaxPoolGradient
from convscope.engines.native.kernels.winograd import WinogradConvolution

from ..assembly import TARGETS, moves_in_loops, spills, spills_in_loops
from ..convolutions import shape_of

LINUX, MAC = "x86_64-unknown-linux-gnu", "arm64-apple-darwin25.0.0"


def target(cpu: str, features: tuple[str, ...], triple: str = LINUX) -> tuple[str, str, int]:
    found = target_for(triple, cpu, dict.fromkeys(features, True))
    return found.cpu, found.tuning, found.width


@pytest.mark.parametrize(
    ("cpu", "features", "expected"),
    [
        ("haswell", V3, ("x86-64-v3", "haswell", 8)),
        ("skylake-avx512", V4, ("x86-64-v4", "skylake-avx512", 16)),
        ("znver5", V4, ("x86-64-v4", "znver5", 16)),
        ("rocketlake", V4, ("x86-64-v4", "icelake-server", 16)),
        ("graniterapids-d", V4, ("x86-64-v4", "sapphirerapids", 16)),
        ("cascadelake", V4, ("x86-64-v4", "skylake-avx512", 16)),
        ("a name LLVM learns later", V4, ("x86-64-v4", "skylake-avx512", 16)),
        ("znver9", V4, ("x86-64-v4", "znver5", 16)),
        ("x86-64", ("sse4.2", "popcnt"), ("x86-64", "x86-64", 4)),
    ],
)
def test_named_targets_are_covered_by_tests(
    cpu: str, features: tuple[str, ...], expected: tuple[str, str, int]
) -> None:
    """Names whose code tests read are kept; others are scheduled as a relative, or as the first of their set."""
    assert target(cpu, features) == expected


@pytest.mark.parametrize(
    ("cpu", "features", "expected"),
    [
        ("sapphirerapids", V3, ("x86-64-v3", "haswell", 8)),
        ("znver4", V3, ("x86-64-v3", "znver3", 8)),
        ("skylake-avx512", ("sse4.2",), ("x86-64", "x86-64", 4)),
        ("haswell", V4, ("x86-64-v4", "skylake-avx512", 16)),
        ("knl", (*V3, "avx512f", "avx512cd"), ("x86-64-v3", "haswell", 8)),
        ("sandybridge", ("sse4.2", "avx"), ("x86-64", "x86-64", 4)),
    ],
)
def test_detected_features_override_the_processor_name(
    cpu: str, features: tuple[str, ...], expected: tuple[str, str, int]
) -> None:
    """A virtual machine hides instructions, or shows more than a processor of this name has."""
    assert target(cpu, features) == expected


@pytest.mark.parametrize(
    ("cpu", "tuning"),
    [("apple-m4", "apple-m1"), ("cortex-a76", "cortex-a72"), ("neoverse-v2", "neoverse-n1"), ("", "neoverse-n1")],
)
def test_arm_processors_use_neon_alone(cpu: str, tuning: str) -> None:
    """Scalable vectors and other extensions change nothing."""
    assert target(cpu, ("neon", "sve", "sve2"), MAC) == ("generic", tuning, 4)


@given(st.text(), st.sets(st.sampled_from(V4)))
def test_target_uses_only_detected_features(cpu: str, found: set[str]) -> None:
    """Whatever the name: AVX-512 only with all that its code uses, AVX2 likewise."""
    width = target(cpu, tuple(found))[2]
    assert width == (16 if found >= set(V4) else 8 if found >= set(V3) else 4)


def test_host_is_among_the_named_ones() -> None:
    """So its code is code that tests read."""
    assert host_cpu() == named(host_cpu().tuning, host_cpu().triple)
    assert host_cpu().tuning in names_here()
    assert set(names_here()) <= set(all_names())


def test_unknown_name_is_refused() -> None:
    """The message lists the names there are."""
    with pytest.raises(ValueError, match=r"named.tuning must be one of skylake-avx512, .*; got 'rocketlake'"):
        named("rocketlake")


def test_scheduling_model_changes_only_the_instruction_order() -> None:
    """The same instruction set for another processor: other code, of a vector's full width, and another cache key."""
    kernel = DenseKernel(1056, 130, 16, True, RELU)
    codes = {name: sorted(_operations(kernel, named(name))) for name in ("skylake-avx512", "sapphirerapids")}
    texts = {name: _operations(kernel, named(name)) for name in codes}
    assert texts["skylake-avx512"] != texts["sapphirerapids"]
    for operations in codes.values():
        assert sum(operation.startswith("vfmadd") for operation in operations) >= 24 * 4
    assert named("skylake-avx512").key != named("sapphirerapids").key


def _operations(kernel: Kernel, own: Target) -> list[str]:
    from convscope.engines.native.codegen.compiler import assembled

    return [line.split()[0] for line in assembled(kernel, own).splitlines() if "zmm" in line]


OTHERS = tuple(name for name in all_names() if name not in TARGETS)


def test_every_processor_is_covered_by_a_test() -> None:
    """Those that every kernel's test reads, and the others here."""
    assert set(TARGETS) <= set(all_names())
    assert OTHERS == ("icelake-server", "znver3", "cortex-a72", "apple-m1")


def representatives(name: str) -> list[Kernel]:
    """Return a kernel of each family that keeps sums in registers."""
    lanes, same = named(name).width, ((1, 1), (1, 1))
    body = shape_of(32, 14, 28, 64, (3, 3), padding=same, kind=name)
    depthwise = shape_of(40, 29, 56, 40, (3, 3), padding=same, groups=40, kind=name)
    return [
        Convolution(body, bias=True, activation=RELU, residual=True),
        ConvolutionInputGradient(body),
        ConvolutionWeightGradient(body, False, 1),
        DepthwiseConvolution(depthwise, True, RELU),
        Normalize(64, 32, 31, lanes, relu=True, residual=True),
        LayerNormKernel(96, 14, 13, lanes, 1e-6, True),
        MaxPoolGradient(PoolingShape(19, 14, 15, (3, 3), (2, 2), (1, 1), (1, 1), (7, 8), lanes), True, 2),
        DenseKernel(1056, 130, lanes, True, RELU),
        DenseWeightGradient(1056, 130, lanes),
    ]


@pytest.mark.parametrize("name", OTHERS)
def test_kernels_spill_nothing_on_the_other_processors(name: str) -> None:
    """Not in loops; and an input gradient, and Winograd's products, not around them either."""
    for kernel in representatives(name):
        assert spills_in_loops(kernel, name) == 0, kernel
    assert spills(DenseInputGradient(1056, 130, named(name).width), name) == 0
    winograd = WinogradConvolution(shape_of(37, 14, 13, 48, (3, 3), padding=((1, 1), (1, 1)), kind=name), 4)
    assert moves_in_loops(winograd, name) == 0
