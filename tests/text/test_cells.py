import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.text.table import align, hang, pad, shorten, width_of, wrap


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("conv1", 5), ("96×55", 5), ("卷积", 4), ("ｗ", 2), ("é", 1), ("e\u0301", 1), ("≥1", 2)],
)
def test_width_in_cells(text, width):
    """Chinese and full-width signs take two cells, combining marks none."""
    assert width_of(text) == width


@given(st.text(alphabet="ab卷积é×", max_size=30), st.integers(1, 40))
def test_shortened_text_fits_and_keeps_both_ends(text, width):
    """It never takes more cells than allowed; what fits is left alone."""
    short = shorten(text, width)
    assert width_of(short) <= width
    if width_of(text) <= width:
        assert short == text
    else:
        assert short.count("…") == 1
        head, tail = short.split("…")
        assert text.startswith(head)
        assert text.endswith(tail)


@given(st.text(alphabet="ab卷积é×", max_size=30), st.integers(1, 40), st.booleans())
def test_padding_fills_up_to_the_width(text, width, right):
    """And never cuts."""
    padded = pad(text, width, right)
    assert width_of(padded) == max(width, width_of(text))
    assert padded.strip() == text.strip()


def test_names_lose_their_middle():
    """Beginnings and ends tell layers apart."""
    assert shorten("layer3.22.downsample.conv", 15) == "layer3.…le.conv"
    assert shorten("卷积层一二三四五", 8) == "卷积…五"


def test_wrapped_lines_are_indented():
    """Later lines stand two cells further in."""
    assert wrap("one two three four five six", 20) == ["one two three four", "  five six"]
    assert wrap("", 20) == [""]


def test_hanging_lines():
    """All lines are indented, the later ones more if wanted."""
    assert hang("one two three four five six", 24, 4) == ["    one two three four", "    five six"]
    assert hang("one two three four five six", 24, 4, 6) == ["    one two three four", "      five six"]


def test_chinese_is_wrapped_between_characters():
    """No line is wider than the terminal, or begins with closing punctuation; names stay whole."""
    text = "内存：参数占 241 KiB；激活内存峰值：推理 36.75 KiB，训练 58.19 KiB；见 layer4.2.downsample。"
    for width in range(26, 100):
        lines = hang(text, width, 2, 4)
        assert all(width_of(line) <= width for line in lines)
        assert not any(line.lstrip()[0] in "，。：；" for line in lines)
        assert sum("layer4.2.downsample" in line for line in lines) == 1
        assert "".join("".join(lines).split()) == "".join(text.split())


def test_columns_are_aligned_in_cells():
    rows = [["卷积", "448", "→"], ["dense1", "7,712", ""]]
    assert align(rows, right={1}) == ["卷积      448  →", "dense1  7,712"]
    assert align([], right={1}) == []
