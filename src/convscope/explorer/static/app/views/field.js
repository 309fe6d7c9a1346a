/** How the receptive field grows with depth: size of every layer's field, beside the image. */

import { network } from "cs/data";
import { h, s, show } from "cs/dom";
import { number, t } from "cs/i18n";
import { state } from "cs/store";
import { select } from "cs/strip";

const HEIGHT = 340;
const LEFT = 56;
const BOTTOM = 40;

/** What of the state the view shows, besides the network and the language. */
export const keys = ["layer"];

/** Draw the view into an element. */
export function draw(root) {
  const rows = network.report.layers;
  const WIDTH = Math.max(320, root.clientWidth);
  const sizes = rows.map((row) => row.receptive_field.size?.at(-1) ?? null);
  const image = network.report.input_shape.at(-1);
  const most = Math.max(image, ...sizes.filter((size) => size !== null));
  const x = (place) => LEFT + ((place + 0.5) * (WIDTH - LEFT - 8)) / rows.length;
  const y = (size) => HEIGHT - BOTTOM - (size / most) * (HEIGHT - BOTTOM - 16);
  const known = rows.map((row, place) => [row, place]).filter(([, place]) => sizes[place] !== null);
  const line = known.map(([, place], k) => `${k ? "L" : "M"}${x(place)},${y(sizes[place])}`).join("");
  const points = known.map(([row, place]) =>
    s("circle", { cx: x(place), cy: y(sizes[place]), r: row.name === state.layer ? 7 : 4, class: row.name === state.layer ? "point current" : "point",
      "data-layer": row.name, "data-v": sizes[place], onclick: () => select(row.name) },
      s("title", {}, `${row.name}: ${row.receptive_field.size.join("×")}`)));
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * most));
  show(
    root,
    h("h2", {}, t("growth_title")),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": t("growth_title") },
      ticks.map((tick) => [
        s("line", { x1: LEFT, x2: WIDTH - 8, y1: y(tick), y2: y(tick), class: "grid" }),
        s("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, number(tick)),
      ]),
      s("line", { x1: LEFT, x2: WIDTH - 8, y1: y(image), y2: y(image), class: "image-line" }),
      s("text", { x: LEFT + 4, y: y(image) - 5, class: "image-line-label" }, t("image_width", { width: image })),
      s("path", { d: line, class: "curve" }),
      points,
      s("text", { x: WIDTH / 2, y: HEIGHT - 8, "text-anchor": "middle" }, t("growth_axis"))),
    h("details", {}, h("summary", {}, t("as_table")),
      h("table", { class: "report" }, rows.map((row) =>
        h("tr", {}, h("th", { scope: "row" }, row.name), h("td", {}, row.receptive_field.size?.join("×") ?? "–"))))),
  );
  root.dataset.state = "ready";
}
