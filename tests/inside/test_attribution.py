"""Attributions against Captum and definitions, and class maps at the centers of receptive fields."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope.errors import BadSetting, BadUnit, UnknownLayer
from convscope.inside.class_maps import cells, even_centers, place, unit_centers

torch = pytest.importorskip("torch")

TEXT = "input 2x13x11 | conv 6 3 same | relu | maxpool 2 | conv 5 3 p1 | relu | globalavgpool | flatten | dense 4"


def model_of(text=TEXT, dtype="float64", engine="reference"):
    return cs.Model(text, seed=3, engine=engine, dtype=dtype)


def images_for(model, count=2):
    draw = np.random.default_rng(7)
    return draw.standard_normal((count, *model.network.input_shape)).astype(model.dtype)


def test_integrated_gradients_add_up_to_the_change_of_the_score():
    model = model_of()
    x = images_for(model)
    found = model.attribute(x, 2, "integrated_gradients", steps=400)
    change = (model.logits(x) - model.logits(np.zeros_like(x)))[:, 2]
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)), change, rtol=5e-3)


def test_integrated_gradients_of_one_step_are_those_of_the_midpoint():
    model = model_of()
    x = images_for(model)
    found = model.attribute(x, 2, "integrated_gradients", steps=1, baseline=0.5)
    np.testing.assert_allclose(found, (x - 0.5) * model.attribute((x + 0.5) / 2, 2), rtol=1e-9)


def test_input_times_gradient_of_a_linear_network_is_its_score_without_bias():
    model = model_of("input 2x6x5 | conv 3 3 | avgpool 2 | flatten | dense 4")
    x = images_for(model)
    found = model.attribute(x, 1, "input-x-gradient").sum(axis=(1, 2, 3))
    np.testing.assert_allclose(found, (model.logits(x) - model.logits(np.zeros_like(x)))[:, 1], rtol=1e-9)


def test_smooth_grad_without_noise_is_the_gradient_and_repeats_with_its_seed():
    model = model_of()
    x = images_for(model)
    gradient = model.attribute(x, 0)
    np.testing.assert_allclose(model.attribute(x, 0, "smooth_grad", noise=0.0, samples=2), gradient, rtol=1e-12)
    one, two = (model.attribute(x, 0, "smooth_grad", seed=5, samples=3) for _ in range(2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, model.attribute(x, 0, "smooth_grad", seed=6, samples=3))


def test_default_target_is_the_class_with_the_highest_score():
    model = model_of()
    x = images_for(model, 3)
    best = model.logits(x).argmax(axis=1)
    np.testing.assert_array_equal(model.attribute(x), model.attribute(x, best.tolist()))


@pytest.mark.parametrize(("method", "passes"), [("guided_backprop", "both"), ("deconvolution", "gradient")])
def test_other_relu_rules_match_autograd_functions(method, passes):
    class Rule(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            kept = gradient.clamp(min=0)
            return kept * (x > 0) if passes == "both" else kept

    model = model_of()
    x = images_for(model)
    module = cs.to_torch(model)
    for child in module.children():
        if isinstance(child, torch.nn.ReLU):
            child.forward = Rule.apply
    images = torch.from_numpy(x).requires_grad_()
    module.double()(images)[:, 3].sum().backward()
    np.testing.assert_allclose(model.attribute(x, 3, method), images.grad.numpy(), rtol=1e-6, atol=1e-12)


def test_occlusion_of_single_pixels_is_the_change_of_the_score():
    model = model_of()
    x = images_for(model, 1)
    found = model.attribute(x, 1, "occlusion", window=1, stride=1, fill=0.5)
    for row, column in ((0, 0), (4, 9), (12, 10)):
        hidden = x.copy()
        hidden[:, :, row, column] = 0.5
        change = (model.logits(x) - model.logits(hidden))[0, 1]
        np.testing.assert_allclose(found[0, :, row, column], change, rtol=1e-9, atol=1e-12)


def test_occlusion_by_overlapping_windows_is_the_mean_of_their_changes():
    model = model_of()
    x = images_for(model, 1)
    found = model.attribute(x, 1, "occlusion", window=(5, 4), stride=(4, 3), fill=0.5)
    changes = []
    for top, left in ((4, 3), (4, 6), (8, 3), (8, 6)):  # the windows that cover row 8, column 6
        hidden = x.copy()
        hidden[:, :, top : top + 5, left : left + 4] = 0.5
        changes.append((model.logits(x) - model.logits(hidden))[0, 1])
    np.testing.assert_allclose(found[0, :, 8, 6], np.mean(changes), rtol=1e-9)


def test_occlusion_covers_the_whole_image():
    model = model_of()
    found = model.attribute(images_for(model, 1), 1, "occlusion", window=(5, 4), stride=(4, 3))
    assert np.isfinite(found).all()
    assert (found != 0).all()


# class maps


def test_grad_cam_of_global_average_pooling_is_the_class_activation_map():
    model = model_of()
    x = images_for(model)
    values = model.activations(x)["relu2"]
    weights = model.parameters["dense1.weight"][2]
    expected = np.maximum(np.einsum("nchw,c->nhw", values, weights), 0) / (values.shape[2] * values.shape[3])
    trace = model.trace(x, 2)["relu2"]
    np.testing.assert_allclose(cells(trace.value, trace.gradient, "grad_cam"), expected, rtol=1e-9)


def test_layer_cam_weighs_each_position_by_its_positive_gradient():
    values, gradients = np.array([[[[2.0, 3.0]], [[1.0, 5.0]]]]), np.array([[[[1.0, -2.0]], [[-1.0, 2.0]]]])
    assert cells(values, gradients, "layer_cam").tolist() == [[[2.0, 10.0]]]


def test_grad_cam_plus_plus_by_hand():
    values, gradients = np.array([[[[2.0, 1.0]]]]), np.array([[[[1.0, -1.0]]]])
    share = 1 / (2 + 3)  # g² / (2·g² + Σ A·g³), at the first position
    assert cells(values, gradients, "grad_cam_plus_plus").tolist() == [[[2 * share, share]]]


def test_cells_are_placed_at_the_centers_of_their_fields():
    network = cs.load("input 1x20x16 | conv 2 4 s3 | conv 3 3 s2 p1")
    rows, columns = unit_centers(network, "conv2")
    assert rows.tolist() == [2.0, 8.0, 14.0]
    assert columns.tolist() == [2.0, 8.0, 14.0]
    maps = np.zeros((1, 3, 3))
    maps[0, 1, 2] = 1
    placed = place(network, "conv2", maps, "exact")[0]
    assert placed.shape == (20, 16)
    assert np.unravel_index(placed.argmax(), placed.shape) in {(7, 13), (8, 13), (7, 14), (8, 14)}
    assert placed[7, 13] == pytest.approx((1 - 0.5 / 6) ** 2)


def test_resized_maps_match_bilinear_interpolation():
    network = cs.load("input 1x20x16 | conv 2 4 s3 | conv 3 3 s2 p1")
    maps = np.random.default_rng(2).standard_normal((2, 3, 3))
    expected = torch.nn.functional.interpolate(torch.from_numpy(maps)[:, None], (20, 16), mode="bilinear")
    np.testing.assert_allclose(
        place(network, "conv2", maps, "resize"), expected[:, 0].numpy(), rtol=1e-12, atol=1e-12
    )
    assert even_centers(4, 16).tolist() == [2, 6, 10, 14]


@pytest.mark.parametrize("method", ["grad-cam", "grad_cam_plus_plus", "layer_cam"])
def test_class_maps_have_the_size_of_the_image(method):
    model = model_of(dtype="float32", engine="native")
    x = images_for(model)
    found = model.attribute(x, [1, 2], method)
    assert found.shape == (2, 13, 11)
    assert found.dtype == np.float32
    assert (found >= 0).all()


@pytest.mark.parametrize(
    ("arguments", "error", "code"),
    [
        ({"method": "gradcam"}, BadSetting, "method"),
        ({"method": "occlusion", "windows": 3}, BadSetting, "method-setting"),
        ({"method": "gradient", "steps": 3}, BadSetting, "method-setting"),
        ({"method": "grad_cam", "placement": "stretch"}, BadSetting, "placement"),
        ({"method": "grad_cam", "layer": "dense1"}, BadUnit, "no-positions"),
        ({"method": "grad_cam", "layer": "conv9"}, UnknownLayer, "layer-name"),
        ({"target": 4}, BadUnit, "target-class"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, code):
    model = model_of()
    with pytest.raises(error) as caught:
        model.attribute(images_for(model), **{"target": 1, **arguments})
    assert caught.value.code == code
