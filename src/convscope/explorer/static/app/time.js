/** The time bar: play, pause and step a training, and go back to any step whose weights are stored. */

import { network } from "cs/data";
import { h, s, show } from "cs/dom";
import { number, t } from "cs/i18n";
import { control, fork, isLive, newestStep, run } from "cs/runs";
import { on, set, state, toHash } from "cs/store";

const SCRUB_MILLISECONDS = 60;
const FRAME_MILLISECONDS = 250;
const MORE_EPOCHS = 5;

/** Drawn, as fonts lack these signs. */
const SIGNS = {
  play: "M3 1L14 8L3 15Z",
  pause: "M3 1H6.5V15H3ZM9.5 1H13V15H9.5Z",
  back: "M13 1L5 8L13 15ZM2 1H4.5V15H2Z",
  forth: "M3 1L11 8L3 15ZM11.5 1H14V15H11.5Z",
};

const root = /** @type {HTMLElement} */ (document.getElementById("time"));
const button = (name, act) => h("button", { "data-time": name, onclick: () => attempt(act) });
const back = button("back", () => move(-1));
const play = button("play", toggle);
const forth = button("forth", () => (run.own && run.progress === "paused" ? control("step") : move(1)));
const stop = button("stop", () => control("stop"));
const more = button("more", () => control("go", run.progress === "finished" ? run.about.epochs + MORE_EPOCHS : null));
const slider = h("input", { type: "range", min: "0", step: "1", oninput: () => scrub(run.steps[Number(slider.value)], false), onchange: () => scrub(run.steps[Number(slider.value)], true) });
const label = h("output", { "data-q": "step" });
const status = h("span", { class: "progress", role: "status", "data-q": "progress" });
const problem = h("span", { class: "problem", role: "alert", "data-q": "run_problem" });
const forking = button("fork", openFork);
const dialog = h("dialog", { id: "fork" });
show(root, back, play, forth, slider, label, status, stop, more, forking, problem);
document.body.append(dialog);

async function attempt(act) {
  show(problem);
  try {
    await act();
  } catch (error) {
    show(problem, error.message);
  }
}

let wanted = /** @type {number | undefined} */ (undefined);
let timer = 0;
let rest = 0;

/** Show a step, at most every few frames while the slider moves. */
export function scrub(step, push = true) {
  run.follow = false;
  wanted = step;
  const apply = () => {
    timer = 0;
    if (wanted !== undefined && wanted !== state.step) {
      set({ step: wanted }, { push: false });
      timer = window.setTimeout(apply, SCRUB_MILLISECONDS);
    }
  };
  if (!timer) apply();
  if (push) rest = window.setTimeout(keepAddress, SCRUB_MILLISECONDS);
}

/** Keep the step in the address of the page once it rests. */
function keepAddress() {
  clearTimeout(rest);
  if (timer) rest = window.setTimeout(keepAddress, SCRUB_MILLISECONDS);
  else if (toHash() !== location.hash) history.pushState(null, "", toHash());
}

/** Show the stored step that is nearest to a step. */
export function scrubNear(step) {
  if (run.steps.length) scrub(run.steps.reduce((best, one) => (Math.abs(one - step) < Math.abs(best - step) ? one : best)));
}

function place() {
  const found = run.steps.indexOf(state.step ?? -1);
  return found < 0 ? run.steps.length - 1 : found;
}

function move(by) {
  const next = run.steps[Math.max(0, Math.min(run.steps.length - 1, place() + by))];
  if (next !== undefined) scrub(next);
}

let replay = 0;

/** Pause or continue the training; of a run that is not trained here, replay the stored steps. */
function toggle() {
  if (isLive()) return control(run.progress === "paused" ? "go" : "pause");
  if (replay) return endReplay();
  if (place() === run.steps.length - 1) scrub(run.steps[0]);
  replay = window.setInterval(() => {
    move(1);
    if (place() >= run.steps.length - 1) endReplay();
  }, FRAME_MILLISECONDS);
  return draw();
}

function endReplay() {
  clearInterval(replay);
  replay = 0;
  draw();
}

/** Say how the run is doing, with the step it can be resumed from. */
export function progressText() {
  if (run.stop?.reason === "not finite") return t("progress_not_finite", { step: number(run.stop.step), layer: run.stop.layer ?? "" });
  if (run.progress === "finished") return t(`progress_finished_${run.reason}`);
  if (run.progress === "running" && !run.own) return t("progress_elsewhere");
  return run.progress ? t(`progress_${run.progress}`, { saved: number(run.saved ?? 0) }) : "";
}

function draw() {
  root.hidden = !network?.run;
  if (root.hidden) return;
  root.setAttribute("aria-label", t("time_bar"));
  const { progress, position, losses, about } = run;
  Object.assign(root.dataset, { progress, position, losses: losses.length, run: about?.name ?? "", step: network.step ?? "" });
  const live = isLive();
  const isPlaying = live ? run.progress === "running" : replay > 0;
  const name = (element, sign, key) => {
    element.setAttribute("aria-label", t(key));
    element.title = t(key);
    show(element, s("svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" }, s("path", { d: SIGNS[sign] })));
  };
  name(back, "back", "step_back");
  name(play, isPlaying ? "pause" : "play", live ? (isPlaying ? "pause" : "go") : isPlaying ? "replay_pause" : "replay");
  name(forth, "forth", run.own && run.progress === "paused" ? "train_step" : "step_forth");
  show(stop, t("stop"));
  show(more, run.progress === "finished" ? t("more_epochs", { epochs: MORE_EPOCHS }) : t("resume"));
  show(forking, t("fork"));
  stop.hidden = !live;
  more.hidden = live || !["finished", "interrupted", "killed"].includes(run.progress) || run.reason === "diverged";
  back.disabled = forth.disabled = run.steps.length === 0;
  play.disabled = run.progress === "starting" || run.steps.length === 0;
  forking.disabled = !run.steps.length || run.progress === "deleted";
  slider.max = String(Math.max(0, run.steps.length - 1));
  slider.value = String(place());
  slider.setAttribute("aria-label", t("scrub"));
  slider.setAttribute("aria-valuetext", t("at_step", { step: number(state.step ?? 0), newest: number(newestStep()) }));
  label.dataset.v = String(state.step ?? "");
  label.dataset.steps = run.steps.join(",");
  show(label, state.step === null ? t("first_weights") : t("at_step", { step: number(state.step), newest: number(newestStep()) }));
  status.dataset.v = run.progress;
  show(status, progressText());
  if (run.problem) show(problem, run.problem);
}

/** Ask for the settings that the fork shall have; those of the run are filled in. */
function openFork() {
  const { optimizer, epochs, schedule } = run.about.configuration;
  const step = state.step !== null && run.steps.includes(state.step) ? state.step : run.steps[place()];
  const numbers = [["lr", optimizer.lr], ["momentum", optimizer.momentum], ["weight_decay", optimizer.weight_decay], ["epochs", epochs]]
    .filter(([, value]) => value !== undefined);
  const inputs = numbers.map(([key, value]) => h("input", { name: key, inputmode: "decimal", value: String(value), required: true }));
  const failure = h("p", { class: "problem", role: "alert" });
  const begin = async (event) => {
    event.preventDefault();
    const settings = {};
    for (const [k, [key, value]] of numbers.entries()) if (Number(inputs[k].value) !== value) settings[key] = Number(inputs[k].value);
    try {
      await fork(step, settings);
      dialog.close();
    } catch (error) {
      show(failure, error.message);
    }
  };
  show(dialog, h("form", { onsubmit: begin },
    h("h2", {}, t("fork_title", { step: number(step) })),
    h("p", { class: "note" }, t("fork_note", { optimizer: optimizer.name, schedule: schedule.name })),
    h("div", { class: "fields" }, numbers.map(([key], k) => h("label", {}, t(`setting_${key}`), " ", inputs[k]))),
    failure,
    h("p", {}, h("button", { type: "submit", "data-q": "begin_fork" }, t("fork_begin")), " ",
      h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")))));
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.key !== " " || root.hidden || dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|TEXTAREA|SELECT|BUTTON|SUMMARY|A)$/.test(target.tagName) && target !== slider) return;
  event.preventDefault();
  attempt(toggle);
});

on(["pulse", "step", "ready", "lang", "run"], draw);
