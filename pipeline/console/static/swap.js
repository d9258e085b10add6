// Puts new content in the place of old, element by element: focus, open details and what was typed stay.

const key = (node) => (node.nodeType === 1 ? node.id || node.dataset?.key || "" : "");
const typed = (form) => [...form.elements].some((field) => field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue);

/** Make the children of `from` like those of `to`; tells `arrived` of each element with a key that is new. */
export function swap(from, to, arrived = () => {}) {
  const old = new Map();
  for (const child of from.children) if (key(child)) old.set(key(child), child);
  let here = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const known = key(wanted) ? old.get(key(wanted)) : null;
    const alike = known ?? (key(wanted) ? null : next(here, wanted.nodeName));
    // What stands before it and has no key goes, so that it need not move: moving takes the focus away.
    while (alike && here && here !== alike && !key(here)) here = gone(here);
    if (alike && alike.nodeName === wanted.nodeName) {
      if (alike === here) here = here.nextSibling; else from.insertBefore(alike, here);
      renew(alike, wanted, arrived);
    } else {
      const added = document.importNode(wanted, true);
      from.insertBefore(added, here);
      if (added.nodeType === 1 && key(added)) arrived(added);
    }
  }
  while (here) here = gone(here);
}

/** Remove a node and give the one after it. */
function gone(node) {
  const after = node.nextSibling;
  node.remove();
  return after;
}

/** The next node without a key that could become one of a name, looking past text alone. */
function next(node, name) {
  let here = node;
  while (here && here.nodeType === 3 && name !== "#text") here = here.nextSibling;
  return here && !key(here) && here.nodeName === name ? here : null;
}

function renew(node, wanted, arrived) {
  if (node.isEqualNode(wanted)) return;
  if (node.nodeType !== 1) { if (node.data !== wanted.data) node.data = wanted.data; return; }
  if (node.nodeName === "FORM" && typed(node)) return;
  for (const { name } of [...node.attributes]) if (!wanted.hasAttribute(name) && name !== "open") node.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  if (node.nodeName !== "INPUT" || node.type === "hidden") swap(node, wanted, arrived);
}

/** Forms inside `root` with something typed into them. */
export const written = (root) => [...root.querySelectorAll("form")].filter(typed);
