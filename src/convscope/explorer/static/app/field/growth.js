/** Size, distance and start of the fields over the depth, with effective extents beside the theoretical ones. */

import { network, once } from "cs/data";
import { h, readable, s, show } from "cs/dom";
import { number, t } from "cs/i18n";
import { state } from "cs/store";
import { select } from "cs/strip";
import { getArrays, getJson } from "cs/wire";

const LEFT = 62;
const RIGHT = 12;
const PANELS = [["size", 240], ["stride", 90], ["start", 90]];
const GAP = 26;
const NAMES = 96;
const CAP = 22;

/** Layers that are marked by points; of a deeper network, this many at even distances and the selected one. */
const MOST_POINTS = 600;
/** Rows of a table that is made before it is opened. */
const MOST_ROWS = 1000;

/** Effective extents by network and layer. @type {Map<string, any>} */
const extents = new Map();
let running = "";

/** Return the number that is drawn for a layer: that of the columns. */
function of(row, name) {
  return row.receptive_field[name]?.at(-1) ?? null;
}

/** Draw the section. */
export function growth(root) {
  const rows = network.report.layers;
  const width = Math.max(320, root.clientWidth);
  const x = (place) => LEFT + ((place + 0.5) * (width - LEFT - RIGHT)) / rows.length;
  const parts = [];
  let top = CAP;
  for (const [name, height] of PANELS) {
    parts.push(panel(rows, String(name), top, Number(height), width, x));
    top += Number(height) + GAP;
  }
  const bottom = top - GAP;
  show(
    root,
    h("p", { class: "note" }, t("growth_note")),
    s("svg", { viewBox: `0 0 ${width} ${bottom + NAMES}`, class: "chart", role: "img", "aria-label": t("growth_title") },
      parts, names(rows, x, bottom, width), words(rows, x)),
    h("p", { class: "legend" }, h("span", { class: "mark theory", "aria-hidden": "true" }), t("theoretical"), " ",
      h("span", { class: "mark seen", "aria-hidden": "true" }), t("effective_95"), " ", controls(root)),
    special(rows),
    table(rows),
  );
}

function panel(rows, name, top, height, width, x) {
  const values = rows.map((row) => of(row, name)).filter((one) => one !== null);
  const image = name === "size" ? network.report.input_shape.at(-1) : 0;
  const high = Math.max(image, 1, ...values);
  const low = Math.min(0, ...values);
  const y = (value) => top + height - ((value - low) / (high - low)) * height;
  const ticks = name === "size" ? [0, 0.25, 0.5, 0.75, 1] : [0, 1];
  const known = rows.map((row, place) => [of(row, name), place, row]).filter(([value]) => value !== null);
  const line = known.map(([value, place], k) => `${k ? "L" : "M"}${x(place)},${y(value)}`).join("");
  return [
    ticks.map((share) => {
      const tick = Math.round(low + share * (high - low));
      return [s("line", { x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick), class: "grid" }),
        s("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, number(tick))];
    }),
    s("text", { transform: `translate(14 ${top + height / 2}) rotate(-90)`, "text-anchor": "middle", class: "axis" }, t(`y_${name}`)),
    name === "size" ? [
      s("line", { x1: LEFT, x2: width - RIGHT, y1: y(image), y2: y(image), class: "image-line" }),
      s("text", { x: LEFT + 4, y: y(image) - 4, class: "image-line-label" }, t("image_width", { width: image })),
      effectiveLine(rows, x, y),
    ] : null,
    s("path", { d: line, class: "curve" }),
    known.filter(([, place, row]) => isMarked(row, place, rows.length)).map(([value, place, row]) => point(row, x(place), y(value), name, value)),
  ];
}

function isMarked(row, place, count) {
  return place % Math.ceil(count / MOST_POINTS) === 0 || row.name === state.layer;
}

function point(row, cx, cy, name, value) {
  const current = row.name === state.layer;
  return s("circle", { cx, cy, r: current ? 6 : 3.5, class: current ? "point current" : "point", "data-layer": row.name, "data-q": `field_${name}`, "data-v": value, onclick: () => select(row.name) },
    s("title", {}, `${readable(row.name)}: ${(row.receptive_field[name] ?? []).map((one) => number(one)).join(" × ")}`));
}

/** Squares at the effective extents, joined by a line. */
function effectiveLine(rows, x, y) {
  const known = rows.map((row, place) => [extents.get(`${network.id} ${row.name}`), place, row]).filter(([one]) => one);
  const at = ([one]) => one.extent["0.95"].at(-1);
  return [
    s("path", { d: known.map((one, k) => `${k ? "L" : "M"}${x(one[1])},${y(at(one))}`).join(""), class: "curve effective" }),
    known.map((one) => s("rect", { x: x(one[1]) - 4, y: y(at(one)) - 4, width: 8, height: 8, class: "point effective", "data-q": "effective_extent", "data-layer": one[2].name, "data-v": at(one), onclick: () => select(one[2].name) },
      s("title", {}, `${readable(one[2].name)}: ${one[0].extent["0.95"].join(" × ")}`))),
  ];
}

/** Names of layers, as many as can be read; the selected one always. */
function names(rows, x, bottom, width) {
  const every = Math.max(1, Math.ceil((rows.length * 15) / (width - LEFT - RIGHT)));
  const own = rows.findIndex((row) => row.name === state.layer);
  return rows.map((row, place) => {
    if (place !== own && (place % every !== 0 || (own >= 0 && Math.abs(place - own) < every))) return null;
    return s("text", { transform: `translate(${x(place) + 3} ${bottom + 10}) rotate(-55)`, "text-anchor": "end", class: place === own ? "name current" : "name", "data-layer": row.name, onclick: () => select(row.name) }, readable(row.name, 16));
  });
}

/** Marks of the layers without a size, in the row above the chart. */
function words(rows, x) {
  return rows.map((row, place) => {
    const { status, size } = row.receptive_field;
    if (size || !isMarked(row, place, rows.length)) return null;
    const sign = status === "global" ? "∗" : "?";
    return s("text", { x: x(place), y: 14, "text-anchor": "middle", class: row.name === state.layer ? "sign current" : "sign", "data-layer": row.name, "data-q": "field_word", "data-v": status, onclick: () => select(row.name) },
      sign, s("title", {}, `${readable(row.name)}: ${t(`status_${status}`)}`));
  });
}

/** Say in words which layers have no size, or see more than it says. */
function special(rows) {
  const groups = new Map();
  for (const row of rows) {
    const field = row.receptive_field;
    const key = field.size ? (field.global_via ? "side" : field.status === "misaligned" || field.status === "varying" ? field.status : "") : field.status;
    if (key) groups.set(key, [...(groups.get(key) ?? []), row.name]);
  }
  if (!groups.size) return null;
  return h("ul", { class: "special" }, [...groups].map(([key, layers]) =>
    h("li", { "data-q": "field_words", "data-v": JSON.stringify([key, layers]) },
      key === "global" ? "∗ " : key === "unknown" || key === "none" ? "? " : "",
      t(`layers_${key}`, { count: layers.length }), " ",
      layers.slice(0, 6).map((name) => h("button", { class: "link", onclick: () => select(name) }, readable(name, 20))).flatMap((one, k) => (k ? [", ", one] : [one])),
      layers.length > 6 ? ` ${t("and_more", { count: layers.length - 6 })}` : "")));
}

function table(rows) {
  const scroll = h("div", { class: "scroll" });
  const make = () => scroll.firstChild ?? show(scroll, tableOf(rows));
  if (rows.length <= MOST_ROWS) make();
  return h("details", { ontoggle: make }, h("summary", {}, t("as_table")), scroll);
}

function tableOf(rows) {
  const pair = (list) => list?.map((one) => number(one)).join("×") ?? "–";
  return h("table", { class: "report" },
    h("thead", {}, h("tr", {}, ["beam_layer", "y_size", "y_stride", "y_start", "effective_95", "fact_status"].map((name) => h("th", { scope: "col" }, t(name))))),
    rows.map((row) => {
      const field = row.receptive_field;
      return h("tr", { "aria-current": String(row.name === state.layer), onclick: () => select(row.name) },
        h("th", { scope: "row" }, h("button", { class: "link" }, readable(row.name, 30))),
        h("td", {}, pair(field.size)), h("td", {}, pair(field.stride)), h("td", {}, pair(field.start)),
        h("td", {}, pair(extents.get(`${network.id} ${row.name}`)?.extent["0.95"])), h("td", {}, t(`status_${field.status}`)));
    }));
}

function controls(root) {
  if (network.weights === "none") return h("span", {}, t("structure_only", { reason: network.reason ?? "" }));
  const progress = h("span", { role: "status", "data-q": "effective_progress" });
  const button = h("button", { "data-q": "effective_all", disabled: running === network.id, onclick: () => compute(root, progress, button) }, t("compute_extents"));
  return [button, " ", progress];
}

/** Compute the effective field of each layer at which the field grows, one after the other. */
async function compute(root, progress, button) {
  const { id } = network;
  running = id;
  button.disabled = true;
  try {
    const { layers } = await once(`growth ${id}`, () => getJson(`/api/networks/${id}/growth`, { lang: state.lang }));
    for (const [k, layer] of layers.entries()) {
      show(progress, t("progress_of", { done: k, total: layers.length }));
      const { document: found } = await once(`effective ${id} ${layer}`, () => getArrays(`/api/networks/${id}/effective`, { layer, lang: state.lang }));
      extents.set(`${id} ${layer}`, found);
      if (network.id !== id) return;
    }
    running = "";
    if (root.isConnected) growth(root);
    root.dataset.effective = "ready";
  } catch (error) {
    show(progress, error.message);
  } finally {
    running = "";
  }
}
