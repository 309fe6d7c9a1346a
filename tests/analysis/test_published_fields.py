"""Receptive fields of classic networks equal the published ones.

Source: Araujo, Norris & Sim 2019, table of receptive fields; AlexNet v2, VGG-16, Inception v3 and MobileNet v1 have the
same structure in the zoo (their residual networks stride in other places).
"""

import pytest

from convscope import inspect, load


@pytest.mark.parametrize(
    ("model", "size", "stride"),
    [("alexnet-torchvision", 195, 32), ("vgg16", 212, 32), ("inception_v3", 1311, 32), ("mobilenet_v1", 315, 32)],
)
def test_last_spatial_layer(model, size, stride):
    spatial = [row.receptive_field for row in inspect(load(model)) if row.receptive_field.stride]
    assert spatial[-1].size == (size, size)
    assert spatial[-1].stride == (stride, stride)
