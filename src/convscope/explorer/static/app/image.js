/** The image with what the selected unit sees: exact box solid, padding hatched, holes open. */

import { boxOf, loadMask, loadPixels, loadRegion, marginOf, network, row } from "cs/data";
import { h, show } from "cs/dom";
import { number, percent, t } from "cs/i18n";
import { on, state, unit } from "cs/store";
import { getJson } from "cs/wire";

const root = /** @type {HTMLElement} */ (document.getElementById("image"));
const canvas = h("canvas", { class: "pixels", tabindex: "0", role: "img" });
const title = h("h2");
const sentence = h("p", { class: "sentence", "data-q": "sentence" });
const cone = h("p", { class: "cone" });
show(root, title, canvas, sentence, cone);

const ORANGE = "#E69F00";
const BLUE = "#0072B2";

/** @type {{pixels: Float32Array, shape: number[]} | null} */
let loaded = null;
let base = /** @type {HTMLCanvasElement | null} */ (null);
let view = { scale: 1, margin: 0, height: 1, width: 1 };
let mask = /** @type {{layer: string, key: string, pixels: Uint8Array} | null} */ (null);

async function load() {
  loaded = null;
  show(cone);
  if (!network || !state.image) return;
  const shown = network.id;
  try {
    const found = await loadPixels(state.image);
    if (shown !== network.id) return;
    loaded = { pixels: found.arrays.pixels, shape: found.shapes.pixels };
  } catch (error) {
    show(cone, error.message);
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
  if (known && known.box.length === 4) {
    canvas.dataset.box = known.box.join(",");
    canvas.dataset.clipped = known.clipped.join(",");
    paintBox(context, known.box, known.clipped, at, scale);
    describe(at, known.box, known.clipped);
  } else {
    delete canvas.dataset.box;
    ask(at);
  }
}

/** @param {any} context @param {number[]} box @param {number[]} clipped */
function paintBox(context, [top, left, bottom, right], [ctop, cleft, cbottom, cright], at, scale) {
  const { height, width } = view;
  const line = 2 / scale;
  context.save();
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.rect(0, 0, width, height);
  context.clip("evenodd");
  context.strokeStyle = "#8a8f98";
  context.lineWidth = line / 2;
  const step = 7 / scale;
  context.beginPath();
  for (let d = left - (bottom - top); d < right; d += step) {
    context.moveTo(d, bottom);
    context.lineTo(d + (bottom - top), top);
  }
  context.save();
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.restore();
  context.save();
  const region = new Path2D();
  region.rect(left, top, right - left, bottom - top);
  context.clip(region);
  context.stroke();
  context.restore();
  context.restore();
  if (mask && mask.key === maskKey(at)) {
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
  if (!network || !state.layer || row(state.layer)?.kind === "Input") return;
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

canvas.addEventListener("click", async (event) => {
  const box = canvas.getBoundingClientRect();
  const column = Math.floor((event.clientX - box.left) / view.scale - view.margin);
  const rowNumber = Math.floor((event.clientY - box.top) / view.scale - view.margin);
  if (rowNumber < 0 || column < 0 || rowNumber >= view.height || column >= view.width) return;
  const found = await getJson(`/api/networks/${network.id}/seen-by`, { pixel: [rowNumber, column], lang: state.lang });
  const own = found[state.layer];
  cone.dataset.v = JSON.stringify(found);
  show(
    cone,
    own && "count" in own
      ? t("seen_by", { row: rowNumber, column, count: number(own.count), layer: state.layer, box: own.box.join(", ") })
      : t("seen_by_none", { row: rowNumber, column, layer: state.layer }),
  );
});

on(["ready", "image"], load);
on(["layer", "channel", "row", "column", "hover", "lang"], draw);
on(["ready", "layer", "row", "column"], loadHoles);
window.addEventListener("resize", draw);
