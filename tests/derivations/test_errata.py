"""The page of errata: the wrong and the right number of each entry, both computed, both on both pages."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
import pytest

from convscope import explain
from convscope import layers as L
from convscope.axis import Folded, Window
from convscope.derivations.expression import computed, read
from convscope.engines.reference.layers import Context, forward
from convscope.layers.facts import facts
from derivations.networks import EXERCISE, LARGE, SMALL, chain

PAGES = [Path(__file__).parents[2] / "docs" / "lessons" / name for name in ("errata.md", "errata.zh.md")]
MAP = np.array([[1, 3, 2, 4], [3, 5, 4, 6], [2, 5, 6, 7], [4, 7, 6, 8]], float)[None, None]

LAYERS_OF_LARGE = [(7, 2, 3), (3, 2, 1), (3, 1, 1)]


def rows_of(page):
    """Return the number, wrong and right entry of every row of the page's table."""
    rows = re.findall(r"^\| \[?(\d+)\]?[^|]*\|[^|]*\| ([^|]*) \| ([^|]*) \|$", page.read_text("utf-8"), re.M)
    return {int(number): (wrong, right) for number, wrong, right in rows}


def on_both_pages(number, wrong, right):
    for page in PAGES:
        assert rows_of(page)[number] == (wrong, right), page


def test_both_pages_have_the_same_entries_in_order():
    for page in PAGES:
        assert list(rows_of(page)) == list(range(1, 13))
        headings = re.findall(r"^## (\d+)\. ", page.read_text("utf-8"), re.M)
        assert headings == [str(number) for number in range(1, 13)]


def test_links_of_the_english_table_lead_to_headings():
    words = PAGES[0].read_text("utf-8")
    headings = re.findall(r"^## (.*)$", words, re.M)
    anchors = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", words)) == anchors


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_computations_on_the_page_match_their_results(page):
    """Sides of an equation that the notation of formulas can read are computed and compared."""
    words = page.read_text("utf-8")
    worked = re.findall(r"^ {4}\w+: (.*)$", words, re.M) + re.findall(r"`([^`\n]*)`", words)
    compared = 0
    for line in worked:
        sides = [side.strip() for side in re.split(r" {2,}", line)[0].split("=")]
        if len(sides) > 1 and "//" not in line and "1.667" not in line:
            values = [computed(read(side)) for side in sides]
            assert len(set(values)) == 1, sides
            compared += 1
    assert compared >= 25


def test_1_the_recurrence_run_in_the_wrong_direction():
    wrong = []
    size = 1
    for kernel, stride, _ in LAYERS_OF_LARGE:
        size = (size - 1) * stride + kernel
        wrong.append(size)
    assert wrong == [7, 15, 17]
    right = [explain(LARGE, name).of("receptive_field")[0].result for name in ("conv1", "pool1", "conv2")]
    assert right == [7, 11, 19]
    assert right[-1] == len(pixels_that_change(unit=20, pixels=100))
    on_both_pages(1, str(wrong[-1]), str(right[-1]))


def test_1_a_pooling_is_4_and_not_6():
    assert (3 - 1) * 2 + 2 == 6
    assert explain(SMALL, "pool1").of("receptive_field")[0].result == 4


def pixels_that_change(unit, pixels):
    """Return the pixels of a row that change one unit, found by trying each; maxima are of positive numbers."""

    def response(row):
        for number, (kernel, stride, padding) in enumerate(LAYERS_OF_LARGE):
            padded = [0.0] * padding + row + [0.0] * padding
            combine = max if number == 1 else sum
            row = [combine(padded[at : at + kernel]) for at in range(0, len(padded) - kernel + 1, stride)]
        return row[unit]

    before = response([1.0] * pixels)
    changed = []
    for pixel in range(pixels):
        row = [1.0] * pixels
        row[pixel] += 1000.0
        if response(row) != before:
            changed.append(pixel)
    assert changed == list(range(changed[0], changed[-1] + 1))
    return changed


def test_2_the_output_size_is_rounded_down():
    wrong = ceil((100 - 3 + 2 * 1) / 2) + 1
    (_, right, _) = facts(L.Conv2d(10, 3, stride=2, padding=1), ((3, 100, 100),)).output_shape
    on_both_pages(2, str(wrong), str(right))


def test_3_additions():
    singles = 50 * 50 * 10 * 3
    wrong = singles * 3
    right = facts(L.Conv2d(10, 3, stride=2, padding=1), ((3, 100, 100),)).operations.additions
    assert right == singles * (3 * 3 + 1 - 1)
    on_both_pages(3, f"{wrong:,}", f"{right:,}")


def test_4_the_maximum_of_a_window():
    right = forward(L.MaxPool2d(2), (MAP[:, :, 2:, :2],), {}, Context()).item()
    assert 6 not in MAP[:, :, 2:, :2]
    on_both_pages(4, "6", f"{right:g}")


def test_5_the_sign_in_prelu():
    def wrong(x):
        return max(0, x) - 0.25 * x

    x = np.array([[-2.0, 2.0]])
    right = forward(L.PReLU(), (x,), {"weight": np.array([0.25])}, Context())
    assert right.tolist() == [[-0.5, 2.0]]
    assert [wrong(-2), wrong(2)] == [0.5, 1.5]
    on_both_pages(5, f"{wrong(-2):g}", f"{right[0, 0]:g}".replace("-", "−"))


def test_6_stride_1_gives_3_by_3():
    by_one = forward(L.MaxPool2d(2, 1), (MAP,), {}, Context())[0, 0]
    by_two = forward(L.MaxPool2d(2, 2), (MAP,), {}, Context())[0, 0]
    assert by_one.tolist() == [[5, 5, 6], [5, 6, 7], [7, 7, 8]]
    assert by_two.tolist() == [[5, 6], [7, 8]]
    on_both_pages(6, "2×2", "3×3")
    for page in PAGES:
        assert "5 5 6 / 5 6 7 / 7 7 8" in page.read_text("utf-8")


def test_7_explicit_padding_sets_the_start():
    layers = [
        ("conv1", L.Conv2d(64, 11, stride=4, padding=2)),
        ("pool1", L.MaxPool2d(3, 2)),
        ("conv2", L.Conv2d(192, 5, padding=2)),
        ("pool2", L.MaxPool2d(3, 2)),
        ("conv3", L.Conv2d(384, 3, padding=1)),
        ("conv4", L.Conv2d(256, 3, padding=1)),
        ("conv5", L.Conv2d(256, 3, padding=1)),
        ("pool5", L.MaxPool2d(3, 2)),
    ]
    n, jump, wrong = 224, 1, Fraction(1, 2)
    for _, layer in layers:
        ((kernel, _),), ((stride, _),) = [layer.kernel_size], [layer.stride]
        n_out = (n + 2 * layer.padding[0][0] - kernel) // stride + 1
        derived = (n_out - 1) * stride - n + kernel
        wrong += (Fraction(kernel - 1, 2) - derived // 2) * jump
        n, jump = n_out, jump * stride
    network = chain((3, 224, 224), *layers)
    (center,) = explain(network, "pool5", at=(0, 0)).of("center")
    assert center.result == network.field("pool5", (0, 0)).center[0]
    on_both_pages(7, str(float(wrong)), str(float(center.result)))


def test_8_indices_are_divided_without_rest():
    row = int(Folded(n=3, inner=3, length=9).span(np.array([5]))[0][0])
    assert row == 5 // 3
    assert Window(size=2, stride=2).span(np.array([row]))[0][0] == 2
    on_both_pages(8, f"{5 / 3:.3f}", str(row))


def test_9_the_last_kernel_is_only_the_first_step():
    steps = explain(EXERCISE, "conv2").of("receptive_field_backward")[0].steps
    assert [step.value for step in steps] == [1, 3, 6, 13, 13]
    on_both_pages(9, str(steps[1].value), str(steps[-1].value))


def test_10_extent_is_not_coverage():
    layers = [(f"conv{number}", L.Conv2d(2, 3, dilation=2)) for number in (1, 2, 3)]
    network = chain((2, 20, 23), *layers)
    touched = {a + b + c for a in (0, 2, 4) for b in (0, 2, 4) for c in (0, 2, 4)}
    region = network.field("conv3", (1, 2))
    assert int(region.mask.sum()) == len(touched) ** 2 == 49
    (extent,) = explain(network, "conv3").of("receptive_field")
    assert region.size == (extent.result, extent.result)
    on_both_pages(10, str(extent.result), str(len(touched)))


def test_11_the_length_of_a_flattened_map():
    wrong, right = 14 * 16 * 32, facts(L.Flatten(), ((32, 14, 14),)).elements
    assert facts(L.Linear(128), ((wrong,),)).params == 917_632
    assert facts(L.Linear(128), ((right,),)).params == 802_944
    on_both_pages(11, str(wrong), str(right))


def test_12_parameters_need_the_input_channels():
    wrong = 3 * 3 * 10 + 10
    right = facts(L.Conv2d(10, 3), ((3, 9, 11),)).params
    on_both_pages(12, str(wrong), str(right))
