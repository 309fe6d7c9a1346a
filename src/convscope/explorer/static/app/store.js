/** The one state of the page, and its form in the address. */

/**
 * layer: name; channel, row, column: the selected unit; target: class whose gradient is shown;
 * view: what the stage shows; tab: what the inspector shows; quantity: whose derivation is shown; hover: a unit under the pointer, or null.
 */
/** @type {Record<string, any>} */
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
  quantity: "receptive_field",
  lang: "en",
  theme: "auto",
  /** The network to compare with: a name or notation, or "start" for the one that was opened at the start. */
  compare: "",
  /** Names of views and tabs that are not shown. */
  hide: /** @type {string[]} */ ([]),
  hover: /** @type {{layer: string, channel: number, row: number, column: number} | null} */ (null),
};

/** @type {Map<string, {key: string, initial: any, read: (text: string) => any, write: (value: any) => string | null}>} */
const kept = new Map();

/**
 * Keep a part of the state in the address of the page. A link without it gives it back the value that it has now.
 *
 * @param {string} key its name in the state
 * @param {string} short its name in the address
 * @param {(text: string) => any} read returns the value, or undefined for a text that means nothing
 * @param {(value: any) => string | null} write returns the text, or null to leave it out
 */
export function keep(key, short, read, write = String) {
  if (kept.has(short)) throw new Error(`two parts of the state are called ${short} in the address`);
  kept.set(short, { key, initial: structuredClone(state[key]), read, write });
}

/** Return a reader of one of some words. @param {string[]} words */
export function oneOf(words) {
  return (text) => (words.includes(text) ? text : undefined);
}

/** Return a reader of texts up to a length. */
function upTo(length) {
  return (text) => (text.length <= length ? text : undefined);
}

/** Read an integer from 0 on. */
export function natural(text) {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Texts in the form for links. @type {Map<string, string>} */
const packed = new Map();

/** Use a shorter form of a text in the address. */
export function shorten(text, short) {
  packed.set(text, short);
  try {
    history.replaceState(null, "", toHash());
  } catch {
    // A frame without an address of its own.
  }
}

/** Write a text, in its shorter form if it has one; nothing for an empty text. */
export function shortest(text) {
  return (packed.get(text) ?? text) || null;
}

const unlessEmpty = (value) => value || null;

keep("model", "m", upTo(65536), shortest);
keep("layer", "l", upTo(1000), unlessEmpty);
keep("target", "t", natural, (value) => (value === null ? null : String(value)));
keep("hide", "hide", (text) => (/^[a-z_]{1,30}(,[a-z_]{1,30}){0,30}$/.test(text) ? text.split(",") : undefined), (names) => names.join(",") || null);
keep("lang", "lang", oneOf(["en", "zh"]));

/** @type {{keys: string[], run: (changed: Set<string>) => void}[]} */
const listeners = [];

/** Call `run` after a change of any of the keys, once per change, with the names of all that changed. */
export function on(keys, run) {
  listeners.push({ keys, run });
}

let queued = false;
/** @type {Set<string>} */
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
    for (const listener of listeners) if (listener.keys.some((key) => keys.has(key))) listener.run(keys);
  });
}

/** The selected unit, or the one under the pointer. @returns {any} */
export function unit() {
  return state.hover ?? state;
}

function remember() {
  const text = toHash();
  try {
    if (text !== location.hash) history.pushState(null, "", text);
  } catch {
    // A frame without an address of its own, as in a notebook.
  }
}

/** Return the state as the fragment of an address. */
export function toHash() {
  const query = new URLSearchParams({ s: "1", u: [state.channel, state.row, state.column].join(",") });
  for (const [short, { key, write }] of kept) {
    const text = write(state[key]);
    if (text !== null) query.set(short, text);
  }
  return `#${query}`;
}

/** Parts of the state that a link without them leaves as they are. */
const LASTING = new Set(["lang", "layer", "image"]);

/** Return what an address says. Unknown keys are ignored; `bad` lists values that mean nothing. */
export function fromHash(text) {
  const query = new URLSearchParams(text.replace(/^#/, ""));
  const patch = /** @type {Record<string, any>} */ ({});
  if (query.has("s")) for (const { key, initial } of kept.values()) if (!LASTING.has(key)) patch[key] = initial;
  const bad = [];
  const at = query.get("u");
  if (at !== null) {
    const parts = at.split(",").map(natural);
    if (parts.length === 3 && !parts.includes(undefined)) [patch.channel, patch.row, patch.column] = parts;
    else bad.push("u");
  }
  for (const [short, { key, read }] of kept) {
    const given = query.get(short);
    if (given === null) continue;
    const value = read(given);
    if (value === undefined) bad.push(short);
    else patch[key] = value;
  }
  return { patch, bad };
}
