import numpy as np
import pytest

from convscope.text.numbers import (
    accuracy_percent,
    clock,
    count,
    decimal,
    memory,
    number,
    per_axis,
    percent,
    short_time,
    times,
    whole_percent,
)


@pytest.mark.parametrize(
    ("value", "exact", "short"),
    [
        (0, "0", "0"),
        (9_999, "9,999", "9,999"),
        (10_000, "10,000", "10 k"),
        (34_944, "34,944", "34.94 k"),
        (105_415_200, "105,415,200", "105.4 M"),
        (999_949, "999,949", "999.9 k"),
        (999_960, "999,960", "1 M"),
        (1_135_256_832, "1,135,256,832", "1.135 G"),
        (-34_944, "-34,944", "-34.94 k"),
    ],
)
def test_counts(value, exact, short):
    """Every digit, or four with an SI prefix."""
    assert count(value) == exact
    assert count(value, exact=False) == short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1_161_600, "1.108 MiB"),
        (1024**2 - 1, "1 MiB"),
        (5 * 1024**3, "5 GiB"),
        (1024**7, "1024 EiB"),
    ],
)
def test_bytes(value, text):
    """The binary unit that leaves a readable number."""
    assert memory(value) == text


def test_positions_and_parts():
    """No needless digits; a tiny part is not called none."""
    assert [decimal(value) for value in (4, 5.5, 1 / 3, 113.0, -0.5)] == ["4", "5.5", "0.333", "113", "-0.5"]
    assert per_axis((4, 4)) == "4"
    assert per_axis((4, 2)) == "4×2"
    assert per_axis((5.5, 3.0), ",") == "5.5,3"
    assert [percent(part) for part in (0, 0.00004, 0.0551, 0.5, 1.0)] == [
        "0 %",
        "< 0.1 %",
        "5.5 %",
        "50 %",
        "100 %",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-2.5, "−2.5"),
        (2 / 3, "0.6667"),
        (-0.16997, "−0.17"),
        (12345.6, "1.235e+04"),
        (1e-7, "1e−07"),
        (12345678, "12345678"),
        (np.int64(-12345678), "−12345678"),
        (float("-inf"), "−∞"),
        (float("nan"), "nan"),
    ],
)
def test_values_have_four_digits_and_a_true_minus(value, text):
    assert number(value) == text


def test_sizes_are_joined_by_a_cross():
    assert times((3, 1_234_567, 5.5, np.float64(2.0))) == "3×1234567×5.5×2"
    assert times(()) == ""


def test_percentages_differ_in_digits():
    assert [accuracy_percent(part) for part in (0, 0.9999, 1)] == ["0.00 %", "99.99 %", "100.00 %"]
    assert [whole_percent(part) for part in (0.004, 0.126, 1)] == ["0 %", "13 %", "100 %"]


def test_durations():
    assert [clock(seconds) for seconds in (0.4, 59.6, 3599, 3675)] == ["0:00", "1:00", "59:59", "1:01:15"]
    assert [short_time(seconds) for seconds in (1.5, 1e-3, 9.99e-4)] == ["1500.00 ms", "1.00 ms", "999.0 µs"]
