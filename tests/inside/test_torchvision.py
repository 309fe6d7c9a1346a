"""Traces of torchvision's networks against autograd, with hooks on every module.

A few networks are tried where the collection's code is importable, all of them with CONVSCOPE_FRAMEWORKS=1
(`make test-frameworks`).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

import convscope as cs
from interop.torch.model_code import EVERYTHING, WHY_NOT
from interop.torch.parity import randomized, tensors
from interop.torch.torchvision_code import family_of, models

pytestmark = pytest.mark.skipif(models() is None, reason=WHY_NOT)

NETWORKS = dict.fromkeys(
    [
        *("vgg13_bn", "resnet18", "resnet34", "resnet50", "resnext50_32x4d", "wide_resnet50_2"),
        *("densenet121", "densenet169", "squeezenet1_0", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small"),
        *(
            "mobilenet_v3_large",
            "shufflenet_v2_x0_5",
            "shufflenet_v2_x1_0",
            "googlenet",
            "mnasnet0_5",
            "mnasnet1_0",
        ),
        *("regnet_x_400mf", "regnet_y_400mf", "efficientnet_b0", "efficientnet_v2_s", "convnext_tiny", "swin_t"),
        *("swin_v2_t", "lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large"),
    ],
    (40, 33),
)
"""Networks with the height and width of their images: small and unequal where the network takes any size."""
NETWORKS |= {"alexnet": (72, 63), "inception_v3": (80, 75), "vit_b_32": (64, 64)}

FEW = ("squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small")
NATIVE = (*FEW, "resnet18", "regnet_y_400mf", "googlenet", "convnext_tiny", "swin_t")
WITHOUT_A_LAYER = ("stochastic_depth", "block.1", "block.6", "cpb_mlp.0", "cpb_mlp.1", "cpb_mlp.2")
WITHOUT_A_LAYER += ("features.0.1", "permute")
"""Modules that are no layer of an imported network: what changes nothing at inference, transposes that are part
of the next layer's name, and what depends on parameters alone."""

CLASS = 3
SINGLE_PRECISION_SIXTH = 2e-7
"""PyTorch's gradients of the hard sigmoid and the hard swish round 1/6 to single precision, in float64 too."""


def built(name: str, size: tuple[int, int]):
    settings: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        settings["init_weights"] = False
    if name.startswith("vit"):
        settings["image_size"] = size[0]
    if family_of(name) == "segmentation":
        settings["weights_backbone"] = None
    return randomized(models().get_model(name, weights=None, **settings))


def hooked(module, x) -> tuple[dict[str, tuple[Any, Any]], Any]:
    """Return PyTorch's output and gradient of every module by path and call, and the gradient of the images.

    Each module passes on a copy of its output, so that operations in place leave the output as it was.
    """
    seen: dict[str, Any] = {}
    calls: dict[str, int] = {}

    def keep(path):
        def hook(_module, _inputs, output):
            if isinstance(output, torch.Tensor):
                calls[path] = calls.get(path, 0) + 1
                output.retain_grad()
                seen[path if calls[path] == 1 else f"{path}_{calls[path]}"] = output
                return output.clone()
            return None

        return hook

    for path, one in module.named_modules():
        if not list(one.children()):
            one.register_forward_hook(keep(path))
    images = torch.from_numpy(x).requires_grad_()
    tensors(module(images))[0][:, CLASS].sum().backward()
    return {
        path: (one.detach().numpy(), one.grad.numpy()) for path, one in seen.items() if one.grad is not None
    }, (images.grad.numpy())


def difference(found, expected) -> float:
    """Return the largest difference, relative to the largest expected value.

    A layer that normalizes channels may have them last where the module has them first.
    """
    if found.shape != expected.shape:
        found = np.moveaxis(found, -1, 1)
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-30))


@pytest.mark.parametrize("name", NETWORKS if EVERYTHING else FEW)
def test_values_and_gradients_match_autograd(name):
    """Of every module and of the images, in float64, within 1e-12 of the largest value."""
    size = NETWORKS[name]
    module = built(name, size).double()
    imported = cs.from_torch(module, (3, *size), parameters=True)
    arrays = {**imported.parameters, **imported.buffers}
    model = cs.Model(imported.network, engine="reference", dtype="float64", parameters=arrays)
    x = np.random.default_rng(0).standard_normal((2, 3, *size))
    expected, images = hooked(module, x)
    layers = {node.name for node in model.network}
    compared = [path for path in expected if path in layers]
    assert len(compared) >= 20
    others = [re.sub(r"_\d+$", "", path) for path in expected if path not in layers]
    assert [path for path in others if not path.endswith(WITHOUT_A_LAYER)] == []
    found = model.trace(x, CLASS, compared)
    kinds = {type(one).__name__ for one in module.modules()}
    bound = SINGLE_PRECISION_SIXTH if kinds & {"Hardsigmoid", "Hardswish"} else 1e-12
    assert difference(found.input.gradient, images) < bound
    for path in compared:
        assert difference(found[path].value, expected[path][0]) < 1e-12, path
        assert difference(found[path].gradient, expected[path][1]) < bound, path
    assert np.abs(images).max() > 0


@pytest.mark.parametrize("name", NATIVE if EVERYTHING else FEW[:1])
def test_native_engine_matches_autograd(name):
    """In float32, within 1e-4 of each layer's norm."""
    size = NETWORKS[name]
    module = built(name, size)
    model = cs.from_torch(module, (3, *size), parameters=True)
    assert model.engine == "native"
    x = np.random.default_rng(0).standard_normal((2, 3, *size)).astype(np.float32)
    expected, images = hooked(module, x)
    layers = {node.name for node in model.network}
    found = model.trace(x, CLASS, [path for path in expected if path in layers])
    pairs = [(found.input.gradient, images)]
    for path in set(found) & set(expected):
        pairs += zip(found[path], expected[path], strict=True)
    for one, two in pairs:
        moved = one if one.shape == two.shape else np.moveaxis(one, -1, 1)
        assert np.linalg.norm(moved - two) <= 1e-4 * np.linalg.norm(two)
