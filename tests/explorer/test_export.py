"""A page in one file: opened from the disk, without a network, it shows what Python computes."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
from random import Random
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope import layers as L
from convscope.analysis.diagnosis.input_size import smallest_sizes
from convscope.cli import main
from convscope.explorer.export import Start, export_page, run_to_end
from convscope.explorer.recording import middle_of
from convscope.explorer.session import SAMPLE, SAMPLE_MODEL, Session
from convscope.model import Model
from convscope.network import Entry, Network
from explorer.conftest import Faults
from explorer.test_page import plain, settle, value


def every_rule() -> Network:
    """A network with a layer for every rule of the page's arithmetic, all sizes different."""
    return Network(
        [
            Entry("input", L.Input((3, 23, 29))),
            Entry(
                "reflect", L.Conv2d(4, (3, 5), stride=(2, 1), padding=(1, 2), padding_mode="reflect"), ("input",)
            ),
            Entry("norm", L.BatchNorm2d(), ("reflect",)),
            Entry("leaky", L.LeakyReLU(0.2), ("norm",)),
            Entry("groups", L.Conv2d(4, 3, padding=2, dilation=2, groups=2), ("leaky",)),
            Entry("relu", L.ReLU(), ("groups",)),
            Entry("add", L.Add(), ("leaky", "relu")),
            Entry("join", L.Concat(), ("add", "norm")),
            Entry("max", L.MaxPool2d(3, stride=2, padding=1), ("join",)),
            Entry("mean", L.AvgPool2d(2, stride=2, padding=1, count_include_pad=False), ("max",)),
            Entry("drop", L.Dropout(0.5), ("mean",)),
            Entry("bins", L.AdaptiveAvgPool2d((3, 2)), ("drop",)),
            Entry("flat", L.Flatten(), ("bins",)),
            Entry("dense", L.Linear(5), ("flat",)),
            Entry("soft", L.Softmax(), ("dense",)),
        ],
        "every rule",
    )


def exported(model: Model, path, fragment: str = "", **options):
    """Write a model's page, and return the model."""
    session = Session()
    shown = session.add_network(model.network, model.network.name, model)
    page = run_to_end(lambda: export_page(session, shown, [SAMPLE], Start(fragment), **options))
    path.write_text(page.html, encoding="utf-8")
    return session, page


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "rules.html"
    session, _ = exported(Model(every_rule(), seed=4, precision="strict"), path, "#s=1&l=groups&u=2,3,4&q=sum")
    return path, session


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "digits.html"
    session, _ = exported(cs.load_model(SAMPLE_MODEL), path, "#s=1&m=lenet&l=conv2&u=3,2,1&q=region")
    return path, session


@pytest.fixture
def open_file(browser):
    """Return a function that opens a file without a network; no test may leave an error or make a request."""
    contexts, faults = [], Faults()

    def open_one(path, fragment: str = ""):
        context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        address = path.as_uri()
        page.on("console", lambda message: message.type == "error" and faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.split("#")[0] == address
                or request.url.startswith(("data:", "blob:"))
                or faults.append(f"request to {request.url[:100]}")
            ),
        )
        page.goto(address + fragment)
        page.wait_for_selector("body[data-state=ready]")
        page.wait_for_selector("#inspector .content[data-state=ready]")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []


def inputs_of(session):
    return session.pixels(session.first, SAMPLE)


def test_a_file_shows_the_pinned_unit(digits, open_file):
    path, session = digits
    page = open_file(path)
    region = session.first.network.field("conv2", (2, 1))
    assert value(page, "box") == list(region.box)
    assert value(page, "coverage") == region.coverage
    assert page.query_selector("[data-view=editor]") is None
    assert page.query_selector("[data-q=export]") is None
    page.click("[data-tab=sum]")
    page.wait_for_selector("[data-q=exact_sum]")
    terms = session.first.model.unit_terms(inputs_of(session), "conv2", (3, 2, 1))
    assert value(page, "exact_sum") == terms.sum
    page.click("[data-tab=gradient]")
    page.wait_for_selector("[data-q=gradient]")
    best = int(session.first.model.logits(inputs_of(session)[None])[0].argmax())
    trace = session.first.model.trace(inputs_of(session)[None], best)
    assert value(page, "gradient") == float(trace["conv2"].gradient[0, 3, 2, 1])


@pytest.mark.parametrize("at", [(0, 0), (0, 9), (9, 0), (9, 9), (4, 7)])
def test_a_file_shows_the_region_of_every_unit(digits, open_file, at):
    path, session = digits
    page = open_file(path, f"#s=1&l=conv2&u=5,{at[0]},{at[1]}&q=region")
    region = session.first.network.field("conv2", at)
    assert value(page, "box") == list(region.box)
    assert value(page, "clipped") == list(region.clipped)
    assert value(page, "size") == list(region.size)
    assert value(page, "center") == list(region.center)
    assert value(page, "padded") == region.padded_fraction
    canvas = page.wait_for_selector("canvas.pixels[data-box]")
    assert canvas.get_attribute("data-box") == ",".join(map(str, region.box))


ASK = """async (units) => {
  const { loadUnit, unitAt } = await import("cs/data");
  const { state } = await import("cs/store");
  const found = [];
  for (const [layer, at] of units) {
    const { arrays, shapes, document } = await loadUnit(state.image, unitAt(layer, at), null);
    found.push({ ...document, inputs: [...arrays.inputs], weights: [...arrays.weights],
      products: [...arrays.products], sourceNumbers: [...arrays.sources], indices: [...arrays.indices] });
  }
  return found;
}"""


def test_sums_in_a_file_are_those_of_the_library(rules, open_file):
    path, session = rules
    network, model = session.first.network, session.first.model
    random = Random(6)
    units = [
        (node.name, [random.randrange(n) for n in node.output_shape])
        for node in network.layers
        if node.name != "soft"
        for _ in range(12)
    ]
    corners = [(node.name, [0] * len(node.output_shape)) for node in network.layers if node.name != "soft"]
    found = open_file(path).evaluate(ASK, units + corners)
    values = model.activations(inputs_of(session)[None])
    for (layer, at), answer in zip(units + corners, found, strict=True):
        terms = model.unit_terms(inputs_of(session), layer, at)
        size = sum(abs(term.product) for term in terms.terms) + abs(terms.bias)
        assert answer["value"] == float(values[layer][(0, *at)]), layer
        assert answer["form"] == terms.form, layer
        assert [answer["inputs"], answer["weights"]] == [
            [term.input for term in terms.terms],
            pytest.approx([term.weight for term in terms.terms], rel=1e-15),
        ], layer
        assert answer["indices"] == [i for term in terms.terms for i in term.index], layer
        assert [answer["sources"][one] for one in answer["sourceNumbers"]] == [t.source for t in terms.terms], (
            layer
        )
        assert abs(sum(answer["products"]) + answer["bias"] - terms.sum) <= 1e-12 * size, layer
        assert abs(answer["sum"] - terms.sum) <= 1e-12 * size, layer
        assert abs(answer["value"] - answer["sum"]) <= 1e-5 * size, layer
        assert answer["padding"] == terms.padding, layer
        scalars = {name: fact for name, fact in terms.facts.items() if np.ndim(fact) == 0}
        assert answer["facts"] == pytest.approx(scalars, rel=1e-15), layer


def test_maps_in_a_file_are_the_outputs(rules, open_file):
    path, session = rules
    page = open_file(path, "#s=1&l=groups&u=1,2,3&v=maps")
    found = page.evaluate(
        """async () => {
          const { loadMaps } = await import("cs/data");
          const { state } = await import("cs/store");
          const { arrays, document } = await loadMaps(state.image, "groups", 0);
          return { maps: [...arrays.maps], about: document };
        }"""
    )
    output = session.first.model.activations(inputs_of(session)[None])["groups"][0]
    assert found["maps"] == output.ravel().tolist()
    assert found["about"]["range"] == [float(output.min()), float(output.max())]


ANSWERS = """async ([network, image]) => {
  const { getArrays, getJson } = await import("cs/wire");
  const values = (found) => Object.fromEntries(Object.entries(found.arrays).map(([name, one]) => [name, [...one]]));
  const at = `/api/values/${network}/${image}`;
  const kernels = {};
  for (const layer of ["reflect", "groups"]) {
    const found = await getArrays(`/api/networks/${network}/kernels`, { layer, channel: 3 });
    kernels[layer] = { ...values(found), shapes: found.shapes, about: found.document };
  }
  const none = await getArrays(`/api/networks/${network}/kernels`, { layer: "relu", channel: 1 });
  return {
    maps: values(await getArrays(`${at}/maps`, { layer: "groups", channels: [3, 1] })).maps,
    channels: await getArrays(`${at}/channels`, { layer: "relu" }).then((one) => ({ ...values(one), ...one.document })),
    histogram: await getJson(`${at}/histogram`, { layer: "leaky" }),
    kernels, none: none.document.channels,
    transposed: await getArrays(`/api/networks/${network}/kernels`, { layer: "up", channel: 3 }).catch((error) => error.code),
  };
}"""


def test_the_maps_view_of_a_file_has_the_answers_of_the_server(tmp_path, open_file):
    network = Network(
        [
            *list(every_rule().entries)[:6],
            Entry("up", L.ConvTranspose2d(6, (2, 3), stride=2, groups=2), ("relu",)),
            Entry("late", L.ReLU(), ("up",)),
        ],
        "maps",
    )
    path = tmp_path / "page.html"
    session, _ = exported(Model(network, seed=3), path)
    page = open_file(path, "#s=1&l=groups&u=1,2,3&v=maps")
    page.wait_for_selector("#stage .content[data-state=ready] .big")
    assert page.locator("#stage [data-q=kernel]").count() == 2
    found = page.evaluate(ANSWERS, [session.first.id, SAMPLE.id])
    model = session.first.model
    outputs = model.activations(inputs_of(session)[None])
    assert found["maps"] == outputs["groups"][0][[3, 1]].ravel().tolist()
    relu = outputs["relu"][0].reshape(4, -1).astype(np.float64)
    assert found["channels"]["low"] == relu.min(axis=1).tolist()
    assert found["channels"]["high"] == relu.max(axis=1).tolist()
    assert found["channels"]["strength"] == pytest.approx(np.abs(relu).mean(axis=1), rel=1e-12)
    assert found["channels"]["dead"] == np.flatnonzero(~relu.any(axis=1)).tolist()
    counts, edges = np.histogram(outputs["leaky"][0].astype(np.float64), 48)
    assert found["histogram"]["counts"] == counts.tolist()
    assert found["histogram"]["edges"] == edges.tolist()
    for name, first in (("reflect", 0), ("groups", 2)):
        one, weight = found["kernels"][name], model.parameters[f"{name}.weight"]
        assert one["kernels"] == weight[3].ravel().tolist(), name
        assert one["shapes"]["kernels"] == list(weight[3].shape)
        assert one["about"]["channels"] == len(weight[3])
        assert one["about"]["first"] == first
        assert one["about"]["range"] == [float(weight.min()), float(weight.max())]
    assert found["none"] == 0
    assert found["transposed"] == "not-recorded"


def test_a_file_shows_fields_of_its_pinned_unit(digits, open_file):
    path, session = digits
    page = open_file(path, "#s=1&l=conv2&u=0,2,1&v=field&q=region")
    page.wait_for_selector("#stage .content[data-state=ready]")
    smallest = page.get_attribute("[data-q=smallest_size]", "data-v")
    assert int(smallest) == max(smallest_sizes(session.first.network))


def test_a_file_does_not_say_where_things_were_on_the_disk(tmp_path):
    folder = tmp_path / "private folder"
    folder.mkdir()
    model = Model(Network([Entry("input", L.Input((1, 9, 9))), Entry("conv", L.Conv2d(2, 3), ("input",))], "own"))
    model.save(str(folder / "mine.safetensors"))
    image = folder / "seven.png"
    Image.fromarray(np.arange(81, dtype=np.uint8).reshape(9, 9)).save(image)
    written = tmp_path / "page.html"
    source = str(folder / "mine.safetensors")
    assert main(["explore", source, "--image", str(image), "--compare", source, "--export", str(written)]) == 0
    text = written.read_text(encoding="utf-8")
    chunks = re.findall(r'data-chunk="\d+">([^<]*)<', text)
    whole = text.encode() + b"".join(gzip.decompress(base64.b64decode(one)) for one in chunks)
    assert b"seven" in whole
    assert b"mine.safetensors" in whole
    assert b"private folder" not in whole
    assert str(tmp_path).encode() not in whole


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_derivations_in_a_file_are_those_of_explain(digits, open_file, lang):
    path, session = digits
    page = open_file(path, f"#s=1&l=conv2&u=0,2,1&q=derive&lang={lang}")
    explanation = cs.explain(session.first.network, "conv2", (2, 1))
    for one in explanation:
        page.select_option("#inspector select", one.quantity)
        page.wait_for_selector(f".derivation[data-quantity='{one.quantity}']")
        settle(page)
        shown = page.eval_on_selector(".derivation", "one => one.textContent")
        text = explanation.only(one.quantity).html(lang, fragment=True)
        assert "".join(shown.split()) == "".join(plain(text).split()), one.quantity


def test_what_a_file_lacks_is_named(rules, open_file):
    page = open_file(rules[0], "#s=1&l=soft&u=0,0,1&q=sum")
    assert "not in the file" in page.text_content("#inspector .content")
    page.click("[data-q=lang]")
    page.wait_for_function("() => document.querySelector('#inspector .content').textContent.includes('文件')")


def test_a_small_file_leaves_values_out(tmp_path, open_file):
    path = tmp_path / "small.html"
    network = cs.load(
        "input 3x64x62 | a: conv 24 3 | b: conv 24 3 | c: conv 96 3 s2 | globalavgpool | flatten | dense 10"
    )
    _, page = exported(Model(network, seed=1), path, "#s=1&l=b&u=1,2,3&q=sum", most_bytes=2_050_000)
    assert len(page.html) <= 2_050_000
    assert page.left_out
    assert "b" not in page.left_out
    shown = open_file(path, "#s=1&l=b&u=1,7,3&q=sum&v=maps")
    assert value(shown, "term_count") == 216


def scripts(html: str) -> dict[str, str]:
    """Return the modules of a file by name."""
    modules = json.loads(re.search(r'<script type="importmap">(.*?)</script>', html, re.DOTALL)[1])["imports"]
    return {name: unquote(address.partition(",")[2]) for name, address in modules.items()}


def index_of(html: str) -> dict:
    text = re.search(r'data-chunk="0">([^<]*)<', html)[1]
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_a_file_has_no_addresses_and_no_markup_from_names(digits):
    html = digits[0].read_text(encoding="utf-8")
    allowed = {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}
    assert set(re.findall(r"https?:[^\s\"'%]*", html)) <= allowed
    for name, text in scripts(html).items():
        assert set(re.findall(r"https?://[^\s\"']+", text)) <= allowed, name
    assert set(re.findall(r"https?://[^\s\"'\\]+", json.dumps(index_of(html)))) <= allowed
    assert len(html.encode()) <= 5_000_000


def test_the_policy_has_the_digests_of_the_scripts(digits):
    from hashlib import sha256

    html = digits[0].read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
    inline = re.findall(r'<script type="(?:importmap|module)">(.*?)</script>', html, re.DOTALL)
    assert len(inline) == 2
    for text in (*inline, re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]):
        assert f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_hostile_names_in_a_file_stay_text(tmp_path, open_file):
    bad = "</script><script>alert(1)</script><img/src/onerror>"
    network = Network(
        [
            Entry("input", L.Input((1, 9, 8))),
            Entry(bad, L.Conv2d(2, 3), ("input",)),
            Entry("__proto__", L.ReLU(), (bad,)),
        ],
        '\u202e</title><img src=x>"' + "n" * 5000,
    )
    model = Model(network, seed=0)
    model.classes = ["<b>", "</script>"]
    path = tmp_path / "hostile.html"
    exported(model, path, '#s=1&l=__proto__&u=1,2,3&q=sum&x="><img src=x>')
    page = open_file(path)
    assert value(page, "term_count") == 1
    assert page.query_selector("img") is None
    assert page.query_selector("#inspector b") is None
    assert bad in page.get_attribute("#strip .box:nth-child(3) button", "title")
    page.click("#inspector .terms .link")
    page.wait_for_function("bad => document.querySelector('#inspector h2').textContent.includes('alert')", arg=bad)


def test_the_same_network_gives_the_same_file(tmp_path):
    model = Model("input 1x8x9 | conv 2 3 | relu | flatten | dense 3", seed=2)
    first, second = (exported(model, tmp_path / f"{i}.html")[1].html for i in range(2))
    assert re.sub(r"[0-9a-f]{16}", "", first.partition("data-chunk")[0]) == re.sub(
        r"[0-9a-f]{16}", "", second.partition("data-chunk")[0]
    )


def test_the_button_downloads_the_file(rules, open_page, open_file, tmp_path):
    from explorer.conftest import running

    with running(rules[1]) as server:
        page = open_page(server, "#s=1&l=groups&u=1,5,6&v=maps&q=sum")
        with page.expect_download() as download:
            page.click("[data-q=export]")
        assert download.value.suggested_filename == "every-rule.html"
        download.value.save_as(tmp_path / "page.html")
    shown = open_file(tmp_path / "page.html")
    terms = rules[1].first.model.unit_terms(inputs_of(rules[1]), "groups", (1, 5, 6))
    assert value(shown, "exact_sum") == terms.sum


def test_the_command_writes_a_page(tmp_path, capsys, open_file):
    path = tmp_path / "page.html"
    text = "input 1x12x11 | conv 3 3 | relu | flatten | dense 4"
    assert (
        main(["explore", text, "--export", str(path), "--start", "#l=conv1&u=2,1,3&q=region&hide=predict,sum"])
        == 0
    )
    assert "page.html" in capsys.readouterr().err
    page = open_file(path)
    assert value(page, "box") == list(cs.load(text).field("conv1", (1, 3)).box)
    for name in ("[data-view=predict]", "[data-tab=sum]"):
        assert page.query_selector(name) is None
    assert main(["export", text, str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").stat().st_size > 100_000
    assert main(["explore", text, "--export", str(tmp_path / "page.pdf")]) == 2
    assert "[export-ending]" in capsys.readouterr().err
    assert main(["explore", text, "--export", str(tmp_path / "none" / "page.html")]) == 2
    assert "[save]" in capsys.readouterr().err


def test_a_notebook_shows_the_page(tmp_path, open_file):
    model = Model("input 1x12x11 | conv 3 3 | relu | flatten | dense 4", seed=3)
    image = np.random.default_rng(1).random((1, 12, 11), np.float32)
    page = cs.explore(model, image, layer="conv1", at=(2, 1, 3))
    frame = tmp_path / "notebook.html"
    frame.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{page._repr_html_()}", encoding="utf-8")
    page.save(tmp_path / "saved.html")
    saved = open_file(tmp_path / "saved.html", "#s=1&l=conv1&u=1,4,5&q=sum")
    terms = model.unit_terms(image, "conv1", (1, 4, 5))
    assert value(saved, "exact_sum") == pytest.approx(terms.sum, rel=1e-12)
    with pytest.raises(cs.ConvscopeError, match="explore-image"):
        cs.explore(model, np.zeros((1, 5, 5), np.float32))
    with pytest.raises(cs.ConvscopeError, match="layer-name"):
        cs.explore(model, image, layer="conv9")


def test_a_notebook_frame_is_sandboxed_and_shows_the_unit(tmp_path, browser):
    model = Model("input 1x12x11 | conv 3 3 | relu | flatten | dense 4", seed=3)
    page = cs.explore(model, None, layer="conv1", at=(2, 1, 3))
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{page._repr_html_()}", encoding="utf-8")
    context = browser.new_context(offline=True)
    shown, faults = context.new_page(), []
    shown.on("console", lambda message: message.type == "error" and faults.append(message.text))
    shown.on("pageerror", lambda error: faults.append(str(error)))
    shown.goto(path.as_uri())
    frame = shown.frame_locator("iframe[sandbox='allow-scripts allow-downloads']")
    box = frame.locator("[data-q=box]")
    assert json.loads(box.get_attribute("data-v")) == list(model.network.field("conv1", (1, 3)).box)
    frame.locator("[data-tab=sum]").click()
    assert float(frame.locator("[data-q=exact_sum]").get_attribute("data-v")) == pytest.approx(
        model.unit_terms(_sample(model), "conv1", (2, 1, 3)).sum
    )
    context.close()
    assert faults == []


def _sample(model: Model):
    session = Session()
    shown = session.add_network(model.network, "sample", model)
    return session.pixels(shown, SAMPLE)


@pytest.mark.skipif(not os.environ.get("CONVSCOPE_BROWSER"), reason="make test-browser: compiles ResNet-50")
def test_a_large_network_fits_into_a_file(tmp_path, open_file):
    path = tmp_path / "resnet50.html"
    session = Session()
    shown = session.add_network(cs.load("resnet50"), "resnet50")
    page = run_to_end(lambda: export_page(session, shown, [SAMPLE], Start("#s=1&l=layer3.2.conv2&u=3,2,1&q=sum")))
    path.write_text(page.html, encoding="utf-8")
    check_large(path, session, open_file)


def check_large(path, session, open_file):
    """Check size, regions, and one unit of every layer of ResNet-50."""
    assert path.stat().st_size <= 25_000_000
    page = open_file(path, "#s=1&l=layer3.2.conv2&u=3,2,1&v=field&q=region")
    shown = session.first
    region = shown.network.field("layer3.2.conv2", (2, 1))
    assert value(page, "box") == list(region.box)
    assert value(page, "padded") == region.padded_fraction
    random = Random(2)
    units = []
    for node in shown.network.layers:
        if len(node.output_shape) == 3 and random.random() < 0.2:
            units.append((node.name, [random.randrange(n) for n in node.output_shape]))
    boxes = page.evaluate(
        """async (units) => {
          const { loadRegion, unitAt } = await import("cs/data");
          const found = [];
          for (const [layer, at] of units) found.push(await loadRegion(unitAt(layer, at), "en"));
          return found;
        }""",
        units,
    )
    for (layer, at), found in zip(units, boxes, strict=True):
        region = shown.network.field(layer, at)
        assert [found["box"], found["clipped"]] == [list(region.box), list(region.clipped)], layer
    kinds = (L.Conv2d, L.Linear, L.MaxPool2d, L.AdaptiveAvgPool2d, L.Add)
    middles = [
        (node.name, list(middle_of(node.output_shape)))
        for node in shown.network.layers
        if isinstance(node.layer, kinds)
    ]
    pinned = [("layer3.2.conv2", [9, 4, 11])]
    for (layer, at), answer in zip(middles + pinned, page.evaluate(ASK, middles + pinned), strict=True):
        terms = session.terms(shown, SAMPLE, layer, at, None)
        size = sum(abs(term.product) for term in terms.terms) + abs(terms.bias)
        assert abs(sum(answer["products"]) + answer["bias"] - terms.sum) <= 1e-12 * size, layer
        assert answer["value"] == terms.value, layer
