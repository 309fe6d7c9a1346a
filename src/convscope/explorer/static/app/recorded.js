/**
 * Where answers come from in a page that was exported to one file: what the export recorded, and the arithmetic of
 * what is recorded. The import map of such a page has this module under the name `cs/source`.
 *
 * The file has chunks: texts in base64 of gzipped bytes. Chunk 0 is the index:
 *
 * - `documents`: JSON answers by address; `arrays`: chunks of the other answers by address
 * - `tensors`: {chunk, shape} of float32 arrays by name: `NETWORK/IMAGE/LAYER` for outputs, `NETWORK/PARAMETER`
 * - `recipes`: how the units of a layer are computed, by network and layer
 */

import { readBoxes } from "cs/boxes";
import { t } from "cs/i18n";
import { channelsOf, kernelsOf, mapsOf, noKernels } from "cs/recorded_maps";
import { unitArithmetic } from "cs/recorded_units";
import { decode, encode } from "cs/tensors";

/** Unpack a chunk. @returns {Promise<ArrayBuffer>} */
function unpack(number) {
  const text = atob(document.querySelector(`script[data-chunk="${number}"]`)?.textContent ?? "");
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) packed[i] = text.charCodeAt(i);
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** @type {Map<string, any>} */
const kept = new Map();

/** Keep what a function returns for a key. */
function once(key, make) {
  if (!kept.has(key)) kept.set(key, make());
  return kept.get(key);
}

async function readIndex() {
  const index = JSON.parse(new TextDecoder().decode(await unpack(0)));
  return new Map(Object.entries(index).map(([name, entries]) => [name, new Map(Object.entries(entries))]));
}

/** Return a part of the index. @returns {Promise<Map<string, any>>} */
async function part(name) {
  return (await once("index", readIndex)).get(name) ?? new Map();
}

/** Write an address in one form, whatever the order of its parameters; the language stands apart. */
function question(address) {
  const [path, text = ""] = address.split("?");
  const query = new URLSearchParams(text);
  const lang = query.get("lang") ?? "en";
  const named = [...query].filter(([name]) => name !== "lang").map(([name, value]) => `${name}=${value}`).sort();
  return { path, query, lang, key: named.length ? `${path}?${named.join("&")}` : path };
}

function json(document, status = 200) {
  return new Response(JSON.stringify(document), { status, headers: { "content-type": "application/json" } });
}

function refuse(text) {
  return json({ code: "not-recorded", message: text }, 404);
}

/** Return a recorded answer, or null. */
async function recorded(key, lang) {
  const documents = await part("documents");
  for (const one of [`${key}#${lang}`, key]) if (documents.has(one)) return json(documents.get(one));
  const chunk = (await part("arrays")).get(key);
  return chunk === undefined ? null : new Response(await once(`chunk ${chunk}`, () => unpack(chunk)));
}

/** Return a recorded array, or null. */
async function tensor(name) {
  const found = (await part("tensors")).get(name);
  if (!found) return null;
  const buffer = await once(`chunk ${found.chunk}`, () => unpack(found.chunk));
  return { values: new Float32Array(buffer), shape: found.shape };
}

const integers = (text) => (text ?? "").split(",").map(Number);

async function region(network, { query }) {
  const documents = await part("documents");
  const { report } = documents.get(`/api/networks/${network}#en`);
  const place = report.layers.findIndex((one) => one.name === query.get("layer"));
  const chunk = (await part("arrays")).get(`/api/networks/${network}/boxes`);
  const boxes = await once(`boxes ${network}`, async () => readBoxes(decode(await unpack(chunk))));
  const at = integers(query.get("at"));
  // The input is the first of the tables, and not in the report.
  const found = place < 0 ? null : boxes.of(place + 1, at.length === 2 ? [0, ...at] : at);
  if (!found) return null;
  const { box, clipped } = found;
  const rank = box.length / 2;
  const sizes = report.input_shape.slice(-rank);
  const area = (edges) => sizes.reduce((product, _, k) => product * Math.max(0, edges[rank + k] - edges[k]), 1);
  const inside = box.map((edge, k) => Math.min(Math.max(edge, 0), sizes[k % rank]));
  const field = report.layers[place].receptive_field;
  return json({
    layer: query.get("layer"), at, box, clipped,
    size: sizes.map((_, k) => box[rank + k] - box[k]),
    center: sizes.map((_, k) => (box[rank + k] + box[k]) / 2),
    padded_fraction: area(box) ? 1 - area(inside) / area(box) : 0,
    coverage: null, status: field.status, via: field.via, global_via: field.global_via,
  });
}

async function maps(network, { query }, image) {
  const found = await tensor(`${network}/${image}/${query.get("layer")}`);
  return found && new Response(mapsOf(found, query));
}

async function channels(network, { query }, image) {
  const found = await tensor(`${network}/${image}/${query.get("layer")}`);
  return found && new Response(channelsOf(found));
}

/** Weights are recorded of the layers that have recipes: of a convolution without one, kernels are not known. */
async function kernels(network, { query }) {
  const layer = query.get("layer") ?? "";
  const recipe = (await part("recipes")).get(`${network}/${layer}`);
  const { report } = (await part("documents")).get(`/api/networks/${network}#en`);
  const named = new Map(report.layers.map((one) => [one.name, one]));
  const row = named.get(layer);
  if (!row?.kind.includes("Conv")) return new Response(noKernels());
  const name = recipe?.parameters?.find((one) => one.endsWith(".weight"));
  const weight = name ? await tensor(`${network}/${name}`) : null;
  if (!weight) return null;
  if (weight.shape.length !== 4) return new Response(noKernels());
  const [inputs] = named.get(row.inputs[0])?.output_shape ?? report.input_shape;
  return new Response(kernelsOf(weight, row, inputs, Number(query.get("channel") ?? 0)));
}

async function unit(network, { query }, image) {
  const layer = query.get("layer") ?? "";
  const recipe = (await part("recipes")).get(`${network}/${layer}`);
  if (!recipe) return null;
  /** @type {any[]} */
  const outputs = await Promise.all([layer, ...recipe.sources].map((name) => tensor(`${network}/${image}/${name}`)));
  /** @type {any[]} */
  const parameters = await Promise.all((recipe.parameters ?? []).map((name) => tensor(`${network}/${name}`)));
  if (outputs.includes(null) || parameters.includes(null)) return null;
  const [output, ...inputs] = outputs;
  return new Response(encode(unitArithmetic(layer, recipe, integers(query.get("at")), output, inputs, parameters)));
}

/** The derivations of quantities that are the same for all units are recorded without a unit. */
async function derivation(_network, { query, key, lang }) {
  const found = await recorded(key.replace(/([?&])at=[^&]*&?/, "$1").replace(/[?&]$/, ""), lang);
  return found ?? refuse(t("not_recorded_derivation", { layer: query.get("layer") ?? "" }));
}

/** @type {Map<string, (network: string, asked: any, image: string) => Promise<Response | null>>} */
const COMPUTED = new Map(Object.entries({ region, maps, channels, kernels, unit, derivation }));

/** Answer for an address. @param {string} address @param {RequestInit} options @returns {Promise<Response>} */
export async function ask(address, options = {}) {
  if (options.method && options.method !== "GET") return refuse(t("not_recorded_server"));
  const asked = question(address);
  const found = await recorded(asked.key, asked.lang);
  if (found) return found;
  const [, network = "", image = "", name = ""] = /^\/api\/(?:networks|values)\/(\w+)(?:\/(\w+))?\/([\w-]+)$/.exec(asked.path) ?? [];
  const answer = await COMPUTED.get(name)?.(network, asked, image);
  return answer ?? refuse(t(["unit", "maps", "channels", "kernels"].includes(name) ? "not_recorded_values" : "not_recorded"));
}
