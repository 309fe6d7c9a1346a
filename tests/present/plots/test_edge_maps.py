"""The two maps are the convolution's."""

from __future__ import annotations

import numpy as np
import pytest

from convscope import pictures
from convscope.errors import BadShape
from convscope.present import plots
from convscope.present.plots.edge_maps import edge_maps


def bars(rows, columns):
    """White below row `rows` and right of column `columns` of a 7×9 picture, black elsewhere."""
    picture = np.zeros((7, 9, 1), np.uint8)
    picture[rows:, columns:] = 255
    return picture


def test_a_horizontal_edge_shows_in_the_first_map_alone():
    """White below black answers −1 −2 −1 = −4 in the two rows whose window holds the edge, 0 elsewhere."""
    across, down = edge_maps(bars(4, 0))
    expected = np.zeros((5, 7))
    expected[2:4] = -4
    assert np.array_equal(across, expected)
    assert not down.any()


def test_a_vertical_edge_shows_in_the_second_map_alone():
    across, down = edge_maps(bars(0, 5))
    expected = np.zeros((5, 7))
    expected[:, 3:5] = -4
    assert np.array_equal(down, expected)
    assert not across.any()


def test_colours_count_as_the_eye_sees_them():
    """A green edge weighs 0.587 of a white one."""
    green = np.zeros((7, 9, 3), np.uint8)
    green[4:, :, 1] = 255
    assert edge_maps(green).min() == pytest.approx(-4 * 0.587)


def test_the_maps_are_what_is_drawn():
    """Both on one scale that is even around 0."""
    picture = pictures.sample_picture((3, 24, 33))
    figure = plots.convolution_maps(picture)
    shown = [axes.images[0] for axes in figure.axes if axes.images]
    assert [image.get_array().shape for image in shown] == [(24, 33), (3, 3), (22, 31), (3, 3), (22, 31)]
    maps = edge_maps(picture)
    for image, expected in zip(shown[2::2], maps, strict=True):
        assert np.array_equal(image.get_array(), expected)
        assert image.get_clim() == (-abs(maps).max(), abs(maps).max())


@pytest.mark.parametrize("shape", [(2, 9, 3), (9, 9), (9, 9, 4)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(BadShape) as caught:
        plots.convolution_maps(np.zeros(shape, np.uint8))
    assert str(caught.value) == (
        "a picture must be h×w×3 or h×w×1 and at least 3×3 for edge kernels; "
        f"got {'×'.join(map(str, shape))}; read it with load_picture. [maps-picture]"
    )
