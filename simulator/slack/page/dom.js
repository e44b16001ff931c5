// Builds elements without ever parsing markup, so that nothing a person typed can become part of the page.

const SVG = "http://www.w3.org/2000/svg";

export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function drawing(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (name === "class") node.setAttribute("class", value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Put new children in place of the old only when what they show has changed. */
export function redraw(node, key, draw) {
  const text = JSON.stringify(key);
  if (node.drawnFrom === text) return false;
  node.drawnFrom = text;
  node.replaceChildren(...[draw()].flat(Infinity).filter(Boolean));
  return true;
}
