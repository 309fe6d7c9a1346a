/** Arrays as grids of numbers; large ones as maps in color. */

import { mapCanvas, scaleOf } from "cs/colors";
import { h } from "cs/dom";
import { number, t } from "cs/i18n";

const MOST_ROWS = 40;
const MOST_COLUMNS = 40;

/** Return a matrix as rows of numbers: a vector is a row. */
export function rowsOf(values) {
  return Array.isArray(values[0]) ? values : [values];
}

/** Write an element: JSON has words for what it has no number for. */
export function element(value) {
  if (value === "inf") return "∞";
  if (value === "-inf") return "−∞";
  return number(value === 0 ? 0 : value, 5);
}

/**
 * Make a grid of numbers.
 *
 * @param {any} values rows of numbers, or a row
 * @param {{name?: string, padding?: number[], onpick?: (row: number, column: number) => void, onover?: (row: number, column: number) => void, onout?: () => void}} options
 */
export function grid(values, { name = "", padding = [], onpick, onover, onout } = {}) {
  const rows = rowsOf(values);
  if (rows.length > MOST_ROWS || rows[0].length > MOST_COLUMNS) return image(rows);
  const [high, wide] = padding.length === 1 ? [0, padding[0]] : [padding[0] ?? 0, padding[1] ?? 0];
  const flat = rows.flat().filter((value) => typeof value === "number");
  const most = Math.max(...flat.map(Math.abs), 0) || 1;
  const body = h("table", { class: "grid", "data-name": name }, rows.map((row, r) => h("tr", {}, row.map((value, c) => {
    const outside = r < high || r >= rows.length - high || c < wide || c >= row.length - wide;
    const cell = h("td", { "data-v": String(value), "data-at": `${r},${c}`, class: outside ? "padding" : null }, element(value));
    shade(cell, value, most);
    return cell;
  }))));
  const at = (event) => {
    const where = event.target.closest("td")?.dataset.at?.split(",").map(Number);
    return where ?? null;
  };
  if (onpick) body.addEventListener("click", (event) => { const where = at(event); if (where) onpick(where[0], where[1]); });
  if (onover) body.addEventListener("pointerover", (event) => { const where = at(event); if (where) onover(where[0], where[1]); });
  if (onout) body.addEventListener("pointerleave", onout);
  return h("div", { class: "scroll-x" }, body);
}

/** Tint a cell by its value: blue above 0, orange below, in five steps. */
export function shade(cell, value, most) {
  const size = typeof value === "number" ? Math.round((5 * Math.abs(value)) / most) : 0;
  if (size) cell.dataset.tint = `${value > 0 ? "plus" : "minus"}${size}`;
  else delete cell.dataset.tint;
}

function image(rows) {
  const flat = Float64Array.from(rows.flat());
  let low = Infinity;
  let high = -Infinity;
  for (const value of flat) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const canvas = mapCanvas(flat, 0, rows.length, rows[0].length, scaleOf(low, high));
  const label = t("array_label", { rows: rows.length, columns: rows[0].length, low: number(low, 5), high: number(high, 5) });
  Object.assign(canvas.style, { width: `${Math.min(320, 8 * rows[0].length)}px`, imageRendering: "pixelated" });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return h("div", {}, canvas, h("p", { class: "note" }, label));
}
