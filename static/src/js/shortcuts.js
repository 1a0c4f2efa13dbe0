// The keyboard map of a page. Single keys are off until somebody switches them on, can be other keys
// (settings), and do nothing while a field has focus (WCAG 2.1.4). The list is in the page: [data-keys].
//
//   import { shortcuts } from "./shortcuts.js";
//   shortcuts({ next: () => …, help: … }, { controls: { save: button } });
const root = document.querySelector("[data-keys]");
const dialog = root?.querySelector("[data-keys-dialog]");
const GO_WITHIN = 1500;

export function shortcuts(actions, controls = {}) {
  if (!root) return;
  const byKey = new Map();
  for (const row of root.querySelectorAll("[data-action]")) byKey.set(row.dataset.key, row.dataset.action);
  let goUntil = 0;

  const known = {
    ...actions,
    help: show,
    go: () => { goUntil = Date.now() + GO_WITHIN; },
  };
  const places = { h: root.dataset.home, q: root.dataset.queue, m: root.dataset.messages };

  document.addEventListener("keydown", (event) => {
    if (!isOn() || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.isComposing || typing(event.target) || dialog.open) return;
    if (Date.now() < goUntil && places[event.key]) {
      event.preventDefault();
      location.assign(places[event.key]);
      return;
    }
    const act = known[byKey.get(event.key)];
    if (!act) return;
    event.preventDefault();
    act();
  });

  const tell = () => {
    for (const [action, control] of Object.entries(controls)) {
      if (!control) continue;
      const always = control.dataset.alwaysKey || "";
      const key = isOn() ? [...byKey].find(([, name]) => name === action)?.[0] || "" : "";
      const keys = [always, key].filter(Boolean).join(" ");
      if (keys) control.setAttribute("aria-keyshortcuts", keys);
      else control.removeAttribute("aria-keyshortcuts");
    }
  };
  tell();
  root.querySelector("[data-keys-open]").addEventListener("click", show);
  root.querySelector("[data-keys-close]").addEventListener("click", () => dialog.close());
  root.querySelector("[data-keys-switch]").addEventListener("click", () => flip(tell));
}

export function typing(target) {
  return target?.isContentEditable
    || target?.matches?.('textarea, select, input:not([type="radio"]):not([type="checkbox"]):not([type="button"]):not([type="submit"])');
}

function isOn() {
  return root.dataset.on === "yes";
}

function show() {
  dialog.showModal();
  dialog.querySelector("h2").focus();
}

async function flip(tell) {
  const on = !isOn();
  const words = root.querySelector("[data-keys-words]");
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  try {
    const answer = await fetch(root.dataset.switch, {
      method: "POST",
      headers: { "X-CSRFToken": token },
      body: new URLSearchParams({ on: on ? "yes" : "no" }),
      credentials: "same-origin",
    });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  } catch {
    words.textContent = "This could not be saved. Try again.";
    return;
  }
  root.dataset.on = on ? "yes" : "no";
  words.textContent = on
    ? "Single keys are on. They do nothing while you type in a field."
    : "Single keys are off. Only Ctrl and Enter, and Ctrl and F6, work.";
  root.querySelector("[data-keys-switch]").textContent = on ? "Switch single keys off" : "Switch single keys on";
  root.querySelector("[data-keys-state]").textContent = on ? " (on)" : " (off)";
  tell();
}
