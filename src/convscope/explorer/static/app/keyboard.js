/** The keyboard: arrows in tab lists, and the list of keys. */

import { h, show } from "cs/dom";
import { t } from "cs/i18n";
import { on } from "cs/store";

const KEYS = [
  ["Tab", "key_tab"], ["← →", "key_tabs"], ["← ↑ ↓ →", "key_unit"], ["Page Up · Page Down", "key_channel"], ["[ ]", "key_layer"], ["/", "key_find"],
  ["Enter", "key_enter"], ["Space", "key_space"], ["Esc", "key_escape"], ["?", "key_keys"],
];

const dialog = h("dialog", { class: "keys", "aria-labelledby": "keys-title" });
document.body.append(dialog);

function draw() {
  show(dialog,
    h("h2", { id: "keys-title" }, t("keys_title")),
    h("table", {}, KEYS.map(([key, text]) => h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, key === "Space" ? t("space") : key)), h("td", {}, t(text))))),
    h("form", { method: "dialog" }, h("button", { class: "primary" }, t("keys_close"))));
}

/** Show the list of keys. */
export function showKeys() {
  draw();
  dialog.showModal();
}

/** Move in a list of tabs: arrows, Home and End choose the tab, too. */
function steer(event) {
  const tab = event.target.closest("[role=tab]");
  const list = tab?.closest("[role=tablist]");
  if (!list) return;
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const at = tabs.indexOf(tab);
  const to = { ArrowRight: (at + 1) % tabs.length, ArrowLeft: (at + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  tabs[to].focus();
  tabs[to].click();
}

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?" && !/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) {
    event.preventDefault();
    showKeys();
  } else steer(event);
});

/** Name the parts of the page for screen readers. */
function label() {
  for (const part of ["strip", "image", "stage", "inspector", "time", "lesson"]) document.getElementById(part)?.setAttribute("aria-label", t(`part_${part}`));
}

on(["lang"], () => {
  label();
  if (dialog.open) draw();
});
