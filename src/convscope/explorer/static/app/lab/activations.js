/** An activation function beside its derivative: drag x along the curve, and read value, slope and tangent. */

import { build, h, s, show } from "cs/dom";
import { number, t } from "cs/i18n";
import { axes, extent, path, SIZES, ticks } from "cs/lab/chart";
import { keep, set, state } from "cs/store";
import { network } from "cs/data";
import { select } from "cs/strip";

const { WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM } = SIZES;

state.curve = "";
state.curveAt = "";
const shown = () => state.view === "lab" && state.topic === "activations";
keep("curve", "f", (text) => (/^\w{1,30}$/.test(text) ? text : undefined), (name) => (shown() && name ? name : null));
keep("curveAt", "x", (text) => (/^-?\d{1,3}(\.\d{1,4})?$/.test(text) ? text : undefined), (at) => (shown() && at ? at : null));

/** Find the blocks of a lesson whose names have an ending. */
function blocksNamed(lesson, ending) {
  return lesson.sections.flatMap((section) => section.blocks).filter((block) => block.name?.endsWith(ending));
}

/** Join the charts of a lesson: they have the same steps, and start at the same x. */
function joined(blocks) {
  const xs = blocks.map((block) => block.x).sort((a, b) => a.length - b.length)[0];
  return { x: xs, series: blocks.flatMap((block) => block.series.map((one) => ({ ...one, values: one.values.slice(0, xs.length) }))) };
}

/** Return the plot of a lesson on activations. */
export function activationPlot(lesson) {
  const values = joined(blocksNamed(lesson, "value_curves"));
  const slopes = joined(blocksNamed(lesson, "derivative_curves"));
  const [facts] = blocksNamed(lesson, "properties");
  const names = values.series.map((one) => one.name);
  let name = names.includes(state.curve) ? state.curve : names[0];
  let at = nearest(values.x, state.curveAt === "" ? 1 : Number(state.curveAt));

  const choice = h("select", { "aria-label": t("function"), "data-q": "function", onchange: () => { name = choice.value; remember(); redraw(); } },
    names.map((one) => {
      const option = h("option", { value: one }, one);
      option.selected = one === name;
      return option;
    }));
  const slider = h("input", { type: "range", min: "0", max: String(values.x.length - 1), value: String(at), "aria-label": "x", "data-q": "x_slider",
    oninput: () => move(Number(slider.value)), onchange: remember });
  const readout = h("p", { class: "activation-readout", "aria-live": "polite" });
  const about = h("div", {});
  const left = h("div", { class: "activation-pane" });
  const right = h("div", { class: "activation-pane" });
  const panes = [left, right].map((pane) => plane(pane, values.x, (place) => move(place), remember));

  function move(place) {
    at = place;
    slider.value = String(at);
    point();
  }

  function remember() {
    set({ curve: name, curveAt: String(values.x[at]) });
  }

  function redraw() {
    const one = values.series.find((series) => series.name === name);
    const two = slopes.series.find((series) => series.name === name);
    panes[0].draw(one.values, t("value_of", { name }), "value");
    panes[1].draw(two.values, t("slope_of", { name }), "slope");
    const row = facts.rows.find((cells) => cells[0][0] === name);
    const layers = network?.rows.filter((layer) => layer.kind === name) ?? [];
    show(about,
      row ? h("table", { class: "facts" }, facts.keys.slice(1).map((key, k) => {
        const cell = row[k + 1];
        const value = Array.isArray(cell) ? cell[0] : cell;
        return h("tr", {}, h("th", { scope: "row" }, build(facts.titles[k + 1])), h("td", { "data-q": `fact_${key}`, "data-v": String(value) }, Array.isArray(cell) ? value : number(value)));
      })) : null,
      layers.length ? h("p", {}, t("in_my_network"), " ", layers.slice(0, 6).map((layer) =>
        [h("button", { class: "link", onclick: () => { select(layer.name); set({ view: "maps" }); } }, layer.name), " "])) : null);
    point();
  }

  function point() {
    const x = values.x[at];
    const y = values.series.find((series) => series.name === name).values[at];
    const slope = slopes.series.find((series) => series.name === name).values[at];
    panes[0].mark(x, y, slope);
    panes[1].mark(x, slope, null);
    const cell = (label, key, value) => h("span", {}, label, " = ", h("b", { "data-q": key, "data-v": String(value) }, number(value, 5)), "  ");
    show(readout, cell("x", "lab_x", x), cell("f(x)", "lab_value", y), cell("f′(x)", "lab_slope", slope));
  }

  redraw();
  return h("div", { class: "activation" },
    h("p", {}, h("label", {}, t("function"), " ", choice), " ", h("label", {}, "x ", slider), " ", h("span", { class: "note" }, t("drag_x"))),
    readout, h("div", { class: "activation-panes" }, left, right), about);
}

function nearest(xs, x) {
  let best = 0;
  for (const [place, one] of xs.entries()) if (Math.abs(one - x) < Math.abs(xs[best] - x)) best = place;
  return best;
}

/** A plane with one curve, a point on it, and a line through the point. */
function plane(root, xs, onmove, ondone) {
  const first = xs[0];
  const last = xs[xs.length - 1];
  const x = (value) => LEFT + ((value - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
  let y = (value) => value;
  let low = 0;
  let high = 1;
  let marks = s("g", {});
  let svg = s("svg", {});

  function where(event) {
    const box = svg.getBoundingClientRect();
    const share = (((event.clientX - box.left) / box.width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT);
    return Math.max(0, Math.min(xs.length - 1, Math.round(share * (xs.length - 1))));
  }

  return {
    draw(values, label, name) {
      [low, high] = extent([values]);
      const room = 0.08 * (high - low);
      [low, high] = [low - room, high + room];
      y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - BOTTOM - TOP);
      marks = s("g", { class: "marks" });
      svg = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart draggable", role: "img", "aria-label": label, "data-name": name,
        onpointerdown: (event) => { svg.setPointerCapture(event.pointerId); onmove(where(event)); },
        onpointermove: (event) => { if (event.buttons) onmove(where(event)); },
        onpointerup: ondone },
        axes(x, y, ticks(first, last, 8).map((tick) => [tick, number(tick)]), ticks(low, high), "x"),
        s("path", { class: "line c0", d: path(xs, values, x, y) }), marks);
      show(root, h("figcaption", {}, label), svg);
    },
    mark(at, value, slope) {
      const parts = [s("line", { class: "guide", x1: x(at), x2: x(at), y1: TOP, y2: HEIGHT - BOTTOM })];
      if (slope !== null) parts.push(tangent(at, value, slope));
      parts.push(s("circle", { class: "point current", cx: x(at), cy: y(value), r: 5 }));
      show(marks, parts);
    },
  };

  function tangent(at, value, slope) {
    let [from, to] = [Math.max(first, at - 2), Math.min(last, at + 2)];
    if (slope) {
      const [a, b] = [at + (low - value) / slope, at + (high - value) / slope].sort((one, two) => one - two);
      [from, to] = [Math.max(from, a), Math.min(to, b)];
    }
    return s("line", { class: "tangent", x1: x(from), y1: y(value + slope * (from - at)), x2: x(to), y2: y(value + slope * (to - at)) });
  }
}
