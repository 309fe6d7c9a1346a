/** Ways out of the laboratory: a notation in the editor. */

import { h } from "cs/dom";
import { notice } from "cs/header";
import { set } from "cs/store";
import { forgetDraft } from "cs/views/editor";
import { send } from "cs/wire";

/** Open a notation as the network of the page, in the editor. */
export async function openNotation(notation) {
  try {
    const { id } = await send("POST", "/api/networks", notation);
    forgetDraft();
    set({ network: id, model: notation, target: null, view: "editor" });
  } catch (error) {
    notice(error.message);
  }
}

/** A button that is pressed again and again without losing the focus. */
export function iconButton(sign, label, onclick, name) {
  return h("button", { class: "icon", "aria-label": label, title: label, onclick, "data-q": name }, sign);
}
