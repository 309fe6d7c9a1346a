"""Attributions equal Captum's on the same weights."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import convscope as cs
from convscope.inside.class_maps import cells

torch = pytest.importorskip("torch")

FOLDER = os.environ.get("CONVSCOPE_MODEL_CODE")
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="needs Captum's code: `make test-frameworks` installs it and sets CONVSCOPE_MODEL_CODE"
)


@pytest.fixture(scope="module")
def captum():
    sys.path.append(str(Path(str(FOLDER)).resolve()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("captum.attr")


class Classifier(torch.nn.Module):
    """Captum needs a module of its own for every ReLU."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)
        self.relu1 = torch.nn.ReLU()
        self.pool = torch.nn.MaxPool2d(2)
        self.conv2 = torch.nn.Conv2d(8, 10, (3, 2), padding=1)
        self.relu2 = torch.nn.ReLU()
        self.mean = torch.nn.AdaptiveAvgPool2d(1)
        self.head = torch.nn.Linear(10, 6)

    def forward(self, x):
        x = self.pool(self.relu1(self.norm(self.conv1(x))))
        return self.head(self.mean(self.relu2(self.conv2(x))).flatten(1))


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    module = Classifier().eval()
    module.norm.running_mean.uniform_(-0.3, 0.3)
    return module


@pytest.fixture(scope="module")
def model(module):
    return cs.from_torch(module, (3, 20, 18), parameters=True)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).standard_normal((2, 3, 20, 18)).astype(np.float32)


PEERS = {
    "gradient": ("Saliency", {}, {"abs": False}),
    "input_x_gradient": ("InputXGradient", {}, {}),
    "integrated_gradients": ("IntegratedGradients", {"steps": 40}, {"n_steps": 40, "method": "riemann_middle"}),
    "guided_backprop": ("GuidedBackprop", {}, {}),
    "deconvolution": ("Deconvolution", {}, {}),
    "occlusion": (
        "Occlusion",
        {"window": (5, 6), "stride": (5, 3)},
        {"sliding_window_shapes": (3, 5, 6), "strides": (3, 5, 3)},
    ),
}


@pytest.mark.parametrize("method", PEERS)
@pytest.mark.filterwarnings("ignore:Setting backward hooks:UserWarning")
@pytest.mark.filterwarnings("ignore:Input Tensor:UserWarning")
def test_attribution_matches_captum(captum, module, model, images, method):
    peer, own, settings = PEERS[method]
    x = torch.from_numpy(images).requires_grad_()
    expected = getattr(captum, peer)(module).attribute(x, target=3, **settings).detach().numpy()
    found = model.attribute(images, 3, method, **own)
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-5 * np.abs(expected).max())


def test_grad_cam_matches_captum(captum, module, model, images):
    peer = captum.LayerGradCam(module, module.relu2)
    expected = peer.attribute(torch.from_numpy(images), target=3, relu_attributions=True).detach().numpy()[:, 0]
    trace = model.trace(images, 3)["relu2"]
    found = cells(trace.value, trace.gradient, "grad_cam")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
