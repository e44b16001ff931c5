// The messages of the open channel: who said what, threads, what only one person sees, and pressed buttons.

import { act } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { ask } from "./confirm.js";
import { clock, exact } from "./dates.js";
import { element } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

/** Keeps one element a message and draws again only those that changed. */
export class Timeline {
  constructor(root) {
    this.root = root;
    this.shown = new Map();
    this.folded = new Set();
    this.first = true;
    this.atEnd = true;
    this.answered = null;
    root.addEventListener("scroll", () => {
      this.atEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 80;
    });
    new ResizeObserver(() => this.stayAtEnd()).observe(root);
  }

  /** Keep the latest message in sight for a reader who was there, also when the keyboard or a hint takes room. */
  stayAtEnd() {
    if (!this.atEnd) return;
    const last = this.root.lastElementChild;
    const long = last?.classList.contains("by-app") && last.id !== this.answered && last.offsetHeight > this.root.clientHeight;
    if (long) last.scrollIntoView({ block: "start" }); // a long card is read from its first line
    else this.root.scrollTop = this.root.scrollHeight;
  }

  /** Go along with what comes next, as after one's own message. */
  followAgain() {
    this.atEnd = true;
    this.answered = this.root.lastElementChild?.id; // read already, so what comes below it is waited for at the end
    this.root.scrollTop = this.root.scrollHeight;
  }

  /** Start over for another channel or person. */
  clear() {
    this.shown.clear();
    this.root.replaceChildren();
    this.first = true;
  }

  draw(view, names) {
    const threads = groups(view.messages);
    const tops = view.messages.filter((message) => !isReply(message, threads.present));
    const nodes = tops.map((message) => this.entry(message, threads.of.get(message.ts) ?? [], view, names));
    if (!nodes.length) nodes.push(this.emptyNote(view));
    this.arrange(nodes);
    this.atEnd ||= this.first;
    this.stayAtEnd();
    this.first = false;
  }

  arrange(nodes) {
    nodes.forEach((node, index) => {
      if (this.root.children[index] !== node) this.root.insertBefore(node, this.root.children[index] ?? null);
    });
    while (this.root.children.length > nodes.length) this.root.lastElementChild.remove();
  }

  emptyNote(view) {
    const command = view.commands[0]?.command ?? "";
    return element("p", { class: "empty" }, "Nothing has been said here yet. Type ", element("kbd", {}, `${command} help`), " to begin.");
  }

  entry(message, replies, view, names) {
    const key = JSON.stringify([message, replies, view.viewer, view.people, this.folded.has(message.ts)]);
    const known = this.shown.get(message.ts);
    if (known?.key === key) return known.node;
    const node = this.article(message, view, names, known && !this.first);
    if (replies.length) node.querySelector(".said").append(this.thread(message, replies, view, names, known));
    const had = known?.node.contains(document.activeElement) && document.activeElement.dataset.action;
    known?.node.replaceWith(node);
    if (had) node.querySelector(`[data-action="${CSS.escape(had)}"]`)?.focus();
    this.shown.set(message.ts, { key, node });
    return node;
  }

  article(message, view, names, changed) {
    const author = view.people[message.user] ?? { name: message.user, kind: "person" };
    const body = element("div", { class: "body" }, ...content(message, view, names));
    const classes = ["message", message.ephemeral_to && "ephemeral", changed && "changed", author.kind === "app" && "by-app"];
    return element(
      "article",
      { class: classes.filter(Boolean).join(" "), "data-testid": "message", "data-ts": message.ts, id: `m${message.ts}` },
      avatar(author),
      element("div", { class: "said" }, byline(message, author), body),
    );
  }

  thread(message, replies, view, names) {
    const open = !this.folded.has(message.ts);
    const toggle = element(
      "button",
      { type: "button", class: "thread-toggle", "aria-expanded": String(open), "data-testid": "thread-toggle", "data-action": "thread" },
      `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`,
      element("span", {}, open ? "hide" : `last at ${clock(replies.at(-1).ts)}`),
    );
    toggle.addEventListener("click", () => {
      if (open) this.folded.add(message.ts);
      else this.folded.delete(message.ts);
      this.draw(view, names);
    });
    const list = open && element("div", { class: "replies" }, replies.map((reply) => this.article(reply, view, names, false)));
    return element("div", { class: "thread" }, toggle, list);
  }
}

function groups(messages) {
  const present = new Set(messages.map((message) => message.ts));
  const of = new Map();
  for (const message of messages) {
    if (!isReply(message, present)) continue;
    of.set(message.thread_ts, [...(of.get(message.thread_ts) ?? []), message]);
  }
  return { present, of };
}

// A reply that was also sent to the channel is shown there only: with the thread open above it, it would be read twice.
const isReply = (message, present) =>
  message.thread_ts && message.thread_ts !== message.ts && !message.broadcast && present.has(message.thread_ts);

function content(message, view, names) {
  const press = (button, block, node) => pressed(message, button, block, node, view, names);
  const nodes = [];
  if (message.ephemeral_to) nodes.push(element("p", { class: "only-you" }, "Only visible to you"));
  if (message.blocks.length) nodes.push(...renderBlocks(message.blocks, names, press));
  else if (message.text) nodes.push(element("div", { class: "block-section" }, mrkdwn(message.text, names)));
  nodes.push(...(message.files ?? []).map(file));
  return nodes;
}

function file(entry) {
  return element("a", { class: "file", href: new URL(entry.url_private).pathname, download: entry.name },
    element("strong", {}, entry.title), element("span", {}, `${entry.name} · ${entry.size} bytes`));
}

function byline(message, author) {
  return element("p", { class: "byline" },
    element("strong", {}, author.name),
    author.kind === "app" && element("span", { class: "badge" }, "App"),
    author.outside && element("span", { class: "badge outside" }, "Partner company"),
    element("time", { title: exact(message.ts) }, clock(message.ts)),
    message.broadcast && element("span", { class: "also-here" }, "replied to a thread"),
    message.pinned && element("span", { class: "badge" }, "Pinned"));
}

function avatar(author) {
  const letters = author.name.split(/[\s-]+/).map((word) => word[0]).join("").slice(0, 2).toUpperCase();
  const hue = [...author.name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  const node = element("span", { class: `avatar of-${author.kind}`, "aria-hidden": "true" }, author.kind === "app" ? element("img", { src: "/page/icon.svg", alt: "" }) : letters);
  node.style.setProperty("--hue", hue);
  return node;
}

async function pressed(message, button, block, node, view, names) {
  if (button.confirm && !(await ask(button.confirm, names))) return;
  const row = node.parentElement;
  row.querySelector(".failed")?.remove();
  node.disabled = true;
  node.setAttribute("aria-busy", "true");
  const place = { as: view.viewer, channel: view.channel, ts: message.ts, action_id: button.action_id, block_id: block.block_id };
  try {
    const outcome = await act("click", place);
    if (outcome.status !== "ok") failed(row, `This did not work (${outcome.status}). Try again.`);
  } catch (error) {
    failed(row, error.message);
  } finally {
    node.disabled = false;
    node.removeAttribute("aria-busy");
  }
}

const failed = (row, why) => row.append(element("span", { class: "failed", role: "alert" }, `⚠ ${why}`));
