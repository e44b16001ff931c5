// Block Kit as elements: each kind of block that the simulator accepts.

import { formatted } from "./dates.js";
import { element } from "./dom.js";
import { emoji } from "./emoji.js";
import { link, mrkdwn } from "./mrkdwn.js";

/** Render the blocks of one message; `press(button, block)` is called for a pressed button. */
export function renderBlocks(blocks, names, press) {
  return blocks.map((block) => (KINDS[block.type] ?? unknown)(block, names, press));
}

/** Render a text object. */
export function textObject(text, names) {
  if (text.type === "mrkdwn") return mrkdwn(text.text, names);
  return text.text.split(/(:[a-z0-9_+-]+:|\n)/).map((part) => {
    if (part === "\n") return element("br");
    const name = /^:([a-z0-9_+-]+):$/.exec(part);
    return name && text.emoji !== false ? emoji(name[1]) : part;
  });
}

const KINDS = {
  header: (block, names) => element("h3", { class: "block-header" }, textObject(block.text, names)),
  divider: () => element("hr"),
  section,
  context: (block, names) =>
    element("div", { class: "block-context" }, block.elements.map((part) => contextPart(part, names))),
  actions: (block, names, press) =>
    element("div", { class: "block-actions" }, block.elements.map((part) => control(part, block, names, press))),
  image: (block, names) =>
    element("figure", {}, block.title && element("figcaption", {}, textObject(block.title, names)), placeholder(block)),
  markdown: (block, names) => element("div", { class: "block-section" }, mrkdwn(block.text, names)),
  rich_text: (block, names) => element("div", { class: "block-section" }, block.elements.map((part) => rich(part, names))),
  input: (block, names) => element("p", { class: "block-context" }, textObject(block.label, names)),
  table,
};

function unknown(block) {
  return element("p", { class: "block-context" }, `(a ${block.type} block)`);
}

function section(block, names, press) {
  const words = element("div", { class: "words" });
  if (block.text) words.append(element("div", {}, textObject(block.text, names)));
  if (block.fields) {
    const fields = block.fields.map((field) => element("div", {}, textObject(field, names)));
    words.append(element("div", { class: "fields" }, fields));
  }
  const beside = block.accessory && element("div", { class: "accessory" }, control(block.accessory, block, names, press));
  return element("div", { class: "block-section" }, words, beside);
}

function contextPart(part, names) {
  return part.type === "image" ? placeholder(part) : element("span", {}, textObject(part, names));
}

// Pictures would be fetched from the net; the simulator stays on loopback and shows what they stand for.
const placeholder = (image) => element("span", { class: "picture-text" }, image.alt_text);

function control(part, block, names, press) {
  if (part.type === "image") return placeholder(part);
  if (part.type !== "button") return element("span", { class: "picture-text" }, `(${part.type})`);
  const button = element(
    "button",
    {
      type: "button",
      class: `button ${part.style ?? ""}`,
      "data-testid": `button-${part.action_id}`,
      "data-action": part.action_id,
      "aria-label": part.accessibility_label,
      on: { click: () => press(part, block, button) },
    },
    textObject(part.text, names),
  );
  return button;
}

function table(block, names) {
  const settings = block.column_settings ?? [];
  const rows = block.rows.map((row, index) => {
    const cells = row.map((cell, column) => {
      const align = settings[column]?.align;
      return element(index ? "td" : "th", { class: align && `align-${align}`, scope: index ? null : "col" }, cellContent(cell, names));
    });
    return element("tr", {}, cells);
  });
  const body = element("table", {}, element("thead", {}, rows.slice(0, 1)), element("tbody", {}, rows.slice(1)));
  return element("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" }, body);
}

function cellContent(cell, names) {
  return cell.type === "raw_text" ? cell.text : cell.elements.map((part) => rich(part, names));
}

function rich(part, names) {
  const inside = () => part.elements.map((piece) => richInline(piece, names));
  switch (part.type) {
    case "rich_text_quote":
      return element("blockquote", {}, inside());
    case "rich_text_preformatted":
      return element("pre", {}, inside());
    case "rich_text_list":
      return element(
        part.style === "ordered" ? "ol" : "ul",
        {},
        part.elements.map((item) => element("li", {}, rich(item, names))),
      );
    default:
      return element("span", { class: "rich" }, inside());
  }
}

function richInline(piece, names) {
  switch (piece.type) {
    case "link":
      return styled(link(piece.url, piece.text ?? piece.url), piece.style);
    case "emoji":
      return emoji(piece.name);
    case "user":
      return element("span", { class: "mention" }, `@${names.person(piece.user_id) ?? piece.user_id}`);
    case "channel":
      return element("span", { class: "mention" }, `#${names.channel(piece.channel_id) ?? piece.channel_id}`);
    case "broadcast":
      return element("span", { class: "mention loud" }, `@${piece.range}`);
    case "date":
      return element("time", {}, formatted(piece.timestamp, piece.format));
    default:
      return styled(piece.text ?? "", piece.style);
  }
}

function styled(content, style = {}) {
  const tags = { bold: "strong", italic: "em", strike: "s", code: "code" };
  return Object.entries(tags).reduce((inner, [name, tag]) => (style[name] ? element(tag, {}, inner) : inner), content);
}
