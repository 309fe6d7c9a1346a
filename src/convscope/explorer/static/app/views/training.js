/** Training: settings, curves, the health of every layer over the epochs, and which images are confused. */

import { lineChart } from "cs/chart";
import { MAGNITUDES, mapCanvas, scaleOf } from "cs/colors";
import { network } from "cs/data";
import { h, readable, show } from "cs/dom";
import { showDrawing } from "cs/header";
import { number, percent, t } from "cs/i18n";
import { isLive, learn, run, SETTINGS, showRun } from "cs/runs";
import { state } from "cs/store";
import { select } from "cs/strip";
import { progressText, scrubNear } from "cs/time";
import { getArrays, getJson, send } from "cs/wire";

/** What of the state the view shows, besides the network and the language. */
export const keys = ["pulse", "step", "layer"];
export const lasting = true;

const MOST_EPOCHS = 60;
const REST_MILLISECONDS = 400;
const MOST_EXAMPLES = 16;

/** @type {[string, (seen: any) => number | null, boolean, (value: number, seen: any) => string][]} */
const HEALTH = [
  ["dead", (seen) => (seen.units ? seen.dead / seen.units : null), false, (_value, seen) => t("dead_of", { dead: number(seen.dead), units: number(seen.units) })],
  ["saturated", (seen) => seen.saturated ?? null, false, (value) => percent(value)],
  ["gradient_norm", (seen) => seen.gradient_norm ?? null, true, (value) => number(value, 3)],
  ["update_ratio", (seen) => seen.update_ratio ?? null, true, (value) => number(value, 3)],
];

let health = "dead";
/** @type {any} */
let parts = null;

/** Draw the view into an element. */
export function draw(root) {
  const key = `${network.base} ${state.lang}`;
  if (!parts || parts.key !== key || !root.contains(parts.body)) build(root, key);
  if (network.run) follow();
  root.dataset.state = "ready";
}

function build(root, key) {
  parts = { key, body: h("div", { class: "training" }), strip: "", confusion: "" };
  show(root, h("h2", {}, t("training_title")), parts.body);
  if (!network.run) {
    show(parts.body, network.can_learn ? learnForm() : h("p", { class: "empty" }, t("cannot_learn")), runList());
    return;
  }
  const facts = h("p", { class: "facts", "data-q": "run_facts" });
  const loss = lineChart({ title: t("loss"), name: "loss", pick: scrubNear });
  const accuracy = lineChart({ title: t("accuracy"), name: "accuracy", percent: true, pick: scrubNear });
  const strip = h("div");
  const confusion = h("div", { class: "confusion" });
  Object.assign(parts, { facts, loss, accuracy, strip, confusion, drawn: "" });
  show(parts.body, facts, loss.element, accuracy.element,
    h("h3", {}, t("health")), healthChoice(), strip,
    h("h3", {}, t("confusion")), confusion,
    network.can_learn ? h("details", {}, h("summary", {}, t("learn_again")), learnForm()) : null, runList());
}

/** Settings of a new training on the bundled digits, and the button that starts it. */
function learnForm() {
  const inputs = Object.entries(SETTINGS).filter(([, value]) => typeof value === "number").map(([name, value]) => h("input", { name, inputmode: "decimal", value: String(value), required: true }));
  const optimizer = h("select", { name: "optimizer" }, ["adam", "adamw", "sgd"].map((name) => h("option", { value: name }, name)));
  const failure = h("p", { class: "problem", role: "alert", "data-q": "learn_problem" });
  const start = h("button", { type: "submit", class: "primary", "data-q": "learn" }, t("learn"));
  const begin = async (event) => {
    event.preventDefault();
    start.disabled = true;
    show(failure, t("progress_starting"));
    const settings = { optimizer: optimizer.value };
    for (const input of inputs) settings[input.name] = Number(input.value);
    try {
      await learn(settings);
      show(failure);
    } catch (error) {
      show(failure, error.message);
    }
    start.disabled = false;
  };
  return h("form", { class: "learn", onsubmit: begin },
    h("p", {}, t("learn_note")),
    h("div", { class: "fields" }, inputs.map((input) => h("label", {}, t(`setting_${input.name}`), " ", input)),
      h("label", {}, t("setting_optimizer"), " ", optimizer)),
    h("p", {}, start), failure);
}

/** All runs that are here; choosing one shows it. */
function runList() {
  const place = h("p");
  getJson("/api/runs").then(({ runs }) => {
    if (runs.length === 0) return;
    const choice = h("select", { "aria-label": t("runs"), "data-q": "runs", onchange: () => showRun(choice.value).catch((error) => show(place, error.message)) },
      h("option", { value: "", disabled: true, selected: !network.run }, t("choose_run")),
      [...runs].reverse().map((one) => Object.assign(h("option", { value: one.id }, readable(one.name, 40)), { selected: one.id === network.run })));
    show(place, h("label", {}, t("runs"), " ", choice));
  }, () => {});
  return place;
}

function healthChoice() {
  const choice = h("select", { "aria-label": t("health"), "data-q": "health", onchange: () => {
    health = choice.value;
    parts.chosen = true;
    parts.strip_key = "";
    drawStrip();
  } }, HEALTH.map(([name]) => Object.assign(h("option", { value: name }, t(`health_${name}`)), { selected: name === health })));
  parts.choice = choice;
  return h("p", {}, choice);
}

/** Bring what depends on the run up to date. */
function follow() {
  const { facts, loss, accuracy } = parts;
  if (run.about) {
    const { optimizer, batch_size: size } = run.about.configuration;
    show(facts, h("b", {}, readable(run.about.name, 40)), ` · ${progressText()} · `, t("run_facts", {
      data: readable(run.about.data ?? "–", 30), images: number(run.about.images), optimizer: optimizer.name, lr: number(optimizer.lr),
      size: number(size), epochs: number(run.about.epochs), engine: run.about.engine ?? "" }),
    run.about.parent ? ` · ${t("run_parent", { name: readable(run.about.parent.name, 40), step: number(run.about.parent.step) })}` : "");
  } else if (run.problem) show(facts, run.problem);
  const drawn = `${run.id} ${run.position} ${run.losses.length}`;
  if (drawn !== parts.drawn) {
    parts.drawn = drawn;
    const of = (name) => run.epochs.map((epoch) => [epoch.step, epoch[name] ?? null]);
    const checked = run.epochs.some((epoch) => epoch.validation_loss !== undefined && epoch.validation_loss !== null);
    loss.update([
      { name: t("loss_step"), points: run.losses },
      { name: t("loss_epoch"), points: of("loss"), dots: true },
      ...(checked ? [{ name: t("loss_validation"), points: of("validation_loss"), dots: true }] : []),
    ]);
    accuracy.update([
      { name: t("accuracy_epoch"), points: of("accuracy"), dots: true },
      ...(checked ? [{ name: t("accuracy_validation"), points: of("validation_accuracy"), dots: true }] : []),
    ]);
    parts.body.dataset.epochs = String(run.epochs.length);
    parts.body.dataset.losses = String(run.losses.length);
  }
  drawStrip();
  restConfusion();
}

/** The health strip: a row for each layer, a cell for each epoch. */
function drawStrip() {
  const key = `${run.id} ${run.epochs.length} ${health} ${state.layer} ${state.lang}`;
  if (key === parts.strip_key) return;
  if (!parts.chosen && run.epochs.length) {
    const known = HEALTH.filter(([, of]) => run.epochs.some((epoch) => Object.values(epoch.layers ?? {}).some((seen) => of(seen) !== null)));
    if (known.length && !known.some(([own]) => own === health)) health = known[0][0];
    parts.choice.value = health;
  }
  parts.strip_key = key;
  const [name, read, logarithmic, words] = /** @type {any} */ (HEALTH.find((one) => one[0] === health));
  const epochs = run.epochs.slice(-MOST_EPOCHS);
  const layers = network.rows.map((one) => one.name).filter((layer) => epochs.some((epoch) => read(epoch.layers?.[layer] ?? {}) !== null));
  if (layers.length === 0) {
    show(parts.strip, h("p", { class: "note" }, t(run.epochs.length ? "health_none" : "health_wait")));
    return;
  }
  const values = epochs.flatMap((epoch) => layers.map((layer) => read(epoch.layers?.[layer] ?? {}))).filter((value) => value !== null && value > 0);
  const [low, high] = logarithmic ? [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))] : [0, 1];
  const readout = h("p", { class: "readout", "aria-live": "polite", "data-q": "health_readout" });
  const cell = (layer, epoch) => {
    const seen = epoch.layers?.[layer] ?? {};
    const value = read(seen);
    if (value === null) return h("td");
    const share = logarithmic ? (value > 0 && high > low ? (Math.log10(value) - low) / (high - low) : value > 0 ? 1 : 0) : value;
    const label = `${readable(layer)} · ${t("epoch")} ${number(epoch.epoch)} · ${t(`health_${name}`)}: ${words(value, seen)}`;
    const tell = () => show(readout, label);
    return h("td", {}, h("button", {
      class: "cell", style: { background: color(share) }, "aria-label": label, "data-layer": layer, "data-epoch": epoch.epoch,
      "data-v": name === "dead" ? JSON.stringify([seen.dead, seen.units]) : String(value),
      onpointerenter: tell, onfocus: tell,
      onclick: () => {
        select(layer);
        scrubNear(epoch.step);
      } }));
  };
  show(parts.strip,
    run.epochs.length > epochs.length ? h("p", { class: "note" }, t("last_epochs", { count: MOST_EPOCHS })) : null,
    h("div", { class: "scroll" }, h("table", { class: "health" }, h("tbody", {}, layers.map((layer) =>
      h("tr", { "aria-current": String(layer === state.layer) },
        h("th", { scope: "row" }, h("button", { class: "link", onclick: () => select(layer) }, readable(layer, 24))), epochs.map((epoch) => cell(layer, epoch))))))),
    readout, legend(logarithmic, low, high));
}

function color(share) {
  const k = 3 * Math.max(0, Math.min(255, Math.round(255 * share)));
  return `rgb(${MAGNITUDES[k]}, ${MAGNITUDES[k + 1]}, ${MAGNITUDES[k + 2]})`;
}

function legend(logarithmic, low, high) {
  const text = (value) => (logarithmic ? number(10 ** value, 2) : percent(value));
  return h("p", { class: "legend" }, text(low), " ", [0, 0.25, 0.5, 0.75, 1].map((share) => h("span", { class: "cell", style: { background: color(share) } })), " ", text(high));
}

let rest = 0;

/** Evaluate the step that is shown once it stays for a moment, and nothing is being trained here. */
function restConfusion() {
  if (isLive() && run.progress !== "paused") {
    if (!parts.confusion.childElementCount) show(parts.confusion, h("p", { class: "note" }, t("confusion_wait")));
    return;
  }
  if (parts.confusion_id === network.id) return;
  clearTimeout(rest);
  rest = window.setTimeout(drawConfusion, REST_MILLISECONDS);
}

async function drawConfusion() {
  const { id, step } = network;
  const own = parts;
  if (own.confusion_id === id) return;
  own.confusion_id = id;
  try {
    const found = await getJson(`/api/values/${id}/confusion`, { lang: state.lang });
    if (own === parts && network.id === id) showConfusion(found, step);
  } catch (error) {
    if (own === parts && network.id === id) show(own.confusion, h("p", { class: "note" }, error.message));
  }
}

function showConfusion(found, step) {
  const { classes, matrix, images } = found;
  const others = matrix.some((line) => line.at(-1) > 0);
  const columns = others ? [...classes, t("other")] : classes;
  const most = Math.max(1, ...matrix.flatMap((line, k) => line.filter((_count, j) => j !== k)));
  const examples = h("div", { class: "examples" });
  const cell = (count, k, j) => {
    if (count === 0) return h("td", { "data-v": "0" }, "·");
    const share = k === j ? 0 : count / most;
    return h("td", { class: k === j ? "right" : "wrong" }, h("button", {
      "data-true": k, "data-predicted": j, "data-v": String(count),
      style: k === j ? {} : { background: `color-mix(in srgb, #D55E00 ${Math.round(20 + 50 * share)}%, transparent)` },
      "aria-label": t("confused", { count: number(count), label: readable(classes[k]), predicted: readable(columns[j]) }),
      onclick: () => showExamples(found, k, j, examples) }, number(count)));
  };
  show(parts.confusion,
    h("p", {}, h("b", { "data-q": "test_accuracy", "data-v": String(found.accuracy), "data-step": String(step ?? "") }, percent(found.accuracy)), " ",
      t(`correct_of_${found.part === "test" ? "test" : "validation"}`, { images: number(images) }), images < found.of ? ` ${t("first_images", { of: number(found.of) })}` : ""),
    h("div", { class: "scroll" }, h("table", { class: "matrix" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("true_predicted")), columns.map((name) => h("th", { scope: "col" }, readable(name, 12))))),
      h("tbody", {}, matrix.map((line, k) => h("tr", {}, h("th", { scope: "row" }, readable(classes[k], 16)), line.slice(0, columns.length).map((count, j) => cell(count, k, j))))))),
    h("p", { class: "note" }, t("confusion_note")), examples);
}

/** Show the images of a cell; choosing one shows it on the whole page. */
async function showExamples(found, k, j, place) {
  const indices = found.labels.map((_label, index) => index).filter((index) => found.labels[index] === k && found.predicted[index] === j).slice(0, MOST_EXAMPLES);
  try {
    const { arrays, shapes, document: about } = await getArrays(`/api/values/${network.id}/examples`, { indices, lang: state.lang });
    const [, , rows, columns] = shapes.images;
    const each = arrays.images.length / indices.length;
    show(place, about.indices.map((index, place_) => {
      const canvas = mapCanvas(arrays.images, place_ * each, rows, columns, scaleOf(0, 1));
      return h("button", { class: "example", "data-index": index, "aria-label": t("example", { index: number(index) }), title: t("example", { index: number(index) }),
        onclick: () => choose(index, place) }, canvas);
    }));
  } catch (error) {
    show(place, h("p", { class: "problem" }, error.message));
  }
}

async function choose(index, place) {
  try {
    showDrawing(await send("POST", `/api/values/${network.base}/examples`, "", { parameters: { index, lang: state.lang } }));
  } catch (error) {
    show(place, h("p", { class: "problem" }, error.message));
  }
}
