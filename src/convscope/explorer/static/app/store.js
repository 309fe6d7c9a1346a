/** The one state of the page, and its form in the address. */

/**
 * layer: name; channel, row, column: the selected unit; target: class whose gradient is shown;
 * view: what the stage shows; tab: what the inspector shows; hover: a unit under the pointer, or null.
 */
export const state = {
  model: "",
  network: "",
  image: "",
  /** The network and language whose documents are loaded. */
  ready: "",
  layer: "",
  channel: 0,
  row: 0,
  column: 0,
  target: /** @type {number | null} */ (null),
  view: "maps",
  tab: "region",
  lang: "en",
  theme: "auto",
  hover: /** @type {{layer: string, channel: number, row: number, column: number} | null} */ (null),
};

export const VIEWS = ["maps", "predict", "table", "growth", "editor"];
export const TABS = ["region", "sum", "gradient", "derive", "cost"];

/** @type {{keys: string[], run: () => void}[]} */
const listeners = [];

/** Call `run` after a change of any of the keys, once per change. */
export function on(keys, run) {
  listeners.push({ keys, run });
}

let queued = false;
const changed = new Set();

/** Change the state. Views follow in one go, before the next frame. */
export function set(patch, { push = true } = {}) {
  for (const [key, value] of Object.entries(patch)) {
    if (JSON.stringify(state[key]) !== JSON.stringify(value)) {
      state[key] = value;
      changed.add(key);
    }
  }
  if (changed.size === 0) return;
  if (push && !(changed.size === 1 && changed.has("hover"))) remember();
  if (queued) return;
  queued = true;
  queueMicrotask(() => {
    queued = false;
    const keys = new Set(changed);
    changed.clear();
    for (const listener of listeners) if (listener.keys.some((key) => keys.has(key))) listener.run();
  });
}

/** The selected unit, or the one under the pointer. */
export function unit() {
  return state.hover ?? state;
}

function remember() {
  const text = toHash();
  if (text !== location.hash) history.pushState(null, "", text);
}

/** Return the state as the fragment of an address. */
export function toHash() {
  const query = new URLSearchParams();
  query.set("s", "1");
  if (state.model) query.set("m", state.model);
  if (state.layer) query.set("l", state.layer);
  query.set("u", [state.channel, state.row, state.column].join(","));
  if (state.target !== null) query.set("t", String(state.target));
  query.set("v", state.view);
  query.set("q", state.tab);
  query.set("lang", state.lang);
  return `#${query}`;
}

/** Return what an address says. Unknown keys are ignored; `bad` lists values that mean nothing. */
export function fromHash(text) {
  const query = new URLSearchParams(text.replace(/^#/, ""));
  const patch = /** @type {Record<string, any>} */ ({});
  const bad = [];
  const model = query.get("m");
  if (model !== null && model.length <= 65536) patch.model = model;
  const layer = query.get("l");
  if (layer !== null && layer.length <= 1000) patch.layer = layer;
  const at = query.get("u");
  if (at !== null) {
    const parts = at.split(",").map(Number);
    if (parts.length === 3 && parts.every((one) => Number.isInteger(one) && one >= 0 && one < 2 ** 31)) {
      [patch.channel, patch.row, patch.column] = parts;
    } else bad.push("u");
  }
  const target = query.get("t");
  if (target !== null) {
    if (/^\d{1,9}$/.test(target)) patch.target = Number(target);
    else bad.push("t");
  }
  for (const [key, name, known] of [["v", "view", VIEWS], ["q", "tab", TABS], ["lang", "lang", ["en", "zh"]]]) {
    const value = query.get(/** @type {string} */ (key));
    if (value === null) continue;
    if (known.includes(value)) patch[/** @type {string} */ (name)] = value;
    else bad.push(key);
  }
  return { patch, bad };
}
