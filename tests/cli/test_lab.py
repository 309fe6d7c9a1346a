"""`convscope lab`: own numbers, formats, files, languages, and one message for each bad input."""

import json

import pytest

from cli.refusals import refused, usage
from convscope.lab import list_topics
from convscope.text.table import width_of


def values(convscope, *arguments):
    ended = convscope("lab", *arguments, "--json")
    assert (ended.code, ended.err) == (0, "")
    return json.loads(ended.out)["values"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_topics_are_listed_one_per_line(convscope, lang):
    ended = convscope("lab", "--lang", lang, width=80)
    assert ended.code == 0
    named = [line.split()[0] for line in ended.out.splitlines() if line.startswith("  ")]
    assert named == list(list_topics())


def test_own_numbers(convscope):
    made = values(convscope, "convolution", "--input", "1,2,3/4,5,6/7,8,9", "--kernel", "1,0/0,-1", "--padding", 1)
    assert made["map_1"] == [[-1, -2, -3, 0], [-4, -4, -4, 3], [-7, -4, -4, 6], [0, 7, 8, 9]]
    assert values(convscope, "max-pooling", "--input", "1,9/3,-2.5")["output"] == [[9]]
    assert values(convscope, "relu", "--input=-2.5,1")["y"] == [[0, 1]]
    assert (
        values(convscope, "convolution-1d", "--input", "1,2,3,4,5", "--kernel", "1,0,-1", "--bias", 0)["y"]
        == [-2] * 3
    )
    assert values(convscope, "channels", "--input", "1,2/3,4//5,6/7,8", "--kernel", "1//2")["map_1"] == [
        [11, 14],
        [17, 20],
    ]
    made = values(convscope, "activations", "--input=-2.5,0,3", "--function", "relu", "--function", "leaky-relu")
    assert [row["function"] for row in made["values"]] == ["ReLU", "LeakyReLU"]
    assert made["values"][0]["-2.5"] == 0


def test_own_image_and_kernel(convscope, tmp_path):
    from PIL import Image

    Image.new("L", (9, 7), 255).save(tmp_path / "white.png")
    ended = convscope("lab", "edges", "--image", tmp_path / "white.png", "--kernel", "1,1/1,1", "--json")
    made = json.loads(ended.out)["values"]
    assert made["map_1"] == [[pytest.approx(4)] * 8] * 6


def test_large_image_is_summarized_not_printed(convscope, tmp_path):
    from PIL import Image

    Image.new("L", (200, 150), 255).save(tmp_path / "white.png")
    ended = convscope("lab", "edges", "--image", tmp_path / "white.png", width=80)
    assert "150×200, from 1 to 1, mean 1; the full array is in --json." in " ".join(ended.out.split())
    assert max(map(width_of, ended.out.splitlines())) <= 80


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_figure_is_saved_and_the_lesson_printed(convscope, tmp_path, suffix):
    ended = convscope("lab", "relu", "--save", tmp_path / f"relu{suffix}", "--lang", "zh")
    assert ended.code == 0
    assert ended.out.startswith("逐元素的 ReLU\n")
    content = (tmp_path / f"relu{suffix}").read_bytes()
    assert content.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")


@pytest.mark.parametrize(
    ("suffix", "start"), [(".md", "# Max"), (".tex", r"\documentclass"), (".html", "<!DOCTYPE"), (".txt", "Max")]
)
def test_lesson_is_saved_in_the_format_of_the_suffix(convscope, tmp_path, suffix, start):
    ended = convscope("lab", "max-pooling", "--save", tmp_path / f"pool{suffix}")
    assert (ended.code, ended.out) == (0, "")
    assert (tmp_path / f"pool{suffix}").read_text("utf-8").startswith(start)


def test_format_is_printed(convscope):
    assert convscope("lab", "softmax", "--format", "html").out.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["relu", "--input", "1,2/3"],
            "--input must be a matrix of numbers (got '1,2/3'). Write rows of equal length, such as "
            "0,1,0/1,-4,1/0,1,0. [kernel]",
        ),
        (
            ["relu", "--input", "nan,1"],
            "--input must be a matrix of numbers (got 'nan,1'). Write rows of equal length, such as "
            "0,1,0/1,-4,1/0,1,0. [kernel]",
        ),
        (
            ["softmax", "--input", "a,b"],
            "--input must be numbers separated by commas (got 'a,b'). Example: 2,-1,0.5. [row]",
        ),
        (
            ["channels", "--input", "1,2//3"],
            "--input must be matrices of one shape, one per channel (got '1,2//3'). Separate rows by / and channels "
            "by //, such as 1,2/3,4//5,6/7,8. [maps]",
        ),
        (
            ["convolution", "--input", "1,2/3,4", "--kernel", "1,1,1"],
            "The window must fit into the input with its padding (got a window of 1×3, an input of 2×2, padding 0). "
            "Use a smaller window or more padding. [lab-window-size]",
        ),
        (
            ["convolution", "--kernel", "1,1", "--kernel", "1/1"],
            "kernels must be matrices of one shape (got 1×2, 2×1). Pass each as rows of numbers. [lab-kernels]",
        ),
        (
            ["convolution-1d", "--input", "1,2", "--kernel", "1,2,3"],
            "x and w must both be rows or both be matrices, w no larger than x (got x=2, w=3). Make w smaller. "
            "[lab-correlation]",
        ),
        (
            ["max-pooling", "--size", "5"],
            "The window must fit into the input with its padding (got a window of 5×5, an input of 4×4, padding 0). "
            "Use a smaller window or more padding. [lab-window-size]",
        ),
        (
            ["max-pooling", "--stride", "0"],
            "--stride must be an integer from 1 to 512 (got '0'). Use one of them. [integer]",
        ),
        (
            ["max-pooling", "--padding", "2"],
            "The padding of a pooling must be at most half of its window, 1 (got 2). Use a larger window. "
            "[lab-pool-padding]",
        ),
        (
            ["relu", "--gradient", "1,2"],
            "The gradient must have the shape of the output, 2×3 (got 1×2). Leave it out for ones. [lab-gradient]",
        ),
        (
            ["depth-and-sharing", "--shape", "32x32"],
            "--shape must be channels, rows and columns joined by x (got '32x32'). Example: 3x32x32. [lab-shape]",
        ),
        (
            ["loops-and-matrix", "--shape", "3x200x200"],
            "The lesson takes at most 3,000,000 products, since loops in Python are slow (got 8,468,064). Use a "
            "smaller --shape, fewer --kernels, or a smaller --size. [lab-products]",
        ),
        (
            ["dropout", "--rate", "1"],
            "The rate must be at least 0 and below 1 (got 1.0). 0.5 is usual. [lab-rate]",
        ),
        (["dropout", "--rate", "x"], "--rate must be a number (got 'x'). Example: 0.5. [number]"),
        (
            ["convolution", "--input", "1,1e308"],
            "input must be numbers of a size up to 1e+09 (got 1e+308). Use smaller ones. [lab-magnitude]",
        ),
        (
            ["convolution", "--bias=-1e300"],
            "--bias must be numbers of a size up to 1e+09 (got -1e+300). Use smaller ones. [lab-magnitude]",
        ),
        (
            ["softmax", "--target", "3"],
            "The class must be a number from 0 to 2, and there may be 12 scores (got class 3 of 3). [lab-target]",
        ),
        (
            ["activations", "--function", "rellu"],
            "There is no function 'rellu' in this lesson. Did you mean relu, relu6, prelu? [lab-function]",
        ),
        (
            ["edges", "--input", "1,2/3,4"],
            "image must be a matrix of at least 3×3 gray levels (got image=2×2). Pass one channel, as rows of numbers. "
            "[lab-image]",
        ),
        (
            ["backward", "--model", "input 1x2x2 | flatten"],
            "The network must end in softmax over classes (got Flatten). Append | softmax. [lab-softmax]",
        ),
        (
            ["weight-decay", "--lr", "3"],
            "The learning rate must be above 0, the decay at least 0, and their product at most 1 (got 3.0 and 0.5). "
            "A larger product would change the signs of the weights. [lab-decay]",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_gets_one_message(convscope, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    refused(convscope, "lab", *arguments, message=message)


def test_bad_input_in_chinese(convscope):
    ended = convscope("lab", "max-pooling", "--stride", "x", "--lang", "zh")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "convscope: --stride 必须是 1 到 512 的整数（实际为 'x'）。请使用其中之一。[integer]\n"


def test_wrong_usage(convscope):
    usage(
        convscope,
        "lab",
        "dropot",
        message="There is no topic 'dropot'. Did you mean dropout? [lab-topic]",
        verb="lab",
    )
    usage(
        convscope,
        "lab",
        "relu",
        "--save",
        "relu.pdf",
        message="--save must end in .png, .svg, .txt, .md, .tex or .html (got '.pdf'). Rename the file. [lab-suffix]",
        verb="lab relu",
    )
