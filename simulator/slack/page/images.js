// What each instance holds, who pushes there, and what was pushed last.

import { act } from "./api.js";
import { clock } from "./dates.js";
import { byId, element, redraw } from "./dom.js";

const RATES = [[0, "nobody pushes"], [6, "6 pushes a minute"], [60, "60 a minute"], [600, "600 a minute"]];

export function drawImages({ sites = [], pushes = [] }) {
  byId("images").hidden = !sites.length;
  const told = sites.map(({ repositories, tags, ...site }) => site);
  redraw(byId("image-sites"), told, () => sites.map(row));
  for (const site of sites) {
    byId(`held-${site.instance}`).textContent = `${number(site.repositories)} repositories, ${number(site.tags)} tags`;
  }
  redraw(byId("pushes"), pushes, () => pushes.map(({ site, image, at_ms }) =>
    element("li", {}, element("time", {}, clock(at_ms / 1000)), ` ${site} `, element("strong", {}, image))));
}

function row({ site, instance, per_minute }) {
  const known = RATES.some(([rate]) => rate === per_minute) ? RATES : [...RATES, [per_minute, `${number(per_minute)} a minute`]];
  const rate = element("select", {
    "aria-label": `Pushes to ${site}`, "data-testid": `rate-${site}`,
    on: { change: () => tell("pushes", { instance, per_minute: Number(rate.value) }) },
  }, known.map(([value, words]) => element("option", { value }, words)));
  rate.value = String(per_minute);
  return element("li", {},
    element("p", {}, element("strong", {}, site), " ", element("span", { id: `held-${instance}`, "data-testid": `held-${site}` })),
    element("button", { type: "button", class: "small", "data-testid": `push-${site}`, on: { click: () => tell("push_one", { instance }) } }, "Push an image"),
    rate);
}

const tell = (name, said) => act(name, said).catch((error) => window.alert(error.message));
const number = (value) => value.toLocaleString("en");
