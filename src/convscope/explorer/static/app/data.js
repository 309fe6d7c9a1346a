/** What the server knows, loaded once and kept; lookups that need no request. */

import { readBoxes } from "cs/boxes";
import { Cache } from "cs/cache";
import { state } from "cs/store";
import { mapSizes } from "cs/tensors";
import { getArrays, getJson } from "cs/wire";

/** A page of maps of VGG-16's first layer takes 13 MB. */
const kept = new Cache(128 << 20);

/** Load an answer once, and keep it while there is room. */
export function once(key, load) {
  return kept.once(key, load);
}

/** The document of the current network, once it is loaded. @type {any} */
export let network = null;
/** @type {ReturnType<typeof readBoxes> | null} */
let boxes = null;

let newest = 0;

/** Load a network with the boxes of its units. */
export async function loadNetworkOf(id, lang) {
  const [document, tables] = await Promise.all([
    once(`network ${id} ${lang}`, () => getJson(`/api/networks/${id}`, { lang })),
    once(`boxes ${id}`, () => getArrays(`/api/networks/${id}/boxes`)),
  ]);
  return { ...prepare(document), boxes: readBoxes(tables) };
}

/**
 * Load a network; `step`: the step of its run whose weights are shown, or null.
 * It becomes the current one unless another was asked for since.
 */
export async function loadNetwork(id, lang, step = null) {
  newest += 1;
  const mine = newest;
  const found = await loadNetworkOf(id, lang);
  if (mine !== newest) return network;
  network = atStep(found, step);
  boxes = found.boxes;
  return network;
}

function prepare(document) {
  const rows = [inputRow(document), ...document.report.layers];
  return { ...document, rows, byName: new Map(rows.map((row, place) => [row.name, { ...row, place }])) };
}

/** Give the network the id under which the server has its values at a step. `base` is the one without a step. */
function atStep(document, step) {
  const base = document.id;
  if (step === null || !document.run) return { ...document, base, step: null };
  return { ...document, base, step, id: `${base}@${step}`, weights: step > 0 ? "trained" : "untrained" };
}

/** The report lists layers only; the input is shown, too. */
function inputRow(document) {
  const first = document.diagram.boxes[0];
  return { name: first.layer, kind: "Input", inputs: [], output_shape: document.report.input_shape, params: 0, macs: 0, receptive_field: null };
}

export function row(layer) {
  return network?.byName.get(layer) ?? null;
}

/** Return [channels, rows, columns] of the maps that show a layer's output. */
export function mapShape(layer) {
  return mapSizes(row(layer)?.output_shape ?? [1]);
}

/** Return the index of a unit in the layer's output. */
export function indexOf(unit) {
  return inside(row(unit.layer)?.output_shape ?? [1], unit);
}

/** Return the index in an output of the unit at a channel, row and column of its maps. */
export function inside(shape, { channel, row: r, column }) {
  if (shape.length === 1) return [column];
  if (shape.length === 2) return [channel, column];
  if (shape.length === 3) return [channel, r, column];
  const inner = [];
  let rest = r;
  for (const size of shape.slice(1, -1).reverse()) {
    inner.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return [channel, ...inner, column];
}

/** Return the unit at an index of a layer's output. */
export function unitAt(layer, index) {
  if (index.length === 1) return { layer, channel: 0, row: 0, column: index[0] };
  if (index.length === 2) return { layer, channel: index[0], row: 0, column: index[1] };
  const shape = row(layer).output_shape;
  let r = 0;
  for (const [place, one] of index.slice(1, -1).entries()) r = r * shape[place + 1] + one;
  return { layer, channel: index[0], row: r, column: index[index.length - 1] };
}

/** Look a unit's boxes up: {box, clipped} as [top, left, bottom, right], or null where the server must be asked. */
export function boxOf(unit) {
  const place = row(unit.layer)?.place;
  return place === undefined || !boxes ? null : boxes.of(place, indexOf(unit));
}

/** Return how far the boxes of a layer reach beyond the image: the margin in which padding is drawn. */
export function marginOf(layer, height, width) {
  const place = row(layer)?.place;
  return place === undefined || !boxes ? 0 : boxes.margin(place, height, width);
}

/** Ask for a unit's region: exact for every layer, with its status. */
export function loadRegion(unit, lang) {
  const at = indexOf(unit);
  const spatial = at.length > 1 ? at : [at[0]];
  return once(`region ${network.base} ${unit.layer} ${spatial} ${lang}`, () =>
    getJson(`/api/networks/${network.base}/region`, { layer: unit.layer, at: spatial, lang }),
  );
}

export function loadMask(unit) {
  const at = indexOf(unit);
  return once(`mask ${network.base} ${unit.layer} ${at}`, () =>
    getArrays(`/api/networks/${network.base}/mask`, { layer: unit.layer, at }),
  );
}

export function loadPixels(image) {
  return once(`pixels ${network.base} ${image}`, () => getArrays(`/api/values/${network.base}/${image}/pixels`));
}

export function loadThumbnails(image) {
  return once(`thumbnails ${network.id} ${image}`, () => getArrays(`/api/values/${network.id}/${image}/thumbnails`));
}

export const PAGE = 64;


/** Load the page of maps in which a channel is. */
export function loadMaps(image, layer, channel) {
  return loadMapsOf(network.id, image, layer, channel);
}

/** Load maps of any network. */
export function loadMapsOf(id, image, layer, channel) {
  const first = Math.floor(channel / PAGE) * PAGE;
  return once(`maps ${id} ${image} ${layer} from ${first}`, () => getArrays(`/api/values/${id}/${image}/maps`, { layer, first, count: PAGE }));
}

/** Load the network as notation and YAML. */
export function loadForms() {
  return once(`forms ${network.base}`, () => getJson(`/api/networks/${network.base}/forms`));
}

export function loadComparison(a, b) {
  return once(`comparison ${a} ${b}`, () => getJson(`/api/comparisons/${a}/${b}`));
}

export function loadScores(image) {
  return once(`scores ${network.id} ${image}`, () => getJson(`/api/values/${network.id}/${image}/scores`));
}

export function loadAttribution(image, target, method, placement) {
  return once(`attribution ${network.id} ${image} ${target} ${method} ${placement}`, () =>
    getArrays(`/api/values/${network.id}/${image}/attribution`, { target, method, placement, lang: state.lang }),
  );
}

export function loadUnit(image, unit, target) {
  const at = indexOf(unit);
  return once(`unit ${network.id} ${image} ${unit.layer} ${at} ${target}`, () =>
    getArrays(`/api/values/${network.id}/${image}/unit`, { layer: unit.layer, at, target, lang: state.lang }),
  );
}

export function loadDerivation(layer, quantity, at, lang) {
  return once(`derivation ${network.base} ${layer} ${quantity} ${at} ${lang}`, () =>
    getJson(`/api/networks/${network.base}/derivation`, { layer, quantity, at, lang }),
  );
}
