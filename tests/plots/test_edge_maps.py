"""The two maps are the convolution's."""

from __future__ import annotations

import numpy as np
import pytest

from convscope import images, plots
from convscope.errors import BadSetting, BadShape
from convscope.lab.topics import edges
from convscope.plots.edge_maps import gray_levels


def edge_maps(image):
    return np.stack(list(edges.edge_maps(gray_levels(image)).maps.values()))


def bars(rows, columns):
    """White below row `rows` and right of column `columns` of a 7×9 image, black elsewhere."""
    image = np.zeros((7, 9, 1), np.uint8)
    image[rows:, columns:] = 255
    return image


def test_a_horizontal_edge_shows_in_the_first_map_alone():
    """White below black answers −1 −1 −1 = −3 in the two rows whose window holds the edge, 0 elsewhere."""
    across, down = edge_maps(bars(4, 0))
    expected = np.zeros((5, 7))
    expected[2:4] = -3
    assert np.array_equal(across, expected)
    assert not down.any()


def test_a_vertical_edge_shows_in_the_second_map_alone():
    across, down = edge_maps(bars(0, 5))
    expected = np.zeros((5, 7))
    expected[:, 3:5] = -3
    assert np.array_equal(down, expected)
    assert not across.any()


def test_colors_are_weighted_by_luminance():
    """A green edge weighs 0.587 of a white one."""
    green = np.zeros((7, 9, 3), np.uint8)
    green[4:, :, 1] = 255
    assert edge_maps(green).min() == pytest.approx(-3 * 0.587)


def test_drawn_maps_match_the_result():
    """Each on a scale of its own that is even around 0."""
    image = images.sample_image((3, 24, 33))
    figure = plots.convolution_maps(image)
    shown = [axes.images[0] for axes in figure.axes if axes.images]
    assert [image.get_array().shape for image in shown] == [(24, 33), (3, 3), (22, 31), (3, 3), (22, 31)]
    maps = edge_maps(image)
    for image, expected in zip(shown[2::2], maps, strict=True):
        assert np.array_equal(image.get_array(), expected)
        assert image.get_clim() == (-abs(expected).max(), abs(expected).max())


@pytest.mark.parametrize("shape", [(9, 9), (9, 9, 4)])
def test_unreadable_image_is_refused(shape):
    with pytest.raises(BadShape) as caught:
        plots.convolution_maps(np.zeros(shape, np.uint8))
    assert str(caught.value) == (
        f"image must be h×w×3 or h×w×1 (got image={'×'.join(map(str, shape))}). Read it with load_image. "
        "[maps-image]"
    )


def test_custom_kernels_are_drawn_with_their_maps():
    image = images.sample_image((3, 24, 33))
    kernels = {"wide": [[1.0, 2, 3, 4, 5]], "flat": [[1.0, 1, 1, 1, 1]], "none": [[0.0, 0, 0, 0, 0]]}
    figure = plots.convolution_maps(image, kernels=kernels)
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert [image.shape for image in shown[1:]] == [(1, 5), (24, 29)] * 3
    gray = gray_levels(image)
    assert np.allclose(shown[4].data, np.lib.stride_tricks.sliding_window_view(gray, 5, axis=1).sum(-1))


@pytest.mark.parametrize("count", [0, 5])
def test_kernels_beyond_the_figure_are_refused(count):
    kernels = {str(number): [[1.0]] for number in range(count)}
    with pytest.raises(
        BadSetting, match=rf"^convolution_maps\.kernels must have 1 to 4 kernels \(got {count}\)\. "
    ):
        plots.convolution_maps(images.sample_image((3, 24, 33)), kernels=kernels)


def test_photograph_keeps_its_proportions(tmp_path):
    from PIL import Image

    Image.new("RGB", (900, 300), "orange").save(tmp_path / "wide.png")
    assert images.load_whole_image(tmp_path / "wide.png", 360).shape == (120, 360, 3)
    assert images.load_whole_image(tmp_path / "wide.png", 1000).shape == (300, 900, 3)
    assert images.sample_photograph().shape == (240, 360, 3)
