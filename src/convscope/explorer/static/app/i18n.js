/** Texts of the page in the chosen language. */

import { state } from "cs/store";

/** @type {Record<string, Record<string, string>>} */
const texts = {};

/** Take the texts of a language. */
export function addTexts(lang, found) {
  texts[lang] = found;
}

/** Return a text with its placeholders filled. */
export function t(key, values = {}) {
  const template = texts[state.lang]?.[key] ?? texts.en?.[key] ?? key;
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Write a number for reading: up to `digits` significant digits, with a true minus sign. */
export function number(value, digits = 6) {
  if (value === null || value === undefined || Number.isNaN(value)) return "NaN";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return (value + 0).toLocaleString(state.lang === "zh" ? "zh-CN" : "en-US").replace("-", "−");
  return String(Number(value.toPrecision(digits))).replaceAll("-", "−");
}

/** Write a count for a narrow place: 61.7K, or 6.17万. */
export function brief(value) {
  return new Intl.NumberFormat(state.lang === "zh" ? "zh-CN" : "en-US", { notation: "compact", maximumSignificantDigits: 3 }).format(value);
}

/** Write a share as a percentage. */
export function percent(value) {
  return `${number(100 * value, 3)} %`;
}

/** Write bytes with a binary unit. */
export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let place = 0;
  while (value >= 1024 && place < units.length - 1) {
    value /= 1024;
    place += 1;
  }
  return `${number(value, 3)} ${units[place]}`;
}
