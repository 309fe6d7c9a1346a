/** The units that see the pinned pixel, as a table, and the proof: change pixels, and see that no other unit changes. */

import { network, row } from "cs/data";
import { h, readable, show } from "cs/dom";
import { number, t } from "cs/i18n";
import { originName, pin, theCone } from "cs/pins";
import { state } from "cs/store";
import { select } from "cs/strip";
import { getArrays } from "cs/wire";

const SIDE = 210;
const TRIES = 30;

let patch = 1;

/** Draw the section. */
export function proof(root) {
  show(root, h("h3", {}, t("cone_title")));
  const cone = state.pixel ? theCone() : null;
  if (!cone) {
    root.append(h("p", { class: "note" }, t("cone_hint")), start());
    return;
  }
  const [r, c] = state.pixel;
  root.append(
    h("p", {}, t(state.origin ? "cone_of_position" : "cone_of_pixel", { row: r, column: c, layer: readable(originName(), 24) })),
    coneTable(cone));
  if (state.origin) return;
  const results = h("div", { class: "results" });
  const sizes = h("select", { "aria-label": t("patch"), onchange: (event) => { patch = Number(event.target.value); } },
    [1, 3, 5, 9].map((one) => {
      const option = h("option", { value: String(one) }, `${one}×${one}`);
      if (one === patch) option.selected = true;
      return option;
    }));
  root.append(h("h3", {}, t("proof_title")), h("p", { class: "note" }, t("proof_note")));
  if (network.weights === "none") root.append(h("p", { class: "note" }, t("structure_only", { reason: network.reason ?? "" })));
  else root.append(h("p", { class: "controls" }, t("patch"), " ", sizes, " ",
    h("button", { "data-q": "proof_run", onclick: () => once(results) }, t("proof_run", { row: r, column: c })), " ",
    h("button", { "data-q": "proof_random", onclick: () => random(results) }, t("proof_random", { count: TRIES }))), results);
}

/** Offer the pixel in the middle where none is pinned. */
function start() {
  const [, height, width] = network.report.input_shape;
  return h("button", { "data-q": "pin_middle", onclick: () => pin(network.rows[0].name, [Math.floor(height / 2), Math.floor((width ?? 1) / 2)]) }, t("pin_middle"));
}

function coneTable(cone) {
  return h("details", { open: true }, h("summary", {}, t("cone_table")),
    h("div", { class: "scroll short" }, h("table", { class: "report" },
      h("thead", {}, h("tr", {}, ["beam_layer", "cone_count", "cone_box"].map((name) => h("th", { scope: "col" }, t(name))))),
      [...cone.layers].map(([name, found]) => h("tr", { "aria-current": String(name === state.layer), onclick: () => select(name) },
        h("th", { scope: "row" }, h("button", { class: "link" }, readable(name, 30))),
        "count" in found
          ? [h("td", { "data-q": "cone_count", "data-layer": name, "data-v": found.count }, number(found.count)), h("td", {}, found.count ? found.box.join(", ") : "–")]
          : h("td", { colspan: "2", "data-q": "cone_words", "data-layer": name }, found.message))))));
}

function ask(pixel, size) {
  return getArrays(`/api/values/${network.id}/${state.image}/proof`, { pixel, size, layer: state.layer, lang: state.lang });
}

/** Change the pinned patch, and show what changed in every layer. */
async function once(results) {
  results.dataset.state = "loading";
  show(results, h("p", { role: "status" }, t("computing")));
  try {
    const { arrays, document: found } = await ask(state.pixel, patch);
    const outside = found.layers.reduce((sum, one) => sum + one.outside, 0);
    show(results, verdict(outside, 1), overlay(arrays), h("div", { class: "scroll short" }, h("table", { class: "report" },
      h("thead", {}, h("tr", {}, ["beam_layer", "proof_changed", "proof_seeing", "proof_outside"].map((name) => h("th", { scope: "col" }, t(name))))),
      found.layers.map((one) => h("tr", { "aria-current": String(one.layer === state.layer), onclick: () => select(one.layer) },
        h("th", { scope: "row" }, readable(one.layer, 30)),
        h("td", { "data-q": "changed", "data-layer": one.layer, "data-v": one.changed }, number(one.changed)),
        h("td", { "data-q": "seeing", "data-layer": one.layer, "data-v": JSON.stringify(one.seeing) }, one.seeing === null ? t("status_unknown") : number(one.seeing)),
        h("td", { "data-q": "outside", "data-layer": one.layer, "data-v": one.outside }, number(one.outside)))))));
  } catch (error) {
    show(results, h("p", { class: "note" }, error.message));
  }
  results.dataset.state = "ready";
}

/** Change random pixels one after the other. */
async function random(results) {
  results.dataset.state = "loading";
  const { id } = network;
  const [, height, width] = network.report.input_shape;
  let outside = 0;
  let changed = 0;
  try {
    for (let k = 0; k < TRIES; k += 1) {
      show(results, h("p", { role: "status" }, t("progress_of", { done: k, total: TRIES })));
      const pixel = [Math.floor(Math.random() * height), Math.floor(Math.random() * (width ?? 1))];
      const { document: found } = await ask(pixel, patch);
      if (network.id !== id || !results.isConnected) return;
      for (const one of found.layers) {
        outside += one.outside;
        changed += one.changed;
      }
    }
    show(results, verdict(outside, TRIES), h("p", { class: "note", "data-q": "changed_in_all", "data-v": changed }, t("proof_sum", { changed: number(changed) })));
  } catch (error) {
    show(results, h("p", { class: "note" }, error.message));
  }
  results.dataset.state = "ready";
}

function verdict(outside, tries) {
  return h("p", { class: outside ? "verdict bad" : "verdict good", "data-q": "outside_in_all", "data-v": outside },
    outside ? t("proof_bad", { count: number(outside) }) : t("proof_good", { tries }));
}

/** The selected layer: units that see the patch, and on them those that changed. */
function overlay(arrays) {
  const shape = row(state.layer).output_shape;
  if (!arrays.changed || shape.length !== 3) return null;
  const [, rows, columns] = shape;
  const canvas = h("canvas", { role: "img", "aria-label": t("proof_map", { layer: readable(state.layer, 24) }) });
  canvas.width = columns;
  canvas.height = rows;
  const data = new Uint8ClampedArray(4 * rows * columns);
  for (let i = 0; i < rows * columns; i += 1) {
    const color = arrays.changed[i] ? (arrays.seeing[i] ? [230, 159, 0] : [213, 94, 0]) : arrays.seeing[i] ? [204, 121, 167] : [128, 128, 128];
    data.set([...color, arrays.changed[i] || arrays.seeing[i] ? 255 : 50], 4 * i);
  }
  canvas.getContext("2d").putImageData(new ImageData(data, columns, rows), 0, 0);
  const zoom = SIDE / Math.max(rows, columns);
  Object.assign(canvas.style, { width: `${columns * zoom}px`, height: `${rows * zoom}px` });
  return h("figure", {}, h("figcaption", {}, readable(state.layer, 24)), h("div", { class: "frame" }, canvas),
    h("ul", { class: "marks" }, ["changed", "unchanged", "stray"].map((name) => h("li", {}, h("span", { class: `mark ${name}`, "aria-hidden": "true" }), t(`proof_mark_${name}`)))));
}
