"""Every layer with a computation, on the same questions."""

import numpy as np
import pytest

from convscope import layers as L
from convscope.engines.reference.layers import Context, backward, forward
from convscope.errors import BadSetting, NoRule
from convscope.layers.facts import facts
from convscope.layers.pooling import AdaptivePool, GlobalPool
from engines.reference.oracle import (
    adjoint,
    algorithms_agree,
    as_type,
    case,
    finite_differences,
    run_case,
)
from layers.examples import EXAMPLES, example_id

COMPUTED = [example for example in EXAMPLES if not isinstance(example[0], L.Input | L.Opaque)]
LINEAR = (
    *(L.Conv, L.ConvTranspose, L.AvgPool, L.AdaptiveAvgPool, L.GlobalAvgPool, L.Linear, L.Scale, L.BatchNorm),
    *(L.Add, L.Concat, L.Flatten, L.Reshape, L.Permute, L.Pad, L.Crop, L.Slice, L.PixelShuffle, L.ChannelShuffle),
    *(L.Upsample, L.Identity, L.Dropout, L.Subtract, L.Affine, L.IndexSelect, L.Roll, L.Expand),
)
TWINNED = (L.Conv, L.ConvTranspose, L.Pool, AdaptivePool, GlobalPool, L.SpatialPyramidPool)


def every(examples):
    return pytest.mark.parametrize("example", examples, ids=example_id)


@every(COMPUTED)
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_output_has_the_shape_the_layer_promised_and_gradients_that_of_their_arrays(example, training):
    layer, shapes = example
    one = case(layer, shapes, batch=3)
    passed = run_case(one, training)
    assert passed.output.shape == (3, *facts(layer, shapes).output_shape)
    for x, grad in zip(one.inputs, passed.gradients.inputs, strict=True):
        assert grad is None if x.dtype.kind == "i" else grad.shape == x.shape
    shapes_of_gradients = {name: grad.shape for name, grad in passed.gradients.parameters.items()}
    assert shapes_of_gradients == facts(layer, shapes).param_shapes
    moved = {name: array.shape for name, array in passed.context.new_buffers.items()}
    assert moved == (facts(layer, shapes).buffer_shapes if training else {})


@every(COMPUTED)
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_float32_stays_float32(example, training):
    passed = run_case(as_type(case(*example), np.float32), training)
    arrays = [passed.output, *passed.gradients.parameters.values(), *passed.context.new_buffers.values()]
    arrays += [grad for grad in passed.gradients.inputs if grad is not None]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


@every(COMPUTED)
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_gradients_are_the_slope_of_the_loss(example, training):
    finite_differences(case(*example), training)


@every([example for example in COMPUTED if isinstance(example[0], LINEAR)])
def test_backward_of_a_linear_layer_is_its_adjoint(example):
    adjoint(case(*example))


@every([example for example in COMPUTED if isinstance(example[0], TWINNED)])
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_loops_match_matrix_form(example, training):
    algorithms_agree(case(*example), training)


@every(COMPUTED)
def test_repeated_runs_are_bit_identical(example):
    one = case(*example)
    first, second = run_case(one, training=True), run_case(one, training=True)
    np.testing.assert_array_equal(first.output, second.output)
    for mine, other in zip(first.gradients.inputs, second.gradients.inputs, strict=True):
        assert mine is other is None or np.array_equal(mine, other)


def test_unknown_algorithm_is_rejected():
    with pytest.raises(BadSetting) as error:
        Context(algorithm="fast")
    assert str(error.value) == (
        "Context.algorithm must be one of matrix, loops (got algorithm='fast'). "
        "Use matrix for speed, loops to read along. [algorithm]"
    )


def test_unsupported_layer_is_rejected_with_its_name():
    x = np.zeros((1, 2, 3, 4))
    opaque = L.Opaque("NonMaxSuppression", (5, 4))
    with pytest.raises(NoRule) as error:
        forward(opaque, (x,), {}, Context())
    assert str(error.value) == (
        "The reference engine has no forward rule for Opaque(NonMaxSuppression). "
        "Replace it by layers that can be computed. [no-forward]"
    )
    with pytest.raises(NoRule) as error:
        backward(opaque, x, (x,), {}, Context())
    assert str(error.value) == (
        "The reference engine has no backward rule for Opaque(NonMaxSuppression). "
        "Replace it by layers that can be computed. [no-backward]"
    )
