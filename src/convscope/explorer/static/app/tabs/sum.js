/** The sum behind the value of the selected unit, term by term. */

import { mapCanvas, scaleOf } from "cs/colors";
import { loadUnit, network } from "cs/data";
import { h, readable } from "cs/dom";
import { number, t } from "cs/i18n";
import { state } from "cs/store";
import { facts, MOST_TERMS, selected, unitLink } from "cs/unit_parts";

const MOST_CHANNELS = 6;

/** Return the content of the tab. */
export async function draw() {
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
    about.kernel ? ["kernel", [t(`kernel_${about.kernel.algorithm}`), about.kernel.name ? h("code", {}, ` ${about.kernel.name}`) : null], about.kernel] : null,
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
