"""Code for ARM: made and read here, since it need not run here."""

from __future__ import annotations

import re

import pytest

from convscope.engines.native.codegen.compiler import assembled
from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.codegen.target import named
from convscope.engines.native.kernels.activation.pointwise import Activate
from convscope.engines.native.kernels.common.shapes import ConvolutionShape, PoolingShape
from convscope.engines.native.kernels.convolution.direct import Convolution, ConvolutionInputGradient
from convscope.engines.native.kernels.convolution.weight_gradient import ConvolutionWeightGradient
from convscope.engines.native.kernels.dense.product import DenseKernel
from convscope.engines.native.kernels.depthwise.direct import DepthwiseConvolution
from convscope.engines.native.kernels.normalization.batch_norm import NormGradient
from convscope.engines.native.kernels.pooling.maximum import MaxPoolGradient
from convscope.engines.native.kernels.winograd import WinogradConvolution

from .assembly import ARM

SHAPE = ConvolutionShape(8, 10, 9, 12, (3, 3), (1, 1), (1, 1), (1, 1), (10, 9), 1, 4)
DEPTHWISE = ConvolutionShape(8, 10, 9, 8, (3, 3), (1, 1), (1, 1), (1, 1), (10, 9), 8, 4)
POOL = PoolingShape(8, 10, 8, (2, 2), (2, 2), (0, 0), (1, 1), (5, 4), 4)

MULTIPLYING = [
    Convolution(SHAPE),
    ConvolutionInputGradient(SHAPE),
    ConvolutionWeightGradient(SHAPE, False, 2),
    WinogradConvolution(SHAPE, 4),
    DepthwiseConvolution(DEPTHWISE),
    DenseKernel(72, 10, 4, True, None),
    NormGradient(8, 10, 9, 4),
]
OTHERS = [MaxPoolGradient(POOL, masked=True, bias_slices=2), Activate("tanh", (), 8, 10, 9, 4)]


@pytest.mark.parametrize("kernel", [*MULTIPLYING, *OTHERS], ids=lambda kernel: type(kernel).__name__)
def test_kernels_become_neon_code(kernel: Kernel) -> None:
    """Vectors of four floats in registers; products fused; nothing left to a library's scalar functions."""
    text = assembled(kernel, named(ARM))
    assert ".4s" in text
    calls = {name for name in re.findall(r"\bbl\s+(\w+)", text) if not name.endswith("_body")}
    assert not calls
    if kernel in MULTIPLYING:
        assert text.count("fmla") > text.count("fmul\t")


@pytest.mark.parametrize(
    "kernel", [Convolution(SHAPE), DenseKernel(72, 10, 4, True, None)], ids=["convolution", "dense"]
)
def test_sums_stay_in_neon_registers(kernel: Kernel) -> None:
    """No vector is moved to the stack inside a loop of multiply-adds."""
    blocks = re.split(r"\n\.LBB\w+:", assembled(kernel, named(ARM)))
    loops = [block for block in blocks if block.count("fmla") > 4]
    assert loops
    for block in loops:
        assert not re.search(r"(str|ldr|stp|ldp)\s+q\d+.*\[sp", block)
