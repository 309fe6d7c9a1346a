/** The middle of the page: maps, the table, the growth of the receptive field, or the editor. */

import { network } from "cs/data";
import { h, readable, show } from "cs/dom";
import { drawEditor } from "cs/editor";
import { drawGrowth } from "cs/growth";
import { bytes, number, t } from "cs/i18n";
import { drawMaps, moveCursor } from "cs/maps";
import { drawPrediction } from "cs/predict";
import { on, set, state, VIEWS } from "cs/store";
import { select } from "cs/strip";

const root = /** @type {HTMLElement} */ (document.getElementById("stage"));
const tabs = h("div", { class: "tabs", role: "tablist" });
const content = h("div", { class: "content", role: "tabpanel" });
show(root, tabs, content);

let drawn = "";

function draw() {
  show(tabs, VIEWS.map((view) =>
    h("button", { role: "tab", "aria-selected": String(view === state.view), "data-view": view, onclick: () => set({ view }) }, t(`view_${view}`))));
  if (!network) return;
  content.dataset.state = "loading";
  if (drawn !== `${network.id} ${state.view}`) show(content);
  drawn = `${network.id} ${state.view}`;
  if (state.view === "maps") drawMaps(content);
  else if (state.view === "predict") drawPrediction(content);
  else if (state.view === "table") drawTable();
  else if (state.view === "growth") drawGrowth(content);
  else drawEditor(content);
}

/** @type {[string, (row: any) => string, (row: any) => any][]} */
const COLUMNS = [
  ["name", (row) => readable(row.name), (row) => row.name],
  ["kind", (row) => row.kind, (row) => row.kind],
  ["output", (row) => row.output_shape.join("×"), (row) => row.output_shape.join("×")],
  ["params", (row) => number(row.params), (row) => row.params],
  ["macs", (row) => number(row.macs), (row) => row.macs],
  ["memory", (row) => bytes(row.activation_bytes), (row) => row.activation_bytes],
  ["field", (row) => fieldText(row.receptive_field), (row) => row.receptive_field.size?.join("×") ?? ""],
  ["jump", (row) => row.receptive_field.stride?.map((one) => number(one)).join("×") ?? "–", (row) => row.receptive_field.stride?.join("×") ?? ""],
  ["start", (row) => row.receptive_field.start?.map((one) => number(one)).join(", ") ?? "–", (row) => row.receptive_field.start?.join(",") ?? ""],
  ["status", (row) => t(`status_${row.receptive_field.status}`), (row) => row.receptive_field.status],
];

function fieldText(field) {
  return field.size ? field.size.map((one) => number(one)).join("×") : "–";
}

function drawTable() {
  const { layers, totals } = network.report;
  const rows = layers.map((row) =>
    h("tr", { "aria-current": String(row.name === state.layer), "data-layer": row.name, onclick: () => select(row.name) },
      COLUMNS.map(([name, text, value], place) =>
        place === 0
          ? h("th", { scope: "row" }, h("button", { class: "link", "data-q": name, "data-v": String(value(row)) }, text(row)))
          : h("td", { "data-q": name, "data-v": String(value(row)) }, text(row)))));
  const total = { params: totals.params, macs: totals.macs, memory: totals.activation_bytes };
  show(
    content,
    h("div", { class: "scroll" },
      h("table", { class: "report" },
        h("thead", {}, h("tr", {}, COLUMNS.map(([name]) => h("th", { scope: "col" }, t(`column_${name}`))))),
        h("tbody", {}, rows),
        h("tfoot", {}, h("tr", {}, COLUMNS.map(([name]) => {
          if (name === "name") return h("th", { scope: "row" }, t("total"));
          const value = total[name];
          return h("td", value === undefined ? {} : { "data-q": `total_${name}`, "data-v": String(value) },
            value === undefined ? "" : name === "memory" ? bytes(value) : number(value));
        }))))),
    h("p", {}, t("peaks", { inference: bytes(totals.peak_activation_bytes), training: bytes(totals.peak_training_bytes) })),
    network.findings.map((finding) =>
      h("div", { class: `finding ${finding.severity}` },
        h("b", {}, t(`severity_${finding.severity}`), ": "), finding.message, " ", h("code", {}, finding.code), h("br"), finding.suggestion)),
  );
  content.dataset.state = "ready";
}

on(["ready", "image", "layer", "channel", "view", "lang"], draw);
on(["target"], () => state.view === "predict" && draw());
on(["network"], () => {
  drawn = "";
  if (state.view !== "editor") show(content);
});
on(["row", "column"], () => {
  if (state.view === "maps" && !moveCursor(content)) drawMaps(content);
});
