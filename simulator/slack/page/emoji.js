// The emoji that operations bots use, by their short names; an unknown name stays as typed.

import { element } from "./dom.js";

const KNOWN = {
  rotating_light: "🚨", fire: "🔥", no_entry: "⛔",
  no_entry_sign: "🚫", octagonal_sign: "🛑", hourglass: "⌛", hourglass_flowing_sand: "⏳", grey_question: "❔",
  arrow_right: "➡️", arrow_left: "⬅️", arrows_counterclockwise: "🔄", eyes: "👀",
  lock: "🔒", unlock: "🔓", key: "🔑", rocket: "🚀", tada: "🎉", bulb: "💡", bell: "🔔", clock1: "🕐", stopwatch: "⏱️",
  construction: "🚧", ice_cube: "🧊", snowflake: "❄️", memo: "📝", mag: "🔍", package: "📦", whale: "🐳", globe_with_meridians: "🌐",
  point_right: "👉", raised_hand: "✋", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", wave: "👋", test_tube: "🧪",
};

// The marks that carry a state are drawn, so that they look alike on a machine without an emoji font.
const MARKS = {
  white_check_mark: ["good", "✓"], heavy_check_mark: ["good", "✓"], x: ["bad", "✕"], warning: ["care", "!"],
  information_source: ["calm", "i"], heavy_minus_sign: ["calm", "–"], question: ["calm", "?"], exclamation: ["bad", "!"],
};
const DISCS = {
  large_green_circle: "#2c9a63", large_yellow_circle: "#e0aa1f", large_orange_circle: "#dd7a1c", red_circle: "#cf3a30",
  large_blue_circle: "#3d7fd6", white_circle: "#c3cad5", black_circle: "#39424f",
};

/** Return the picture of a short name, or the name as typed. */
export function emoji(name) {
  const label = { role: "img", "aria-label": name.replaceAll("_", " ") };
  if (Object.hasOwn(MARKS, name)) return element("span", { ...label, class: `sign-mark ${MARKS[name][0]}` }, MARKS[name][1]);
  if (Object.hasOwn(DISCS, name)) {
    const disc = element("span", { ...label, class: "disc" });
    disc.style.background = DISCS[name];
    return disc;
  }
  return Object.hasOwn(KNOWN, name) ? element("span", label, KNOWN[name]) : `:${name}:`;
}
