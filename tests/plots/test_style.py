"""Letters, languages, and saving."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from importlib import import_module

import pytest

import convscope
from convscope import images, plots
from convscope.derivations.derivation import Text
from convscope.errors import BadFile, BadSetting, MissingExtra
from convscope.plots import style


@pytest.fixture
def no_chinese(monkeypatch):
    monkeypatch.setattr(style, "CHINESE_FONTS", ())
    monkeypatch.setattr(style, "findSystemFonts", list)
    style._warn_no_chinese_font.cache_clear()


@pytest.fixture
def some_chinese(monkeypatch):
    """Let an installed font stand for a Chinese one: it decides the language, its signs do not matter here."""
    monkeypatch.setattr(style, "CHINESE_FONTS", ("DejaVu Serif",))


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(BadFile) as caught:
        plots.save(style.new_figure(), "growth.pdf")
    assert str(caught.value) == ("A figure's file must end in .png or .svg (got 'growth.pdf'). [figure-ending]")


def test_uppercase_suffix_is_accepted(tmp_path):
    plots.save(style.new_figure(1, 1), tmp_path / "FIGURE.PNG")
    assert (tmp_path / "FIGURE.PNG").read_bytes()[:4] == b"\x89PNG"


def test_a_missing_folder_is_one_message(tmp_path):
    with pytest.raises(BadFile, match=r"Cannot write .* Choose an existing folder .* \[save\]$"):
        plots.save(style.new_figure(1, 1), tmp_path / "none" / "a.png")


def test_unknown_languages_are_refused():
    with pytest.raises(BadSetting) as caught:
        plots.activations(lang="fr")
    assert str(caught.value) == ('Figure.lang must be "en" or "zh" (got \'fr\'). [figure-language]')


def test_missing_chinese_font_falls_back_to_english_with_one_warning(no_chinese, capsys):
    """The figure is drawn all the same, and stderr gets one line for the whole run."""
    first = plots.pooling_growth(lang="zh")
    plots.pooling_growth(lang="zh")
    assert [text.get_text() for text in first.texts] == [
        "Max pooling enlarges the receptive field of the next convolution"
    ]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "convscope: no font with Chinese characters is installed, so figures are labeled in English. "
        "Install one, such as Noto Sans CJK SC.\n"
    )


def test_installed_chinese_font_is_used(some_chinese, capsys):
    text = style.letters("zh")
    assert text.lang == "zh"
    assert text.families == ("DejaVu Sans", "DejaVu Serif")
    assert capsys.readouterr().err == ""


@pytest.fixture
def installed_since(monkeypatch, tmp_path):
    """Take a font out of matplotlib's list, as if it had been installed later; a damaged one is there too."""
    manager = style.fontManager
    there = [font for font in manager.ttflist if font.name == "DejaVu Serif"]
    monkeypatch.setattr(manager, "ttflist", [font for font in manager.ttflist if font.name != "DejaVu Serif"])
    monkeypatch.setattr(style, "CHINESE_FONTS", ("DejaVu Serif",))
    (tmp_path / "damaged.ttf").write_text("no font")
    found = [str(tmp_path / "damaged.ttf"), *{font.fname for font in there}]
    monkeypatch.setattr(style, "findSystemFonts", lambda: found)
    for known in (style._add_new_fonts, style._warn_no_chinese_font, style._has_bold):
        known.cache_clear()
    yield
    for known in (style._add_new_fonts, style._has_bold):
        known.cache_clear()


def test_a_font_installed_since_matplotlib_made_its_list_is_found(installed_since, capsys):
    assert style.letters("zh").families == ("DejaVu Sans", "DejaVu Serif")
    assert capsys.readouterr().err == ""


def test_font_of_one_weight_gives_no_warning(monkeypatch, caplog):
    manager = style.fontManager
    medium = [
        replace(font, weight=500) if font.name == "DejaVu Serif" else font
        for font in manager.ttflist
        if font.name != "DejaVu Serif" or (font.weight == 400 and font.style == "normal")
    ]
    monkeypatch.setattr(manager, "ttflist", medium)
    monkeypatch.setattr(style, "CHINESE_FONTS", ("DejaVu Serif",))
    style._has_bold.cache_clear()
    manager._findfont_cached.cache_clear()
    assert (
        style.letters("zh").font(bold=True)["fontweight"] == "normal"
    )  # beside a bold Latin word it would look thin
    assert style.letters("en").font(bold=True)["fontweight"] == "bold"
    for lang in ("zh", "en"):
        plots.pooling_growth(lang).savefig(io.BytesIO())
    manager._findfont_cached.cache_clear()
    style._has_bold.cache_clear()
    assert not caplog.records


def test_every_figure_has_its_words_in_chinese(monkeypatch, some_chinese):
    """With every sign taken as drawable, no English word of ours is left in the Chinese figures."""
    monkeypatch.setattr(style.Letters, "drawable", lambda self, text: text)
    titles = [
        plots.pooling_growth("zh").texts[0].get_text(),
        plots.activations("zh").texts[0].get_text(),
        plots.convolution_maps(images.sample_image((3, 20, 30)), "zh").texts[0].get_text(),
    ]
    assert titles == [
        "最大池化扩大下一层卷积的感受野",
        "阴影：斜率低于最大值的 5%，几乎没有梯度传回。",
        "一层：每个卷积核得到一张特征图",
    ]


def test_characters_without_a_glyph_become_boxes(no_chinese):
    """A layer may be called anything; a missing sign is a box, never matplotlib's warning."""
    assert style.letters().drawable("层1→p²") == "□1→p²"
    assert style.letters().translate(Text("{name}!", "{name}！"), name="层") == "□!"


def test_missing_matplotlib_names_the_install_command(monkeypatch):
    """Importing the figures tells what to install."""
    for name in [name for name in sys.modules if name.startswith(("matplotlib", "convscope.plots"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delattr(convscope, "plots", raising=False)
    with pytest.raises(MissingExtra) as caught:
        import_module("convscope.plots")
    assert str(caught.value) == (
        "Figures need matplotlib, which is not installed. Run `pip install matplotlib pillow`. [plot-extra]"
    )
