// Making elements. No markup is ever parsed.

/** An element: `made("button", {class: "key", click: press}, child, "text")`; a member that is a function listens. */
export function made(name, members = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(members)) {
    if (typeof value === "function") element.addEventListener(key, value)
    else if (value === true) element.setAttribute(key, "")
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value)
  }
  element.append(...children.filter((child) => child !== undefined && child !== null))
  return element
}

/** Sets an element's text only where it changed: no layout for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** Sets or clears an attribute, only where it changed. */
export function setState(element, name, value) {
  if (value === undefined || value === null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name)
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, String(value))
  }
}
