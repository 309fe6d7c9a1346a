/** The table of `inspect`, with totals, peak memory and findings. */

import { network } from "cs/data";
import { h, readable, show } from "cs/dom";
import { bytes, number, t } from "cs/i18n";
import { state } from "cs/store";
import { select } from "cs/strip";

/** What of the state the view shows, besides the network and the language. */
export const keys = ["layer"];

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

/** Rows that are drawn together; the parts of a longer table are drawn when they come into view. */
const PART = 200;
const ROW_HEIGHT = 26;

/** Draw the view into an element. */
export function draw(root) {
  const { layers, totals } = network.report;
  const total = { params: totals.params, macs: totals.macs, memory: totals.activation_bytes };
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("view_table") },
    h("table", { class: "report" },
      h("thead", {}, h("tr", {}, COLUMNS.map(([name]) => h("th", { scope: "col" }, t(`column_${name}`))))),
      parts(layers),
      h("tfoot", {}, h("tr", {}, COLUMNS.map(([name]) => {
        if (name === "name") return h("th", { scope: "row" }, t("total"));
        const value = total[name];
        return h("td", value === undefined ? {} : { "data-q": `total_${name}`, "data-v": String(value) },
          value === undefined ? "" : name === "memory" ? bytes(value) : number(value));
      })))));
  show(
    root,
    scroll,
    h("p", {}, t("peaks", { inference: bytes(totals.peak_activation_bytes), training: bytes(totals.peak_training_bytes) })),
    network.findings.map((finding) =>
      h("div", { class: `finding ${finding.severity}` },
        h("b", {}, t(`severity_${finding.severity}`), ": "), finding.message, " ", h("code", {}, finding.code), h("br"), finding.suggestion)),
  );
  watch(scroll);
  root.dataset.state = "ready";
}

function parts(layers) {
  const bodies = [];
  for (let start = 0; start < layers.length; start += PART) {
    const count = Math.min(PART, layers.length - start);
    const body = h("tbody", { "data-start": start });
    if (start === 0) show(body, rowsOf(layers.slice(0, count)));
    else show(body, h("tr", { style: { height: `${count * ROW_HEIGHT}px` } }));
    bodies.push(body);
  }
  return bodies;
}

function rowsOf(layers) {
  return layers.map((row) =>
    h("tr", { "aria-current": String(row.name === state.layer), "data-layer": row.name, onclick: () => select(row.name) },
      COLUMNS.map(([name, text, value], place) =>
        place === 0
          ? h("th", { scope: "row" }, h("button", { class: "link", "data-q": name, "data-v": String(value(row)) }, text(row)))
          : h("td", { "data-q": name, "data-v": String(value(row)) }, text(row)))));
}

function watch(scroll) {
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      const start = Number(/** @type {HTMLElement} */ (target).dataset.start);
      show(target, rowsOf(network.report.layers.slice(start, start + PART)));
      observer.unobserve(target);
    }
  }, { root: scroll, rootMargin: "600px" });
  for (const body of scroll.querySelectorAll("tbody:not([data-start='0'])")) observer.observe(body);
}
