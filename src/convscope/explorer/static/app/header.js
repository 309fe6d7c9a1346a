/** The top of the page: model, image, language, theme, link, and the scores of the image. */

import { loadScores, network } from "cs/data";
import { h, readable, show } from "cs/dom";
import { forgetDraft } from "cs/views/editor";
import { number, percent, t } from "cs/i18n";
import { keep, on, set, state, toHash } from "cs/store";
import { select, summary } from "cs/strip";
import { send, sendForBlob } from "cs/wire";

const root = /** @type {HTMLElement} */ (document.getElementById("top"));

/** @type {{zoo: string[], images: {id: string, name: string, path?: string | null, shape?: number[]}[], network: string | null, title?: string | null, other: string | null, otherSource?: string | null, abilities: string[]}} */
let session = { zoo: [], images: [], network: null, other: null, abilities: [] };

keep("image", "i", (text) => (/^([0-9a-f]{16}|sample)$/.test(text) ? text : undefined), (id) => (knows(id) && fits(id, false) ? id : null));

/** Tell whether an image is open here. */
export function knows(image) {
  return session.images.some((one) => one.id === image);
}

/** What the page started with. */
export function given() {
  return session;
}

/** Tell whether the source of answers can do something: take "networks" or "images", or make an "export". */
export function can(what) {
  return session.abilities.includes(what);
}

/** Show a drawing, which takes the place of the one before. */
export function showDrawing(drawing) {
  session.images = [...session.images.filter((one) => !one.shape), drawing];
  set({ image: drawing.id });
}

/** Tell whether an image fits the network: a drawing has the size of the network that it was drawn for. */
export function fits(image, drawn = true) {
  const shape = session.images.find((one) => one.id === image)?.shape;
  return !shape || (drawn && shape.join() === network.report.input_shape.join());
}

export function startHeader(document) {
  session = document;
  draw();
}

function draw() {
  const models = h("select", { "aria-label": t("model"), "data-q": "model", onchange: (event) => openModel(event.target.value) },
    session.network ? h("option", { value: "" }, readable(session.title ?? "", 28)) : null,
    network?.run && network.base !== session.network
      ? Object.assign(h("option", { value: "run", disabled: true }, readable(network.source, 40)), { selected: true }) : null,
    session.zoo.map((name) => {
      const option = h("option", { value: name }, name);
      if (name === state.model) option.selected = true;
      return option;
    }),
    state.model && !session.zoo.includes(state.model) ? Object.assign(h("option", { value: state.model }, t("notation")), { selected: true }) : null);
  const file = h("input", { type: "file", accept: "image/*", class: "unseen", id: "file", onchange: (event) => upload(event.target.files[0]) });
  const images = h("select", { "aria-label": t("image"), "data-q": "image", onchange: (event) => set({ image: event.target.value }) },
    session.images.map((image) => {
      const option = h("option", { value: image.id }, image.name === "sample" ? t("sample") : image.name === "drawing" ? t("drawing") : readable(image.name, 30));
      if (image.id === state.image) option.selected = true;
      return option;
    }));
  const layers = h("input", { list: "layers", placeholder: t("find_layer"), "aria-label": t("find_layer"), id: "find", onchange: (event) => find(event.target) });
  show(
    root,
    h("h1", {}, "convscope"),
    h("label", {}, h("span", { class: "word" }, t("model"), " "), models),
    h("label", {}, h("span", { class: "word" }, t("image"), " "), images), can("images") ? [file, h("label", { for: "file", class: "button" }, t("open_image"))] : null,
    layers, h("datalist", { id: "layers" }, (network?.rows ?? []).map((row) => h("option", { value: row.name }))),
    h("span", { class: "summary", "data-q": "summary", title: network ? `${readable(network.name)}: ${summary(number)}` : "" }, network ? summary() : ""),
    h("span", { class: "scores", "data-q": "scores" }),
    h("span", { class: "right" },
      h("button", { onclick: () => set({ lang: state.lang === "en" ? "zh" : "en" }), "data-q": "lang" }, state.lang === "en" ? "中文" : "English"),
      can("export") ? h("button", { onclick: (event) => exportPage(event.target), "data-q": "export" }, t("export")) : null,
      menu()),
  );
  drawScores();
}

/** What is needed rarely: Escape, a click elsewhere and a choice close it. */
function menu() {
  const item = (name, act) => h("button", { "data-q": name, onclick: () => {
    details.open = false;
    act();
  } }, t(name));
  const details = h("details", { class: "menu", onkeydown: (event) => {
    if (event.key !== "Escape" || !details.open) return;
    event.stopPropagation();
    details.open = false;
    details.firstChild.focus();
  } },
    h("summary", { class: "button", "aria-label": t("menu"), title: t("menu"), "data-q": "menu" }, "⋯"),
    h("div", {}, item("share", share), item("reproduce", () => document.dispatchEvent(new Event("reproduce"))), item("theme", nextTheme)));
  return details;
}

document.addEventListener("pointerdown", (event) => {
  for (const one of root.querySelectorAll("details.menu[open]")) if (!one.contains(/** @type {Node} */ (event.target))) /** @type {HTMLDetailsElement} */ (one).open = false;
});

async function drawScores() {
  if (!network || !state.image || network.weights === "none") return;
  const shown = network.id + state.image;
  try {
    const { classes } = await loadScores(state.image);
    if (shown !== network.id + state.image) return;
    const likely = classes[0] && classes[0].value !== classes[0].score;
    const parts = classes.slice(0, 3).map((one) => `${readable(one.name, 20)}: ${likely ? percent(one.value) : number(one.score, 3)}`);
    const place = root.querySelector(".scores");
    if (!place) return;
    show(place, parts.join(" · "));
    place.setAttribute("title", parts.join("\n"));
  } catch {
    // The image does not fit, which the image pane says.
  }
}

async function openModel(name) {
  forgetDraft();
  if (!name) {
    set({ network: session.network, model: "", step: null, target: null });
    return;
  }
  try {
    const { id } = await send("POST", "/api/networks", name);
    set({ network: id, model: name, target: null });
  } catch (error) {
    notice(error.message);
  }
}

/** Send an image file, and show it. */
export async function upload(file) {
  if (!file || !can("images")) return;
  try {
    const image = await send("PUT", "/api/images", file, { headers: { "x-name": encodeURIComponent(file.name ?? "image") }, parameters: { lang: state.lang } });
    if (!session.images.some((one) => one.id === image.id)) session.images.push(image);
    set({ image: image.id });
    draw();
  } catch (error) {
    notice(error.message);
  }
}

function find(input) {
  if (network.byName.has(input.value)) {
    select(input.value);
    input.value = "";
  } else notice(t("no_layer", { name: readable(input.value) }));
}

function nextTheme() {
  const order = ["auto", "light", "dark"];
  const theme = order[(order.indexOf(state.theme) + 1) % order.length];
  set({ theme });
  notice(t(`theme_${theme}`));
}

async function share() {
  const link = location.href.split("#")[0] + toHash();
  try {
    await navigator.clipboard.writeText(link);
    notice(t("link_copied"));
  } catch {
    notice(link);
  }
}

/** Save the network, the image and the selection as one file. */
async function exportPage(button) {
  button.disabled = true;
  notice(t("export_started"));
  try {
    const content = await sendForBlob("POST", `/api/exports/${network.id}/${state.image}`, toHash(), { lang: state.lang, other: session.other });
    const address = URL.createObjectURL(content);
    const link = h("a", { href: address, download: `${readable(network.name, 40).replace(/[^\p{L}\p{N}._-]+/gu, "-") || "network"}.html` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  } catch (error) {
    notice(error.message);
  }
  button.disabled = false;
}

/** Show a message for some seconds. */
export function notice(text) {
  const place = /** @type {HTMLElement} */ (document.getElementById("notices"));
  const box = h("div", {}, text);
  place.append(box);
  setTimeout(() => box.remove(), 8000);
}

document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  upload(event.dataTransfer?.files[0]);
});
document.addEventListener("paste", (event) => {
  const item = [...(event.clipboardData?.items ?? [])].find((one) => one.type.startsWith("image/"));
  if (item) upload(item.getAsFile());
});

on(["ready", "lang", "model", "image"], draw);
