/** How fields grow with depth, how much of a field is effective, which pixels none sees, and the proof of it all. */

import { h, show } from "cs/dom";
import { network } from "cs/data";
import { t } from "cs/i18n";
import { counts } from "cs/field/counts";
import { effective } from "cs/field/effective";
import { growth } from "cs/field/growth";
import { proof } from "cs/field/proof";

/** What of the state the view shows, besides the network and the language. */
export const keys = ["layer", "cone", "image"];

/** Draw the view into an element. */
export async function draw(root) {
  const parts = [growth, effective, proof, counts].map((part) => [h("section", { class: "part" }), part]);
  show(root, h("h2", {}, t("field_title")), parts.map(([section]) => section));
  await Promise.all(parts.map(([section, part]) => part(section)));
  if (network) root.dataset.state = "ready";
}

/** The effective field is that of the unit, so all is drawn when it moves. */
export function move() {
  return false;
}
