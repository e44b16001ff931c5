// Slack's mrkdwn as elements: emphasis, code, quotes, links, mentions, dates, emoji.

import { formatted } from "./dates.js";
import { element } from "./dom.js";
import { emoji } from "./emoji.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
export const unescaped = (text) => text.replace(/&(amp|lt|gt);/g, (entity) => ENTITIES[entity]);

const EMPHASIS = { "*": "strong", _: "em", "~": "s" };
const INLINE = new RegExp(
  [
    "`(?<code>[^`\\n]+)`",
    "<(?<entity>[^<>\\n]+)>",
    "(?<![\\w])(?<mark>[*_~])(?<inner>(?! )[^\\n]*?[^\\s])\\k<mark>(?![\\w])",
    ":(?<emoji>[a-z0-9_+-]+):",
    "(?<url>https?://[^\\s<>|]+[^\\s<>|.,;:!?)\\]'\"*_~])",
  ].join("|"),
  "g",
);

/** Render a text in which people and channels are looked up in `names`. */
export function mrkdwn(text, names) {
  return text.split(/```\n?/).flatMap((part, index) =>
    index % 2 ? element("pre", {}, unescaped(part.replace(/\n$/, ""))) : lines(part, names),
  );
}

function lines(text, names) {
  const nodes = [];
  let quote = null;
  for (const line of text.replace(/^\n|\n$/g, "").split("\n")) {
    const quoted = /^(?:>|&gt;) ?(.*)$/.exec(line);
    if (quoted) {
      if (!quote) nodes.push((quote = element("blockquote")));
      else quote.append(element("br"));
      quote.append(...inline(quoted[1], names));
    } else {
      if (nodes.length && !quote) nodes.push(element("br"));
      nodes.push(...inline(line, names));
      quote = null;
    }
  }
  return nodes;
}

function inline(text, names) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(unescaped(text.slice(end, match.index)), ...found(match, names));
    end = match.index + match[0].length;
  }
  nodes.push(unescaped(text.slice(end)));
  return nodes.filter((node) => node !== "");
}

function found(match, names) {
  const { code, entity: inside, mark, inner, emoji: name, url } = match.groups;
  if (code) return [element("code", { class: code.length <= 30 && "short" }, unescaped(code))];
  if (inside) return [entity(inside, names)];
  if (mark) return [element(EMPHASIS[mark], {}, ...inline(inner, names))];
  if (name) return [emoji(name)];
  return [link(unescaped(url), unescaped(url))];
}

function entity(inside, names) {
  const [target, label] = inside.split(/\|(.*)/s);
  if (target.startsWith("@")) return mention(`@${names.person(target.slice(1)) ?? label ?? target.slice(1)}`, target.slice(1) === names.me);
  if (target.startsWith("#")) return mention(`#${names.channel(target.slice(1)) ?? label ?? target.slice(1)}`);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!subteam^")) return mention(label ?? "@group");
  if (target.startsWith("!")) return mention(`@${target.slice(1)}`, true);
  return link(unescaped(target), unescaped(label ?? target));
}

const mention = (text, loud = false) => element("span", { class: loud ? "mention loud" : "mention" }, text);

function date(target, fallback) {
  const [, seconds, format] = target.split("^");
  return element("time", { title: fallback }, formatted(seconds, format ?? "{date_short_pretty} {time}"));
}

/** A link, if it leads to the web or to a mail program; anything else stays text. */
export function link(address, label) {
  if (!/^(https?:\/\/|mailto:)/.test(address)) return `<${address}>`;
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
}
