"""torchvision's models: published counts, the zoo, PyTorch's values, and gradients.

A few models are tried in every run, all of them with CONVSCOPE_FRAMEWORKS=1 (`make test-frameworks`).
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs
from interop.torch.linearized import linearized, seen_by
from interop.torch.model_code import EVERYTHING, WHY_NOT
from interop.torch.parity import images, randomized, same_values, tensors, unknown
from interop.torch.torchvision_code import built, family_of, models, names, published_shape, usual_shape

pytestmark = pytest.mark.skipif(models() is None, reason=WHY_NOT)

FEW = ["densenet121", "efficientnet_b0", "inception_v3", "shufflenet_v2_x1_0", "swin_v2_t", "vit_b_16"]
FEW += ["maxvit_t", "resnet18", "fcn_resnet50", "fasterrcnn_resnet50_fpn", "mvit_v2_s"]
CHOSEN = [] if models() is None else names() if EVERYTHING else FEW

ZOO = {"alexnet-torchvision": "alexnet"} | {
    name: name
    for name in (
        *("vgg11", "vgg16_bn", "googlenet", "inception_v3", "resnet18", "resnet50", "squeezenet1_0"),
        *("densenet121", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2_x1_0", "efficientnet_b0"),
        "convnext_tiny",
    )
}


def imported(name: str) -> tuple[nn.Module, cs.Network]:
    module = built(name)
    part = module.backbone if family_of(name) == "detection" else module
    return part, cs.from_torch(part, usual_shape(name), name=name)


@pytest.mark.parametrize("name", CHOSEN)
def test_models_are_imported_completely(name):
    """Nothing is unknown, and every parameter that the forward pass uses is counted once.

    Of GoogLeNet and Inception v3 the auxiliary heads are not used: they are counted apart.
    """
    module, network = imported(name)
    assert unknown(network) == []
    used = [
        p for path, p in module.named_parameters() if not path.lower().startswith(("aux1", "aux2", "auxlogits"))
    ]
    assert cs.inspect(network).totals.params == sum(p.numel() for p in used)


@pytest.mark.parametrize("name", [one for one in CHOSEN if family_of(one) == "classification"])
def test_counts_match_published_ones(name):
    """num_params and the multiply-adds of the metadata, which round billions to three decimals.

    GoogLeNet's published parameters leave the auxiliary heads out, Inception v3's have them.
    """
    published = models().get_model_weights(name).DEFAULT.meta
    module, network = imported(name)
    totals = cs.inspect(network).totals
    params = totals.params
    if name == "inception_v3":
        params += sum(p.numel() for p in module.AuxLogits.parameters())
    assert params == published["num_params"]
    assert published_shape(name) == network.input_shape
    assert round(totals.macs / 1e9, 3) == published["_ops"]


@pytest.mark.parametrize(("ours", "theirs"), ZOO.items(), ids=ZOO)
def test_zoo_networks_match_imported_ones(ours, theirs):
    """Parameters, multiply-adds and all layers with weights, with their shapes; channels may be first or last."""
    zoo = cs.load(ours)
    network = cs.from_torch(built(theirs), zoo.input_shape)
    mine, other = cs.inspect(zoo).totals, cs.inspect(network).totals
    assert (mine.params, mine.macs) == (other.params, other.macs)

    def weighted(one: cs.Network) -> list[tuple[object, ...]]:
        layers = [node for node in one.layers if node.facts.params]
        return sorted((n.kind, *sorted(n.output_shape), *n.facts.param_shapes.values()) for n in layers)

    assert weighted(zoo) == weighted(network)


@pytest.mark.parametrize(("ours", "theirs"), [("resnet18", "resnet18"), ("mobilenet_v2", "mobilenet_v2")])
def test_zoo_receptive_fields_match_imported_ones(ours, theirs):
    """The receptive fields of all convolutions, one by one."""
    zoo = cs.load(ours)
    network = cs.from_torch(built(theirs), zoo.input_shape)
    fields = [
        [row.receptive_field.to_dict() for row in cs.inspect(one).rows if row.kind == "Conv2d"]
        for one in (zoo, network)
    ]
    for document in (one for listed in fields for one in listed):
        document.pop("merges", None)
        document.pop("global_via", None)
    assert sorted(map(str, fields[0])) == sorted(map(str, fields[1]))


SMALL = {"resnet18": 64, "shufflenet_v2_x0_5": 64, "mobilenet_v3_small": 64, "squeezenet1_1": 64}
LARGE = {"densenet121": 64, "efficientnet_b0": 64, "googlenet": 64, "convnext_tiny": 64, "swin_t": 64}
LARGE |= {"maxvit_t": 224, "regnet_y_400mf": 64, "swin_v2_t": 64, "inception_v3": 96, "mnasnet0_5": 64}


@pytest.mark.parametrize("name", {**SMALL, **LARGE} if EVERYTHING else SMALL)
def test_values_match_pytorch(name):
    size = {**SMALL, **LARGE}[name]
    settings = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    module = models().get_model(name, weights=None, **settings).eval()
    generator = torch.Generator().manual_seed(5)
    for buffer in module.buffers():
        if buffer.dim() == 1 and buffer.is_floating_point():
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    same_values(module, (3, size, size), images((3, size, size), 2))


@pytest.mark.parametrize(
    ("name", "path", "layer", "size"),
    [
        ("resnet18", "layer2.0", "layer2.0.relu_2", 80),
        ("googlenet", "inception3a", "inception3a.cat1", 80),
        ("shufflenet_v2_x0_5", "stage2.1", "stage2.1.view2", 80),
        ("densenet121", "features.denseblock1.denselayer2.conv2", "features.denseblock1.denselayer2.conv2", 64),
        ("mobilenet_v3_small", "features.4", "features.4.block.3.1", 96),
        ("mobilenet_v3_small", "features.5", "features.5.add1", 160),
        ("deeplabv3_resnet50", "backbone.layer1", "backbone.layer1.2.relu_3", 96),
        ("deeplabv3_resnet50", "backbone.layer2.3.conv2", "backbone.layer2.3.conv2", 150),
        ("fcn_resnet50", "backbone.layer2.3.conv2", "backbone.layer2.3.conv2", 150),
    ],
)
def test_receptive_fields_match_gradients(name, path, layer, size):
    """In a copy whose weights are all 1 and whose maxima are means, the gradient is nonzero on the receptive field."""
    module, shape = linearized(built(name)).eval(), (3, size, size - 17)
    network = cs.from_torch(built(name), shape)
    p, q = network[layer].output_shape[-2:]
    for unit in ((0, 0), (p // 2, q // 3), (p - 1, q - 1)):
        assert seen_by(module, path, shape, unit) == tuple(network.field(layer, at=unit).clipped)


def test_imported_parameters_match_module():
    module = randomized(models().resnet18(weights=None))
    model = cs.from_torch(module, (3, 64, 64), parameters=True)
    assert set(model.parameters) == {name for name, _ in module.named_parameters()}
    assert {name for name in dict(module.named_buffers()) if "num_batches" not in name} == set(model.buffers)
    for name, parameter in module.named_parameters():
        np.testing.assert_array_equal(model.parameters[name], parameter.detach().numpy())


def test_layer_shapes_match_pytorch():
    """Layer outputs match those seen by PyTorch's hooks, on the CPU."""
    module = models().googlenet(weights=None, aux_logits=False, init_weights=False).eval()
    network = cs.from_torch(module, (3, 80, 96))
    seen: dict[str, tuple[int, ...]] = {}
    for path, one in module.named_modules():
        if not list(one.children()):
            one.register_forward_hook(lambda _m, _i, out, path=path: seen.update({path: tuple(out.shape[1:])}))
    with torch.no_grad():
        assert tensors(module(images((3, 80, 96), 1)))
    assert len(seen) > 100
    assert {path: network[path].output_shape for path in seen} == seen
