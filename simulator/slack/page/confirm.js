// The question that a button may ask before it acts.

import { textObject } from "./blocks.js";
import { byId } from "./dom.js";

/** Show a confirm object and resolve to whether the person agreed. */
export function ask(confirm, names) {
  const dialog = byId("confirm");
  const [yes, no] = [byId("confirm-ok"), byId("confirm-cancel")];
  byId("confirm-title").replaceChildren(...textObject(confirm.title, names));
  byId("confirm-text").replaceChildren(...textObject(confirm.text, names));
  yes.replaceChildren(...textObject(confirm.confirm, names));
  no.replaceChildren(...textObject(confirm.deny, names));
  yes.className = `button ${confirm.style ?? "primary"}`;
  return new Promise((resolve) => {
    let agreed = false;
    yes.onclick = () => {
      agreed = true;
      dialog.close();
    };
    no.onclick = () => dialog.close();
    dialog.onclose = () => resolve(agreed);
    dialog.showModal();
    no.focus();
  });
}
