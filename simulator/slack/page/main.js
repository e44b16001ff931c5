// Puts the page together: who acts, which channel is open, and the live view of both.

import { act, follow } from "./api.js";
import { Composer } from "./composer.js";
import { byId, drawing, element, redraw } from "./dom.js";
import { FaultSwitches } from "./faults.js";
import { drawImages } from "./images.js";
import { Timeline } from "./messages.js";
import { World } from "./world.js";

const PERSONAS = ["U01ONCALL", "U01APPROVER", "U02APPROVER", "U01MEMBER", "U01GUEST", "U01OUTSIDER"];

const state = { viewer: sessionStorage.getItem("act-as") ?? PERSONAS[0], channel: "", view: null, linked: null, stop: () => {}, read: {} };
const timeline = new Timeline(byId("timeline"));
const world = new World();
const faults = new FaultSwitches();
const composer = new Composer(() => ({ as: state.viewer, channel: state.view?.channel }), () => timeline.followAgain());

function open(viewer, channel) {
  state.stop();
  Object.assign(state, { viewer, channel });
  sessionStorage.setItem("act-as", viewer);
  timeline.clear();
  state.stop = follow(viewer, channel, draw, connected);
}

function draw(view) {
  state.view = view;
  const channel = view.channels.find(({ id }) => id === view.channel);
  const names = naming(view);
  drawPeople(view);
  drawChannels(view);
  drawRoom(view, channel);
  timeline.draw(view, names);
  composer.draw(view, channel);
  world.draw(view.world);
  drawImages(view.world.images ?? {});
  faults.draw(view.faults, (view.world.sites ?? []).map((site) => site.name));
  connected(true);
  showLinked();
}

function naming(view) {
  const channels = new Map(view.channels.map((channel) => [channel.id, channel.name]));
  return { me: view.viewer, person: (id) => (Object.hasOwn(view.people, id) ? view.people[id].name : undefined), channel: (id) => channels.get(id) };
}

function drawPeople(view) {
  const shown = PERSONAS.filter((id) => view.people[id]);
  const select = byId("act-as");
  redraw(select, shown.map((id) => view.people[id]), () =>
    shown.map((id) => element("option", { value: id }, label(view.people[id]))));
  select.value = view.viewer;
}

function label(person) {
  const suffix = person.left ? " (deactivated)" : person.outside ? " · partner" : "";
  return `${person.name}${suffix}`;
}

function drawChannels(view) {
  for (const channel of view.channels) {
    if (channel.id === view.channel || !(channel.id in state.read)) state.read[channel.id] = channel.latest;
  }
  const rows = view.channels.map((channel) => ({ ...channel, unread: channel.latest > state.read[channel.id], open: channel.id === view.channel }));
  redraw(byId("channels"), rows.map(({ latest, ...row }) => row), () => rows.map((row) => element("li", {}, channelButton(row))));
}

function channelButton(row) {
  const sign = row.direct ? "@" : row.private ? padlock() : "#";
  return element("button",
    {
      type: "button", class: `channel ${row.unread ? "unread" : ""}`, "data-testid": `channel-${row.id}`,
      "aria-current": row.open ? "true" : null, on: { click: () => open(state.viewer, row.id) },
    },
    element("span", { class: "sign", "aria-hidden": "true" }, sign), element("span", {}, row.name),
    row.unread && element("span", { class: "dot", role: "img", "aria-label": "unread" }));
}

function padlock() {
  return drawing("svg", { viewBox: "0 0 12 14", width: 11, height: 13, fill: "none", stroke: "currentColor", "stroke-width": 1.6 },
    drawing("rect", { x: 1, y: 6, width: 10, height: 7, rx: 1.5 }), drawing("path", { d: "M3.3 6V4a2.7 2.7 0 0 1 5.4 0v2" }));
}

function drawRoom(view, channel) {
  byId("room-name").textContent = channel ? `${channel.direct ? "" : "# "}${channel.name}` : "No channel";
  byId("room-note").textContent = !channel ? "" : [channel.shared && "Shared with a partner company", channel.archived && "Archived"].filter(Boolean).join(" · ");
  const share = byId("share");
  share.hidden = !channel || channel.direct || view.people[view.viewer].outside;
  share.textContent = channel?.shared ? "Stop sharing" : "Share with partner";
  share.setAttribute("aria-pressed", String(Boolean(channel?.shared)));
  document.title = channel ? `${channel.name} · simulated workspace` : "Simulated workspace";
}

function connected(there) {
  const count = state.view?.connections ?? 0;
  const words = !there ? "reconnecting…" : count ? `app online ×${count}` : "app offline";
  byId("connection").textContent = words;
  byId("connection").classList.toggle("off", !there || !count);
}

/** Bring the message that a permalink names into sight, once it is there. */
function showLinked() {
  const message = state.linked && document.getElementById(`m${state.linked}`);
  if (!message) return;
  state.linked = null;
  timeline.atEnd = false;
  message.scrollIntoView({ block: "center" });
  message.classList.remove("changed");
  requestAnimationFrame(() => message.classList.add("changed"));
}

/** A link to a message of this workspace stays on the page. */
function followPermalink(event) {
  const link = event.target.closest("a");
  const [, channel, digits] = (link?.origin === location.origin && /^\/archives\/(\w+)\/p(\d{16})$/.exec(link.pathname)) || [];
  if (!channel) return;
  event.preventDefault();
  state.linked = `${digits.slice(0, -6)}.${digits.slice(-6)}`;
  if (state.view.channel === channel) showLinked();
  else open(state.viewer, channel);
}

byId("act-as").addEventListener("change", (event) => open(event.target.value, state.view?.channel ?? ""));
byId("share").addEventListener("click", () => {
  const shared = state.view.channels.find(({ id }) => id === state.view.channel).shared;
  act("share", { channel: state.view.channel, on: !shared }).catch((error) => composer.tell(error.message));
});
for (const part of ["faults", "images"]) byId(part).open = matchMedia("(min-width: 60rem)").matches;
byId("timeline").addEventListener("click", followPermalink);

const [linkedChannel, linkedMessage] = location.hash.slice(1).split("/");
state.linked = linkedMessage ?? null;
if (linkedMessage) history.replaceState(null, "", location.pathname);
open(state.viewer, linkedChannel);
