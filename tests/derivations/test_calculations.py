"""Exercises with known answers: sizes, parameters, operations, im2col."""

from __future__ import annotations

import pytest

from convscope import layers as L
from convscope.derivations.family import derivations


def worked(layer, *shapes):
    return {one.quantity: one for one in derivations(layer, shapes)}


def values(derivation, symbol):
    return [step.value for step in derivation.steps if step.symbol == symbol]


def test_output_size_rounds_down():
    size = worked(L.Conv2d(10, 3, stride=2, padding=1), (3, 100, 100))["output_shape"]
    assert size.result == (10, 50, 50)
    assert size.steps[0].substitution == "⌊(100 + 2·1 − 3) / 2⌋ + 1"


def test_ceil_mode_drops_the_window_that_would_start_in_the_padding():
    """Five pixels padded to seven, kernel 2, stride 2: ⌈5/2⌉ + 1 = 4 windows, the last would start at 6 = 5 + 1."""
    size = worked(L.MaxPool2d(2, 2, padding=1, ceil_mode=True), (4, 5, 6))["output_shape"]
    assert values(size, "m_h") == [4]
    assert values(size, "x_h") == [6]
    assert values(size, "h_{out}") == [3]
    assert values(size, "m_w") == [4]
    assert values(size, "x_w") == [6]
    assert values(size, "w_{out}") == [4]


@pytest.mark.parametrize(("kernel", "padding"), [(3, 1), (5, 2), (7, 3)])
def test_same_padding_at_stride_1_is_half_the_kernel(kernel, padding):
    size = worked(L.Conv2d(4, kernel, padding="same"), (3, 19, 19))["output_shape"]
    assert values(size, "p_1") == values(size, "p_2") == [padding]
    assert size.result == (4, 19, 19)


def test_same_puts_the_odd_pixel_at_the_end():
    size = worked(L.Conv2d(4, 4, stride=2, padding="same"), (3, 7, 7))["output_shape"]
    assert values(size, "p") == [3]
    assert values(size, "p_1") == [1]
    assert values(size, "p_2") == [2]
    assert values(size, "h_{out} = w_{out}") == [4, 4]


def test_valid_has_the_form_with_a_ceiling_too():
    size = worked(L.Conv2d(4, 3, stride=2), (3, 10, 10))["output_shape"]
    assert [step.substitution for step in size.steps if step.symbol == "h_{out} = w_{out}"] == [
        "⌊(10 + 2·0 − 3) / 2⌋ + 1",
        "⌈(10 − 3 + 1) / 2⌉",
    ]


def test_rows_and_columns_are_derived_apart_where_they_differ():
    size = worked(L.Conv2d(4, (3, 5), stride=(1, 2), dilation=(2, 1)), (3, 11, 14))["output_shape"]
    assert [(step.symbol, step.value) for step in size.steps] == [
        ("K_h", 5),
        ("h_{out}", 7),
        ("h_{out}", 7),
        ("w_{out}", 5),
        ("w_{out}", 5),
        ("shape", (4, 7, 5)),
    ]


def test_the_operations_of_the_100_by_100_exercise():
    """75,000 convolutions of one channel, 675,000 multiplications, 26 + 1 additions for each of 25,000 outputs."""
    by_quantity = worked(L.Conv2d(10, 3, stride=2, padding=1), (3, 100, 100))
    assert values(by_quantity["multiplications"], "C") == [75_000]
    assert by_quantity["multiplications"].result == 675_000
    assert values(by_quantity["additions"], "A") == [26 + 1]
    assert by_quantity["additions"].steps[1].substitution == "(3·3·3 − 1) + 1"
    assert by_quantity["additions"].result == 675_000


def test_parameters_by_the_textbook():
    assert worked(L.Conv2d(96, 11, stride=4), (3, 227, 227))["params"].result == 11 * 11 * 3 * 96 + 96
    assert worked(L.Linear(128), (7168,))["params"].result == 917_632
    assert worked(L.Embedding(5000, 64), (20,))["params"].result == 5000 * 64


def test_lstm_parameters_in_both_conventions():
    """x = 24, h = 9, projected to 4: the recurrence and the output see 4 numbers."""
    plain = worked(L.LSTM(9, biases="one"), (5, 24))["params"]
    assert plain.result == 4 * ((24 + 9) * 9 + 9)
    assert values(plain, "N_{two}") == [4 * ((24 + 9) * 9 + 2 * 9)]
    projected = worked(L.LSTM(9, proj_size=4), (5, 24))["params"]
    assert projected.result == 4 * ((24 + 4) * 9 + 2 * 9) + 4 * 9


def test_im2col_of_the_first_layer_of_alexnet():
    matrices = worked(L.Conv2d(96, 11, stride=4), (3, 227, 227))["im2col"]
    assert values(matrices, "X_{col}") == [(363, 3025)]
    assert values(matrices, "W_{col}") == [(96, 363)]
    assert values(matrices, "Y_{col}") == [(96, 3025)]
    assert matrices.result == (96, 55, 55)


def test_im2col_of_the_4_by_4_image():
    matrices = worked(L.Conv2d(5, 2), (3, 4, 4))["im2col"]
    assert values(matrices, "X_{col}") == [(12, 9)]
    assert values(matrices, "W_{col}") == [(5, 12)]


def test_im2col_of_groups_shows_one_group():
    matrices = worked(L.Conv2d(6, (2, 3), groups=2), (4, 5, 7))["im2col"]
    assert values(matrices, "X_{col}") == [(4 // 2 * 2 * 3, 4 * 5)]
    assert values(matrices, "W_{col}") == [(3, 12)]


def test_every_convolution_says_that_weights_are_shared():
    notes = worked(L.Conv2d(8, 3), (5, 10, 12))["output_shape"].notes
    assert any(
        "A kernel is as deep as the input channels that it sees: 5." in note.en and "权重共享" in note.zh
        for note in notes
    )


def test_stride_and_padding_are_each_accounted_for():
    """Without padding 49 pixels instead of 50; 100 positions for the window, every second of which is computed."""
    notes = worked(L.Conv2d(10, 3, stride=2, padding=1), (3, 100, 100))["output_shape"].notes
    assert notes[0].en == (
        "Effect of the stride: of the 100 positions where the window fits, one in 2 is computed: "
        "the size shrinks to about 1/2."
    )
    assert notes[1].zh == ("填充的作用：该方向共增加 2 个像素；若不填充，尺寸将是 49 而不是 50。")


def test_padding_and_output_sizes_have_symbols_of_their_own():
    """In every part of one explanation, p is the padding."""
    parts = worked(L.Conv2d(8, (3, 5), stride=2, padding=(1, 2)), (4, 9, 12))
    symbols = {step.symbol for part in parts.values() for step in part.steps}
    assert {"h_{out}", "w_{out}"} <= symbols
    given = {one.symbol: one.meaning.en for part in parts.values() for one in part.given}
    assert given["p_h"] == given["p_w"] == "padding on each side"
    assert not {"p", "q", "P", "P_h"} & (symbols | set(given))
