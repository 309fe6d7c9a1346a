/** What the page shows, as a command and as Python; the network as notation, YAML and PyTorch. */

import { indexOf, loadForms, loadScores, network, row } from "cs/data";
import { h, show } from "cs/dom";
import { given } from "cs/header";
import { t } from "cs/i18n";
import { on, state } from "cs/store";
import { selected } from "cs/unit_parts";

/** Quote a text for a shell. */
export function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Write a text as Python does. */
function literal(text) {
  return JSON.stringify(text);
}

function modelName() {
  return state.model || (network.source === "notation" ? network.notation : network.source);
}

function imagePath() {
  const image = given().images.find((one) => one.id === state.image);
  return image?.path ?? (image && image.name !== "sample" ? image.name : "IMAGE");
}

/** The options --channel and --at of a unit, and its index in Python. */
function place() {
  const index = indexOf(selected());
  const at = index.slice(1);
  return { index, at, options: [`--channel ${index[0]}`, ...(at.length ? [`--at ${at.join(",")}`] : [])].join(" ") };
}

function inspect() {
  const name = modelName();
  return { command: `convscope inspect ${quoted(name)} --json`, python: `cs.inspect(${literal(name)}).to_dict()` };
}

function field() {
  const name = modelName();
  const { index, at } = place();
  const position = index.length === 1 ? index : at;
  return {
    command: `convscope field ${quoted(name)} ${quoted(state.layer)} --at ${position.join(",")} --json`,
    python: `cs.load(${literal(name)}).field(${literal(state.layer)}, at=(${position.join(", ")},)).to_dict()`,
  };
}

/** The arithmetic of a unit, with a class for its gradient. */
function terms(target) {
  const name = modelName();
  const { index, options } = place();
  const model = network.weights === "trained" ? `cs.load_model(${literal(name)})` : `cs.Model(${literal(name)})`;
  const python = [
    `model = ${model}`,
    "from convscope.data.load import read_input",
    `image = model.prepare(read_input(${literal(imagePath())}, model.network.input_shape))`,
    `model.unit_terms(image, ${literal(state.layer)}, (${index.join(", ")},)${target === null ? "" : `, target=${target}`}).to_dict()`,
  ].join("\n");
  const command = network.weights === "trained"
    ? `convscope explain ${quoted(name)} ${quoted(state.layer)} --image ${quoted(imagePath())} ${options}${target === null ? "" : ` --target ${target}`} --format json`
    : null;
  return { command, python };
}

function derivation() {
  const name = modelName();
  const { at } = place();
  const option = at.length === 2 ? ` --at ${at.join(",")}` : "";
  const unit = at.length === 2 ? `, at=(${at.join(", ")})` : "";
  return {
    command: `convscope explain ${quoted(name)} ${quoted(state.layer)}${option} --quantity ${state.quantity.replaceAll("_", "-")} --format json`,
    python: `cs.explain(${literal(name)}, ${literal(state.layer)}${unit}, quantities=[${literal(state.quantity)}]).text(${literal(state.lang)})`,
  };
}

function comparison() {
  const name = modelName();
  const other = state.compare && state.compare !== "start" ? state.compare : given().otherSource;
  if (!other) return null;
  return { command: `convscope compare ${quoted(name)} ${quoted(other)} --json`, python: `cs.compare(${literal(name)}, ${literal(other)}).to_dict()` };
}

function prediction() {
  if (network.weights !== "trained") return null;
  const name = modelName();
  return {
    command: `convscope predict ${quoted(name)} ${quoted(imagePath())} --json`,
    python: [
      `model = cs.load_model(${literal(name)})`, "from convscope.data.load import read_input",
      `image = read_input(${literal(imagePath())}, model.network.input_shape)`, "model.predict(model.prepare(image[None]))",
    ].join("\n"),
  };
}

async function gradient() {
  if (network.weights === "none") return null;
  const { classes } = await loadScores(state.image);
  return terms(state.target ?? classes[0]?.index ?? 0);
}

const value = () => (network.weights === "none" || row(state.layer)?.kind === "Input" ? null : terms(null));
const ofUnit = (make) => () => (row(state.layer)?.kind === "Input" ? null : make());

/** How each view and tab is reproduced. @type {Map<string, () => any>} */
export const REPRODUCED = new Map(Object.entries({
  maps: value, predict: prediction, field: inspect, table: inspect, compare: comparison, editor: inspect,
  region: ofUnit(field), sum: value, gradient: ofUnit(gradient), derive: ofUnit(derivation), cost: inspect,
}));

const dialog = h("dialog", { class: "reproduce", "aria-labelledby": "reproduce-title" });
document.body.append(dialog);
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

function block(name, text) {
  const code = h("pre", { "data-q": name, "data-v": text, tabindex: "0" }, text);
  const button = h("button", { onclick: () => copy(text, button) }, t("copy"));
  return h("div", { class: "block" }, button, code);
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    show(button, t("copied"));
  } catch {
    show(button, t("copy_by_hand"));
  }
}

async function part(kind, name) {
  const found = await REPRODUCED.get(name)?.();
  if (!found) return null;
  return [
    h("h3", {}, t(`${kind}_${name}`)),
    found.command ? block(`command_${kind}`, found.command) : h("p", { class: "note" }, t("no_command")),
    block(`python_${kind}`, `import convscope as cs\n${found.python}`),
  ];
}

/** Show how the view, the tab and the network are made without the page. */
export async function openReproduce() {
  dialog.dataset.state = "loading";
  const forms = await loadForms();
  const parts = [
    await part("view", state.view), await part("tab", state.tab),
    h("h3", {}, t("network_forms")),
    forms.notation ? block("notation", forms.notation) : null,
    forms.yaml ? h("details", {}, h("summary", {}, "YAML"), block("yaml", forms.yaml)) : null,
    forms.notation || forms.yaml ? h("details", {}, h("summary", {}, "PyTorch"), block("pytorch", pytorch(forms))) : null,
  ];
  show(dialog, h("h2", { id: "reproduce-title" }, t("reproduce")), parts, h("p", {}, h("button", { onclick: () => dialog.close() }, t("close"))));
  dialog.dataset.state = "ready";
  if (!dialog.open) dialog.showModal();
}

function pytorch({ notation, yaml }) {
  const network = notation ? `cs.parse(${literal(notation)})` : `cs.parse_untrusted(${literal(yaml)}, form="yaml")`;
  return `import convscope as cs\nnetwork = ${network}\nmodule = cs.to_torch(cs.Model(network))`;
}

on(["network", "lang"], () => dialog.close());
