/** Two networks side by side: the same unit of the same image, matched layers, fields and costs. */

import { mapCanvas, scaleOf } from "cs/colors";
import { inside, loadComparison, loadMapsOf, loadNetworkOf, network } from "cs/data";
import { h, readable, s, show } from "cs/dom";
import { given, notice } from "cs/header";
import { number, t } from "cs/i18n";
import { keep, set, shortest, state } from "cs/store";
import { select } from "cs/strip";
import { mapSizes } from "cs/tensors";
import { send } from "cs/wire";

const COLORS = ["#0072B2", "#D55E00"];
const HEIGHT = 180;
const LEFT = 60;

keep("compare", "c", (text) => (text.length <= 65536 ? text : undefined), shortest);

/** What of the state the view shows, besides the network and the language. */
export const keys = ["image", "layer", "channel", "row", "column", "compare"];

/** Return the id of the network that the state names: one of the start, or one that is opened now. */
async function openOther() {
  const first = given();
  if (!state.compare || state.compare === "start") return first.other;
  return (await send("POST", "/api/networks", state.compare, { parameters: { lang: state.lang } })).id;
}

/** Draw the view into an element. */
export async function draw(root) {
  const key = () => JSON.stringify([network.id, state.compare, state.image, state.layer, state.channel, state.row, state.column, state.lang, state.view]);
  const mine = key();
  try {
    const id = await openOther();
    if (!id) {
      if (mine === key()) show(root, picker(), h("p", { class: "empty" }, t("compare_hint")));
    } else {
      const [other, found] = await Promise.all([loadNetworkOf(id, state.lang), loadComparison(network.id, id)]);
      const unit = await unitPair(other, found);
      if (mine !== key()) return;
      show(root, picker(), legend(other), unit, totals(found), charts(root, other), rows(found, other));
    }
  } catch (error) {
    if (mine !== key()) return;
    show(root, picker(), h("p", { class: "empty" }, error.message));
  }
  if (mine === key()) root.dataset.state = "ready";
}

function picker() {
  const { other, zoo } = given();
  const names = [...(other ? [["start", t("given_other")]] : [["", t("compare_none")]]), ...zoo.map((name) => [name, name])];
  if (state.compare && !names.some(([name]) => name === state.compare)) names.push([state.compare, t("notation")]);
  return h("p", {}, t("compare_with"), " ", h("select", { "aria-label": t("compare_with"), "data-q": "compare", onchange: (event) => set({ compare: event.target.value }) },
    names.map(([name, text]) => {
      const option = h("option", { value: name }, text);
      if (name === (state.compare || names[0][0])) option.selected = true;
      return option;
    })));
}

function legend(other) {
  return h("p", { class: "pair" }, [network, other].map((one, k) =>
    h("span", {}, h("span", { class: `side ${"ab"[k]}`, "aria-hidden": "true" }), ` ${"AB"[k]}: ${readable(one.name, 40)}`)));
}

/** The selected unit in both networks, on the same image. */
async function unitPair(other, found) {
  const partner = found.layers.find((one) => one.a === state.layer)?.b ?? (state.layer === network.rows[0].name ? other.rows[0].name : null);
  const sides = await Promise.all([[network, state.layer], [other, partner]].map(([one, layer], k) => side(one, layer, "ab"[k])));
  return h("div", { class: "pair" }, sides);
}

async function side(one, layer, name) {
  const entry = layer === null ? null : one.byName.get(layer);
  if (!entry) return h("div", { "data-q": `unit_${name}`, "data-v": "null" }, t("no_partner", { layer: readable(state.layer) }));
  const [channels, height, width] = mapSizes(entry.output_shape);
  const head = h("h3", {}, `${name.toUpperCase()}: ${readable(layer, 40)} `, h("small", {}, entry.output_shape.join("×")));
  if (state.channel >= channels || state.row >= height || state.column >= width) return h("div", {}, head, h("p", { class: "note" }, t("no_unit_there")));
  const index = inside(entry.output_shape, /** @type {any} */ (state));
  const box = one.boxes.of(entry.place, index);
  const facts = [];
  if (box) facts.push(h("p", {}, `${t("fact_clipped")}: `, h("span", { "data-q": `box_${name}`, "data-v": JSON.stringify(box.box) }, spans(box.clipped))));
  if (one.weights === "none") return h("div", {}, head, facts, h("p", { class: "note" }, t("structure_only", { reason: one.reason ?? "" })));
  const { arrays, document: about } = await loadMapsOf(one.id, state.image, layer, state.channel);
  const start = (state.channel - about.first) * height * width;
  const value = arrays.maps[start + state.row * width + state.column];
  const canvas = mapCanvas(arrays.maps, start, height, width, scaleOf(about.range[0], about.range[1]));
  const zoom = Math.max(0.25, Math.min(18, 200 / Math.max(height, width)));
  Object.assign(canvas.style, { width: `${width * zoom}px`, height: `${Math.max(height * zoom, 14)}px` });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", t("map_of", { layer, channel: state.channel }));
  const cursor = h("div", { class: "cursor", style: {
    left: `${(100 * state.column) / width}%`, top: `${(100 * state.row) / height}%`, width: `${100 / width}%`, height: `${100 / height}%` } });
  return h("div", {}, head, h("div", { class: "twin" }, canvas, cursor),
    h("p", {}, `(${index.join(", ")}) = `, h("b", { "data-q": `value_${name}`, "data-v": String(value) }, number(value)), ` · ${t(`weights_${one.weights}`)}`), facts);
}

function spans(box) {
  const rank = box.length / 2;
  return Array.from({ length: rank }, (_, k) => `${number(box[k])}…${number(box[rank + k] - 1)}`).join(", ");
}

function totals(found) {
  return h("table", { class: "report" },
    h("thead", {}, h("tr", {}, ["", "A", "B", "B − A", "B / A"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, Object.entries(found.totals).map(([name, { a, b, difference, ratio }]) =>
      h("tr", { "data-q": `compared_${name}`, "data-v": JSON.stringify({ a, b, difference, ratio }) },
        h("th", { scope: "row" }, t(`total_${name}`)), [a, b, difference].map((one) => h("td", {}, number(one))), h("td", {}, ratio === null ? "–" : number(ratio, 4))))));
}

function charts(root, other) {
  const width = Math.max(300, root.clientWidth);
  const fields = (one) => one.report.layers.map((row) => row.receptive_field.size?.at(-1) ?? null);
  const costs = (one) => {
    let sum = 0;
    return one.report.layers.map((row) => (sum += row.macs));
  };
  return [["compare_fields", fields], ["compare_costs", costs]].map(([title, read]) => chart(t(/** @type {string} */ (title)), [network, other].map(/** @type {any} */ (read)), width));
}

/** Two curves over the depth of the networks; the second one is dashed. */
function chart(title, curves, width) {
  const most = Math.max(1, ...curves.flat().filter((one) => one !== null));
  const y = (value) => HEIGHT - 20 - (value / most) * (HEIGHT - 36);
  const lines = curves.map((values, k) => {
    const points = values.map((value, i) => [LEFT + ((i + 0.5) * (width - LEFT - 8)) / values.length, value]).filter(([, value]) => value !== null);
    return s("path", { d: points.map(([x, value], i) => `${i ? "L" : "M"}${x},${y(value)}`).join(""), class: `curve ${"ab"[k]}`, stroke: COLORS[k], "data-v": values.join(",") });
  });
  return [h("h3", {}, title), s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "chart", role: "img", "aria-label": title },
    [0, 0.5, 1].map((share) => [
      s("line", { x1: LEFT, x2: width - 8, y1: y(share * most), y2: y(share * most), class: "grid" }),
      s("text", { x: LEFT - 6, y: y(share * most) + 4, "text-anchor": "end" }, number(share * most, 3)),
    ]), lines)];
}

function rows(found, other) {
  return h("table", { class: "report compared" },
    h("thead", {}, h("tr", {}, ["change", "A", "B", "differences"].map((name) => h("th", { scope: "col" }, name.length > 1 ? t(`column_${name}`) : name)))),
    h("tbody", {}, found.layers.map((one) =>
      h("tr", { class: one.change, "data-change": one.change, "data-v": JSON.stringify(one.differences), "aria-current": String(one.a === state.layer) },
        h("td", {}, t(`change_${one.change}`)), h("td", {}, one.a === null ? "–" : h("button", { class: "link", onclick: () => select(one.a) }, readable(one.a))),
        h("td", {}, one.b === null ? "–" : h("button", { class: "link", onclick: () => swap(other, one.b) }, readable(one.b))),
        h("td", {}, Object.entries(one.differences).map(([what, { a, b }]) => h("div", {}, `${what.replaceAll("_", " ")}: ${brief(a)} → ${brief(b)}`)))))));
}

/** A layer that only B has is looked at in B: it becomes the network of the page. */
function swap(other, layer) {
  const mine = other.byName.get(layer);
  if (!mine) return;
  if (given().other === other.id && (!state.compare || state.compare === "start")) notice(t("only_in_b", { layer: readable(layer) }));
  else set({ model: state.compare, network: other.id, compare: state.model, layer });
}

function brief(value) {
  if (Array.isArray(value)) return value.join("×");
  if (value !== null && typeof value === "object") return value.size ? `${value.size.join("×")} (${value.status})` : value.status;
  return typeof value === "number" ? number(value) : String(value ?? "–");
}
