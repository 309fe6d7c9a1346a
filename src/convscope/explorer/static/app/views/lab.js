/** The laboratory: lessons with one's own numbers. Python computes; the page steps through and highlights. */

import { network } from "cs/data";
import { h, readable, show } from "cs/dom";
import { t } from "cs/i18n";
import { activationPlot } from "cs/lab/activations";
import { drawBlock, startBlocks } from "cs/lab/blocks";
import { formText, optionForm } from "cs/lab/form";
import { openNotation } from "cs/lab/links";
import { keep, set, state } from "cs/store";
import { select } from "cs/strip";
import { getJson } from "cs/wire";

/** Letters of a topic, and of the options in the address. */
const LONGEST = 8000;

state.topic = "convolution";
state.options = "";
keep("topic", "lab", (text) => (/^[a-z0-9-]{1,60}$/.test(text) ? text : undefined), (topic) => (state.view === "lab" ? topic : null));
keep("options", "lo", (text) => (text.length <= LONGEST ? text : undefined), (text) => (state.view === "lab" && text ? text : null));

/** An address with a topic and no options means the lesson's own numbers. */
window.addEventListener("popstate", () => {
  const query = new URLSearchParams(location.hash.slice(1));
  if (query.has("lab") && !query.has("o")) set({ options: "" }, { push: false });
});

/** What of the state the view shows, besides the network and the language. */
export const keys = ["topic", "options"];

/** Whether the view stays on screen when the network changes. */
export const lasting = true;

/** @type {Map<string, any[]>} */
const chapters = new Map();
let latest = 0;

/** Draw the view into an element. */
export async function draw(root) {
  const own = ++latest;
  try {
    const { lang } = state;
    const loaded = chapters.get(lang) ?? (await getJson("/api/lab", { lang })).chapters;
    chapters.set(lang, loaded);
    if (own !== latest) return;
    const topic = loaded.flatMap((chapter) => chapter.topics).find((one) => one.name === state.topic);
    if (root.querySelector(".lab")?.dataset.shown !== `${state.topic} ${lang}` || formText() !== state.options) frame(root, loaded, topic);
    const place = root.querySelector(".lesson");
    try {
      const lesson = await loadLesson(lang);
      if (own !== latest) return;
      showLesson(place, lesson);
      show(root.querySelector(".lab-message"), "");
    } catch (error) {
      if (own !== latest) return;
      show(root.querySelector(".lab-message"), error.message);
    }
  } catch (error) {
    if (own !== latest) return;
    show(root, h("p", { class: "empty" }, error.message));
  }
  root.dataset.state = "ready";
}

function loadLesson(lang) {
  const query = new URLSearchParams(state.options);
  query.delete("lang");
  query.set("lang", lang);
  return getJson(`/api/lab/${encodeURIComponent(state.topic)}?${query}`);
}

/** Draw what stays while the options change: the topics and the form. */
function frame(root, loaded, topic) {
  const link = (one) => h("button", { class: "link", "aria-current": String(one.name === state.topic), "data-topic": one.name, title: one.about,
    onclick: () => set({ topic: one.name, options: "" }) }, t(`topic_${one.name.replaceAll("-", "_")}`));
  const nav = h("nav", { class: "topics", "aria-label": t("lab_topics") }, loaded.map((chapter) =>
    [h("h3", {}, chapter.title), h("ul", {}, chapter.topics.map((one) => h("li", {}, link(one))))]));
  const choice = h("select", { class: "topic-choice", "aria-label": t("lab_topics"), onchange: (event) => set({ topic: event.target.value, options: "" }) },
    loaded.map((chapter) => h("optgroup", { label: chapter.title }, chapter.topics.map((one) => {
      const option = h("option", { value: one.name }, t(`topic_${one.name.replaceAll("-", "_")}`));
      option.selected = one.name === state.topic;
      return option;
    }))));
  show(root, h("div", { class: "lab", "data-shown": `${state.topic} ${state.lang}` }, nav,
    h("div", { class: "lab-main" }, choice,
      topic ? optionForm(topic) : null,
      h("p", { class: "message bad lab-message", role: "status" }),
      h("div", { class: "lesson", tabindex: "0", role: "region", "aria-label": t("view_lab") }))));
}

function showLesson(place, lesson) {
  startBlocks(lesson.topic);
  const first = lesson.sections.flatMap((section) => section.blocks).find((block) => block.kind === "steps");
  show(place,
    h("h2", {}, lesson.title),
    links(lesson),
    lesson.topic === "activations" ? activationPlot(lesson) : null,
    first ? drawBlock(first) : null,
    lesson.sections.map((section) =>
      h("section", {}, h("h3", {}, section.title), section.blocks.filter((block) => block !== first).map(drawBlock))));
  place.dataset.topic = lesson.topic;
}

/** Buttons to the editor, and to the layers of the shown network that are of the same kind. */
function links(lesson) {
  const rows = network?.rows.filter((row) => lesson.kinds.includes(row.kind)) ?? [];
  if (!lesson.notation && !rows.length) return null;
  return h("p", { class: "lab-links" },
    lesson.notation ? h("button", { "data-q": "use_layer", onclick: () => openNotation(lesson.notation) }, t("use_layer")) : null,
    rows.length ? [" ", t("in_my_network"), " ", rows.slice(0, 6).map((row) =>
      [h("button", { class: "link", "data-layer": row.name, onclick: () => { select(row.name); set({ view: "maps" }); } }, readable(row.name, 20)), " "])] : null);
}
