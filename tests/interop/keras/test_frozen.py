"""`trainable=False` of Keras layers: kept by import and respected by training."""

import keras
import numpy as np
import pytest
from keras import layers

import convscope as cs
from convscope.interop.keras.weights import read_array


def model():
    """Return a model whose convolution and batch normalization are frozen."""
    keras.utils.set_random_seed(2)
    made = keras.Sequential(
        [
            keras.Input((8, 6, 3)),
            layers.Conv2D(5, (3, 2), name="conv"),
            layers.BatchNormalization(name="bn"),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(4, name="fc"),
        ]
    )
    made.get_layer("conv").trainable = False
    made.get_layer("bn").trainable = False
    return made


def test_import_keeps_trainable():
    network = cs.from_keras(model())
    assert [node.name for node in network if node.is_frozen] == ["conv", "bn"]
    assert network.frozen_parameters == {"conv.weight", "conv.bias", "bn.weight", "bn.bias"}
    made = model()
    made.trainable = True
    assert not cs.from_keras(made).frozen_parameters


def test_frozen_layers_do_not_change_in_training():
    ours = cs.from_keras(model(), parameters=True)
    before = {**ours.parameters, **ours.buffers}
    generator = np.random.default_rng(3)
    ours.fit(
        (generator.normal(size=(20, 3, 8, 6)).astype(np.float32), generator.integers(0, 4, 20)),
        2,
        optimizer=cs.SGD(lr=0.05, momentum=0.9, weight_decay=0.1),
        progress=False,
    )
    moved = {name for name, array in {**ours.parameters, **ours.buffers}.items() if (array != before[name]).any()}
    assert moved == {"fc.weight", "fc.bias"}


@pytest.mark.parametrize(("center", "scale"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("trainable", [True, False])
def test_batch_norm_without_scale_or_shift_follows_trainable(center, scale, trainable):
    """Its statistics change exactly as in Keras."""
    keras.utils.set_random_seed(5)
    norm = layers.BatchNormalization(center=center, scale=scale, momentum=0.8, name="bn")
    made = keras.Sequential([keras.Input((8, 6, 3)), norm, layers.Flatten(), layers.Dense(4, name="fc")])
    norm.trainable = trainable
    ours = cs.from_keras(made, parameters=True)
    assert ours.network["bn"].is_frozen is not trainable
    generator = np.random.default_rng(3)
    x, labels = generator.normal(0.5, 2, (20, 3, 8, 6)).astype(np.float32), generator.integers(0, 4, 20)
    ours.train_step(x, labels)
    made(x.transpose(0, 2, 3, 1), training=True)
    count = 20 * 8 * 6  # the running variance of Keras is of the batch itself, ours is the estimate
    for kind, theirs in (("running_mean", norm.moving_mean), ("running_var", norm.moving_variance)):
        moved = read_array(theirs)
        if trainable and kind == "running_var":
            moved = 0.8 + (moved - 0.8) * count / (count - 1)
        np.testing.assert_allclose(ours.buffers[f"bn.{kind}"], moved, rtol=1e-4)
