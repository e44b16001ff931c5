// A switch for each fault, for every site it can hit.

import { act } from "./api.js";
import { byId, element } from "./dom.js";

const WORDS = {
  region_down: ["Region does not answer", "Its API and its registry hang, as in an outage"],
  certificate_expired: ["Certificate expired", "The registry's certificate for the custom domain"],
  acl_closed: ["Access list closed", "The public endpoint admits nobody"],
  replication_stalled: ["Replication stalled", "New images stay where they were pushed"],
  false_success: ["Copies lie", "Tasks say SUCCESS, but nothing or the image before has arrived"],
  incomplete_copies: ["Copies are incomplete", "Manifests arrive without a layer, indexes without an image"],
  manifest_missing: ["Tags are empty", "The API lists them, the registry does not have their manifests"],
  blob_missing: ["Layers are lost", "The registry has manifests, its store none of the layers"],
  modified_time_stuck: ["Repository times stand still", "Pushes leave the time of a repository as it was"],
  shifting_pages: ["Pages shift", "While a list is read, others push: an entry comes twice, another not at all"],
  wrong_counts: ["Counts are wrong", "Lists say that there is more or less than there is"],
  null_texts: ["Texts say null", "What is not there is told as the text null"],
  prefixed_digests: ["Digests in two forms", "Every other digest has its prefix"],
  rate_limited: ["API limited", "Five calls of a kind a second, then a refusal"],
  throttled: ["API throttled", "Calls are refused as too many"],
  slow: ["API slow", "Every answer takes seconds"],
  applied_but_timed_out: ["Write applied, answer lost", "The record changes, the caller sees a time-out"],
  late_write: ["Write applied late", "The caller sees a time-out, the record changes 20 seconds later"],
  stale_reads: ["Reads lag behind writes", "For 15 seconds a record is shown as it was"],
  third_party_edit: ["Somebody edits the record", "A colleague at the console changes the record"],
  pvtz_down: ["PrivateZone down", "No record can be read or changed"],
  slack_429: ["Slack refuses: too many calls", "Every call is answered with 429"],
  slack_down: ["Slack down", "Sockets closed, calls fail"],
};
const EVERYWHERE_ONLY = new Set(["pvtz_down", "slack_429", "slack_down"]);

/** The switches; built once, then only set. */
export class FaultSwitches {
  constructor() {
    this.switches = new Map();
  }

  draw(faults, sites) {
    const names = [...new Set(faults.map((fault) => fault.name))];
    const wanted = JSON.stringify([names, sites]);
    if (this.builtFor !== wanted) this.build(names, sites, wanted);
    const on = new Set(faults.filter((fault) => fault.on).map((fault) => id(fault.name, fault.target)));
    for (const [name, node] of this.switches) node.checked = on.has(name);
    byId("fault-count").textContent = on.size ? `${on.size} on` : "";
  }

  build(names, sites, wanted) {
    this.builtFor = wanted;
    this.switches.clear();
    const order = Object.keys(WORDS);
    names.sort((one, other) => order.indexOf(one) - order.indexOf(other));
    byId("fault-list").replaceChildren(...names.map((name) => this.row(name, sites)));
  }

  row(name, sites) {
    const [title, meaning] = WORDS[name] ?? [name.replaceAll("_", " "), ""];
    const targets = EVERYWHERE_ONLY.has(name) ? [null] : [...sites, null];
    return element("fieldset", { class: "fault" },
      element("legend", {}, title),
      element("p", {}, meaning),
      element("div", { class: "targets" }, targets.map((target) => this.toggle(name, target, title, targets.length))));
  }

  toggle(name, target, title, choices) {
    const where = target ?? (choices > 1 ? "all" : "everywhere");
    const node = element("input", {
      type: "checkbox", role: "switch", "data-testid": id(name, target), "aria-label": `${title}, ${where}`,
      on: { change: () => act("faults", { name, target, on: node.checked }).catch((error) => window.alert(error.message)) },
    });
    this.switches.set(id(name, target), node);
    return element("label", { class: "switch" }, node, element("span", {}, where));
  }
}

const id = (name, target) => `fault-${name}-${target ?? "all"}`;
