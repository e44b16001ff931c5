// The emoji that operations bots use, by their short names; an unknown name stays as typed.

import { element } from "./dom.js";

const KNOWN = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", fire: "🔥", no_entry: "⛔",
  no_entry_sign: "🚫", octagonal_sign: "🛑", hourglass: "⌛", hourglass_flowing_sand: "⏳", question: "❓", grey_question: "❔",
  exclamation: "❗", information_source: "ℹ️", arrow_right: "➡️", arrow_left: "⬅️", arrows_counterclockwise: "🔄", eyes: "👀",
  lock: "🔒", unlock: "🔓", key: "🔑", rocket: "🚀", tada: "🎉", bulb: "💡", bell: "🔔", clock1: "🕐", stopwatch: "⏱️",
  large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", white_circle: "⚪", black_circle: "⚫", large_blue_circle: "🔵",
  construction: "🚧", ice_cube: "🧊", snowflake: "❄️", memo: "📝", mag: "🔍", package: "📦", whale: "🐳", globe_with_meridians: "🌐",
  point_right: "👉", raised_hand: "✋", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", wave: "👋", test_tube: "🧪",
};

export function emoji(name) {
  const glyph = KNOWN[name];
  return glyph ? element("span", { role: "img", "aria-label": name.replaceAll("_", " ") }, glyph) : `:${name}:`;
}
