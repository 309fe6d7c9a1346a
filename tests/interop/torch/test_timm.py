"""timm's models, one per family: nothing opaque, counts and values match PyTorch, receptive fields match gradients."""

from __future__ import annotations

import pytest
import torch

import convscope as cs
from interop.torch.linearized import linearized, seen_by
from interop.torch.model_code import EVERYTHING, WHY_NOT
from interop.torch.parity import images, macs_of, same_values, unknown
from interop.torch.timm_code import built, families, timm, usual_shape

pytestmark = pytest.mark.skipif(timm() is None, reason=WHY_NOT)

FEW = ("convnext", "levit", "resnet", "vision_transformer")
CHOSEN = (
    [] if timm() is None else [names[0] for family, names in families().items() if EVERYTHING or family in FEW]
)

NOT_WHOLE = {
    "csatv2": {"matmul", "softmax"},  # attention over the images of a batch
    "naflexvit_base_patch16_gap": {"interpolate"},  # position table resized with anti-aliasing
}
"""Models with unsupported operators, and the operators."""

FIXED_OR_MADE = {"dm_nfnet_f0", "tresnet_l"}
"""Models whose kernels are fixed blur filters, or computed from weights and gains."""


CONSTANT_MACS = {"gemma4_vit_167m": 2304 * 32}
"""Products of constants, rotary angles for one, that PyTorch computes for every image: here they are constants."""


@pytest.mark.parametrize("name", CHOSEN)
def test_models_are_imported_completely(name):
    """Nothing is opaque; parameters match the module, and MACs match PyTorch's count."""
    module = built(name)
    network = cs.from_torch(module, usual_shape(module), name=name)
    assert set(unknown(network)) == NOT_WHOLE.get(name, set())
    if name in NOT_WHOLE:
        return
    totals = cs.inspect(network).totals
    if name not in FIXED_OR_MADE:
        assert totals.params == sum(p.numel() for p in module.parameters())
    counted = module.requires_grad_(False).to_empty(device="meta")
    theirs = macs_of(counted, torch.empty(1, *network.input_shape, device="meta"))
    assert totals.macs + CONSTANT_MACS.get(name, 0) == theirs


SMALL = {"resnet10t": 64, "mobilenetv3_small_050": 64, "levit_128s": 224, "mobilevit_xxs": 64}
LARGE = {"convnextv2_atto": 64, "tnt_s_patch16_224": 224, "halonet26t": 256, "gcvit_xxtiny": 224, "nfnet_l0": 64}
LARGE |= {"sequencer2d_s": 224, "nest_tiny_jx": 224, "resnetblur18": 64, "xcit_nano_12_p16_224": 224}
LARGE |= {"volo_d1_224": 224, "dm_nfnet_f0": 64, "mixer_s32_224": 224, "edgenext_xx_small": 64}


@pytest.mark.parametrize("name", {**SMALL, **LARGE} if EVERYTHING else SMALL)
def test_values_match_pytorch(name):
    size = {**SMALL, **LARGE}[name]
    torch.manual_seed(3)
    module = timm().create_model(name).eval()
    generator = torch.Generator().manual_seed(5)
    for buffer in module.buffers():
        if buffer.dim() == 1 and buffer.is_floating_point():
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    same_values(module, (3, size, size), images((3, size, size), 2))


@pytest.mark.parametrize(
    ("name", "path", "layer"),
    [
        ("resnet26d", "layer2.0.act3", "layer2.0.act3"),
        ("resnetblur18", "layer2.0.act2", "layer2.0.act2"),
        ("mobilenetv2_050", "blocks.2.1.conv_pwl", "blocks.2.1.conv_pwl"),
    ],
)
def test_receptive_fields_match_gradients(name, path, layer):
    """In a copy whose weights are all 1 and whose maxima are means, the gradient is nonzero on the receptive field."""
    shape = (3, 96, 79)
    network = cs.from_torch(built(name), shape)
    module = linearized(built(name)).eval()
    p, q = network[layer].output_shape[-2:]
    for unit in ((0, 0), (p // 2, q // 3), (p - 1, q - 1)):
        assert seen_by(module, path, shape, unit) == tuple(network.field(layer, at=unit).clipped)
