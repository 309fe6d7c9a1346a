/** The panel of a guided lesson: text, a question with a checked answer, and the page moving along. */

import { loadNetwork, network } from "cs/data";
import { h, readable, show } from "cs/dom";
import { notice, showDrawing } from "cs/header";
import { number, t } from "cs/i18n";
import { isFirst } from "cs/opening";
import { fromHash, keep, on, set, state, toHash } from "cs/store";
import { getJson } from "cs/wire";

const root = /** @type {HTMLElement} */ (document.getElementById("lesson"));

keep("lesson", "lesson", readPlace, (place) => (place ? `${place.name}.${place.number + 1}` : null));

/** Read `NAME.STEP`, with steps from 1. */
function readPlace(text) {
  const found = /^(.{1,200})\.(\d{1,3})$/.exec(text);
  return found && Number(found[2]) > 0 ? { name: found[1], number: Number(found[2]) - 1 } : undefined;
}

/** Open a lesson at its first step. */
export function openLesson(name) {
  set({ lesson: { name, number: 0 } });
}

function go(by) {
  set({ lesson: { name: state.lesson.name, number: state.lesson.number + by } });
}

/** Leave the lesson for the list of lessons. */
function leave() {
  set({ lesson: null, view: "start" });
}

/** The lessons as a list of buttons, which is filled when the server has answered. */
export function lessonCards() {
  const list = h("ul", { class: "cards" });
  getJson("/api/lessons", { lang: state.lang }).then(
    (lessons) => show(list, lessons.map((one) =>
      h("li", {}, h("button", { class: "card", "data-lesson": one.name, onclick: () => openLesson(one.name) },
        h("b", {}, readable(one.title, 120)), h("span", {}, readable(one.about, 300)), h("small", {}, t("lesson_steps", { count: one.steps })))))),
    (error) => show(list, h("li", {}, error.message)));
  return list;
}

/** Make elements of the parts of a sentence. */
function sentence(parts) {
  return parts.map(({ kind, text, value }) => {
    if (kind === "code") return h("code", {}, text);
    if (kind === "strong") return h("strong", {}, text);
    if (kind !== "value") return text;
    return h("span", { class: "computed", "data-q": "lesson_value", "data-v": JSON.stringify(value), title: text }, typeof value === "number" ? number(value) : value);
  });
}

let moved = "";

async function draw() {
  const place = state.lesson;
  if (!place) {
    root.hidden = true;
    show(root);
    moved = "";
    return;
  }
  root.hidden = false;
  root.dataset.state = "loading";
  const mine = () => state.lesson?.name === place.name && state.lesson?.number === place.number;
  const lang = state.lang;
  let step;
  try {
    step = await getJson(`/api/lessons/${encodeURIComponent(place.name)}/${place.number}`, { lang });
  } catch (error) {
    if (!mine()) return;
    notice(error.message);
    set({ lesson: null }, { push: false });
    return;
  }
  if (!mine() || lang !== state.lang) return;
  const title = h("h2", { tabindex: "-1" }, readable(step.step, 200));
  const last = step.number + 1 === step.count;
  show(root,
    h("div", { class: "lesson-head" },
      h("span", {}, readable(step.title, 120)),
      h("span", { class: "note" }, t("lesson_place", { number: step.number + 1, count: step.count })),
      h("button", { class: "close", "aria-label": t("lesson_close"), onclick: leave }, "×")),
    h("div", { class: "lesson-body" },
      h("div", { class: "lesson-text" }, title, step.paragraphs.map((one) => h("p", {}, sentence(one)))),
      step.question ? question(step.question) : null),
    h("div", { class: "lesson-foot" },
      h("button", { onclick: () => go(-1), disabled: step.number === 0 }, t("lesson_back")),
      h("button", { class: "primary", "data-q": "lesson_next", onclick: () => (last ? leave() : go(1)) }, last ? t("lesson_end") : t("lesson_next"), " ", h("kbd", {}, t("space")))));
  const key = `${place.name} ${place.number}`;
  if (moved !== key) {
    moved = key;
    title.focus({ preventScroll: true });
    await move(step, mine);
    if (!mine()) return;
  }
  root.dataset.step = String(step.number);
  root.dataset.state = "ready";
}

/** Move the page to what the step shows. The network is loaded first, so that nothing is asked of the one before. */
async function move(step, mine) {
  const { patch } = fromHash(step.page);
  delete patch.lesson;
  do await loadNetwork(step.network, state.lang);
  while (mine() && network?.id !== step.network);
  if (!mine()) {
    if (state.network) await loadNetwork(state.network, state.lang);
    return;
  }
  const { id, name, shape } = step.image;
  if (shape) showDrawing({ id, name, shape });
  set({ ...patch, network: step.network, model: isFirst(step.network) ? "" : step.model, image: id, hover: null }, { push: false });
  history.replaceState(null, "", toHash());
}

function question(one) {
  const result = h("p", { class: "result", role: "status" });
  const answer = (right) => {
    result.dataset.right = String(right);
    show(result, h("b", {}, t(right ? "lesson_right" : "lesson_wrong")), " ", right ? sentence(one.why) : null);
  };
  const prompt = h("legend", {}, sentence(one.prompt));
  if (one.choices.length) {
    const buttons = one.choices.map((choice, place) =>
      h("button", { class: "choice", "data-choice": String(place), onclick: (event) => {
        for (const button of buttons) button.removeAttribute("data-right");
        event.currentTarget.dataset.right = String(place === one.right);
        answer(place === one.right);
      } }, sentence(choice)));
    return h("fieldset", {}, prompt, h("div", { class: "choices" }, buttons), result);
  }
  const input = h("input", { type: "text", inputmode: "decimal", "aria-label": t("lesson_your_answer"), size: "12", autocomplete: "off" });
  const check = () => {
    const typed = readNumber(input.value);
    if (typed === null) show(result, t("lesson_type_number"));
    else answer(Math.abs(typed - one.answer) <= Math.max(one.tolerance, 1e-9 * Math.abs(one.answer)));
  };
  return h("fieldset", {}, prompt,
    h("form", { onsubmit: (event) => { event.preventDefault(); check(); } }, input, " ", h("button", { "data-q": "lesson_check" }, t("lesson_check"))), result);
}

/** Read a number as people write it: 675,000 or −0.25. */
function readNumber(text) {
  const plain = text.trim().replaceAll("−", "-").replace(/[,，\s](?=\d{3})/g, "");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : null;
}

document.addEventListener("keydown", (event) => {
  if (!state.lesson || root.dataset.state !== "ready" || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], .coach")) return;
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.key === " " && !target.closest("button, input, select, textarea, a, summary, [role=application]")) {
    event.preventDefault();
    /** @type {HTMLElement} */ (root.querySelector("[data-q=lesson_next]")).click();
  } else if (event.key === "Escape" && root.contains(target)) leave();
});

window.addEventListener("popstate", () => {
  if (state.lesson && !new URLSearchParams(location.hash.slice(1)).has("lesson")) set({ lesson: null }, { push: false });
});

on(["lesson", "lang"], draw);
