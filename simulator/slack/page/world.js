// The live picture: a line from each VPC to the instance it pulls from, which swings over when the record moves.

import { clock } from "./dates.js";
import { byId, drawing, element, redraw } from "./dom.js";

const NARROWEST = 320;
const PLACE = 156;
const HEIGHT = 196;
const VPC = { width: 146, height: 46 };
const INSTANCE = { width: 146, height: 62 };
const FROM = HEIGHT - VPC.height - 8;
const SWING_MS = 900;

/** Remembers where each VPC pulled from, to show that it moved and when. */
export class World {
  constructor() {
    this.serving = new Map();
    this.moves = new Map();
    this.lines = new Map();
  }

  draw(world) {
    const views = world.views ?? [];
    for (const view of views) this.note(view);
    redraw(byId("views"), [views, [...this.moves]], () => views.map((view) => this.card(view)));
    redraw(byId("replication"), world.replication ?? [], () => (world.replication ?? []).map(rule));
    this.diagram(views, world.sites ?? []);
  }

  note(view) {
    const before = this.serving.get(view.vpc);
    if (before !== undefined && before !== view.instance) {
      this.moves.set(view.vpc, { from: before, at: Date.now() / 1000 });
    }
    this.serving.set(view.vpc, view.instance);
  }

  card(view) {
    const move = this.moves.get(view.vpc);
    const works = view.pulls === "ok";
    const fresh = move && Date.now() / 1000 - move.at < 2;
    return element("div", { class: `view ${works ? "works" : "fails"} ${fresh ? "moved-now" : ""}`, "data-testid": `vpc-${view.vpc}` },
      element("p", { class: "view-name" }, element("strong", {}, view.vpc), ` ${view.site}`),
      element("p", { class: "view-serving" }, "pulls from ", element("strong", {}, view.instance ?? "nobody"),
        view.instance_site && ` (${view.instance_site})`),
      element("p", { class: "view-record" }, view.record ? `${view.record.type} ${view.record.value} · TTL ${view.record.ttl}` : "no record"),
      element("p", { class: "view-state" }, works ? "✓ Pulls work" : `✕ Pulls ${view.pulls}`),
      move && element("p", { class: "view-moved" }, `Was ${move.from ?? "nobody"} until ${clock(move.at)}`));
  }

  diagram(views, sites) {
    const svg = byId("diagram");
    this.width = Math.max(NARROWEST, PLACE * Math.max(views.length, sites.length));
    const key = [sites, views.map(({ vpc, site, instance, pulls }) => [vpc, site, instance, pulls])];
    const fixed = redraw(svg, [sites, views.map((view) => [view.vpc, view.site])], () => {
      this.lines.clear();
      return [this.lineLayer(views), ...sites.map((site, at) => box(this.place(at, sites.length), 3, INSTANCE, [site.instance, site.name, ""], "instance")),
        ...views.map((view, at) => box(this.place(at, views.length), HEIGHT - VPC.height - 3, VPC, [view.vpc, view.site], "vpc"))];
    });
    svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    if (!fixed && svg.aimedFrom === JSON.stringify(key)) return;
    svg.aimedFrom = JSON.stringify(key);
    markSites(svg, sites);
    for (const view of views) this.aim(view, sites);
  }

  lineLayer(views) {
    return drawing("g", {}, views.map((view, at) => {
      const x = this.place(at, views.length);
      const line = drawing("line", { class: "pull", x1: x, y1: FROM, x2: x, y2: FROM });
      this.lines.set(view.vpc, line);
      return line;
    }));
  }

  aim(view, sites) {
    const line = this.lines.get(view.vpc);
    const at = sites.findIndex((site) => site.instance === view.instance);
    line.setAttribute("class", `pull ${view.pulls === "ok" ? "works" : "fails"} ${at < 0 ? "nowhere" : ""}`);
    if (at >= 0) swing(line, this.end(line, this.place(at, sites.length), view.instance_site === view.site), INSTANCE.height + 9);
  }

  place(at, count) {
    return (this.width * (at + 0.5)) / count;
  }

  /** End a line from elsewhere a little beside the middle, so that two lines to one instance stay apart. */
  end(line, middle, isHome) {
    if (isHome) return middle;
    return middle + (Number(line.getAttribute("x1")) > middle ? 26 : -26);
  }
}

function box(x, y, size, lines, kind) {
  const texts = lines.map((line, at) =>
    drawing("text", { x, y: y + 20 + 16 * at, class: at ? "node-subtitle" : "node-title" }, line));
  const rect = drawing("rect", { x: x - size.width / 2, y, width: size.width, height: size.height, rx: 9 });
  return drawing("g", { class: `node ${kind}`, "data-name": lines[0] }, rect, texts);
}

function markSites(svg, sites) {
  for (const site of sites) {
    const node = svg.querySelector(`.instance[data-name="${CSS.escape(site.instance)}"]`);
    const runs = site.status === "RUNNING";
    node?.classList.toggle("broken", !runs);
    if (node) node.lastElementChild.textContent = `${runs ? "✓" : "✕"} ${site.status.toLowerCase()}`;
  }
}

function swing(line, x, y) {
  const [fromX, fromY] = [Number(line.getAttribute("x2")), Number(line.getAttribute("y2"))];
  if (fromX === x && fromY === y) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const began = performance.now();
  const step = (now) => {
    const part = still ? 1 : Math.min(1, (now - began) / SWING_MS);
    const eased = 1 - (1 - part) ** 3;
    line.setAttribute("x2", fromX + (x - fromX) * eased);
    line.setAttribute("y2", fromY + (y - fromY) * eased);
    if (part < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function rule(entry) {
  const idle = entry.trigger === "PASSIVE" ? "in step" : "by hand only";
  const state = entry.stalled ? "stalled" : entry.failed ? `${entry.failed} failed` : entry.open ? `${entry.open} under way` : idle;
  return element("li", { class: entry.stalled || entry.failed ? "fails" : "" },
    element("strong", {}, entry.rule ?? "replication"), ` ${entry.from} → ${entry.to}: ${state}`);
}
