/** The selected unit: region, sum, gradient, derivation, costs. */

import { mapCanvas, scaleOf } from "cs/colors";
import { boxOf, indexOf, loadDerivation, loadRegion, loadScores, loadUnit, network, row, unitAt } from "cs/data";
import { build, h, readable, show } from "cs/dom";
import { number, percent, t } from "cs/i18n";
import { on, set, state, TABS } from "cs/store";

const MOST_TERMS = 60;
const MOST_CHANNELS = 6;

const root = /** @type {HTMLElement} */ (document.getElementById("inspector"));
const tabs = h("div", { class: "tabs", role: "tablist" });
const content = h("div", { class: "content", role: "tabpanel" });
show(root, tabs, content);

function selected() {
  return { layer: state.layer, channel: state.channel, row: state.row, column: state.column };
}

function key() {
  return JSON.stringify([network?.id, state.image, selected(), state.tab, state.target, state.lang]);
}

async function draw() {
  show(tabs, TABS.map((tab) =>
    h("button", { role: "tab", "aria-selected": String(tab === state.tab), "data-tab": tab, onclick: () => set({ tab }) }, t(`tab_${tab}`))));
  if (!network || !state.layer) return;
  const mine = key();
  content.dataset.state = "loading";
  try {
    const parts = await PARTS[state.tab]();
    if (mine !== key()) return;
    show(content, heading(), parts);
  } catch (error) {
    if (mine !== key()) return;
    show(content, heading(), h("p", { class: "empty" }, error.message));
  }
  content.dataset.state = "ready";
}

function heading() {
  return h("h2", {}, readable(state.layer), " ", h("small", {}, `(${indexOf(selected()).join(", ")})`));
}

/** A link to a unit. */
function unitLink(layer, index) {
  return h("button", { class: "link", onclick: () => set({ ...unitAt(layer, index), hover: null }) }, `${readable(layer, 24)} (${index.join(", ")})`);
}

function facts(rows) {
  return h("table", { class: "facts" }, rows.filter(Boolean).map(([name, value, raw, text]) =>
    h("tr", {}, h("th", { scope: "row" }, text ?? t(`fact_${name}`)), h("td", { "data-q": name, "data-v": JSON.stringify(raw) }, value))));
}

async function regionPart() {
  if (row(state.layer).kind === "Input") return h("p", {}, t("is_input"));
  const region = await loadRegion(selected(), state.lang);
  const rank = region.box.length / 2;
  const spans = (box) => Array.from({ length: rank }, (_, k) => `${number(box[k])}…${number(box[rank + k] - 1)}`).join(", ");
  return [
    facts([
      ["size", region.size.map((one) => number(one)).join("×"), region.size],
      ["box", spans(region.box), region.box],
      ["clipped", spans(region.clipped), region.clipped],
      ["center", region.center.map((one) => number(one)).join(", "), region.center],
      ["padded", percent(region.padded_fraction), region.padded_fraction],
      ["coverage", percent(region.coverage), region.coverage],
      ["status", t(`status_${region.status}`), region.status],
      region.via ? ["via", readable(region.via), region.via] : null,
      region.global_via ? ["global_via", readable(region.global_via), region.global_via] : null,
    ]),
    h("p", { class: "note" }, t(`status_${region.status}_note`)),
    boxOf(selected()) ? null : h("p", { class: "note" }, t("asked_server")),
  ];
}

async function sumPart() {
  if (network.weights === "none") return h("p", {}, t("structure_only", { reason: network.reason ?? "" }));
  const unit = await loadUnit(state.image, selected(), state.target);
  const { document: about } = unit;
  const parts = [totals(about)];
  if (about.form === "inputs") parts.push(h("p", {}, t("form_inputs")));
  else {
    parts.push(h("p", { class: "note" }, t(about.form === "sum" && about.bias ? "form_sum_bias" : `form_${about.form}`)));
    if (about.form === "sum") parts.push(channelPatches(unit));
    parts.push(termTable(unit));
  }
  return parts;
}

function totals(about) {
  return facts([
    ["engine_value", number(about.value, 9), about.value],
    about.form === "inputs" ? null : ["exact_sum", number(about.sum, 12), about.sum],
    about.form === "inputs" ? null : ["difference", number(about.value - about.sum, 3), about.value - about.sum],
    about.bias ? ["bias", number(about.bias, 9), about.bias] : null,
    about.padding ? ["padding", number(about.padding), about.padding] : null,
    ...Object.entries(about.facts).map(([name, value]) => [`fact:${name}`, typeof value === "number" ? number(value, 9) : String(value), value, name.replaceAll("_", " ")]),
  ]);
}

/** Patch × kernel = products of the input channels with the largest sums. */
function channelPatches(unit) {
  const { arrays, shapes, document: about } = unit;
  const rank = shapes.indices[1];
  if (rank !== 3) return null;
  const groups = new Map();
  for (let i = 0; i < arrays.inputs.length; i += 1) {
    const name = `${arrays.sources[i]} ${arrays.indices[3 * i]}`;
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(i);
  }
  const sums = [...groups].map(([name, members]) => ({ name, members, sum: members.reduce((sum, i) => sum + arrays.products[i], 0) }));
  if (sums[0] && sums[0].members.length < 2) return null;
  sums.sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const listed = sums.slice(0, MOST_CHANNELS);
  const rest = sums.slice(MOST_CHANNELS).reduce((sum, one) => sum + one.sum, 0);
  const table = h("table", { class: "patches" },
    h("thead", {}, h("tr", {}, ["channel_column", "input", "weight", "product", "sum"].map((name) => h("th", { scope: "col" }, t(name))))),
    listed.map(({ name, members, sum }) => {
      const [source, channel] = name.split(" ").map(Number);
      const grids = ["inputs", "weights", "products"].map((kind) => h("td", {}, patch(arrays, members, kind)));
      return h("tr", {}, h("th", { scope: "row" }, about.sources.length > 1 ? `${readable(about.sources[source], 12)} ` : "", channel), grids, h("td", { "data-v": String(sum) }, number(sum, 5)));
    }),
    sums.length > MOST_CHANNELS ? h("tr", {}, h("th", { scope: "row", colspan: "4" }, t("other_channels", { count: sums.length - MOST_CHANNELS })), h("td", {}, number(rest, 5))) : null);
  return table;
}

/** Draw the numbers of one window as a small map. */
function patch(arrays, members, kind) {
  let top = Infinity;
  let left = Infinity;
  let bottom = -Infinity;
  let right = -Infinity;
  for (const i of members) {
    const r = arrays.indices[3 * i + 1];
    const c = arrays.indices[3 * i + 2];
    top = Math.min(top, r);
    bottom = Math.max(bottom, r);
    left = Math.min(left, c);
    right = Math.max(right, c);
  }
  const height = bottom - top + 1;
  const width = right - left + 1;
  const values = new Float64Array(height * width);
  let low = 0;
  let high = 0;
  for (const i of members) {
    const value = arrays[kind][i];
    values[(arrays.indices[3 * i + 1] - top) * width + arrays.indices[3 * i + 2] - left] = value;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const canvas = mapCanvas(values, 0, height, width, scaleOf(low, high));
  const scale = Math.max(1, Math.min(14, 64 / Math.max(height, width)));
  canvas.style.width = `${width * scale}px`;
  canvas.style.height = `${height * scale}px`;
  canvas.title = height * width <= 121 ? Array.from({ length: height }, (_, r) => Array.from(values.subarray(r * width, (r + 1) * width), (v) => number(v, 4)).join("  ")).join("\n") : "";
  return canvas;
}

function termTable(unit) {
  const { arrays, shapes, document: about } = unit;
  const rank = shapes.indices[1];
  const order = Array.from(arrays.products.keys()).sort((a, b) => Math.abs(arrays.products[b]) - Math.abs(arrays.products[a]));
  const listed = order.slice(0, MOST_TERMS);
  const weight = about.form === "function" ? "derivative" : "weight";
  return [
    h("p", { class: "note", "data-q": "term_count", "data-v": String(order.length) }, t(order.length > listed.length ? "terms_some" : "terms", { count: number(order.length), shown: number(listed.length) })),
    h("table", { class: "terms" },
      h("thead", {}, h("tr", {}, ["unit", "input", weight, "product"].map((name) => h("th", { scope: "col" }, t(name))))),
      listed.map((i) => {
        const index = Array.from(arrays.indices.subarray(rank * i, rank * (i + 1)));
        return h("tr", {}, h("td", {}, unitLink(about.sources[arrays.sources[i]], index)),
          h("td", {}, number(arrays.inputs[i], 5)), h("td", {}, number(arrays.weights[i], 5)), h("td", {}, number(arrays.products[i], 5)));
      })),
  ];
}

async function gradientPart() {
  if (network.weights === "none") return h("p", {}, t("structure_only", { reason: network.reason ?? "" }));
  const scores = await loadScores(state.image);
  const target = state.target ?? scores.classes[0]?.index ?? 0;
  const unit = await loadUnit(state.image, selected(), target);
  const { document: about, arrays } = unit;
  const choice = h("select", { "aria-label": t("target"), onchange: (event) => set({ target: Number(event.target.value) }) },
    scores.classes.map((one) => {
      const option = h("option", { value: String(one.index) }, `${readable(one.name, 30)} (${number(one.score, 4)})`);
      if (one.index === target) option.selected = true;
      return option;
    }));
  const order = about.readers.map((_, i) => i).sort((a, b) => Math.abs(arrays.reader_numbers[3 * b + 2]) - Math.abs(arrays.reader_numbers[3 * a + 2]));
  const listed = order.slice(0, MOST_TERMS);
  return [
    h("p", {}, t("gradient_of"), " ", choice),
    facts([["gradient", number(about.gradient, 9), about.gradient], Math.abs(about.remainder) > 1e-5 * Math.abs(about.gradient) ? ["remainder", number(about.remainder, 3), about.remainder] : null]),
    h("p", { class: "note" }, t(order.length > listed.length ? "readers_some" : "readers", { count: number(order.length), shown: number(listed.length) })),
    h("table", { class: "terms" },
      h("thead", {}, h("tr", {}, ["unit", "derivative", "gradient_there", "product"].map((name) => h("th", { scope: "col" }, t(name))))),
      listed.map((i) => {
        const [layer, ...index] = about.readers[i];
        return h("tr", {}, h("td", {}, unitLink(layer, index)), [0, 1, 2].map((k) => h("td", {}, number(arrays.reader_numbers[3 * i + k], 5))));
      })),
  ];
}

/** The quantity whose derivation is shown. */
let quantity = "receptive_field";

async function derivePart() {
  if (row(state.layer).kind === "Input") return h("p", {}, t("is_input"));
  const index = indexOf(selected());
  const at = index.length === 3 ? index.slice(1) : null;
  const { quantities, titles } = await loadDerivation(state.layer, null, at, state.lang);
  if (!quantities.includes(quantity)) [quantity] = quantities;
  const choice = h("select", { "aria-label": t("quantity"), onchange: (event) => { quantity = event.target.value; draw(); } },
    quantities.map((one, k) => {
      const option = h("option", { value: one }, titles[k].replaceAll("$", ""));
      if (one === quantity) option.selected = true;
      return option;
    }));
  const { tree, latex } = await loadDerivation(state.layer, quantity, at, state.lang);
  return [
    h("p", {}, choice, " ", h("button", { onclick: (event) => copy(latex, event.target) }, t("copy_latex"))),
    h("div", { class: "derivation", "data-quantity": quantity }, build(tree)),
  ];
}

async function copy(text, button) {
  await navigator.clipboard.writeText(text);
  show(button, t("copied"));
}

async function costPart() {
  const entry = row(state.layer);
  if (entry.kind === "Input") return h("p", {}, t("is_input"));
  const names = ["params", "macs", "multiplications", "additions", "comparisons", "divisions", "exponentials", "activation_bytes"];
  return [
    facts([["kind", entry.kind, entry.kind], ["output", entry.output_shape.join("×"), entry.output_shape], ...names.map((name) => [name, number(entry[name]), entry[name]])]),
    network.findings.filter((one) => one.layers.includes(state.layer)).map((one) => h("div", { class: `finding ${one.severity}` }, one.message, h("br"), one.suggestion)),
  ];
}

const PARTS = { region: regionPart, sum: sumPart, gradient: gradientPart, derive: derivePart, cost: costPart };

on(["network"], () => show(content));
on(["ready", "image", "layer", "channel", "row", "column", "tab", "target", "lang"], draw);
