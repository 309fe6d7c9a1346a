"""Numbers and pixels on the page are those of the library, computed by this process."""

from __future__ import annotations

import json
from random import Random
from urllib.parse import quote

import numpy as np
import pytest

import convscope as cs
from convscope.explorer.session import SAMPLE, Session
from convscope.model import Model
from explorer.conftest import running

TINY = "input 3x17x19 | conv 4 3 s2 p1 | relu | maxpool 3x2 s2 | conv 6 3 p2 d2 | avgpool 2 | flatten | dense 5"


@pytest.fixture(scope="module")
def server():
    session = Session()
    network = cs.load(TINY)
    session.add_network(network, "tiny", Model(network, seed=3, precision="strict"))
    with running(session) as one:
        yield one


@pytest.fixture(scope="module")
def zoo():
    """A server on which networks have no weights, as running large ones takes long."""
    session = Session(most_weights=0)
    session.add_network(cs.load("alexnet"), "alexnet")
    with running(session) as one:
        yield one


def numbers(page, selector: str) -> list:
    """Return the full-precision values of elements, in order."""
    return page.eval_on_selector_all(selector, "list => list.map(one => one.dataset.v)")


def value(page, name: str):
    return json.loads(page.wait_for_selector(f"[data-q='{name}']").get_attribute("data-v"))


def go(page, **keys) -> None:
    """Select by the address, as a shared link does, and wait for the inspector."""
    fragment = "#s=1&" + "&".join(f"{key}={quote(str(one), safe=',')}" for key, one in keys.items())
    page.evaluate("fragment => { location.hash = fragment; }", fragment)
    page.wait_for_function(
        "keys => Object.entries(keys).every(([k, v]) => new URLSearchParams(location.hash.slice(1)).get(k) === v)",
        arg={k: str(v) for k, v in keys.items()},
    )
    settle(page)


def settle(page) -> None:
    page.wait_for_timeout(50)
    page.wait_for_selector("#inspector .content[data-state=ready]")


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "googlenet", "unet"])
def test_the_table_has_the_numbers_of_inspect(zoo, open_page, name):
    page = open_page(zoo, f"#s=1&m={name}&v=table&q=cost")
    page.wait_for_selector("table.report tfoot")
    report = cs.inspect(name)
    rows = page.eval_on_selector_all(
        "table.report tbody tr",
        "rows => rows.map(row => [...row.querySelectorAll('[data-q]')].map(one => one.dataset.v))",
    )
    assert rows == [
        [
            row.name,
            row.kind,
            "×".join(map(str, row.output_shape)),
            str(row.params),
            str(row.macs),
            str(row.activation_bytes),
            "×".join(map(str, row.receptive_field.size or ())),
            "×".join(map(str, row.receptive_field.stride or ())),
            ",".join(js(one) for one in row.receptive_field.start or ()),
            row.receptive_field.status,
        ]
        for row in report
    ]
    assert numbers(page, "[data-q=total_params]") == [str(report.totals.params)]
    assert numbers(page, "[data-q=total_macs]") == [str(report.totals.macs)]


def js(number: float) -> str:
    """Write a number as JavaScript does."""
    return str(int(number)) if number == int(number) else repr(number)


@pytest.mark.smoke
@pytest.mark.parametrize("at", [(3, 2), (0, 0), (0, 5), (5, 0), (5, 5)])
def test_a_unit_shows_its_region(zoo, open_page, at):
    page = open_page(zoo, f"#s=1&m=alexnet&l=pool5&u=0,{at[0]},{at[1]}&v=table&q=region")
    region = cs.load("alexnet").field("pool5", at)
    assert value(page, "box") == list(region.box)
    assert value(page, "clipped") == list(region.clipped)
    assert value(page, "size") == list(region.size)
    assert value(page, "center") == list(region.center)
    assert value(page, "padded") == pytest.approx(region.padded_fraction, abs=1e-15)
    assert value(page, "coverage") == region.coverage
    canvas = page.wait_for_selector("canvas.pixels[data-box]")
    assert canvas.get_attribute("data-box") == ",".join(map(str, region.box))
    assert canvas.get_attribute("data-clipped") == ",".join(map(str, region.clipped))


def test_the_outline_lies_on_the_region(server, open_page):
    page = open_page(server, "#s=1&l=pool1&u=0,1,2&v=maps&q=region")
    region = server.session.first.network.field("pool1", (1, 2))
    edges = page.evaluate(
        """() => {
          const canvas = document.querySelector("canvas.pixels");
          const { width, height } = canvas;
          const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
          let [top, left, bottom, right] = [height, width, 0, 0];
          for (let r = 0; r < height; r += 1) for (let c = 0; c < width; c += 1) {
            const i = 4 * (r * width + c);
            if (data[i] === 230 && data[i + 1] === 159 && data[i + 2] === 0) {
              top = Math.min(top, r); bottom = Math.max(bottom, r + 1); left = Math.min(left, c); right = Math.max(right, c + 1);
            }
          }
          return { box: [top, left, bottom, right], width, height };
        }"""
    )
    _, height, width = server.session.first.network.input_shape
    margin = (edges["width"] / edges["height"] * height - width) / 2 / (1 - edges["width"] / edges["height"])
    scale = edges["width"] / (width + 2 * margin)
    drawn = [edge / scale - margin for edge in edges["box"]]
    assert drawn == pytest.approx(list(region.clipped), abs=0.35)


@pytest.mark.smoke
def test_hovering_looks_boxes_up_without_a_request(zoo, open_page):
    page = open_page(zoo, "#s=1&m=googlenet&v=maps&q=cost")
    network = cs.load("googlenet")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    random = Random(5)
    nodes = [node for node in network.layers if len(node.output_shape) == 3 and node.output_shape[1] > 1]
    units = [
        (node.name, random.randrange(node.output_shape[1]), random.randrange(node.output_shape[2]))
        for node in random.sample(nodes, 40)
    ]
    found = page.evaluate(
        """async (units) => {
          const { boxOf } = await import("cs/data");
          return units.map(([layer, row, column]) => boxOf({ layer, channel: 0, row, column }));
        }""",
        units,
    )
    for (layer, row, column), boxes in zip(units, found, strict=True):
        region = network.field(layer, (row, column))
        assert boxes == {"box": list(region.box), "clipped": list(region.clipped)}
    assert asked == []


def test_moving_the_pointer_over_a_map_moves_the_box(server, open_page):
    page = open_page(server, "#s=1&l=conv1&u=0,0,0&v=maps&q=region")
    box = page.wait_for_selector(".big").bounding_box()
    network = server.session.first.network
    _, rows, columns = network["conv1"].output_shape
    page.mouse.move(box["x"] + box["width"] * 6.5 / columns, box["y"] + box["height"] * 3.5 / rows)
    page.wait_for_function(
        "want => document.querySelector('canvas.pixels').dataset.box === want",
        arg=",".join(map(str, network.field("conv1", (3, 6)).box)),
    )
    page.mouse.down()
    page.mouse.up()
    page.wait_for_function("() => location.hash.includes('u=0%2C3%2C6')")
    sums = server.session.first.model.activations(server.session.pixels(server.session.first, SAMPLE)[None])
    assert float(page.wait_for_selector("[data-q=value]").get_attribute("data-v")) == pytest.approx(
        float(sums["conv1"][0, 0, 3, 6])
    )


@pytest.mark.parametrize(
    ("layer", "at"),
    [
        ("conv2", (3, 2, 1)),
        ("conv1", (1, 0, 0)),
        ("pool1", (2, 1, 3)),
        ("pool2", (5, 0, 1)),
        ("relu1", (0, 4, 4)),
        ("dense1", (2,)),
    ],
)
def test_the_sum_of_a_unit_is_that_of_the_library(server, open_page, layer, at):
    place = at if len(at) == 3 else (0, 0, *at)
    page = open_page(server, f"#s=1&l={layer}&u={','.join(map(str, place))}&v=table&q=sum")
    shown = server.session.first
    x = server.session.pixels(shown, SAMPLE)
    terms = shown.model.unit_terms(x, layer, at)
    assert value(page, "exact_sum") == terms.sum
    assert value(page, "engine_value") == terms.value
    assert value(page, "difference") == terms.value - terms.sum
    assert value(page, "term_count") == len(terms.terms)
    size = sum(abs(term.product) for term in terms.terms) + abs(terms.bias)
    assert abs(terms.value - terms.sum) <= 1e-5 * size


def test_the_terms_of_the_wire_are_those_of_the_library(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=table&q=sum")
    found = page.evaluate(
        """async () => {
          const { loadUnit } = await import("cs/data");
          const { state } = await import("cs/store");
          const { arrays } = await loadUnit(state.image, { layer: "conv2", channel: 3, row: 2, column: 1 }, null);
          return ["inputs", "weights", "products"].map((name) => [...arrays[name]]);
        }"""
    )
    shown = server.session.first
    terms = shown.model.unit_terms(server.session.pixels(shown, SAMPLE), "conv2", (3, 2, 1)).terms
    assert found == [
        [term.input for term in terms],
        [term.weight for term in terms],
        [term.product for term in terms],
    ]


def test_the_gradient_of_a_unit_is_that_of_the_trace(server, open_page):
    page = open_page(server, "#s=1&l=relu1&u=2,3,4&t=1&v=table&q=gradient")
    shown = server.session.first
    x = server.session.pixels(shown, SAMPLE)
    trace = shown.model.trace(x[None], 1)
    assert value(page, "gradient") == float(trace["relu1"].gradient[0, 2, 3, 4])
    page.select_option("#inspector select", "3")
    page.wait_for_function("() => location.hash.includes('t=3')")
    settle(page)
    assert value(page, "gradient") == float(shown.model.trace(x[None], 3)["relu1"].gradient[0, 2, 3, 4])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_derivation_has_the_text_of_explain(server, open_page, lang):
    page = open_page(server, f"#s=1&l=conv2&u=0,2,1&v=table&q=derive&lang={lang}")
    explanation = cs.explain(server.session.first.network, "conv2", (2, 1))
    for one in explanation:
        page.select_option("#inspector select", one.quantity)
        page.wait_for_selector(f".derivation[data-quantity='{one.quantity}']")
        settle(page)
        shown = page.eval_on_selector(".derivation", "one => one.textContent")
        text = explanation.only(one.quantity).html(lang, fragment=True)
        assert "".join(shown.split()) == "".join(plain(text).split())


def plain(markup: str) -> str:
    from xml.etree import ElementTree

    return "".join(ElementTree.fromstring(f"<root>{markup}</root>").itertext())


def test_holes_of_a_dilated_stack_stay_open(zoo, open_page):
    text = "input 1x31x29 | conv 1 3 d2 | conv 1 3 d2 | conv 1 3 d2"
    page = open_page(zoo, f"#s=1&m={quote(text)}&l=conv3&u=0,9,8&v=table&q=region")
    page.wait_for_selector("canvas.pixels[data-seen]")
    region = cs.load(text).field("conv3", (9, 8))
    assert region.size == (13, 13)
    assert page.get_attribute("canvas.pixels", "data-seen") == str(int(region.mask.sum())) == "49"


def test_a_pixel_shows_the_units_that_see_it(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=0,0,0&v=table&q=cost")
    page.click("canvas.pixels")
    shown = json.loads(page.wait_for_selector(".cone[data-v]").get_attribute("data-v"))
    network = server.session.first.network
    text = page.text_content(".cone")
    pixel = tuple(int(one) for one in text.partition("(")[2].partition(")")[0].split(","))
    for node in network.layers:
        assert shown[node.name] == network.seen_by(pixel, node.name).to_dict()


def test_the_editor_shows_the_network_that_is_typed(zoo, open_page):
    page = open_page(zoo, "#s=1&m=lenet&v=editor&q=cost")
    page.fill("textarea", "input 1x12x11 | conv 7 3 | relu")
    page.wait_for_function("() => document.querySelector('[data-q=summary]').textContent.includes('70')")
    page.fill("textarea", "input 1x12x11 | conv 7 33")
    page.wait_for_selector(".message.bad")
    assert "conv1" in page.text_content(".message.bad")
    page.fill("textarea", "input 1x12x11 | conw 7 3")
    page.wait_for_function("() => document.querySelector('.message.bad').textContent.includes('conw')")
    assert "70" in page.text_content("[data-q=summary]"), "the last good network stays"
    open_page.faults.forgive("422")


def test_back_and_forward_walk_through_the_selections(server, open_page):
    page = open_page(server, "#s=1&l=conv1&u=1,2,3&v=maps&q=region")
    page.click("#strip [data-layer=conv2]")
    page.wait_for_selector("#strip [data-layer=conv2][aria-current=true]")
    page.go_back()
    page.wait_for_selector("#strip [data-layer=conv1][aria-current=true]")
    page.go_forward()
    page.wait_for_selector("#strip [data-layer=conv2][aria-current=true]")


def test_mangled_links_never_break_the_page(server, open_page):
    page = open_page(server, "#s=1&l=conv1&u=1,2,3&v=maps&q=region")
    good = page.evaluate("location.hash")
    random = Random(11)
    for _ in range(30):
        letters = list(good)
        for _ in range(random.randrange(1, 6)):
            letters[random.randrange(1, len(letters))] = random.choice("0123456789abcxyz,=&%-")
        page.evaluate("fragment => { location.hash = fragment; }", "".join(letters))
        page.wait_for_timeout(20)
    page.wait_for_selector("body[data-state=ready]")
    assert page.text_content("#inspector h2")
    open_page.faults.forgive("422")


def test_the_keyboard_moves_the_unit(server, open_page):
    page = open_page(server, "#s=1&l=conv1&u=1,2,3&v=maps&q=region")
    page.focus(".big")
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    page.wait_for_function("() => location.hash.includes('u=1%2C3%2C4')")
    page.focus(".big")
    page.keyboard.press("PageDown")
    page.wait_for_function("() => location.hash.includes('u=2%2C3%2C4')")
    page.keyboard.press("]")
    page.wait_for_selector("#strip [data-layer=relu1][aria-current=true]")


def test_an_image_file_is_shown_and_classified(server, open_page, tmp_path):
    from PIL import Image

    path = tmp_path / "own.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 255, (40, 50, 3), np.uint8)).save(path)
    page = open_page(server, "#s=1&l=conv1&u=0,0,0&v=maps&q=sum")
    page.set_input_files("#file", path)
    page.wait_for_function(
        "() => document.querySelector('[data-q=image]').selectedOptions[0].textContent === 'own.png'"
    )
    settle(page)
    page.wait_for_timeout(300)
    from convscope.data.load import read_input

    shown = server.session.first
    x = read_input(path, shown.network.input_shape)
    assert value(page, "engine_value") == float(shown.model.activations(x[None])["conv1"][0, 0, 0, 0])


def test_hostile_names_are_text(zoo, open_page):
    session = Session()
    from convscope import layers as L
    from convscope.network import Entry, Network

    bad = "</script><script>alert(1)</script><img/src/onerror>"
    network = Network(
        [
            Entry("input", L.Input((1, 9, 8))),
            Entry(bad, L.Conv2d(2, 3), ("input",)),
            Entry("__proto__", L.ReLU(), (bad,)),
        ],
        "\u202e" + "n" * 5000,
    )
    session.add_network(network, "hostile")
    with running(session) as server:
        page = open_page(server, "#s=1&l=__proto__&u=0,1,1&v=maps&q=region")
        for view in ("maps", "table", "growth", "editor"):
            page.click(f"[data-view={view}]")
            page.wait_for_selector("#stage .content[data-state=ready]")
        for tab in ("sum", "gradient", "derive", "cost"):
            page.click(f"[data-tab={tab}]")
            settle(page)
        assert page.query_selector("img") is None
        assert bad in page.get_attribute("#strip .box:nth-child(3) button", "title")
        assert "\u202e" not in page.text_content("#top")


def test_languages_have_the_same_texts():
    from convscope.explorer.app import static_files

    english, chinese = (json.loads(static_files()[f"i18n/{lang}.json"]) for lang in ("en", "zh"))
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        holes = sorted(part.partition("}")[0] for part in text.split("{")[1:])
        assert holes == sorted(part.partition("}")[0] for part in chinese[key].split("{")[1:]), key


def test_the_page_never_parses_text_as_markup():
    import re

    from convscope.explorer.app import static_files

    banned = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|https?://(?!www\.w3\.org)"
    )
    for name, content in static_files().items():
        if name.endswith((".js", ".html", ".css")):
            assert banned.findall(content.decode()) == [], name


def test_every_text_of_the_page_exists():
    import re

    from convscope.explorer.app import static_files

    known = json.loads(static_files()["i18n/en.json"])
    used = set()
    for name, content in static_files().items():
        if name.endswith(".js"):
            used |= set(re.findall(r'\bt\("(\w+)"', content.decode()))
    assert used - known.keys() == set()


@pytest.mark.smoke
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_switching_the_language_keeps_the_selection(server, open_page, lang):
    page = open_page(server, f"#s=1&l=conv2&u=3,2,1&v=table&q=region&lang={lang}")
    before = value(page, "box")
    page.click("[data-q=lang]")
    page.wait_for_function("lang => location.hash.includes('lang=' + lang)", arg="zh" if lang == "en" else "en")
    settle(page)
    assert value(page, "box") == before
    assert page.evaluate("document.documentElement.lang") == ("zh-CN" if lang == "en" else "en")


@pytest.mark.smoke
def test_a_drawing_is_predicted_as_the_model_does(server, open_page):
    page = open_page(server, "#s=1&l=conv1&u=0,0,0&v=predict&q=cost")
    box = page.wait_for_selector(".pad").bounding_box()
    before = page.get_attribute("[data-q=class_value]", "data-v")
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 190, steps=6)
    page.mouse.up()
    page.wait_for_function(
        "before => document.querySelector('[data-q=class_value]').dataset.v !== before", arg=before
    )
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(200)
    shown = server.session.first
    drawing = list(server.session.images.values())[-1]
    assert drawing.name == "drawing"
    x = server.session.pixels(shown, drawing)
    expected = sorted((float(one) for one in shown.model.predict(x[None], probabilities=False)[0]), reverse=True)
    assert [float(one) for one in numbers(page, "[data-q=class_value]")] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("placement", ["exact", "resize"])
def test_the_class_map_is_that_of_attribute(server, open_page, placement):
    page = open_page(server, "#s=1&l=conv1&u=0,0,0&t=2&v=predict&q=cost")
    page.wait_for_selector("canvas.map-overlay")
    found = page.evaluate(
        """async (placement) => {
          const { loadAttribution } = await import("cs/data");
          const { arrays } = await loadAttribution("sample", 2, "layer-cam", placement);
          return [...arrays.map];
        }""",
        placement,
    )
    shown = server.session.first
    x = server.session.pixels(shown, SAMPLE)[None]
    assert (
        found == shown.model.attribute(x, 2, "layer-cam", None, placement)[0].astype(np.float32).ravel().tolist()
    )


@pytest.mark.parametrize("tab", ["region", "sum", "gradient", "derive", "cost"])
def test_the_input_has_no_arithmetic(server, open_page, tab):
    page = open_page(server, f"#s=1&l=input&u=1,2,3&v=maps&q={tab}")
    if tab in ("sum", "gradient"):
        shown = server.session.first
        x = server.session.pixels(shown, SAMPLE)
        name = {"sum": "engine_value", "gradient": "gradient"}[tab]
        top = int(shown.model.logits(x[None])[0].argmax())
        trace = shown.model.trace(x[None], top).input
        assert value(page, name) == float((trace.value if tab == "sum" else trace.gradient)[0, 1, 2, 3])
    else:
        assert page.text_content("#inspector .content p")


def test_a_drawing_gives_way_to_the_sample_on_another_network(open_page):
    session = Session()
    session.add_network(cs.load("input 1x12x11 | conv 2 3 | flatten | dense 3"), "gray")
    with running(session) as server:
        page = open_page(server, "#s=1&l=conv1&u=0,0,0&v=predict&q=region")
        box = page.wait_for_selector(".pad").bounding_box()
        page.mouse.click(box["x"] + 60, box["y"] + 60)
        page.wait_for_function(
            "() => document.querySelector('[data-q=image]').selectedOptions[0].text === 'drawing'"
        )
        page.mouse.click(box["x"] + 160, box["y"] + 160)
        page.wait_for_timeout(500)
        names = page.eval_on_selector_all("[data-q=image] option", "list => list.map(one => one.textContent)")
        assert names == ["sample", "drawing"]
        page.click("[data-view=editor]")
        page.fill("textarea", "input 3x10x9 | conv 4 3 | flatten | dense 3")
        page.wait_for_function("() => document.querySelector('#image h2').textContent === '3×10×9'")
        page.wait_for_function(
            "() => document.querySelector('[data-q=image]').selectedOptions[0].textContent === 'sample'"
        )


def test_the_page_starts_in_the_language_of_the_command(open_page):
    from convscope.text.language import use_language

    with use_language("zh"):
        session = Session(most_weights=0)
    session.add_network(cs.load("input 1x12x11 | conv 2 3"), "small")
    with running(session) as server:
        page = open_page(server)
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        assert page.text_content("[data-view=maps]") == "特征图"
