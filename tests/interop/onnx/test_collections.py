"""Models of torchvision and timm, exported by PyTorch: no Opaque layers, and the modules' own counts and values.

`make test-frameworks` runs them; `benchmarks/coverage_onnx.py` lists many more.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import convscope as cs
from interop.onnx.exported import PROGRAM, TRACED, exported
from interop.onnx.runtime import assert_close, by_reference
from interop.torch import timm_code, torchvision_code
from interop.torch.model_code import EVERYTHING, WHY_NOT
from interop.torch.parity import images, unknown

pytestmark = pytest.mark.skipif(
    not EVERYTHING or timm_code.timm() is None, reason=f"one of the longer tests, or {WHY_NOT}"
)

TORCHVISION = [
    "mobilenet_v3_small",
    "resnet18",
    "shufflenet_v2_x0_5",
    "swin_t",
    "swin_v2_t",
    "lraspp_mobilenet_v3_large",
]
TIMM = ["levit_128s", "convnextv2_atto", "resnet10t", "mobilevit_xxs", "tnt_s_patch16_224", "nest_tiny_jx"]


def build_module(name: str) -> tuple[torch.nn.Module, tuple[int, ...]]:
    torch.manual_seed(4)
    if name in TIMM:
        module = timm_code.timm().create_model(name)
        return module.eval(), timm_code.usual_shape(module)
    settings = {"weights_backbone": None} if name.startswith("lraspp") else {}
    shape = (3, 96, 128) if name.startswith("lraspp") else torchvision_code.usual_shape(name)
    return torchvision_code.models().get_model(name, weights=None, **settings).eval(), shape


@pytest.mark.parametrize("name", [*TORCHVISION, *TIMM])
def test_traced_models_have_no_opaque_layers(name, tmp_path):
    """MACs and output shape are those of the module."""
    module, shape = build_module(name)
    exported(module, shape, tmp_path / "made.onnx", TRACED)
    network, direct = cs.from_onnx(tmp_path / "made.onnx"), cs.from_torch(module, shape)
    assert unknown(network) == []
    assert cs.inspect(network).totals.macs == cs.inspect(direct).totals.macs
    assert network.outputs[-1].output_shape == direct.outputs[-1].output_shape


@pytest.mark.parametrize("name", ["resnet10t", "shufflenet_v2_x0_5"])
def test_exported_programs_have_no_opaque_layers(name, tmp_path):
    module, shape = build_module(name)
    exported(module, shape, tmp_path / "made.onnx", PROGRAM)
    network = cs.from_onnx(tmp_path / "made.onnx")
    assert unknown(network) == []
    assert cs.inspect(network).totals.macs == cs.inspect(cs.from_torch(module, shape)).totals.macs


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "levit_128s", "convnextv2_atto"])
def test_imported_values_match_the_module(name, tmp_path):
    module, shape = build_module(name)
    exported(module, shape, tmp_path / "made.onnx")
    x = images(shape, 1)
    with torch.no_grad():
        expected = module(x).numpy()
    (value,) = cs.from_onnx(tmp_path / "made.onnx").inputs
    _, ours = by_reference(tmp_path / "made.onnx", {value.name: x.numpy()})
    assert_close(np.asarray(ours).reshape(expected.shape), expected)
