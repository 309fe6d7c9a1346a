"""`convscope explain`: which numbers, how wide."""

import pytest


def test_only_one_quantity(convscope):
    ended = convscope("explain", "exercise", "conv2", "--quantity", "params")
    assert ended.code == 0
    assert ended.out.startswith("conv2  Conv2d")
    assert "params = weights + biases" in ended.out
    assert "Receptive field" not in ended.out


def test_an_unknown_quantity(convscope):
    ended = convscope("explain", "exercise", "conv2", "--quantity", "parms")
    assert ended.code == 2
    assert ended.err == ("convscope: 'parms' is not derived here. Did you mean params? [quantity]\n")


def test_lines_fit_the_terminal(convscope):
    ended = convscope("explain", "exercise", "conv2", "--quantity", "receptive_field", width=60)
    assert max(map(len, ended.out.splitlines())) <= 60


def test_whole_numbers_stay_whole_in_figure_settings(convscope, tmp_path):
    ended = convscope("plot", "function", "prelu", "--set", "num_parameters=1", "--save", tmp_path / "f.png")
    assert ended.code == 0, ended.err


@pytest.mark.parametrize(
    ("suffix", "beginning"),
    [(".html", "<!DOCTYPE html>"), (".md", "## conv2\n"), (".tex", "\\documentclass"), (".txt", "conv2  Conv2d")],
)
def test_suffix_of_the_file_decides_the_format(convscope, tmp_path, suffix, beginning):
    path = tmp_path / f"worked{suffix}"
    assert convscope("explain", "exercise", "conv2", "--save", path).code == 0
    assert path.read_text(encoding="utf-8").startswith(beginning)


def test_format_option_goes_before_the_suffix(convscope, tmp_path):
    path = tmp_path / "worked.html"
    assert convscope("explain", "exercise", "conv2", "--save", path, "--format", "text").code == 0
    assert path.read_text(encoding="utf-8").startswith("conv2  Conv2d")


def test_unknown_suffix_is_refused(convscope, tmp_path):
    ended = convscope("explain", "exercise", "conv2", "--save", tmp_path / "worked.pdf")
    assert ended.code == 2
    assert ended.err.startswith(
        "convscope: --save must end in .txt, .md, .markdown, .tex, .html, .htm or .json (got '.pdf'). "
    )
    assert not (tmp_path / "worked.pdf").exists()
