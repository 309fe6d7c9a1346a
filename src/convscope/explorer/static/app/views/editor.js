/** The notation of the network: every pause in typing shows the new network, or the place of the mistake. */

import { loadComparison, network } from "cs/data";
import { h, readable, show } from "cs/dom";
import { number, t } from "cs/i18n";
import { set, state } from "cs/store";
import { select } from "cs/strip";
import { send } from "cs/wire";

const DELAY = 300;

/** What was typed last, which is kept while other views are shown. */
let draft = /** @type {string | null} */ (null);
/** The network that was open when typing began: differences are shown to it. */
let before = /** @type {{id: string, name: string} | null} */ (null);
let waiting = 0;
/** Whether the text is newer than every answer. */
let newer = false;
/** @type {AbortController | null} */
let running = null;

/** What of the state the view shows, besides the network and the language. */
export const keys = ["layer"];

/** Whether the view stays on screen when the network changes. */
export const lasting = true;

/** Draw the view into an element. */
export async function draw(root) {
  if (draft === null || !root.querySelector("textarea")) drawText(root);
  if (newer || root.querySelector(".message")?.classList.contains("bad")) {
    if (!newer) root.dataset.state = "ready";
    return;
  }
  await drawTable(root);
}

function drawText(root) {
  const area = h("textarea", { spellcheck: "false", rows: "12", "aria-label": t("editor_label"), "aria-describedby": "editor-message", value: draft ?? network.notation ?? "" });
  const message = h("div", { id: "editor-message", class: "message", role: "status" });
  area.addEventListener("input", () => {
    if (before === null) before = { id: network.id, name: network.name };
    draft = area.value;
    newer = true;
    running?.abort();
    running = null;
    root.dataset.state = "waiting";
    clearTimeout(waiting);
    waiting = window.setTimeout(() => submit(area.value, message, root), DELAY);
  });
  show(root, h("h2", {}, t("view_editor")), h("p", {}, t(network.notation === null ? "no_notation" : "editor_hint")), area, message, h("div", { class: "layers" }));
}

async function submit(text, message, root) {
  const own = new AbortController();
  running = own;
  try {
    const { id } = await send("POST", "/api/networks", text, { signal: own.signal, parameters: { lang: state.lang } });
    if (running !== own) return;
    newer = false;
    show(message);
    message.classList.remove("bad");
    if (id === network.id) await drawTable(root);
    else set({ network: id, model: text });
  } catch (error) {
    if (error.name === "AbortError" || running !== own) return;
    newer = false;
    message.classList.add("bad");
    show(message, place(text, error.document ?? {}), h("pre", {}, error.message));
    show(root.querySelector(".layers"), table(error.document?.layers ?? [], new Map(), false));
    root.dataset.state = "ready";
  }
}

/** The line of a mistake, with the character marked. */
function place(text, { line, column }) {
  if (!line) return null;
  const whole = text.split("\n")[line - 1] ?? "";
  const marked = whole.slice(column - 1, column) || " ";
  return h("p", { class: "mistake", "data-q": "mistake", "data-v": JSON.stringify([line, column]) },
    t("mistake_at", { line, column }), " ", h("code", {}, whole.slice(Math.max(0, column - 41), column - 1), h("mark", {}, marked), whole.slice(column, column + 40)));
}

/** The layers with what differs from the network before, and what is found at each. */
async function drawTable(root) {
  const shown = network;
  const base = before;
  try {
    const changes = base && base.id !== shown.id ? await loadComparison(base.id, shown.id) : null;
    if (shown !== network || newer) return;
    const byLayer = new Map((changes?.layers ?? []).filter((one) => one.b !== null).map((one) => [one.b, one]));
    const removed = (changes?.layers ?? []).filter((one) => one.change === "removed").map((one) => one.a);
    show(root.querySelector(".layers"),
      base && changes ? h("p", { class: "note" }, t("changes_since", { name: readable(base.name, 40) }), removed.length ? ` ${t("removed_layers", { names: removed.join(", ") })}` : "") : null,
      table(shown.report.layers, byLayer, true));
  } catch (error) {
    if (shown === network && !newer) show(root.querySelector(".layers"), h("p", { class: "note" }, error.message));
  }
  root.dataset.state = "ready";
}

function table(layers, changes, linked) {
  if (!layers.length) return null;
  const found = new Map();
  if (linked) for (const one of network.findings) for (const layer of one.layers) found.set(layer, [...(found.get(layer) ?? []), one]);
  return h("table", { class: "report edited" },
    h("thead", {}, h("tr", {}, ["name", "kind", "output", "params", "macs", "field", "delta"].map((name) => h("th", { scope: "col" }, t(`column_${name}`))))),
    h("tbody", {}, layers.map((row) => {
      const change = changes.get(row.name);
      const name = linked ? h("button", { class: "link", onclick: () => select(row.name) }, readable(row.name)) : readable(row.name);
      const cells = { output: row.output_shape.join("×"), params: row.params, macs: row.macs, field: row.receptive_field.size?.join("×") ?? "" };
      return [
        h("tr", { "data-layer": row.name, "aria-current": String(linked && row.name === state.layer) },
          h("th", { scope: "row" }, name), h("td", {}, row.kind),
          Object.entries(cells).map(([key, value]) => h("td", { "data-q": key, "data-v": String(value) }, typeof value === "number" ? number(value) : value || "–")),
          h("td", { "data-q": "delta", "data-v": change ? JSON.stringify({ change: change.change, differences: change.differences }) : "null" }, change ? delta(change) : "")),
        (found.get(row.name) ?? []).map((one) => h("tr", { class: "at" }, h("td", { colspan: "7" }, h("div", { class: `finding ${one.severity}`, "data-code": one.code }, one.message)))),
      ];
    })));
}

/** What differs, in a few words: +3 of a count, a → b of the rest. */
function delta({ change, differences }) {
  if (change !== "changed") return change === "same" ? "" : t(`change_${change}`);
  return Object.entries(differences).filter(([what]) => what !== "receptive_field").map(([what, { a, b }]) => {
    if (["params", "macs", "activation_bytes"].includes(what)) return h("div", {}, `${t(`total_${what}`)}: ${b > a ? "+" : ""}${number(b - a)}`);
    return h("div", {}, `${what.replaceAll("_", " ")}: ${Array.isArray(a) ? a.join("×") : String(a)} → ${Array.isArray(b) ? b.join("×") : String(b)}`);
  });
}

/** Forget what was typed, as another network is shown. */
export function forgetDraft() {
  draft = null;
  newer = false;
  before = null;
}
