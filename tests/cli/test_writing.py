"""convert, explain, plot: what is written to files."""

import os
import stat

import pytest

from convscope.loading import load


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "unet"])
@pytest.mark.parametrize("ending", [".yaml", ".txt"])
def test_a_converted_network_is_the_same(convscope, tmp_path, name, ending):
    """What is written reads back as the same network."""
    path = tmp_path / f"out{ending}"
    ended = convscope("convert", name, path)
    assert ended == (0, "", f"saved {path}\n")
    text = path.read_text(encoding="utf-8")
    assert load(str(path) if ending == ".yaml" else text) == load(name)


def test_a_dash_prints_notation(convscope):
    """The result goes to stdout alone."""
    ended = convscope("convert", "input 1x28x28 | conv 6 5x3 p2x1 | relu", "-")
    assert ended == (0, "input 1x28x28\nconv 6 5x3 p2x1\nrelu\n", "")


@pytest.mark.parametrize(
    ("form", "beginning"), [("text", "conv2  Conv2d"), ("markdown", "#"), ("latex", "\\"), ("html", "<")]
)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_explain_in_every_form_and_language(convscope, form, beginning, lang):
    """Chinese has the Chinese word for a receptive field, English the English one."""
    ended = convscope("explain", "exercise", "conv2", "--lang", lang, "--format", form)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(beginning)
    assert ("感受野" in ended.out) == (lang == "zh")
    assert ("eceptive field" in ended.out) == (lang == "en")


def test_explain_at_derives_one_unit(convscope):
    """--at chooses the unit whose center is derived: start 6.5, step 4."""
    out = convscope("explain", "exercise", "conv2", "--at", "0,0").out
    assert "6.5 + 0·4 = 6.5" in out


def test_explain_saves_to_a_file(convscope, tmp_path):
    """Nothing goes to stdout then."""
    path = tmp_path / "exercise.html"
    ended = convscope("explain", "exercise", "--format", "html", "--lang", "zh", "--save", path)
    assert ended == (0, "", f"已保存 {path}\n")
    assert "感受野" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        (["activations"], "activations.png"),
        (["function", "leakyrelu", "--set", "negative_slope=0.2"], "leakyrelu.png"),
        (["function", "gelu", "--set", "approximate=tanh"], "gelu.png"),
        (["field", "alexnet"], "alexnet-field.png"),
        (["network", "lenet"], "lenet-network.png"),
        (["edges"], "edges.png"),
        (["pooling", "--lang", "en"], "pooling.png"),
    ],
)
def test_figures_have_a_name_of_their_own(convscope, tmp_path, monkeypatch, arguments, file):
    """Without --save a figure is drawn in the current folder."""
    monkeypatch.chdir(tmp_path)
    ended = convscope("plot", *arguments)
    assert ended == (0, "", f"saved {file}\n")
    assert (tmp_path / file).read_bytes().startswith(b"\x89PNG")


def test_figures_as_svg(convscope, tmp_path):
    """The ending decides."""
    path = tmp_path / "growth.svg"
    assert convscope("plot", "field", "lenet", "--input", "1x32x40", "--save", path).code == 0
    assert "<svg" in path.read_text()


def test_a_file_that_is_replaced_keeps_its_permissions(convscope, tmp_path):
    """And no temporary file is left beside it."""
    path = tmp_path / "net.yaml"
    path.write_text("old")
    path.chmod(0o640)
    assert convscope("convert", "lenet", path).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["net.yaml"]
