/**
 * The two pins, and what follows from them: the beam of the selected unit, and the light cone of a pixel.
 *
 * The pixel is one of the image, or a position of the layer `origin`. Both are kept in the address.
 */

import { indexOf, mapShape, network, once, row } from "cs/data";
import { keep, natural, on, set, state } from "cs/store";
import { selected } from "cs/unit_parts";
import { getArrays, getJson } from "cs/wire";

state.origin = "";
state.pixel = null;
/** What the beam and the cone are loaded for; empty while they are not. */
state.beam = "";
state.cone = "";

keep("origin", "o", (text) => (text.length <= 1000 ? text : undefined), (value) => value || null);
keep("pixel", "p", (text) => {
  const parts = text.split(",").map(natural);
  return parts.length === 2 && !parts.includes(undefined) ? parts : undefined;
}, (value) => (value ? value.join(",") : null));

/** @type {any} */
let beam = null;
/** @type {any} */
let cone = null;

/** The windows of the selected unit: `windows` by layer, `merges`; `message` where they cannot be known; or null. */
export const theBeam = () => beam;

/** The units that see the pinned pixel: `layers` by name, `masks`, or null. */
export const theCone = () => cone;

/** The name of the layer whose position is pinned: the input, unless another one is. */
export function originName() {
  return state.origin || network.rows[0].name;
}

/** Pin a pixel of the image, or a position of a layer. */
export function pin(origin, pixel) {
  set({ origin: origin === network.rows[0].name ? "" : origin, pixel, hover: null });
}

/** Remove the second pin. */
export function unpin() {
  set({ origin: "", pixel: null });
}

/** Return the pinned position: (row, column), or an index of the origin's output. */
export function pinnedIndex() {
  const index = indexOf({ layer: originName(), channel: 0, row: state.pixel[0], column: state.pixel[1] });
  return index.length === 3 ? index.slice(1) : index;
}

/** Drop a pin that the network does not have. */
function check() {
  if (!network || !state.pixel) return;
  const [, rows, columns] = row(originName()) ? mapShape(originName()) : [0, 0, 0];
  if (state.pixel[0] >= rows || state.pixel[1] >= columns) set({ origin: "", pixel: null }, { push: false });
}

async function loadBeam() {
  if (!network || !row(state.layer)) return;
  const unit = selected();
  const key = JSON.stringify([network.id, unit.layer, unit.row, unit.column, state.lang]);
  if (key === state.beam) return;
  beam = null;
  if (row(unit.layer).kind !== "Input") {
    try {
      const found = await once(`beam ${key}`, () =>
        getJson(`/api/networks/${network.id}/beam`, { layer: unit.layer, at: indexOf(unit), lang: state.lang }));
      if (JSON.stringify([network.id, state.layer, state.row, state.column, state.lang]) !== key) return;
      beam = { ...found, windows: new Map(found.windows.map((one) => [one.layer, one])), message: "" };
    } catch (error) {
      if (JSON.stringify([network.id, state.layer, state.row, state.column, state.lang]) !== key) return;
      beam = { windows: new Map(), merges: [], message: error.message };
    }
  }
  set({ beam: key }, { push: false });
}

async function loadCone() {
  check();
  if (!network || !state.pixel) {
    cone = null;
    set({ cone: "" }, { push: false });
    return;
  }
  const key = JSON.stringify([network.id, state.origin, state.pixel, state.lang]);
  if (key === state.cone) return;
  try {
    const found = await once(`cone ${key}`, () =>
      getArrays(`/api/networks/${network.id}/cone`, { pixel: pinnedIndex(), origin: state.origin || null, lang: state.lang }));
    if (JSON.stringify([network.id, state.origin, state.pixel, state.lang]) !== key) return;
    cone = { layers: new Map(Object.entries(found.document.layers)), masks: found.arrays.masks, message: "" };
  } catch (error) {
    if (JSON.stringify([network.id, state.origin, state.pixel, state.lang]) !== key) return;
    cone = { layers: new Map(), masks: new Uint8Array(), message: error.message };
  }
  set({ cone: key }, { push: false });
}

/** Follow the address: what it does not name is not pinned. */
function follow() {
  const query = new URLSearchParams(location.hash.slice(1));
  if (state.pixel && !query.has("p")) set({ origin: "", pixel: null }, { push: false });
  else if (state.origin && !query.has("o")) set({ origin: "" }, { push: false });
}

on(["ready", "layer", "row", "column", "lang"], loadBeam);
on(["ready", "origin", "pixel", "lang"], loadCone);
window.addEventListener("popstate", follow);
window.addEventListener("hashchange", follow);
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(/** @type {Element} */ (event.target).tagName);
  if (event.key === "Escape" && state.pixel && !typing) unpin();
});
