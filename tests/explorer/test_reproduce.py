"""Commands and Python that the page offers give what the page shows."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest

import convscope as cs
from convscope.cli import main
from convscope.explorer.session import Session
from convscope.model import Model
from explorer.conftest import running
from explorer.test_page import value

TEXT = "input 3x17x19 | conv 4 3 s2 p1 | relu | conv 6 3 | maxpool 2 | flatten | dense 5"


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A server as the command line opens it: a saved model and an image file."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("it's here")
    path, image = folder / "model.safetensors", folder / "an image.png"
    Model(TEXT, seed=3, task="classification").save(path)
    Image.fromarray(np.random.default_rng(4).integers(0, 255, (17, 19, 3), np.uint8)).save(image)
    session = Session()
    model = cs.load_model(str(path))
    session.add_network(model.network, str(path), model)
    session.add_image(image.name, image.read_bytes(), str(image))
    with running(session) as server:
        yield server, session


def offered(page, name: str) -> str:
    page.click("[data-q=menu]")
    page.click("[data-q=reproduce]")
    page.wait_for_selector("dialog.reproduce[data-state=ready]")
    text = page.get_attribute(f"dialog [data-q={name}]", "data-v")
    page.keyboard.press("Escape")
    return text


def run(command: str, capsys) -> dict:
    words = shlex.split(command)
    assert words[0] == "convscope"
    capsys.readouterr()
    assert main(words[1:]) == 0
    return json.loads(capsys.readouterr().out)


def run_python(text: str):
    """Run lines of Python, and return the value of the last one."""
    *before, last = text.splitlines()
    names: dict = {}
    exec("\n".join(before), names)
    return eval(last, names)


def test_the_region_is_that_of_the_command(opened, open_page, capsys):
    page = open_page(opened[0], "#s=1&l=conv2&u=1,2,3&q=region&v=table")
    for found in (run(offered(page, "command_tab"), capsys), run_python(offered(page, "python_tab"))):
        assert found["box"] == value(page, "box")
        assert found["clipped"] == value(page, "clipped")
        assert found["padded_fraction"] == value(page, "padded")
        assert found["coverage"] == value(page, "coverage")


def test_the_table_is_that_of_the_command(opened, open_page, capsys):
    page = open_page(opened[0], "#s=1&l=conv2&u=1,2,3&q=cost&v=table")
    for found in (run(offered(page, "command_view"), capsys), run_python(offered(page, "python_view"))):
        rows = page.eval_on_selector_all(
            "table.report tbody tr",
            "rows => rows.map(row => [row.dataset.layer, row.querySelector('[data-q=macs]').dataset.v])",
        )
        assert rows == [[one["name"], str(one["macs"])] for one in found["layers"]]
        assert {one["name"]: one["params"] for one in found["layers"]}["conv2"] == json.loads(
            page.get_attribute("#inspector [data-q=params]", "data-v")
        )


@pytest.mark.parametrize("unit", ["conv2&u=1,2,3", "dense1&u=0,0,2"])
@pytest.mark.parametrize(("tab", "names"), [("sum", ("engine_value", "exact_sum")), ("gradient", ("gradient",))])
def test_the_arithmetic_is_that_of_the_command(opened, open_page, capsys, unit, tab, names):
    page = open_page(opened[0], f"#s=1&l={unit}&q={tab}&v=maps&t=2")
    keys = {"engine_value": "value", "exact_sum": "sum", "gradient": "gradient"}
    for found in (run(offered(page, "command_tab"), capsys), run_python(offered(page, "python_tab"))):
        for name in names:
            assert found[keys[name]] == pytest.approx(value(page, name), rel=1e-5, abs=1e-7)
    shown = run(offered(page, "command_view"), capsys)
    assert shown["value"] == pytest.approx(
        float(page.get_attribute(".readout [data-q=value]", "data-v")), rel=1e-5
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_derivation_is_that_of_the_command(opened, open_page, capsys, lang):
    page = open_page(opened[0], f"#s=1&l=conv2&u=1,2,3&q=derive&d=center&v=table&lang={lang}")
    (found,) = run(offered(page, "command_tab") + f" --lang {lang}", capsys)["derivations"]
    assert found["quantity"] == "center"
    explanation = cs.explain(opened[1].first.network, "conv2", (2, 3), quantities=["center"])
    assert found["latex"] == explanation.latex(lang, fragment=True)
    assert run_python(offered(page, "python_tab")) == explanation.text(lang)


def test_the_comparison_is_that_of_the_command(opened, open_page, capsys):
    page = open_page(opened[0], "#s=1&l=conv2&u=1,2,3&q=cost&v=compare&c=lenet")
    page.wait_for_selector("table.compared")
    for found in (run(offered(page, "command_view"), capsys), run_python(offered(page, "python_view"))):
        assert found["totals"]["params"] == value(page, "compared_params")
        changes = page.eval_on_selector_all(
            "table.compared tbody tr", "rows => rows.map(row => row.dataset.change)"
        )
        assert changes == [one["change"] for one in found["layers"]]


def test_the_prediction_is_that_of_the_command(opened, open_page, capsys):
    page = open_page(opened[0], "#s=1&l=conv2&u=1,2,3&q=cost&v=predict")
    shown = float(page.wait_for_selector("[data-q=class_value]").get_attribute("data-v"))
    probabilities = run_python(offered(page, "python_view"))
    assert probabilities.max() == pytest.approx(shown, rel=1e-5)


def test_the_forms_of_the_network_are_its_own(opened, open_page):
    page = open_page(opened[0], "#s=1&l=conv2&u=1,2,3&q=cost&v=field")
    network = opened[1].first.network
    assert cs.compare(cs.parse(offered(page, "notation")), network).same
    assert cs.compare(cs.parse_untrusted(offered(page, "yaml"), form="yaml"), network).same
    text = offered(page, "pytorch")
    assert "cs.to_torch" in text
    assert cs.compare(
        run_python(text.replace("module = ", "")) and cs.parse(offered(page, "notation")), network
    ).same


def test_the_sum_names_its_kernel(open_page):
    session = Session()
    network = cs.load("input 3x32x31 | conv 16 3 same | relu | conv 32 3 same | relu | flatten | dense 4")
    session.add_network(network, "wide", Model(network, seed=0))
    with running(session) as server:
        for layer, unit, algorithm in (
            ("conv1", "1,2,3", "direct"),
            ("conv2", "1,2,3", "winograd"),
            ("dense1", "0,0,2", "gemm"),
        ):
            page = open_page(server, f"#s=1&l={layer}&u={unit}&q=sum&v=table")
            assert value(page, "kernel")["algorithm"] == algorithm
            assert value(page, "difference") == value(page, "engine_value") - value(page, "exact_sum")
