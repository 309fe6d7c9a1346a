"""Every figure is saved as PNG and SVG, of its own size, with no warning."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from PIL import Image

import convscope as cs
from convscope import images, plots

CHAIN = "input 3x31x45 | conv 4 3x5 s2x1 p1 | relu | maxpool 2x3 | conv 6 3 d2 | globalavgpool | flatten | dense 7"


def drawn():
    """Return (how a figure is drawn, its pixels where they do not depend on what is drawn)."""
    network = cs.load(CHAIN)
    image = images.sample_image(network.input_shape)
    region = network.field("conv2", (1, 4))
    return {
        "activations": (plots.activations, (1125, 1025)),
        "activation": (lambda: plots.activation("leakyrelu", negative_slope=0.2), (1280, 680)),
        "field-growth": (lambda: plots.field_growth(network), (1280, 720)),
        "network": (lambda: plots.network_figure(network), None),
        "region": (lambda: plots.region_on_image(region, image), None),
        "maps": (lambda: plots.convolution_maps(image), (1280, 720)),
        "pooling": (plots.pooling_growth, (1160, 800)),
    }


every_figure = pytest.mark.parametrize(
    ("name", "draw", "pixels"), [pytest.param(name, *how, id=name) for name, how in drawn().items()]
)


@every_figure
def test_saved_in_both_formats(tmp_path, name, draw, pixels):
    """The PNG has the figure's inches times its dots per inch, the SVG is well-formed; both show something."""
    figure = draw()
    size = tuple(int(inches * figure.dpi) for inches in figure.get_size_inches())
    assert pixels is None or size == pixels
    plots.save(figure, tmp_path / f"{name}.png")
    plots.save(figure, tmp_path / f"{name}.svg")
    with Image.open(tmp_path / f"{name}.png") as image:
        assert image.format == "PNG"
        assert image.size == size
        assert len(image.convert("RGB").getcolors(1 << 24)) > 10
    root = ElementTree.parse(tmp_path / f"{name}.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 10
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.png", f"{name}.svg"]


@every_figure
def test_all_texts_are_inside_the_figure(name, draw, pixels):
    """Every text lies inside its figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    figure = draw()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent(canvas.get_renderer())
            assert box.x0 >= 0, text
            assert box.y0 >= 0, text
            assert box.x1 <= width, text
            assert box.y1 <= height, text


def test_the_same_figure_is_the_same_file(tmp_path):
    """A PNG holds no date: drawing again changes nothing."""
    for name in ("one.png", "two.png"):
        plots.save(plots.pooling_growth(), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_global_settings_are_unchanged(tmp_path):
    """Drawing changes no setting of matplotlib and never imports pyplot."""
    import subprocess
    import sys

    program = (
        "import sys, matplotlib\n"
        # Asking for the backend would itself choose one.
        "read = lambda: {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != 'backend'}\n"
        "before = read()\n"
        "from convscope import plots\n"
        f"plots.save(plots.activations(), r'{tmp_path}/a.png')\n"
        "assert read() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
