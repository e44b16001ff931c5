// The box in which a person types: Enter sends, arrow up brings back what was sent, "/" shows the commands.

import { act } from "./api.js";
import { byId, element } from "./dom.js";

export class Composer {
  constructor(where, onSend) {
    this.where = where;
    this.onSend = onSend;
    this.box = byId("composer");
    this.sent = [];
    this.back = 0;
    this.commands = [];
    byId("composer-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("input", () => this.typed());
  }

  draw(view, channel) {
    this.commands = view.commands;
    const first = this.commands[0]?.command;
    const name = channel ? `${channel.direct ? "" : "#"}${channel.name}` : "";
    this.box.placeholder = first ? `Message ${name}, or ${first} help` : `Message ${name}`;
    this.box.disabled = !channel || channel.archived;
  }

  key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.send();
    } else if (event.key === "ArrowUp" && (this.box.value === "" || this.back)) {
      event.preventDefault();
      this.recall(1);
    } else if (event.key === "ArrowDown" && this.back) {
      event.preventDefault();
      this.recall(-1);
    }
  }

  recall(step) {
    this.back = Math.max(0, Math.min(this.sent.length, this.back + step));
    this.box.value = this.back ? this.sent[this.sent.length - this.back] : "";
    this.typed();
  }

  typed() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 160)}px`;
    this.tell("");
    const typed = this.box.value;
    const fitting = typed.startsWith("/") ? this.commands.filter(({ command }) => fits(command, typed)) : [];
    byId("hints").hidden = !fitting.length;
    byId("hints").replaceChildren(...fitting.map(({ command, hint, description }) =>
      element("li", {}, element("strong", {}, command), ` ${hint}`, element("span", {}, description))));
  }

  async send() {
    const text = this.box.value.replace(/\s+$/, "");
    if (!text) return;
    this.box.value = "";
    this.back = 0;
    this.sent.push(text);
    this.typed();
    this.onSend();
    try {
      await act(text.startsWith("/") ? "command" : "message", { ...this.where(), text });
    } catch (error) {
      this.tell(error.message);
    }
  }

  tell(sentence) {
    byId("notice").textContent = sentence;
    byId("notice").hidden = !sentence;
  }
}

const fits = (command, typed) => command.startsWith(typed) || typed === command || typed.startsWith(`${command} `);
