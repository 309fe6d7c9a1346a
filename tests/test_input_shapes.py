"""Input shapes, for one input and for several."""

from __future__ import annotations

from typing import Any

import pytest

from convscope.errors import BadSetting
from convscope.input_shapes import checked_shape, shapes_by_name


def test_single_shape_is_that_of_the_first_input() -> None:
    assert shapes_by_name([3, 5, 7], ["image", "state"]) == {"image": (3, 5, 7)}


def test_mapping_is_returned_in_input_order() -> None:
    given = {"state": (2, 9), "image": [3, 5, 7]}
    assert list(shapes_by_name(given, ["image", "state", "other"]).items()) == [
        ("image", (3, 5, 7)),
        ("state", (2, 9)),
    ]


def test_none_gives_no_shapes() -> None:
    assert shapes_by_name(None, ["image"]) == {}


def test_unknown_name_is_refused_with_suggestions() -> None:
    with pytest.raises(BadSetting) as caught:
        shapes_by_name({"stat": (2, 9)}, ["image", "state"])
    message = "input_shape must name inputs of the model (got 'stat'). Did you mean state? [input-name]"
    assert str(caught.value) == message


@pytest.mark.parametrize("sizes", [(), (0, 3), (3, -1), (1.5, 2), 7, "3x4", None, ("a",), (float("inf"),)])
def test_invalid_sizes_are_refused(sizes: Any) -> None:
    with pytest.raises(BadSetting, match=r"^input_shape must be positive integers.*\[input-shape\]$"):
        checked_shape(sizes)
