/**
 * The views of the stage, in the order of their tabs. A view is a module in `views/` with
 *
 * - `keys`: the parts of the state that it shows, besides the network and the language
 * - `draw(root)`: draws it into an element, and sets `root.dataset.state` to "ready" when it is complete
 * - `move(root)`, optional: moves the selected unit without drawing all again; returns whether it could
 * - `lasting`, optional: whether it stays on screen when the network changes
 *
 * Its texts are in `i18n/LANG/NAME.json`, with `view_NAME` for the tab, and its rules in `style/NAME.css`.
 */

import * as compare from "cs/views/compare";
import * as editor from "cs/views/editor";
import * as field from "cs/views/field";
import * as lab from "cs/views/lab";
import * as maps from "cs/views/maps";
import * as predict from "cs/views/predict";
import * as start from "cs/views/start";
import * as table from "cs/views/table";
import * as training from "cs/views/training";

/** @type {Map<string, {keys: string[], draw: (root: HTMLElement) => any, move?: (root: HTMLElement) => boolean, lasting?: boolean}>} */
export const VIEWS = new Map(Object.entries({ start, maps, predict, field, training, lab, compare, table, editor }));
