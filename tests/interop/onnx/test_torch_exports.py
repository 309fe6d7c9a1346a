"""PyTorch's exports: both exporters, old and new operator sets, one network of every family."""

from __future__ import annotations

import warnings

import pytest

import convscope as cs
from interop.onnx.runtime import assert_close, by_reference, by_runtime

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional


class Residual(nn.Module):
    """Grouped and dilated convolutions, batch norm, a residual branch, squeeze-and-excitation, a pyramid of pools."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, (3, 5), stride=(2, 1), padding=(1, 2), bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.squeeze = nn.Conv2d(8, 2, 1)
        self.excite = nn.Conv2d(2, 8, 1)
        self.act = nn.Hardswish()
        self.up = nn.ConvTranspose2d(8, 6, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 0))
        self.head = nn.Linear(30, 5)

    def forward(self, x):
        x = self.act(self.bn(self.stem(x)))
        x = x + self.depthwise(x)
        x = x * torch.sigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        x = torch.cat([F.max_pool2d(x, 3, 2, 1), F.avg_pool2d(x, 3, 2, 1)], 1)[:, 2:10]
        x = F.silu(self.up(x))
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = F.leaky_relu(F.pad(x, (1, 2, 0, 3)), 0.2)
        parts = [
            x.mean((2, 3)),
            x.amax((2, 3)),
            *x.flatten(2).split([100, x.shape[2] * x.shape[3] - 100], 2)[0].chunk(2, 2),
        ]
        parts = [part if part.dim() == 2 else part.sum(2) for part in parts]
        return self.head(torch.cat([*parts, F.softmax(parts[0], 1)], 1))


class Transformer(nn.Module):
    """Patches, a class token, positions, attention, layer norm, GELU."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 5, 5)
        self.token = nn.Parameter(torch.randn(1, 1, 12))
        self.positions = nn.Parameter(torch.randn(1, 13, 12))
        self.norm, self.attention = nn.LayerNorm(12), nn.MultiheadAttention(12, 3, batch_first=True)
        self.wide, self.narrow = nn.Linear(12, 20), nn.Linear(20, 12)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return (x + self.narrow(F.gelu(self.wide(x))))[:, 0]


class Sequence(nn.Module):
    """A bidirectional, batch-first LSTM over the rows of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(20, 7, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(14, 3)

    def forward(self, x):
        rows = x.mean(1)
        return F.log_softmax(self.head(self.lstm(rows)[0]), -1)


SHAPES = {Residual: (3, 21, 17), Transformer: (3, 15, 20), Sequence: (3, 9, 20)}


def exported(kind, path, **settings):
    """Export a network, without the exporters' warnings."""
    torch.manual_seed(1)
    module = kind().eval()
    with torch.no_grad():
        for name, buffer in module.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.add_(torch.rand_like(buffer))
    x = torch.randn(1, *SHAPES[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), str(path), input_names=["x"], **settings)
    with torch.no_grad():
        return module, x.numpy(), module(x).numpy()


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("opset", [11, 14, 17, 20])
def test_traced_networks_match_the_module(kind, opset, tmp_path):
    """The older exporter with a dynamic batch: no Opaque layers, and the module's parameters and values."""
    if kind is Transformer and opset < 14:
        pytest.skip("PyTorch exports attention from operator set 14")
    path = tmp_path / "made.onnx"
    module, x, expected = exported(kind, path, opset_version=opset, dynamo=False, dynamic_axes={"x": {0: "n"}})
    network, ours = by_reference(path, {"x": x})
    assert_close(ours, expected)
    assert_close(by_runtime(path, {"x": x})[0], expected)
    assert not any(node.kind.startswith("Opaque") for node in network.layers)
    learned = sum(parameter.numel() for parameter in module.parameters())
    folded = 8 if kind is Residual else 0  # batch norm becomes the bias of the convolution before it
    assert cs.inspect(network).totals.params == learned - folded


@pytest.mark.parametrize("kind", [Residual, Transformer])
def test_exported_programs_match_the_module(kind, tmp_path):
    """The newer exporter, with local functions and external data."""
    pytest.importorskip("onnxscript")
    path = tmp_path / "made.onnx"
    _, x, expected = exported(kind, path, dynamo=True, verbose=False)
    network, ours = by_reference(path, {"x": x})
    assert_close(ours, expected)
    assert not any(node.kind.startswith("Opaque") for node in network.layers)


def test_macs_match_pytorchs_counter(tmp_path):
    from torch.utils.flop_counter import FlopCounterMode

    for kind in (Residual, Transformer):
        path = tmp_path / "made.onnx"
        module, x, _ = exported(kind, path, opset_version=17, dynamo=False)
        with (
            FlopCounterMode(display=False) as counter,
            torch.no_grad(),
            torch.nn.attention.sdpa_kernel([torch.nn.attention.SDPBackend.MATH]),
        ):
            module.train()  # disables attention's fast path, which is not counted
            module(torch.from_numpy(x).expand(2, -1, -1, -1))
        assert cs.inspect(cs.from_onnx(path)).totals.macs * 2 * 2 == counter.get_total_flops()
