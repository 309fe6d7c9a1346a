/** The run whose steps are shown: its curves and state, followed by a stream, and the commands for it. */

import { network } from "cs/data";
import { h, show } from "cs/dom";
import { t } from "cs/i18n";
import { keep, natural, on, set, state } from "cs/store";
import { getJson, send } from "cs/wire";

state.run = "";
state.step = /** @type {number | null} */ (null);
/** Counts what arrived of the run, so that views can follow it. */
state.pulse = 0;

keep("run", "run", (text) => (/^[0-9a-f]{16}$/.test(text) ? text : undefined), (value) => value || null);
keep("step", "st", natural, (value) => (value === null ? null : String(value)));

/** Streams of all tabs of the browser, which has six connections to a server; other tabs ask every second. */
const STREAMS = 4;
const ASK_MILLISECONDS = 1000;
const SILENT_MILLISECONDS = 8000;
const PULSE_MILLISECONDS = 100;
const FOLLOW_MILLISECONDS = 400;

/** What is known of the run. `losses` are [step, loss] of single steps, `epochs` the log's own lines. */
export const run = {
  id: "",
  about: /** @type {any} */ (null),
  progress: "",
  own: false,
  problem: /** @type {string | null} */ (null),
  reason: /** @type {string | null} */ (null),
  saved: /** @type {number | null} */ (null),
  /** Steps whose weights are stored, and those of them that the training will replace. */
  steps: /** @type {number[]} */ ([]),
  passing: /** @type {number[]} */ ([]),
  losses: /** @type {[number, number | null][]} */ ([]),
  epochs: /** @type {any[]} */ ([]),
  stop: /** @type {any} */ (null),
  position: "",
  follow: false,
};

/** Tell whether the page can pause the training, as it has started it. */
export function isLive() {
  return run.own && (run.progress === "running" || run.progress === "paused" || run.progress === "starting");
}

/** Return the newest step that the log knows. */
export function newestStep() {
  return Math.max(run.losses.at(-1)?.[0] ?? 0, run.epochs.at(-1)?.step ?? 0, run.steps.at(-1) ?? 0);
}

let pulseTimer = 0;

function pulse() {
  if (pulseTimer) return;
  pulseTimer = window.setTimeout(() => {
    pulseTimer = 0;
    follow();
    set({ pulse: state.pulse + 1 }, { push: false });
  }, PULSE_MILLISECONDS);
}

let moved = 0;

/** Show the newest step that stays stored, a few times in a second, so that the page can draw what it has. */
function follow() {
  const newest = isLive() && run.progress !== "paused" ? run.steps.findLast((step) => !run.passing.includes(step)) : run.steps.at(-1);
  if (!run.follow || newest === undefined || newest === state.step || performance.now() - moved < FOLLOW_MILLISECONDS) return;
  moved = performance.now();
  set({ step: newest }, { push: false });
}

function forget() {
  Object.assign(run, { about: null, progress: "", own: false, problem: null, reason: null, saved: null, steps: [], passing: [], stop: null });
  clearLog();
}

function clearLog() {
  Object.assign(run, { losses: [], epochs: [], stop: null, position: "" });
}

/** Take lines of the log. Lines that do not follow those before are of a log that was replaced. */
function takeLog({ from, to, events }) {
  if (from !== (run.position || "0-0-0")) clearLog();
  if (events.length && from === "0-0-0") clearLog();
  for (const event of events) {
    if (event.event === "step") run.losses.push([event.step, event.loss]);
    else if (event.event === "epoch") run.epochs.push(event);
    else if (event.event === "stop") run.stop = event;
  }
  run.position = to;
  pulse();
}

function takeState(found) {
  const before = run.progress;
  Object.assign(run, { progress: found.progress, own: found.is_own, problem: found.problem, reason: found.reason, saved: found.saved, steps: found.steps, passing: found.passing });
  if (found.progress !== "running" && found.progress !== "paused") run.follow = run.follow && before !== "finished" && found.progress === "starting";
  if (before === "running" && found.progress === "finished") set({ step: run.steps.at(-1) ?? null }, { push: false });
  pulse();
}

/** @type {EventSource | null} */
let source = null;
let release = () => {};
let asking = 0;
let heard = 0;
let opened = 0;

function disconnect() {
  opened += 1;
  source?.close();
  source = null;
  release();
  release = () => {};
  clearTimeout(asking);
}

/** Follow the run: by a stream where the browser has one left, else by asking. Hidden pages do neither. */
async function connect() {
  disconnect();
  if (!run.id || document.hidden) return;
  const own = opened;
  const granted = await slot();
  if (own !== opened) granted?.();
  else if (granted) {
    release = granted;
    listen();
  } else ask(own);
}

/** Take one of the slots for streams, and return how to give it back, or null where all are taken. @returns {Promise<(() => void) | null>} */
async function slot() {
  if (!navigator.locks) return () => {};
  for (let k = 0; k < STREAMS; k += 1) {
    const granted = await new Promise((resolve) => {
      navigator.locks.request(`convscope-stream-${k}`, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(null);
        return new Promise((give) => resolve(() => give(null)));
      });
    });
    if (granted) return granted;
  }
  return null;
}

function listen() {
  const query = new URLSearchParams({ run: run.id, from: run.position });
  source = new EventSource(`/api/events?${query}`);
  heard = performance.now();
  const hear = (take) => (event) => {
    heard = performance.now();
    found();
    take(JSON.parse(event.data));
  };
  source.addEventListener("log", hear(takeLog));
  source.addEventListener("state", hear(takeState));
  source.addEventListener("beat", hear(() => {}));
  source.addEventListener("end", () => lose());
  source.onerror = () => lose();
}

async function ask(own) {
  try {
    const part = await getJson(`/api/runs/${run.id}/log`, { from: run.position });
    if (own !== opened) return;
    takeLog(part);
    takeState(part.state);
    asking = window.setTimeout(() => ask(own), part.has_more ? 0 : ASK_MILLISECONDS);
  } catch (error) {
    if (own === opened && error.status) asking = window.setTimeout(() => ask(own), ASK_MILLISECONDS);
  }
}

setInterval(() => {
  if (source && !document.hidden && performance.now() - heard > SILENT_MILLISECONDS) lose();
}, 1000);

const banner = h("div", { id: "banner", role: "alert", hidden: true });
document.body.prepend(banner);
let lost = false;

/** Show that the server does not answer, and look for it. What is loaded stays usable. */
function lose() {
  if (lost) return;
  lost = true;
  disconnect();
  show(banner, t("server_lost"));
  banner.hidden = false;
  document.body.dataset.server = "lost";
  window.setTimeout(look, ASK_MILLISECONDS);
}

async function look() {
  try {
    const answer = await fetch("/api/session", { credentials: "same-origin" });
    if (answer.status === 403) show(banner, t("server_other"));
    if (!answer.ok) throw new Error("not ours");
  } catch {
    window.setTimeout(look, ASK_MILLISECONDS);
    return;
  }
  found();
  if (run.id) {
    try {
      set({ network: (await openRun(run.id)).network }, { push: false });
    } catch (error) {
      show(banner, error.message);
      banner.hidden = false;
      return;
    }
  }
  connect();
}

function found() {
  if (!lost) return;
  lost = false;
  banner.hidden = true;
  delete document.body.dataset.server;
}

window.addEventListener("server-lost", lose);
document.addEventListener("visibilitychange", connect);

/** Open the network of a run. @returns {Promise<{network: string}>} */
export function openRun(id) {
  return send("POST", `/api/runs/${id}/open`, "", { parameters: { lang: state.lang } });
}

/** Show a run, at a step or with its first weights. @param {string} id @param {{step?: number | null, follow?: boolean}} options */
export async function showRun(id, { step = null, follow = false } = {}) {
  const { network: shown } = await openRun(id);
  if (run.id !== id) {
    run.id = id;
    forget();
  }
  run.follow = follow;
  set({ network: shown, run: id, model: "", step, target: state.target });
  connect();
}

let first = "";

/** Complete what a link says of a run: its network, and the step that is left out. */
export async function linkedRun(patch) {
  if (patch.run && patch.run !== state.run) {
    try {
      patch.network = (await openRun(patch.run)).network;
    } catch (error) {
      show(banner, error.message);
      banner.hidden = false;
      delete patch.run;
      delete patch.step;
    }
  } else if (!patch.run && !patch.model && first && state.run && state.network !== first) patch.network = first;
  if (patch.step === undefined) patch.step = null;
}

/** Settings of a training that nobody has changed. @type {Record<string, any>} */
export const SETTINGS = { epochs: 10, batch_size: 64, lr: 0.003, optimizer: "adam" };

/** Start a training of the network from random weights, and show it once its folder is there. */
export async function learn(settings = SETTINGS) {
  await begin("/api/runs", { network: network.base, settings });
}

/** Continue a step of the run in a new one. */
export async function fork(step, settings) {
  await begin(`/api/runs/${run.id}/fork`, { step, settings });
}

async function begin(path, document) {
  const started = await command(path, document);
  for (;;) {
    const { state: about } = await getJson(`/api/runs/${started.run}/log`, { lang: state.lang });
    if (about.problem) throw new Error(about.problem);
    if (about.progress !== "starting" && about.progress !== "deleted") break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await showRun(started.run, { step: 0, follow: true });
}

/** Send one of pause, step, go and stop; `epochs`: how many there shall be, for a run that has ended. */
export async function control(name, epochs = null) {
  if (name === "go" || name === "step") run.follow = true;
  takeState(await command(`/api/runs/${run.id}/control`, { command: name, epochs }));
}

function command(path, document) {
  return send("POST", path, JSON.stringify(document), { parameters: { lang: state.lang } });
}

/** Follow the run of the network that is shown. */
async function settle() {
  if (!first) first = network.base;
  const id = network.run ?? "";
  if (id !== state.run) set({ run: id }, { push: false });
  if (id === run.id && (run.about || !id)) return;
  if (id !== run.id) {
    run.id = id;
    run.follow = false;
    forget();
    connect();
  }
  if (!id) {
    pulse();
    return;
  }
  try {
    const about = await getJson(`/api/runs/${id}`, { lang: state.lang });
    if (id === run.id) run.about = about;
  } catch (error) {
    if (id === run.id) run.problem = error.message;
  }
  pulse();
}

on(["ready"], settle);
