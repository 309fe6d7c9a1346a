"""Normalization against PyTorch, with running statistics in training and inference."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from convscope import layers as L
from convscope.engines.reference.layers import Context, forward
from convscope.errors import BadShape
from engines.reference.oracle import case, finite_differences, like_torch, run_case

BATCHNORMS = [
    (L.BatchNorm1d(eps=0.01, momentum=0.3), (5,)),
    (L.BatchNorm1d(), (5, 7)),
    (L.BatchNorm2d(momentum=1.0), (5, 7, 3)),
    (L.BatchNorm3d(affine=False), (5, 7, 3, 4)),
]
batchnorms = pytest.mark.parametrize(("layer", "shape"), BATCHNORMS)


@batchnorms
def test_batchnorm_in_training_matches_pytorch_and_updates_statistics(layer, shape):
    """The batch is normalized by its biased variance, the running variance moves to the unbiased one."""
    one = case(layer, (shape,), batch=4)
    running = {name: torch.tensor(np.array(array)) for name, array in one.buffers.items()}

    def function(x, weight=None, bias=None):
        mean, var = running["running_mean"].clone(), running["running_var"].clone()
        return F.batch_norm(x, mean, var, weight, bias, True, layer.momentum, layer.eps)

    like_torch(one, function, training=True)
    moved = run_case(one, training=True).context.new_buffers
    x = torch.tensor(np.array(one.inputs[0]))
    F.batch_norm(x, running["running_mean"], running["running_var"], None, None, True, layer.momentum, layer.eps)
    for name, array in running.items():
        np.testing.assert_allclose(moved[name], array.numpy(), rtol=1e-12)


@batchnorms
def test_batchnorm_at_inference_uses_the_running_statistics(layer, shape):
    one = case(layer, (shape,))
    mean, var = (torch.tensor(np.array(one.buffers[f"running_{name}"])) for name in ("mean", "var"))
    like_torch(
        one, lambda x, weight=None, bias=None: F.batch_norm(x, mean, var, weight, bias, False, 0.0, layer.eps)
    )
    assert run_case(one).context.new_buffers == {}


def test_batchnorm_starts_from_mean_0_and_variance_1():
    one = case(L.BatchNorm2d(momentum=0.25), ((3, 4, 5),))._replace(buffers={})
    moved = run_case(one, training=True).context.new_buffers
    x = one.inputs[0]
    np.testing.assert_allclose(moved["running_mean"], 0.25 * x.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(moved["running_var"], 0.75 + 0.25 * x.var(axis=(0, 2, 3), ddof=1))
    untrained = run_case(case(L.BatchNorm2d(eps=0.0, affine=False), ((3, 4, 5),))._replace(buffers={}))
    np.testing.assert_array_equal(untrained.output, x)


def test_batchnorm_rejects_one_value_per_channel_in_training():
    one = case(L.BatchNorm1d(), ((5,),), batch=1)
    with pytest.raises(BadShape) as error:
        forward(one.layer, one.inputs, one.parameters, Context(training=True))
    assert str(error.value) == (
        "BatchNorm1d.input must have more than one value per channel in training (got one, from 1×5). "
        "Use a larger batch, or evaluate instead of training. [batchnorm-one]"
    )


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 7), (6, 3, 4, 5)])
def test_groupnorm_matches_pytorch(shape, groups):
    layer = L.GroupNorm(groups, eps=0.01)
    like_torch(case(layer, (shape,)), lambda x, weight, bias: F.group_norm(x, groups, weight, bias, 0.01))


def test_groupnorm_of_vectors():
    like_torch(case(L.GroupNorm(2), ((6,),)), lambda x, weight, bias: F.group_norm(x, 2, weight, bias))


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(
    ("kind", "shape"),
    [(L.InstanceNorm1d, (4, 7)), (L.InstanceNorm2d, (4, 7, 3)), (L.InstanceNorm3d, (4, 7, 3, 5))],
)
def test_instancenorm_matches_pytorch(kind, shape, affine):
    layer = kind(eps=0.01, affine=affine)
    like_torch(
        case(layer, (shape,)),
        lambda x, weight=None, bias=None: F.instance_norm(x, weight=weight, bias=bias, eps=0.01),
    )


@pytest.mark.parametrize("axes", [(-1,), (1, 2), (0, 1, 2)])
def test_layernorm_over_last_axes_matches_pytorch(axes):
    shape = (4, 7, 3)
    sizes = shape[-len(axes) :]
    one = case(L.LayerNorm(axes, eps=0.01), (shape,))
    like_torch(one, lambda x, weight, bias: F.layer_norm(x, sizes, weight, bias, 0.01))


def test_layernorm_over_channels_matches_pytorch_channels_last():
    """As ConvNeXt uses it: the channels of every pixel."""
    one = case(L.LayerNorm((0,)), ((4, 7, 3),))
    like_torch(
        one,
        lambda x, weight, bias: F.layer_norm(x.permute(0, 2, 3, 1), (4,), weight, bias).permute(0, 3, 1, 2),
    )


def test_layernorm_over_axes_that_are_not_neighbors():
    """Channels and columns: no PyTorch layer, so by finite differences, and mean 0, variance 1 before scale."""
    finite_differences(case(L.LayerNorm((0, 2)), ((4, 7, 3),)))
    output = run_case(case(L.LayerNorm((0, 2), eps=0.0, affine=False), ((4, 7, 3),))).output
    np.testing.assert_allclose(output.mean(axis=(1, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(output.var(axis=(1, 3)), 1, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 7)])
def test_local_response_norm_matches_pytorch(shape, size):
    """Also for even windows, and windows wider than the channels."""
    layer = L.LocalResponseNorm(size, alpha=0.7, beta=0.6, k=1.5)
    like_torch(case(layer, (shape,)), lambda x: F.local_response_norm(x, size, 0.7, 0.6, 1.5))


def test_large_means_do_not_spoil_the_variance():
    """Numbers around a million keep their variance of about 1."""
    one = case(L.BatchNorm2d(), ((3, 4, 5),))
    shifted = one._replace(inputs=(one.inputs[0] + 1e6,))
    mine, plain = run_case(shifted, training=True).output, run_case(one, training=True).output
    np.testing.assert_allclose(mine, plain, atol=1e-8)
