"""The geometry of the page: regions, beams, light cones, effective fields, counts and the proof are the library's."""

from __future__ import annotations

import json
from random import Random
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import convscope as cs
from convscope import layers as L
from convscope.analysis.beam import beam
from convscope.analysis.diagnosis.lost_border import losing_layers
from convscope.analysis.seen_counts import seen_counts
from convscope.data.arrays import ArrayDataset
from convscope.data.datasets import digits
from convscope.data.transforms import resize_dataset
from convscope.explorer.routes import fields
from convscope.explorer.session import SAMPLE, Session
from convscope.model import Model
from convscope.network import Entry, Network
from explorer.conftest import running
from random_networks import networks

TINY = "input 3x17x19 | conv 4 3 s2 p1 | relu | maxpool 3x2 s2 | conv 6 3 p2 d2 | avgpool 2 | flatten | dense 5"

MISALIGNED = Network(
    [
        Entry("input", L.Input((2, 23, 19))),
        Entry("wide", L.Conv2d(4, 5, padding=((2, 2), (0, 4))), ("input",)),
        Entry("same", L.Conv2d(4, 3, padding=((1, 1), (1, 1))), ("input",)),
        Entry("merge", L.Add(), ("wide", "same")),
        Entry("last", L.Conv2d(3, 3), ("merge",)),
        Entry("resized", L.Upsample((2, 2), mode="linear"), ("last",)),
        Entry("pooled", L.GlobalAvgPool2d(), ("resized",)),
    ],
    "misaligned",
)
"""Paths with different centers meet, then units vary, then all see everything."""


@pytest.fixture(scope="module")
def server():
    session = Session()
    session.add_network(cs.load(TINY), "tiny", Model(cs.load(TINY), seed=3, precision="strict"))
    with running(session) as one:
        yield one


@pytest.fixture(scope="module")
def structure():
    """A server on which networks have no weights."""
    session = Session(most_weights=0)
    session.add_network(cs.load("alexnet"), "alexnet")
    with running(session) as one:
        yield one


def values(page, name: str) -> list:
    return [
        json.loads(one) for one in page.eval_on_selector_all(f"[data-q='{name}']", "l => l.map(o => o.dataset.v)")
    ]


def value(page, name: str):
    return json.loads(page.wait_for_selector(f"[data-q='{name}']").get_attribute("data-v"))


# Hovering looks boxes up, for every unit of any network


def test_boxes_of_random_units_come_from_tables_without_a_request(open_page):
    drawn: list[Network] = []

    @settings(
        max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(networks(rare=True))
    def draw(network):
        drawn.append(network)

    draw()
    chosen = [network for network in drawn if len(network) > 3][-20:]
    assert len(chosen) == 20
    session = Session(most_weights=0)
    shown = [session.add_network(Network(network.entries, f"n{k}"), f"n{k}") for k, network in enumerate(chosen)]
    random = Random(6)
    checked = 0
    with running(session) as server:
        page = open_page(server, "#s=1&v=table&q=cost")
        for one in shown:
            network = one.network
            nodes = [node for node in network.layers if len(node.output_shape) == 3]
            units = []
            for _ in range(10 if nodes else 0):
                node = random.choice(nodes)
                units.append([node.name, *(random.randrange(n) for n in node.output_shape)])
            page.evaluate("async (id) => { await (await import('cs/data')).loadNetwork(id, 'en'); }", one.id)
            asked: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            found = page.evaluate(
                """async (units) => {
                  const { boxOf } = await import("cs/data");
                  return units.map(([layer, channel, row, column]) => boxOf({ layer, channel, row, column }));
                }""",
                units,
            )
            assert asked == []
            for (layer, *at), boxes in zip(units, found, strict=True):
                if boxes is not None and len(boxes["box"]) == 4:
                    region = network.field(layer, at)
                    assert boxes == {"box": list(region.box), "clipped": list(region.clipped)}, (layer, at)
                    checked += 1
    assert checked >= 100


# Holes


def dark_pixels(page, height: int, width: int):
    """Return which pixels of the image are darkened as holes, by the colors on the canvas."""
    return page.evaluate(
        """async ([height, width]) => {
          const { marginOf } = await import("cs/data");
          const { state } = await import("cs/store");
          const canvas = document.querySelector("canvas.pixels");
          const { loadPixels } = await import("cs/data");
          const { arrays } = await loadPixels(state.image);
          const margin = marginOf(state.layer, height, width);
          const scale = canvas.width / (width + 2 * margin);
          const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          const dark = [];
          for (let r = 0; r < height; r += 1) for (let c = 0; c < width; c += 1) {
            const x = Math.floor((c + margin + 0.5) * scale);
            const y = Math.floor((r + margin + 0.5) * scale);
            const plain = 255 * arrays.pixels[r * width + c];
            const got = data[4 * (y * canvas.width + x)];
            if (Math.abs(got - (0.38 * plain + 0.62 * 20)) < Math.abs(got - plain)) dark.push([r, c]);
          }
          return dark;
        }""",
        [height, width],
    )


def test_holes_of_a_dilated_stack_stay_open(open_page):
    text = "input 1x31x29 | conv 1 3 d2 | conv 1 3 d2 | conv 1 3 d2"
    session = Session(most_weights=0)
    network = cs.load(text)
    session.add_network(network, "holes")
    image = session.add_image("white", np.full((1, 31, 29), 0.9, np.float32))
    with running(session) as server:
        page = open_page(server, "#s=1&l=conv3&u=0,9,8&v=table&q=region")
        page.evaluate("async (id) => (await import('cs/store')).set({ image: id })", image.id)
        page.wait_for_selector("canvas.pixels[data-seen]")
        page.wait_for_function("() => document.querySelector('#image [data-mark=holes]')")
        region = network.field("conv3", (9, 8))
        assert region.size == (13, 13)
        assert page.get_attribute("canvas.pixels", "data-seen") == str(int(region.mask.sum())) == "49"
        top, left, bottom, right = region.clipped
        holes = {(r, c) for r in range(top, bottom) for c in range(left, right) if not region.mask[r, c]}
        assert len(holes) == 13 * 13 - 49
        inner = {(r, c) for r, c in holes if top < r < bottom - 1 and left < c < right - 1}
        dark = {tuple(one) for one in dark_pixels(page, 31, 29)}
        assert inner <= dark
        assert (
            not {
                (r, c)
                for r in range(31)
                for c in range(29)
                if region.mask[r, c] and top < r < bottom - 1 and left < c < right - 1
            }
            & dark
        )


def test_a_border_unit_of_unet_has_the_pixels_of_its_mask(structure, open_page):
    network = cs.load("unet")
    layer = "down3.conv2" if "down3.conv2" in network else network.layers[20].name
    page = open_page(structure, f"#s=1&m=unet&l={layer}&u=0,0,1&v=table&q=region")
    found = page.evaluate(
        """async (layer) => {
          const { loadMask } = await import("cs/data");
          return [...(await loadMask({ layer, channel: 0, row: 0, column: 1 })).arrays.mask];
        }""",
        layer,
    )
    region = network.field(layer, (0, 1))
    assert found == region.mask.astype(int).ravel().tolist()
    assert value(page, "coverage") == region.coverage


# Beam and misaligned merges


def test_the_beam_has_the_windows_of_the_library(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=maps&q=region")
    page.wait_for_selector("#strip [data-layer=conv1][data-window]")
    network = server.session.first.network
    for window in beam(network, "conv2", (2, 1)).windows:
        box = (
            network.field("conv2", (2, 1), origin=window.layer).clipped
            if window.layer != "conv2"
            else (2, 1, 3, 2)
        )
        assert page.get_attribute(f"#strip [data-layer={window.layer}]", "data-window") == ",".join(map(str, box))
        assert [window.layer, list(box)] in values(page, "beam_box")
    assert page.get_attribute("#strip [data-layer=pool2]", "data-window") is None
    page.click("#strip [data-layer=conv1]")
    page.wait_for_selector("#strip [data-layer=conv2]:not([data-window])")


def test_misaligned_paths_are_drawn_apart_with_their_offset(open_page):
    session = Session()
    session.add_network(MISALIGNED, "misaligned")
    with running(session) as server:
        page = open_page(server, "#s=1&l=merge&u=0,9,8&v=maps&q=region")
        page.wait_for_selector("[data-q=merge]")
        merges = cs.inspect(MISALIGNED)["merge"].receptive_field.merges
        assert values(page, "merge") == [{"layer": m.layer, "offset": list(m.offset)} for m in merges]
        assert "(0, −2) pixels apart" in page.text_content("[data-q=merge]")
        page.wait_for_selector("canvas.pixels[data-paths]")
        paths = json.loads(page.get_attribute("canvas.pixels", "data-paths"))
        assert paths == [list(MISALIGNED.field(name, (9, 8)).box) for name in ("wide", "same")]
        for name, kind in (("wide", "path0"), ("same", "path1"), ("input", "seen")):
            assert page.query_selector(f"#strip [data-layer={name}] .windows .{kind}"), name
        colors = page.evaluate(
            """() => {
              const canvas = document.querySelector("canvas.pixels");
              const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
              const seen = new Set();
              for (let i = 0; i < data.length; i += 4) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
              return ["86,180,233", "213,94,0"].map((color) => seen.has(color));
            }"""
        )
        assert colors == [True, True]


@pytest.mark.parametrize(("layer", "status"), [("resized", "varying"), ("pooled", "global")])
def test_fields_without_one_size_are_shown_in_words(open_page, layer, status):
    session = Session()
    session.add_network(MISALIGNED, "misaligned")
    with running(session) as server:
        page = open_page(server, f"#s=1&l={layer}&u=0,0,0&v=field&q=region")
        assert page.wait_for_selector("[data-q=status]").get_attribute("data-v") == f'"{status}"'
        report = cs.inspect(MISALIGNED)
        said = dict(values(page, "field_words"))
        assert said[status] == [row.name for row in report if row.receptive_field.status == status]
        drawn = page.eval_on_selector_all(
            "[data-q=field_size]", "l => l.map(o => [o.dataset.layer, Number(o.dataset.v)])"
        )
        assert drawn == [[row.name, row.receptive_field.size[-1]] for row in report if row.receptive_field.size]


def test_an_unknown_field_is_shown_in_words_and_no_box(open_page):
    network = Network(
        [
            Entry("input", L.Input((2, 6, 8))),
            Entry("conv", L.Conv2d(4, 3, padding=1), ("input",)),
            Entry("mixed", L.Reshape((8, 4, 6)), ("conv",)),
            Entry("last", L.Conv2d(2, 3), ("mixed",)),
        ],
        "mixed",
    )
    report = cs.inspect(network)
    assert report["last"].receptive_field.status == "unknown"
    session = Session()
    session.add_network(network, "mixed")
    with running(session) as server:
        page = open_page(server, "#s=1&l=last&u=0,1,1&v=field&q=region")
        page.wait_for_selector("[data-q=field_words]")
        assert dict(values(page, "field_words"))["unknown"] == ["mixed", "last"]
        page.wait_for_function("() => document.querySelector('#strip .caption').textContent.includes('unknown')")
        assert page.get_attribute("canvas.pixels", "data-box") is None
        assert page.query_selector("#strip [data-window]") is None
        page.wait_for_load_state("networkidle")
        page.wait_for_selector("#stage .content[data-state=ready]")
        open_page.faults.forgive("422")


# Light cone


def test_a_clicked_pixel_shows_the_units_that_see_it(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=0,0,0&v=field&q=cost")
    page.click("canvas.pixels")
    page.wait_for_function("() => location.hash.includes('p=')")
    page.wait_for_selector("[data-q=cone_count]")
    shown = json.loads(page.wait_for_selector(".cone[data-v]").get_attribute("data-v"))
    network = server.session.first.network
    for node in network.layers:
        seen = network.seen_by(shown["pixel"], node.name)
        document = shown["layers"][node.name]
        assert {key: document[key] for key in seen.to_dict()} == seen.to_dict()
        assert page.get_attribute(f"[data-q=cone_count][data-layer={node.name}]", "data-v") == str(seen.count)
        tile = page.get_attribute(f"#strip [data-layer={node.name}]", "data-seeing")
        assert tile == str(seen.count)
    page.click("[data-view=maps]")
    page.wait_for_selector(".big .marked[data-count]")
    assert page.get_attribute(".big .marked", "data-count") == str(network.seen_by(shown["pixel"], "conv2").count)
    marked = page.evaluate(
        """() => {
          const canvas = document.querySelector(".big .marked");
          const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i] > 100);
        }"""
    )
    assert marked == network.seen_by(shown["pixel"], "conv2").mask.ravel().tolist()
    page.keyboard.press("Escape")
    page.wait_for_function("() => !location.hash.includes('p=')")
    page.wait_for_selector("#strip [data-layer=conv1][data-window]")
    assert page.query_selector("#strip [data-seeing]") is None


def test_two_inner_layers_show_the_field_between_them_both_ways(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=maps&q=region")
    page.click("#strip [data-layer=conv1]", modifiers=["Shift"])
    page.wait_for_selector("[data-q=between_count]")
    network = server.session.first.network
    _, rows, columns = network["conv1"].output_shape
    region = network.field("conv2", (2, 1), origin="conv1")
    assert value(page, "between_box") == list(region.box)
    assert value(page, "between_clipped") == list(region.clipped)
    assert value(page, "between_size") == list(region.size)
    assert value(page, "between_count") == network.seen_by((rows // 2, columns // 2), "conv2", "conv1").count
    address = page.evaluate("location.hash")
    assert "o=conv1" in address
    again = open_page(server, address)
    assert value(again, "between_box") == list(region.box)
    page.go_back()
    page.wait_for_function("() => !document.querySelector('[data-q=between_box]')")


# Effective field, counts, sizes, proof


def test_the_effective_field_is_that_of_the_library(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=field&q=region")
    page.click("[data-q=effective_run]")
    page.wait_for_selector("[data-q=share_within_half]")
    found = cs.effective_field(server.session.first.model, "conv2", at=(2, 1), count=8)
    assert value(page, "share_within_half") == pytest.approx(found.share_inside(0.5), rel=1e-12)
    assert value(page, "extent_95_row") == list(found.extent(0.95))
    assert value(page, "theoretical_size") == list(found.theoretical.size)
    shown = page.evaluate(
        """async () => {
          const { once, network } = await import("cs/data");
          const { arrays } = await once(`effective ${network.id} conv2 2 1 own`, () => null);
          return [...arrays.map];
        }"""
    )
    np.testing.assert_allclose(shown, found.map.ravel(), rtol=1e-12)
    page.click("[data-q=effective_all]")
    page.wait_for_selector("[data-effective=ready]")
    extents = page.eval_on_selector_all(
        "[data-q=effective_extent]", "l => l.map(o => [o.dataset.layer, Number(o.dataset.v)])"
    )
    assert len(extents) >= 3
    for layer, extent in extents:
        assert extent == cs.effective_field(server.session.first.model, layer, count=8).extent(0.95)[-1]


def test_counts_and_unseen_lines_are_those_of_the_library(server, open_page):
    page = open_page(server, "#s=1&l=pool2&u=0,0,0&v=field&q=cost")
    page.wait_for_selector("[data-q=unseen]")
    network = server.session.first.network
    found = seen_counts(network, "pool2")
    lines = [np.flatnonzero(~found.any(axis=1 - axis)).tolist() for axis in (0, 1)]
    assert value(page, "unseen") == lines
    shown = page.evaluate(
        """async () => {
          const { once, network } = await import("cs/data");
          return [...(await once(`counts ${network.id} pool2`, () => null)).arrays.counts];
        }"""
    )
    assert shown == found.ravel().tolist()


def test_the_size_slider_tells_which_sizes_lose_nothing(structure, open_page):
    page = open_page(structure, "#s=1&m=alexnet&l=pool5&u=0,0,0&v=field&q=cost")
    smallest = value(page, "smallest_size")
    network = cs.load("alexnet")
    with pytest.raises(cs.ConvscopeError):
        network.with_input((3, smallest - 1, smallest - 1))
    for size in (smallest, 228, 231, 259):
        page.eval_on_selector(
            ".size input", "(one, n) => { one.value = n; one.dispatchEvent(new Event('input')); }", str(size)
        )
        losing = {name for axis in (1, 2) for name in losing_layers(network, (3, size, size), axis) or ()}
        shown, layers = value(page, "size_words")
        assert (shown, set(layers)) == (size, losing)


@pytest.mark.parametrize(
    ("smallest", "size", "layers", "expected"),
    [
        (32, 224, 50, range(32, 321)),
        (1, 64, 10_000, range(54, 74)),
        (60, 64, 10_000, range(60, 80)),
        (1, 64, 10**6, range(56, 72)),
    ],
)
def test_deep_networks_try_sizes_around_their_own(smallest, size, layers, expected):
    assert fields._tried_sizes(smallest, size, layers) == expected


def test_a_deep_network_has_few_points_and_its_table_when_it_is_opened(open_page):
    session = Session()
    network = cs.load("input 3x24x20 | " + " | ".join(["conv 4 3 p1 | relu"] * 650))
    session.first = session.add_network(network, "deep")
    with running(session) as one:
        page = open_page(one, "#s=1&l=conv31&u=0,0,0&v=field&q=cost")
        assert page.locator("[data-q=field_size]").count() <= 601
        assert page.locator("[data-q=field_size][data-layer=conv31]").count() == 1
        rows = page.locator("#stage details table.report tr")
        assert rows.count() == 0
        page.click("#stage details:has(.scroll) > summary")
        page.wait_for_function("document.querySelectorAll('#stage details table.report tr').length === 1301")


def test_nothing_outside_the_light_cone_changes(server, open_page):
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=field&q=cost&p=8,9")
    page.click("[data-q=proof_run]")
    page.wait_for_selector(".results[data-state=ready]")
    network = server.session.first.network
    rows = {
        name: dict(
            page.eval_on_selector_all(
                f"[data-q={name}]", "l => l.map(o => [o.dataset.layer, Number(o.dataset.v)])"
            )
        )
        for name in ("changed", "seeing", "outside")
    }
    for node in network.layers:
        assert rows["seeing"][node.name] == network.seen_by((8, 9), node.name).count
        assert rows["outside"][node.name] == 0
        assert 0 < rows["changed"][node.name] <= rows["seeing"][node.name]
    page.click("[data-q=proof_random]")
    page.wait_for_selector("[data-q=changed_in_all]")
    assert value(page, "outside_in_all") == 0
    assert value(page, "changed_in_all") > 0


def test_units_outside_the_prediction_are_reported(server, open_page, monkeypatch):
    """A planted defect: units that see the pixel below the changed one are predicted."""
    from convscope.inside import perturbation

    true = perturbation.light_cone
    monkeypatch.setattr(
        perturbation, "light_cone", lambda n, pixel, size: true(n, (pixel[0] + 3, pixel[1]), size=size)
    )
    page = open_page(server, "#s=1&l=conv2&u=3,2,1&v=field&q=cost&p=8,9")
    page.click("[data-q=proof_run]")
    page.wait_for_selector(".verdict.bad")
    assert value(page, "outside_in_all") > 0


# Class maps


@pytest.mark.parametrize(
    ("name", "center", "offset"), [("resnet50", 0.5, -15.5), ("inception_v3", 37.5, 18.8), ("vgg16", None, 0)]
)
def test_class_maps_are_placed_at_the_true_centers(structure, open_page, name, center, offset):
    page = open_page(structure, f"#s=1&m={name}&v=predict&q=cost")
    found = value(page, "cell_offset")
    assert found == pytest.approx([offset, offset], abs=0.05)
    if center is not None:
        assert value(page, "cell_center") == [center, center]
        assert ("−15.5" if offset < 0 else "+18.8") in page.text_content("[data-q=cell_offset]")
    dots = page.eval_on_selector_all(
        ".cells .dot", "l => l.map(o => [Number(o.getAttribute('cx')), Number(o.getAttribute('cy'))])"
    )
    assert dots[0][0] == value(page, "cell_center")[1]
    page.check("#resize")
    page.wait_for_selector(".cells .dot")
    moved = page.eval_on_selector_all(".cells .dot", "l => l.map(o => Number(o.getAttribute('cx')))")
    assert moved[0] == pytest.approx(value(page, "cell_center")[1] - offset, abs=0.05)


def test_the_strongest_images_are_those_of_the_model(open_page):
    network = cs.load("input 1x16x16 | conv 5 3 | relu | maxpool 2 | conv 6 3 | flatten | dense 10")
    session = Session()
    shown = session.add_network(network, "small", Model(network, seed=2))
    with running(session) as server:
        page = open_page(server, "#s=1&l=conv2&u=4,1,1&v=predict&q=cost")
        page.click("[data-q=strongest_run]")
        page.wait_for_selector("[data-q=response]")
        digit = resize_dataset(digits("test"), size=(16, 16)).batch(np.arange(256))[0]
        images = np.concatenate([session.pixels(shown, SAMPLE)[None], digit])
        best = shown.model.strongest(ArrayDataset(images, np.zeros(257, np.int64)), "conv2", 4, 9)
        assert values(page, "response") == [[b.index, b.value, list(b.at), list(b.box)] for b in best]


def test_the_legend_names_the_marks_that_are_drawn(structure, open_page):
    page = open_page(structure, f"#s=1&m={quote('resnet18')}&l=layer1.1.conv2&u=0,20,0&v=table&q=region")
    page.wait_for_selector("#image [data-mark=padding]")
    marks = page.eval_on_selector_all("#image [data-mark]", "l => l.map(o => o.dataset.mark)")
    assert marks == ["seen", "theory", "padding"]
    lines = page.evaluate(
        """async () => {
          const { marginOf } = await import("cs/data");
          const { state } = await import("cs/store");
          const canvas = document.querySelector("canvas.pixels");
          const margin = marginOf(state.layer, 224, 224);
          const scale = canvas.width / (224 + 2 * margin);
          const [top, left, bottom] = canvas.dataset.box.split(",").map((edge) => (Number(edge) + margin) * scale);
          const right = margin * scale;
          const width = Math.floor(right - left - 8);
          const height = Math.floor(bottom - top - 8);
          const data = canvas.getContext("2d").getImageData(Math.ceil(left + 4), Math.ceil(top + 4), width, height).data;
          let count = 0;
          for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count += 1;
          return { count, area: width * height };
        }"""
    )
    assert 0.05 < lines["count"] / lines["area"] < 0.6, "the padding is hatched: lines with room between"
