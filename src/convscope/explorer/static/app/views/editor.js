/** The notation of the network: every pause in typing shows the new network, or the place of the mistake. */

import { network } from "cs/data";
import { h, show } from "cs/dom";
import { t } from "cs/i18n";
import { set, state } from "cs/store";
import { send } from "cs/wire";

const DELAY = 300;

/** What was typed last, which is kept while other views are shown. */
let draft = /** @type {string | null} */ (null);
let waiting = 0;
/** @type {AbortController | null} */
let running = null;

/** What of the state the view shows, besides the network and the language. */
export const keys = [];

/** Whether the view stays on screen when the network changes. */
export const lasting = true;

/** Draw the view into an element. */
export function draw(root) {
  if (draft !== null && root.querySelector("textarea")) return;
  const area = h("textarea", { spellcheck: "false", rows: "12", "aria-label": t("editor_label"), "aria-describedby": "editor-message", value: draft ?? network.notation ?? "" });
  const message = h("pre", { id: "editor-message", class: "message", role: "status" });
  area.addEventListener("input", () => {
    draft = area.value;
    root.dataset.state = "waiting";
    clearTimeout(waiting);
    waiting = window.setTimeout(() => submit(area.value, message, root), DELAY);
  });
  show(root, h("h2", {}, t("view_editor")), h("p", {}, t(network.notation === null ? "no_notation" : "editor_hint")), area, message);
  root.dataset.state = "ready";
}

async function submit(text, message, root) {
  running?.abort();
  const own = new AbortController();
  running = own;
  try {
    const { id } = await send("POST", "/api/networks", text, { signal: own.signal, parameters: { lang: state.lang } });
    if (running !== own) return;
    show(message, "");
    message.classList.remove("bad");
    set({ network: id, model: text });
  } catch (error) {
    if (error.name === "AbortError" || running !== own) return;
    show(message, error.message);
    message.classList.add("bad");
  }
  root.dataset.state = "ready";
}

/** Forget what was typed, as another network is shown. */
export function forgetDraft() {
  draft = null;
}
