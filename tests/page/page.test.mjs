/** The modules of the page that need no browser: `node --import ./tests/page/modules.mjs --test tests/page/`. */

import assert from "node:assert/strict";
import { test } from "node:test";

const { Cache } = await import("cs/cache");
const { paint, scaleOf, MAGNITUDES, SIGNS } = await import("cs/colors");
const { boxOf, indexOf, loadNetwork, mapShape, marginOf, unitAt } = await import("cs/data");
const { readable } = await import("cs/dom");
const { bytes, number, percent } = await import("cs/i18n");
const { fromHash, keep, natural, on, oneOf, set, state, toHash } = await import("cs/store");
const { decode, ServerError, getJson } = await import("cs/wire");

const turn = () => new Promise((resolve) => setTimeout(resolve));

/** Write a safetensors file whose data start at any alignment. */
function encode(arrays, document, pad = 0) {
  const names = { Float32Array: "F32", Float64Array: "F64", Int32Array: "I32", Uint8Array: "U8" };
  const head = { __metadata__: { json: JSON.stringify(document) } };
  let end = 0;
  for (const [name, { data, shape }] of Object.entries(arrays)) {
    head[name] = { dtype: names[data.constructor.name], shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(head));
  const length = text.length + ((8 - (text.length % 8)) % 8) + pad;
  const whole = new Uint8Array(8 + length + end).fill(32);
  new DataView(whole.buffer).setBigUint64(0, BigInt(length), true);
  whole.set(text, 8);
  let at = 8 + length;
  for (const { data } of Object.values(arrays)) {
    whole.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return whole.buffer;
}

test("arrays of the wire are read at every alignment", () => {
  for (const pad of [0, 1, 3, 4]) {
    const sent = { x: { data: Float32Array.of(1.5, -2, 3), shape: [3] }, n: { data: Int32Array.of(-7), shape: [1] } };
    const { arrays, shapes, document } = decode(encode(sent, { name: "ä" }, pad));
    assert.deepEqual([...arrays.x], [1.5, -2, 3]);
    assert.deepEqual([...arrays.n], [-7]);
    assert.deepEqual(shapes, { x: [3], n: [1] });
    assert.equal(document.name, "ä");
  }
});

test("an error of the server has its code and message", async () => {
  globalThis.fetch = async () => ({ ok: false, status: 422, json: async () => ({ code: "bad-layer", message: "No layer." }) });
  await assert.rejects(getJson("/x"), (error) => error instanceof ServerError && error.code === "bad-layer" && error.message === "No layer.");
  globalThis.fetch = async () => ({ ok: false, status: 502, json: async () => JSON.parse("<html>") });
  await assert.rejects(getJson("/x"), /HTTP 502/);
});

test("the address holds the selection, and gives it back", () => {
  set({ model: "conv 3 1 & relu", layer: "layer1.0.conv1", channel: 3, row: 5, column: 7, target: 2, lang: "zh" }, { push: false });
  const { patch, bad } = fromHash(toHash());
  assert.deepEqual(bad, []);
  for (const key of ["model", "layer", "channel", "row", "column", "target", "lang"]) assert.equal(patch[key], state[key], key);
});

test("values of an address that mean nothing are named, and unknown keys ignored", () => {
  const { patch, bad } = fromHash("#u=1,2&t=-3&lang=fr&x=9&__proto__=1");
  assert.deepEqual(bad.sort(), ["lang", "t", "u"]);
  assert.deepEqual(Object.keys(patch), []);
  for (const text of ["u=1,2,3.5", "u=1,,2", "u=1,2,3,4", "u=1e3,1,1", "u=9999999999,1,1"]) assert.deepEqual(fromHash(text).bad, ["u"], text);
  assert.deepEqual(fromHash(`#l=${"x".repeat(1001)}`).bad, ["l"]);
});

test("a module can keep a part of the state in the address", () => {
  keep("flavor", "f", oneOf(["sweet", "sour"]));
  keep("count", "n", natural, (value) => (value === undefined ? null : String(value)));
  set({ flavor: "sour" }, { push: false });
  assert.match(toHash(), /&f=sour$/);
  assert.deepEqual(fromHash("#f=sweet&n=12").patch, { flavor: "sweet", count: 12 });
  assert.deepEqual(fromHash("#f=salty&n=1.5").bad, ["f", "n"]);
});

test("listeners run once after several changes, with the names of what changed", async () => {
  const seen = [];
  on(["row", "column"], (changed) => seen.push([...changed].sort()));
  set({ row: 11 });
  set({ column: 12, row: 11 });
  await turn();
  assert.deepEqual(seen, [["column", "row"]]);
  set({ row: 11, column: 12 });
  await turn();
  assert.equal(seen.length, 1);
});

test("hovering leaves the history alone", async () => {
  const before = history.pushed.length;
  set({ hover: { layer: "a", channel: 0, row: 0, column: 0 } });
  assert.equal(history.pushed.length, before);
  set({ row: 21, hover: null });
  assert.equal(history.pushed.length, before + 1);
});

test("numbers are written for reading, in both languages", () => {
  set({ lang: "en" }, { push: false });
  assert.equal(number(1234567), "1,234,567");
  assert.equal(number(-3), "−3");
  assert.equal(number(-0), "0");
  assert.equal(number(-1.23456789e-7, 3), "−1.23e−7");
  assert.equal(number(0.1 + 0.2), "0.3");
  assert.equal(number(Number.NaN), "NaN");
  assert.equal(number(null), "NaN");
  assert.equal(number(Infinity), "Infinity");
  assert.equal(percent(0.12345), "12.3 %");
  assert.deepEqual([0, 1023, 1024, 1536, 2 ** 31].map(bytes), ["0 B", "1,023 B", "1 KiB", "1.5 KiB", "2 GiB"]);
});

test("colors: 0 is the middle where there are signs, and the start where there are none", () => {
  assert.deepEqual(scaleOf(0.5, 2), { low: 0, high: 2, colors: MAGNITUDES });
  assert.deepEqual(scaleOf(-1, 3), { low: -3, high: 3, colors: SIGNS });
  assert.deepEqual(scaleOf(0, 0), { low: 0, high: 1, colors: MAGNITUDES });
  const signed = paint([-3, 0, 3], 0, 3, scaleOf(-3, 3));
  const [violet, middle, orange] = [0, 4, 8].map((i) => [...signed.slice(i, i + 4)]);
  assert.deepEqual(violet, [45, 0, 75, 255]);
  assert.ok(Math.max(...middle) - Math.min(...middle) < 15, "0 is nearly white");
  assert.deepEqual(orange, [127, 59, 8, 255]);
  assert.deepEqual([...paint([Number.NaN], 0, 1, scaleOf(0, 1))], [213, 94, 0, 255]);
  assert.deepEqual([...paint([-9, 9], 0, 2, scaleOf(0, 1))], [...paint([0, 1], 0, 2, scaleOf(0, 1))]);
});

test("foreign names are safe to read", () => {
  assert.equal(readable("a\u202eb\u0000c"), "a�b�c");
  const long = readable("x".repeat(10_000));
  assert.equal(long.length, 60);
  assert.match(long, /^x+…x+$/);
});

test("boxes are looked up in the tables of the axes, and indices turn into units and back", async () => {
  const document = {
    report: { input_shape: [1, 6, 9], layers: [{ name: "conv1", kind: "Conv2d", output_shape: [2, 3, 4], receptive_field: {} }, { name: "fc1", kind: "Linear", output_shape: [5], receptive_field: {} }] },
    diagram: { boxes: [{ layer: "input", members: [], column: 0, lane: 0 }], edges: [], repeats: [] },
  };
  // Rows of conv1 see [-1, 2), [1, 4), [3, 6); columns [0, 3), [2, 5), [4, 7), [6, 9); fc1 sees all of both axes.
  const rows = [[-1, 1, 3], [2, 4, 6], [0, 1, 3], [2, 4, 6]];
  const columns = [[0, 2, 4, 6], [3, 5, 7, 9], [0, 2, 4, 6], [3, 5, 7, 9]];
  const whole = [[0], [6], [0], [6]];
  const wide = [[0], [9], [0], [9]];
  const edges = [0, 1, 2, 3].flatMap((k) => [...rows[k], ...columns[k], ...whole[k], ...wide[k]]);
  const tables = { sizes: [3, 4, 1, 1], layers: [null, [[0, 1], [1, 2]], [[2, null], [3, null]]] };
  globalThis.fetch = async (path) => ({
    ok: true,
    json: async () => document,
    arrayBuffer: async () => path.includes("boxes") && encode({ edges: { data: Int32Array.from(edges), shape: [4, 9] } }, tables),
  });
  await loadNetwork("one", "en");
  assert.deepEqual(boxOf({ layer: "conv1", channel: 1, row: 0, column: 3 }), { box: [-1, 6, 2, 9], clipped: [0, 6, 2, 9] });
  assert.deepEqual(boxOf({ layer: "conv1", channel: 0, row: 2, column: 1 }).box, [3, 2, 6, 5]);
  assert.deepEqual(boxOf({ layer: "fc1", channel: 0, row: 0, column: 4 }).box, [0, 0, 6, 9]);
  assert.equal(boxOf({ layer: "nowhere", channel: 0, row: 0, column: 0 }), null);
  assert.equal(marginOf("conv1", 6, 9), 1);
  assert.deepEqual(mapShape("fc1"), [1, 1, 5]);
  const unit = unitAt("conv1", [1, 2, 3]);
  assert.deepEqual(unit, { layer: "conv1", channel: 1, row: 2, column: 3 });
  assert.deepEqual(indexOf(unit), [1, 2, 3]);
  assert.deepEqual(indexOf(unitAt("fc1", [4])), [4]);
});

test("the cache forgets what was used longest ago, and failures at once", async () => {
  const cache = new Cache(300_000);
  let loads = 0;
  const load = (size) => async () => {
    loads += 1;
    return { arrays: { x: new Uint8Array(size) } };
  };
  await cache.once("a", load(100_000));
  await cache.once("b", load(100_000));
  await cache.once("a", load(100_000));
  assert.equal(loads, 2);
  await cache.once("c", load(100_000));
  await turn();
  assert.deepEqual([...cache.entries.keys()], ["a", "c"]);
  assert.ok(cache.bytes <= 300_000);
  await assert.rejects(cache.once("d", async () => { throw new Error("gone"); }));
  await turn();
  assert.equal(cache.entries.has("d"), false);
  await cache.once("d", load(1));
  assert.equal(loads, 4);
});
