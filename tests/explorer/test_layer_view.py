"""Maps, kernels, histograms, sums and gradients of every kind of layer are the library's."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import pytest

from convscope import layers as L
from convscope.explorer.session import SAMPLE, Session
from convscope.model import Model
from convscope.network import Entry, Network
from explorer.conftest import running

CHAIN = [
    ("conv", L.Conv2d(8, (3, 2), padding=2, dilation=2, groups=2, padding_mode="reflect")),
    ("bn", L.BatchNorm2d()),
    ("prelu", L.PReLU()),
    ("max", L.MaxPool2d((2, 3), 2, padding=1)),
]
NETWORK = Network(
    [
        Entry("input", L.Input((4, 13, 11))),
        *(
            Entry(name, layer, (before,))
            for before, (name, layer) in zip(["input", "conv", "bn", "prelu"], CHAIN, strict=True)
        ),
        Entry("left", L.Conv2d(8, 1, bias=False), ("max",)),
        Entry("avg", L.AvgPool2d(3, 1, padding=1), ("max",)),
        Entry("add", L.Add(), ("left", "avg")),
        Entry("min", L.MinPool2d(3, 1, padding=1), ("add",)),
        Entry("concat", L.Concat(), ("add", "min")),
        Entry("transposed", L.ConvTranspose2d(6, (2, 3), 2, groups=2), ("concat",)),
        Entry("tanh", L.Tanh(), ("transposed",)),
        Entry("resized", L.Upsample(size=(9, 8), mode="linear"), ("tanh",)),
        Entry("flat", L.Flatten(), ("resized",)),
        Entry("dense", L.Linear(5), ("flat",)),
        Entry("softmax", L.Softmax(0), ("dense",)),
    ],
    "kinds",
)
TESTED = [name for name in (node.name for node in NETWORK.layers) if name != "flat"]


@pytest.fixture(scope="module")
def server():
    session = Session()
    model = Model(NETWORK, seed=3, precision="strict")
    draw = np.random.default_rng(5)
    model.buffers["bn.running_mean"] = draw.normal(size=8).astype(np.float32)
    model.buffers["bn.running_var"] = draw.uniform(0.5, 2, 8).astype(np.float32)
    session.add_network(NETWORK, "kinds", model)
    session.add_image("flat", np.full((4, 13, 11), 0.5, np.float32))
    with running(session) as one:
        yield one


def value(page, name: str):
    return json.loads(page.wait_for_selector(f"[data-q='{name}']").get_attribute("data-v"))


def place_of(layer: str, random: Random) -> tuple[tuple[int, ...], str]:
    """Return a random unit of a layer, and its text in the address."""
    shape = NETWORK[layer].output_shape
    at = tuple(random.randrange(n) for n in shape)
    return at, ",".join(map(str, at if len(at) == 3 else (0, 0, *at)))


TERMS = """async ([layer, channel, row, column]) => {
  const { loadUnit } = await import("cs/data");
  const { state } = await import("cs/store");
  const { arrays, document } = await loadUnit(state.image, { layer, channel, row, column }, state.target);
  return { products: [...arrays.products], bias: document.bias, form: document.form };
}"""


def visit(page, layer: str, text: str, tab: str, **more) -> None:
    """Select a unit by the address, and wait until its tab is drawn."""
    query = "".join(f"&{key}={one}" for key, one in more.items())
    page.evaluate("hash => { location.hash = hash; }", f"#s=1&l={layer}&u={text}&v=table&q={tab}{query}")
    index = text if len(NETWORK[layer].output_shape) == 3 else text.split(",")[2]
    page.wait_for_function(
        """([layer, index]) => {
          const content = document.querySelector("#inspector .content");
          const words = content.querySelector("h2")?.textContent;
          return content.dataset.state === "ready" && words === `${layer} (${index})`;
        }""",
        arg=[layer, ", ".join(index.split(","))],
    )


@pytest.mark.parametrize("flat", [False, True])
def test_terms_add_to_the_sum_and_to_the_value_of_the_engine(server, open_page, flat):
    """In an image of one value all units of a pooling window tie."""
    page = open_page(server, "#s=1&l=conv&u=0,0,0&v=table&q=sum")
    image = next(one for one in server.session.images.values() if one.name == "flat") if flat else SAMPLE
    page.evaluate("async (id) => (await import('cs/store')).set({ image: id })", image.id)
    shown = server.session.first
    engine = shown.model.activations(server.session.pixels(shown, image)[None])
    for layer in TESTED:
        at, text = place_of(layer, Random(layer))
        visit(page, layer, text, "sum")
        page.wait_for_function(
            "(v) => document.querySelector('[data-q=engine_value]')?.dataset.v === v",
            arg=js(float(engine[layer][0][at])),
        )
        terms = page.evaluate(TERMS, [layer, *map(int, text.split(","))])
        size = sum(map(abs, terms["products"])) + abs(terms["bias"] or 0)
        exact = value(page, "exact_sum")
        if terms["form"] in ("sum", "winner"):
            assert abs(sum(terms["products"]) + (terms["bias"] or 0) - exact) <= 1e-12 * max(size, 1), layer
        assert abs(float(engine[layer][0][at]) - exact) <= 1e-5 * max(size, 1e-3), layer


def js(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def test_gradients_are_those_of_the_trace_and_of_finite_differences(server, open_page):
    page = open_page(server, "#s=1&l=conv&u=0,0,0&t=2&v=table&q=gradient")
    shown = server.session.first
    x = server.session.pixels(shown, SAMPLE)[None]
    arrays = {**shown.model.parameters, **shown.model.buffers}
    exact = Model(NETWORK, engine="reference", dtype="float64", parameters=arrays)
    traces = shown.model.trace(x, 2), exact.trace(x.astype(np.float64), 2)
    starts = exact.activations(x.astype(np.float64))
    differences = 0
    for layer in TESTED:
        at, text = place_of(layer, Random(layer))
        visit(page, layer, text, "gradient", t=2)
        found = value(page, "gradient")
        near = pytest.approx(found, rel=2e-3, abs=2e-6)
        assert float(traces[0][layer].gradient[0][at]) == pytest.approx(found, abs=1e-12), layer
        assert float(traces[1][layer].gradient[0][at]) == near, layer
        behind = suffix(layer)
        if behind is not None:
            own = {name: array for name, array in arrays.items() if name.split(".")[0] in behind}
            model = Model(behind, engine="reference", dtype="float64", parameters=own)
            assert slope(model, starts[layer], at) == near, layer
            differences += 1
    assert differences >= 8


def suffix(layer: str) -> Network | None:
    """Return the layers after one that all others after it depend on, as a network; None if there are shortcuts."""
    index = NETWORK[layer].index
    entries = [entry for entry in NETWORK.entries if NETWORK[entry.name].index > index]
    names = {layer, *(entry.name for entry in entries)}
    if not entries or any(source not in names for entry in entries for source in entry.inputs):
        return None
    renamed = [
        entry._replace(inputs=tuple("start" if one == layer else one for one in entry.inputs)) for entry in entries
    ]
    return Network([Entry("start", L.Input(NETWORK[layer].output_shape)), *renamed], "suffix")


def slope(model: Model, start, at: tuple[int, ...], step: float = 1e-5) -> float:
    """Return the derivative of the score of class 2 by central differences."""
    scores = []
    for sign in (1, -1):
        moved = start.copy()
        moved[(0, *at)] += sign * step
        scores.append(float(model.logits(moved)[0].ravel()[2]))
    return (scores[0] - scores[1]) / (2 * step)


@pytest.mark.parametrize("at", [(0, 0, 0), (3, 6, 5)])
def test_the_gradient_of_the_image_is_that_of_finite_differences(server, open_page, at):
    page = open_page(server, f"#s=1&l=input&u={','.join(map(str, at))}&t=2&v=table&q=gradient")
    shown = server.session.first
    x = server.session.pixels(shown, SAMPLE)
    exact = Model(
        NETWORK, engine="reference", dtype="float64", parameters={**shown.model.parameters, **shown.model.buffers}
    )
    assert value(page, "gradient") == pytest.approx(
        slope(exact, x[None].astype(np.float64), at), rel=2e-3, abs=2e-6
    )


@pytest.mark.parametrize(("layer", "channel"), [("conv", 5), ("left", 2), ("transposed", 4)])
def test_kernels_are_the_parameters_of_the_channel(server, open_page, layer, channel):
    page = open_page(server, f"#s=1&l={layer}&u={channel},1,1&v=maps&q=cost")
    page.wait_for_selector("[data-q=kernel]")
    shown = [
        json.loads(one) for one in page.eval_on_selector_all("[data-q=kernel]", "l => l.map(o => o.dataset.v)")
    ]
    labels = page.eval_on_selector_all("[data-q=kernel] span", "l => l.map(o => Number(o.textContent))")
    weight = server.session.first.model.parameters[f"{layer}.weight"]
    first, expected = 0, weight[channel]
    if layer == "conv":
        first = 2 if channel >= 4 else 0
    if layer == "transposed":  # (inputs, outputs of a group, rows, columns)
        first = 8 * (channel // 3)
        expected = weight[first : first + 8, channel % 3]
    np.testing.assert_allclose(shown, expected.reshape(len(expected), -1), rtol=1e-6)
    assert labels == [first + k for k in range(len(expected))]
    source = NETWORK[layer].inputs[0]
    page.click("[data-q=kernel] >> nth=1")
    page.wait_for_function(
        "([l, c]) => location.hash.includes(`l=${l}`) && location.hash.includes(`u=${c}%2C`)",
        arg=[source, first + 1],
    )


@pytest.mark.parametrize("layer", ["conv", "tanh", "prelu"])
def test_the_histogram_counts_the_values(server, open_page, layer):
    page = open_page(server, f"#s=1&l={layer}&u=0,1,1&v=maps&q=cost")
    page.wait_for_selector("[data-q=histogram]")
    shown = server.session.first
    values = shown.model.activations(server.session.pixels(shown, SAMPLE)[None])
    assert value(page, "histogram") == np.histogram(values[layer].ravel().astype(np.float64), 48)[0].tolist()
    if layer == "tanh":
        slopes = 1 - np.tanh(values["transposed"].astype(np.float64)) ** 2
        assert value(page, "saturated") == int((slopes < 0.05).sum())
    else:
        assert page.query_selector("[data-q=saturated]") is None


def test_channels_are_sorted_by_strength_and_dead_ones_first(open_page):
    network = Network(
        [
            Entry("input", L.Input((1, 8, 8))),
            Entry("conv", L.Conv2d(6, 3), ("input",)),
            Entry("relu", L.ReLU(), ("conv",)),
        ],
        "dead",
    )
    session = Session()
    model = Model(network, seed=1)
    model.parameters["conv.bias"] = np.array([0.1, 5, -90, 1, -90, 2], np.float32)
    shown = session.add_network(network, "dead", model)
    with running(session) as server:
        page = open_page(server, "#s=1&l=relu&u=0,1,1&v=maps&q=cost")
        order = "l => l.map(o => Number(o.dataset.channel))"
        assert page.eval_on_selector_all(".atlas .map[data-channel]", order) == [0, 1, 2, 3, 4, 5]
        values = model.activations(session.pixels(shown, SAMPLE)[None])["relu"][0]
        strength = np.abs(values.reshape(6, -1).astype(np.float64)).mean(axis=1)
        for choice, expected in (
            ("strength", np.argsort(-strength, kind="stable").tolist()),
            ("dead", [2, 4, 0, 1, 3, 5]),
        ):
            page.select_option("[data-q=order]", choice)
            page.wait_for_function(
                "want => JSON.stringify([...document.querySelectorAll('.atlas .map[data-channel]')].map(o => Number(o.dataset.channel))) === want",
                arg=json.dumps(expected, separators=(",", ":")),
            )
        page.click(".atlas .map[data-channel='3']")
        page.wait_for_function("() => location.hash.includes('u=3%2C')")
        page.wait_for_selector(".map[data-channel='3'][aria-current=true]")
        assert float(page.get_attribute("[data-q=value]", "data-v")) == pytest.approx(float(values[3, 1, 1]))
        before = page.evaluate(
            "document.querySelector('.big canvas').getContext('2d').getImageData(0, 0, 6, 6).data.join()"
        )
        page.select_option("[data-q=scale]", "own")
        page.wait_for_function(
            "(before) => document.querySelector('.big canvas').getContext('2d').getImageData(0, 0, 6, 6).data.join() !== before",
            arg=before,
        )
