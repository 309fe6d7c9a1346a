/** The image with what the selected unit sees: exact box solid, padding hatched, holes open. */

import { boxOf, loadMask, loadPixels, loadRegion, marginOf, network, row } from "cs/data";
import { h, readable, show } from "cs/dom";
import { number, percent, t } from "cs/i18n";
import { originName, pin, theBeam, theCone, unpin } from "cs/pins";
import { on, state, unit } from "cs/store";

const root = /** @type {HTMLElement} */ (document.getElementById("image"));
const canvas = h("canvas", { class: "pixels", tabindex: "0", role: "application" });
const title = h("h2");
const sentence = h("p", { class: "sentence", "data-q": "sentence" });
const merges = h("div", { class: "merges" });
const cone = h("p", { class: "cone" });
const legend = h("ul", { class: "marks" });
show(root, title, canvas, legend, sentence, merges, cone);

const ORANGE = "#E69F00";
const BLUE = "#0072B2";
const PURPLE = "#CC79A7";

/** Colors and dashes of paths that meet misaligned. */
/** @type {any[][]} */
const PATHS = [["#56B4E9", []], ["#D55E00", [6, 3]], ["#009E73", [2, 3]], ["#F0E442", [8, 2, 2, 2]]];

/** @type {{pixels: Float32Array, shape: number[]} | null} */
let loaded = null;
let base = /** @type {HTMLCanvasElement | null} */ (null);
let view = { scale: 1, margin: 0, height: 1, width: 1 };
let mask = /** @type {{layer: string, key: string, pixels: Uint8Array} | null} */ (null);

async function load() {
  loaded = null;
  if (!network || !state.image) return;
  const shown = network.id;
  try {
    const found = await loadPixels(state.image);
    if (shown !== network.id) return;
    loaded = { pixels: found.arrays.pixels, shape: found.shapes.pixels };
  } catch (error) {
    show(sentence, error.message);
    return;
  }
  base = toCanvas(loaded);
  draw();
}

/** Make a canvas of an input with 1 or 3 channels; of others the mean over the channels. */
function toCanvas({ pixels, shape }) {
  const [channels, height, width] = shape.length === 3 ? shape : [1, 1, pixels.length];
  const area = height * width;
  const data = new Uint8ClampedArray(4 * area);
  let low = Infinity;
  let high = -Infinity;
  for (const value of pixels) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low >= 0 && high <= 1) [low, high] = [0, 1];
  const span = high - low || 1;
  for (let i = 0; i < area; i += 1) {
    for (let k = 0; k < 3; k += 1) {
      let value = 0;
      if (channels === 3) value = pixels[k * area + i];
      else {
        for (let c = 0; c < channels; c += 1) value += pixels[c * area + i];
        value /= channels;
      }
      data[4 * i + k] = (255 * (value - low)) / span;
    }
    data[4 * i + 3] = 255;
  }
  const made = document.createElement("canvas");
  made.width = width;
  made.height = height;
  /** @type {CanvasRenderingContext2D} */ (made.getContext("2d")).putImageData(new ImageData(data, width, height), 0, 0);
  return made;
}

function draw() {
  if (!base || !network || !row(unit().layer)) return;
  show(title, `${network.report.input_shape.join("×")}`);
  canvas.setAttribute("aria-label", t("image_label"));
  const at = unit();
  const margin = marginOf(at.layer, base.height, base.width);
  const room = Math.max(160, root.clientWidth - 24);
  const scale = Math.max(0.1, Math.min(room / (base.width + 2 * margin), 420 / (base.height + 2 * margin)));
  view = { scale, margin, height: base.height, width: base.width };
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round((base.width + 2 * margin) * scale * density);
  canvas.height = Math.round((base.height + 2 * margin) * scale * density);
  canvas.style.width = `${canvas.width / density}px`;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(scale * density, scale * density);
  context.translate(margin, margin);
  context.imageSmoothingEnabled = false;
  context.drawImage(base, 0, 0);
  overlay(context, at, scale);
}

function overlay(context, at, scale) {
  const known = boxOf(at);
  canvas.dataset.state = "ready";
  delete canvas.dataset.paths;
  if (known && known.box.length === 4) {
    canvas.dataset.box = known.box.join(",");
    canvas.dataset.clipped = known.clipped.join(",");
    paintBox(context, known.box, known.clipped, at, scale);
    describe(at, known.box, known.clipped);
  } else {
    delete canvas.dataset.box;
    delete canvas.dataset.clipped;
    show(legend);
    ask(at);
  }
  paintPaths(context, scale);
  paintPixel(context, scale);
}

/** @param {any} context @param {number[]} box @param {number[]} clipped */
function paintBox(context, [top, left, bottom, right], [ctop, cleft, cbottom, cright], at, scale) {
  const { height, width } = view;
  const line = 2 / scale;
  const padded = top < 0 || left < 0 || bottom > height || right > width;
  if (padded) hatch(context, [top, left, bottom, right], scale);
  const holes = mask && mask.key === maskKey(at);
  if (mask && holes) {
    context.fillStyle = "rgba(20, 24, 32, 0.62)";
    for (let r = ctop; r < cbottom; r += 1) {
      for (let c = cleft; c < cright; c += 1) if (!mask.pixels[r * width + c]) context.fillRect(c, r, 1, 1);
    }
  }
  context.setLineDash([5 / scale, 4 / scale]);
  context.lineWidth = line;
  context.strokeStyle = BLUE;
  context.strokeRect(left, top, right - left, bottom - top);
  context.setLineDash([]);
  context.lineWidth = line + 2 / scale;
  context.strokeStyle = "#ffffff";
  context.strokeRect(cleft, ctop, cright - cleft, cbottom - ctop);
  context.lineWidth = line;
  context.strokeStyle = ORANGE;
  context.strokeRect(cleft, ctop, cright - cleft, cbottom - ctop);
  const same = [top, left, bottom, right].join() === [ctop, cleft, cbottom, cright].join();
  explain(["seen", same ? null : "theory", padded ? "padding" : null, holes ? "holes" : null, state.pixel && !state.origin ? "pixel" : null]);
}

/** Hatch the part of a box that is outside the image. */
function hatch(context, [top, left, bottom, right], scale) {
  const outside = new Path2D();
  outside.rect(left, top, right - left, bottom - top);
  const image = new Path2D();
  image.rect(-view.margin - 1, -view.margin - 1, view.width + 2 * view.margin + 2, view.height + 2 * view.margin + 2);
  image.rect(0, 0, view.width, view.height);
  context.save();
  context.clip(outside);
  context.clip(image, "evenodd");
  context.strokeStyle = BLUE;
  context.lineWidth = 1 / scale;
  context.beginPath();
  for (let d = left - (bottom - top); d < right; d += 7 / scale) {
    context.moveTo(d, bottom);
    context.lineTo(d + (bottom - top), top);
  }
  context.stroke();
  context.restore();
}

/** What the paths of a misaligned merge see, each in its color. */
function paintPaths(context, scale) {
  const own = state.hover ? null : theBeam();
  const found = own?.merges.at(-1);
  if (found?.paths[0]?.box.length !== 4) return;
  canvas.dataset.paths = JSON.stringify(found.paths.map((path) => path.box));
  for (const [k, { box: [top, left, bottom, right] }] of found.paths.entries()) {
    const [color, dash] = PATHS[k % PATHS.length];
    context.strokeStyle = color;
    context.lineWidth = 2.5 / scale;
    context.setLineDash(dash.map((one) => one / scale));
    context.strokeRect(left, top, right - left, bottom - top);
    const [y, x] = [(top + bottom) / 2, (left + right) / 2];
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(x - 5 / scale, y);
    context.lineTo(x + 5 / scale, y);
    context.moveTo(x, y - 5 / scale);
    context.lineTo(x, y + 5 / scale);
    context.stroke();
  }
}

/** The pinned pixel. */
function paintPixel(context, scale) {
  if (!state.pixel || state.origin) return;
  const [r, c] = state.pixel;
  const size = Math.max(1, 7 / scale);
  const shift = (size - 1) / 2;
  context.setLineDash([]);
  for (const [width, color] of /** @type {[number, string][]} */ ([[5, "#ffffff"], [2.5, PURPLE]])) {
    context.lineWidth = width / scale;
    context.strokeStyle = color;
    context.strokeRect(c - shift, r - shift, size, size);
  }
}

/** Say what the marks on the image mean. */
function explain(names) {
  show(legend, names.filter(Boolean).map((name) => h("li", { "data-mark": name }, h("span", { class: `mark ${name}`, "aria-hidden": "true" }), t(`mark_${name}`))));
}

/** Say which paths meet misaligned, and how far apart they are. */
function describeMerges() {
  const found = theBeam();
  show(merges, (found?.merges ?? []).map((merge) => {
    const { offset } = merge;
    return h("p", { class: "note", "data-q": "merge", "data-v": JSON.stringify({ layer: merge.layer, offset }) },
      t("merge_off", { layer: readable(merge.layer, 24), offset: offset.map((one) => number(one)).join(", ") }), " ",
      merge.paths.map((path, k) => h("span", { class: "path" },
        h("span", { class: `mark path${k % PATHS.length}`, "aria-hidden": "true" }),
        t("merge_path", { source: readable(path.source, 24), offset: path.offset.map((one) => number(one)).join(", ") }), " ")));
  }));
}

/** Say which units see the pinned pixel. */
function describeCone() {
  const found = theCone();
  if (!state.pixel || !found || !network) {
    show(cone);
    delete cone.dataset.v;
    return;
  }
  const [r, c] = state.pixel;
  const place = state.origin ? t("position_of", { row: r, column: c, layer: readable(originName(), 24) }) : t("pixel_at", { row: r, column: c });
  const own = found.layers.get(state.layer);
  cone.dataset.v = JSON.stringify({ pixel: state.pixel, origin: originName(), layers: Object.fromEntries(found.layers) });
  let words = found.message;
  if (!words && !own) words = t("cone_before", { place, layer: readable(state.layer, 24) });
  else if (!words && own.message) words = own.message;
  else if (!words) {
    const total = own.shape.reduce((product, one) => product * one, 1);
    words = own.count ? t("seen_by", { place, count: number(own.count), total: number(total), layer: readable(state.layer, 24) }) : t("seen_by_none", { place, layer: readable(state.layer, 24) });
  }
  show(cone, h("span", { "data-q": "seen_by", "data-v": JSON.stringify(own?.count ?? null) }, words), " ", h("button", { class: "link", onclick: unpin }, t("unpin")));
}

function maskKey(at) {
  return `${at.layer} ${at.row} ${at.column}`;
}

function describe(at, box, clipped) {
  const [top, left, bottom, right] = clipped;
  const inside = (low, high, size) => Math.max(0, Math.min(high, size) - Math.max(low, 0));
  const area = (box[2] - box[0]) * (box[3] - box[1]);
  const real = inside(box[0], box[2], view.height) * inside(box[1], box[3], view.width);
  const padded = area ? 1 - real / area : 0;
  const vector = row(at.layer).output_shape.length === 1;
  const values = {
    unit: vector ? t("unit_at", { index: at.column }) : t("unit_in", { channel: at.channel, row: at.row, column: at.column }),
    layer: at.layer, channel: at.channel, row: at.row, column: at.column,
    top, left, bottom: bottom - 1, right: right - 1,
    size: `${box[2] - box[0]}×${box[3] - box[1]}`, padded: percent(padded),
  };
  show(sentence, t(padded > 0 ? "sees_padded" : "sees", values));
  sentence.dataset.v = JSON.stringify({ box, clipped, padded });
}

async function ask(at) {
  const key = JSON.stringify(at);
  if (row(at.layer)?.kind === "Input") {
    show(sentence, t("is_input"));
    return;
  }
  try {
    const region = await loadRegion(at, state.lang);
    if (key !== JSON.stringify(unit())) return;
    if (region.box.length !== 4) throw new Error(t("not_2d"));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    canvas.dataset.box = region.box.join(",");
    canvas.dataset.clipped = region.clipped.join(",");
    paintBox(context, region.box, region.clipped, at, view.scale);
    describe(at, region.box, region.clipped);
  } catch (error) {
    if (key === JSON.stringify(unit())) show(sentence, error.message);
  }
}

/** Fetch the holes of the selected unit, where it has some. */
async function loadHoles() {
  mask = null;
  const at = { layer: state.layer, channel: state.channel, row: state.row, column: state.column };
  if (!network || !row(state.layer) || row(state.layer).kind === "Input") return;
  try {
    const region = await loadRegion(at, state.lang);
    if (region.coverage >= 1 || region.box.length !== 4) return;
    const found = await loadMask(at);
    if (maskKey(at) !== maskKey(state)) return;
    mask = { layer: at.layer, key: maskKey(at), pixels: found.arrays.mask };
    canvas.dataset.seen = String(found.document.count);
    draw();
  } catch {
    mask = null;
  }
}

canvas.addEventListener("click", (event) => {
  const box = canvas.getBoundingClientRect();
  const column = Math.floor((event.clientX - box.left) / view.scale - view.margin);
  const rowNumber = Math.floor((event.clientY - box.top) / view.scale - view.margin);
  if (rowNumber < 0 || column < 0 || rowNumber >= view.height || column >= view.width) return;
  pin(network.rows[0].name, [rowNumber, column]);
});

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

canvas.addEventListener("keydown", (event) => {
  const step = MOVES[event.key];
  if (!step || !network) return;
  event.preventDefault();
  const [r, c] = state.origin || !state.pixel ? [Math.floor(view.height / 2), Math.floor(view.width / 2)] : state.pixel;
  const inside = (value, most) => Math.max(0, Math.min(most - 1, value));
  pin(network.rows[0].name, [inside(r + step[0], view.height), inside(c + step[1], view.width)]);
});

on(["ready", "image"], load);
on(["layer", "channel", "row", "column", "hover", "lang", "pixel", "origin", "beam"], draw);
on(["ready", "lang", "layer", "pixel", "origin", "cone"], describeCone);
on(["ready", "lang", "beam"], describeMerges);
on(["ready", "layer", "row", "column"], loadHoles);
window.addEventListener("resize", draw);
