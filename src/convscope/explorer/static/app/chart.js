/** Curves over steps, with a crosshair that the pointer or the arrow keys move, and their values as a table. */

import { h, s, show } from "cs/dom";
import { number, t } from "cs/i18n";

const LEFT = 58;
const RIGHT = 10;
const TOP = 12;
const BOTTOM = 30;
const HEIGHT = 190;
const MOST_ROWS = 500;

/** @typedef {{name: string, points: [number, number | null][], dots?: boolean}} Series */

/**
 * Make a chart. `update(series)` draws curves; `pick(step)` is called for a click or Enter.
 *
 * @param {{title: string, name: string, percent?: boolean, pick: (step: number) => void}} options
 */
export function lineChart({ title, name, percent = false, pick }) {
  const svg = s("svg", { class: "chart curves", role: "application", tabindex: "0", "data-chart": name, "aria-label": `${title}. ${t("chart_keys")}` });
  const readout = h("p", { class: "readout", "aria-live": "polite", "data-q": `${name}_readout` });
  const rows = h("tbody");
  const head = h("tr");
  const details = h("details", { ontoggle: () => fillTable() }, h("summary", {}, t("as_table")),
    h("div", { class: "scroll" }, h("table", { class: "report" }, h("thead", {}, head), rows)));
  const legend = h("span", { class: "legend" });
  const element = h("figure", {}, h("figcaption", {}, title, " ", legend), svg, readout, details);
  /** @type {Series[]} */
  let shown = [];
  let steps = /** @type {number[]} */ ([]);
  let at = -1;
  let scale = { x: (_step) => 0, step: (_x) => 0 };
  const cross = s("line", { class: "cross", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });

  const text = (value) => (value === null ? "NaN" : percent ? `${number(100 * value, 4)} %` : number(value, 4));

  function update(series) {
    shown = series;
    steps = [...new Set(series.flatMap((one) => one.points.map(([step]) => step)))].sort((a, b) => a - b);
    show(legend, series.map((one, k) => h("span", { class: "entry" },
      s("svg", { viewBox: "0 0 24 8", width: 24, height: 8, class: "curves", "aria-hidden": "true" }, s("line", { class: `series series${k}`, x1: 0, x2: 24, y1: 4, y2: 4 })),
      ` ${one.name} `)));
    draw();
    fillTable();
    if (at >= 0) point(steps[Math.min(at, steps.length - 1)]);
  }

  function draw() {
    const width = Math.max(280, element.clientWidth || 600);
    const values = shown.flatMap((one) => one.points.map(([, value]) => value)).filter((value) => value !== null);
    const high = percent ? 1 : extreme(values) || 1;
    const last = Math.max(1, steps.at(-1) ?? 1);
    const x = (step) => LEFT + (step / last) * (width - LEFT - RIGHT);
    const y = (value) => TOP + (1 - Math.min(value, high) / high) * (HEIGHT - TOP - BOTTOM);
    scale = { x, step: (place) => ((place - LEFT) / (width - LEFT - RIGHT)) * last };
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    show(svg,
      [0, 0.25, 0.5, 0.75, 1].map((share) => [
        s("line", { x1: LEFT, x2: width - RIGHT, y1: y(share * high), y2: y(share * high), class: "grid" }),
        s("text", { x: LEFT - 6, y: y(share * high) + 4, "text-anchor": "end" }, percent ? `${100 * share} %` : number(share * high, 2)),
      ]),
      s("text", { x: LEFT, y: HEIGHT - 10 }, "0"),
      s("text", { x: width - RIGHT, y: HEIGHT - 10, "text-anchor": "end" }, `${t("step")} ${number(last)}`),
      shown.map((one, k) => s("path", { class: `series series${k}`, d: path(one.points, x, y, width), "data-count": one.points.length })),
      shown.map((one, k) => (one.dots ? one.points.filter(([, value]) => value !== null).map(([step, value]) =>
        s("circle", { class: `dot series${k}`, cx: x(step), cy: y(value), r: 2.5 })) : null)),
      cross);
  }

  function fillTable() {
    if (!details.open) return;
    show(head, h("th", { scope: "col" }, t("step")), shown.map((one) => h("th", { scope: "col" }, one.name)));
    const maps = shown.map((one) => new Map(one.points));
    show(rows, steps.slice(-MOST_ROWS).map((step) =>
      h("tr", {}, h("th", { scope: "row" }, number(step)), maps.map((map) => h("td", {}, map.has(step) ? text(map.get(step)) : "")))));
  }

  function point(step) {
    if (step === undefined) return;
    at = steps.indexOf(step);
    cross.setAttribute("x1", String(scale.x(step)));
    cross.setAttribute("x2", String(scale.x(step)));
    cross.setAttribute("visibility", "visible");
    const found = shown.map((one) => [one.name, one.points.find(([own]) => own === step)?.[1]]).filter(([, value]) => value !== undefined);
    readout.dataset.v = JSON.stringify([step, ...found.map(([, value]) => value)]);
    show(readout, `${t("step")} ${number(step)}: ${found.map(([own, value]) => `${own} ${text(value)}`).join(" · ")}`);
  }

  function nearest(place) {
    const wanted = scale.step(place);
    return steps.reduce((best, step) => (Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best), steps[0]);
  }

  const under = (event) => {
    const box = svg.getBoundingClientRect();
    return nearest(((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width);
  };
  svg.addEventListener("pointermove", (event) => point(under(event)));
  svg.addEventListener("click", (event) => steps.length && pick(under(event)));
  svg.addEventListener("keydown", (event) => {
    const moves = new Map([["ArrowLeft", -1], ["ArrowRight", 1], ["PageUp", -10], ["PageDown", 10], ["Home", -Infinity], ["End", Infinity]]);
    const move = moves.get(event.key);
    if (event.key === "Enter" && at >= 0) pick(steps[at]);
    if (move === undefined || !steps.length) return;
    event.preventDefault();
    point(steps[Math.max(0, Math.min(steps.length - 1, Math.max(0, at) + move))]);
  });
  new ResizeObserver(() => shown.length && draw()).observe(element);
  return { element, update };
}

/** Return the top of the scale: the largest value, unless single ones are far above all others. */
function extreme(values) {
  if (!values.length) return 1;
  const sorted = [...values].sort((a, b) => a - b);
  const most = sorted.at(-1);
  const usual = sorted[Math.floor(0.99 * (sorted.length - 1))];
  return most > 4 * usual && usual > 0 ? 2 * usual : most;
}

/** Return a path through points: of many, the lowest and the highest in each column of pixels. Gaps are left where values are not finite. */
function path(points, x, y, width) {
  let thin = points;
  if (points.length > 4 * width) {
    const columns = new Map();
    for (const [step, value] of points) {
      if (value === null) continue;
      const column = Math.round(x(step));
      const known = columns.get(column);
      if (!known) columns.set(column, [[step, value], [step, value]]);
      else {
        if (value < known[0][1]) known[0] = [step, value];
        if (value > known[1][1]) known[1] = [step, value];
      }
    }
    thin = [...columns.values()].flat().sort((a, b) => a[0] - b[0]);
  }
  let pen = "M";
  return thin.map(([step, value]) => {
    if (value === null) {
      pen = "M";
      return "";
    }
    const part = `${pen}${x(step).toFixed(1)},${y(value).toFixed(1)}`;
    pen = "L";
    return part;
  }).join("");
}
