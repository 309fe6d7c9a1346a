/** The start of the page: texts, session, network, and the state of the address. */

import { indexOf, loadNetwork, mapShape, network, row } from "cs/data";
import { fits, given, knows, notice, startHeader } from "cs/header";
import { addTexts, t } from "cs/i18n";
import "cs/coach";
import "cs/image";
import "cs/inspector";
import "cs/keyboard";
import { setOpening } from "cs/opening";
import { openReproduce } from "cs/reproduce";
import { linkedRun } from "cs/runs";
import "cs/stage";
import { pack, unpack } from "cs/links";
import { fromHash, on, set, shorten, state } from "cs/store";
import { select } from "cs/strip";
import "cs/time";
import { selected } from "cs/unit_parts";
import { getJson, send } from "cs/wire";

const body = document.body;

/** Choose the layer that is shown first: the last with maps. */
function firstLayer() {
  const maps = network.rows.filter((one) => one.output_shape.length === 3 && one.output_shape[1] * one.output_shape[2] > 1 && one.kind !== "Input");
  return (maps.at(-1) ?? network.rows.at(-1)).name;
}

/** Keep the selected unit inside the network. */
function settle(linked = false) {
  if (!row(state.layer)) {
    if (state.layer && linked) notice(t("no_layer", { name: state.layer }));
    select(firstLayer());
    return;
  }
  const sizes = mapShape(state.layer);
  const inside = (value, most) => Math.min(value, most - 1);
  set({ channel: inside(state.channel, sizes[0]), row: inside(state.row, sizes[1]), column: inside(state.column, sizes[2]) }, { push: false });
}

let shown = "";

async function showNetwork() {
  const key = () => `${state.network} ${state.lang} ${state.step ?? ""}`;
  const wanted = key();
  if (!state.network || shown === wanted) return;
  if (network?.base !== state.network) body.dataset.state = "loading";
  try {
    await loadNetwork(state.network, state.lang, state.step);
  } catch (error) {
    notice(error.message);
    body.dataset.state = "ready";
    return;
  }
  if (wanted !== key() || network?.base !== state.network) return;
  shown = wanted;
  if (!fits(state.image)) set({ image: "sample" }, { push: false });
  settle();
  set({ ready: wanted }, { push: false });
  body.dataset.state = "ready";
}

/** Follow the address. @param {boolean} first whether the page begins with it */
async function applyHash(first = false) {
  const { hash } = location;
  const { patch, bad } = fromHash(hash || (body.dataset.start ?? ""));
  for (const key of ["model", "compare"]) {
    const text = await unpack(patch[key] ?? "");
    if (text === null) bad.push(key);
    patch[key] = text ?? "";
  }
  if (patch.image && !knows(patch.image)) {
    bad.push("i");
    delete patch.image;
  }
  if (bad.length) notice(t("bad_link", { names: bad.join(", ") }));
  if (patch.lesson && (first || JSON.stringify(patch.lesson) !== JSON.stringify(state.lesson))) {
    // The step of the lesson says what is shown.
    set({ lesson: patch.lesson, lang: patch.lang ?? state.lang }, { push: false });
    return;
  }
  if (patch.model !== state.model) {
    try {
      patch.network = patch.model ? (await send("POST", "/api/networks", patch.model, { parameters: { lang: patch.lang ?? state.lang } })).id : given().network;
      if (network) await loadNetwork(patch.network, patch.lang ?? state.lang);
    } catch (error) {
      notice(error.message);
      delete patch.model;
    }
  }
  await linkedRun(patch);
  if (hash !== location.hash) return; // the page went elsewhere while the server answered
  set(patch, { push: false });
  if (network && state.network === network.base) settle(true);
}

async function shortenLink() {
  for (const text of [state.model, state.compare]) {
    const short = await pack(text);
    if (short !== text) shorten(text, short);
  }
}

function announce() {
  if (!network || !state.layer) return;
  const live = /** @type {HTMLElement} */ (document.getElementById("live"));
  live.textContent = t("announce", { layer: state.layer, index: indexOf(selected()).join(", ") });
}

function keys(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !network) return;
  const place = row(state.layer)?.place ?? 0;
  if (event.key === "[" && place > 0) select(network.rows[place - 1].name);
  else if (event.key === "]" && place + 1 < network.rows.length) select(network.rows[place + 1].name);
  else if (event.key === "/") {
    event.preventDefault();
    document.getElementById("find")?.focus();
  }
}

on(["network", "lang", "step"], showNetwork);
on(["layer", "channel", "row", "column"], announce);
document.addEventListener("reproduce", () => openReproduce().catch((error) => notice(error.message)));
on(["model", "compare"], shortenLink);
on(["lang"], () => (document.documentElement.lang = state.lang === "zh" ? "zh-CN" : "en"));
on(["theme"], () => (document.documentElement.dataset.theme = state.theme));
document.addEventListener("keydown", keys);
window.addEventListener("popstate", () => applyHash());
window.addEventListener("hashchange", () => applyHash());

async function start() {
  for (const lang of ["en", "zh"]) addTexts(lang, await getJson(`${body.dataset.static}/i18n/${lang}.json`));
  const session = await getJson("/api/session");
  const chinese = session.lang === "zh" || navigator.language.startsWith("zh");
  set({ lang: chinese ? "zh" : "en" }, { push: false });
  setOpening(session);
  if (location.hash === "") {
    if (session.landing) set({ view: "start" }, { push: false });
    if (session.lesson) set({ lesson: { name: session.lesson, number: 0 } }, { push: false });
  }
  startHeader(session);
  await applyHash(true);
  set({ network: state.network || session.network, image: state.image || session.images.at(-1).id }, { push: false });
}

start().catch((error) => {
  notice(error.message);
  body.dataset.state = "failed";
});
