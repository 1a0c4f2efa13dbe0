// The marking workspace: everything here also works without it.
//
// Ctrl+Enter saves and goes to the next piece of work. Single keys work only once they are switched on,
// and never while a text field has focus. The lease is renewed while the page is open and in use.
const form = document.querySelector("form[data-marking]");
const KEY = "moderato:shortcuts";
const RENEW = 60000;
const SETTLE = 1200;

if (form) {
  document.addEventListener("keydown", onKey);
  setUpSwitch(document.querySelector("[data-shortcuts]"));
  keepLease();
  followResult();
}

function token() {
  return form.elements.csrfmiddlewaretoken.value;
}

function criteria() {
  return [...form.querySelectorAll("[data-criterion]")];
}

function shortcutsOn() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

function setUpSwitch(button) {
  if (!button) return;
  const show = () => {
    const on = shortcutsOn();
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on
      ? "Turn single-key shortcuts off (j, k, 1 to 4, f, e, r)"
      : "Turn single-key shortcuts on";
  };
  button.addEventListener("click", () => {
    try {
      localStorage.setItem(KEY, shortcutsOn() ? "off" : "on");
    } catch { /* storage is switched off: shortcuts stay off */ }
    show();
  });
  show();
}

function onKey(event) {
  if (event.ctrlKey && event.key === "Enter") {
    event.preventDefault();
    form.requestSubmit(form.querySelector('button[name="then"][value="next"]'));
    return;
  }
  if (!shortcutsOn() || event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
  const act = { j: () => move(1), k: () => move(-1), f: feedback, e: () => go("evidence"), r: () => go("rubric") };
  if (act[event.key]) {
    event.preventDefault();
    act[event.key]();
  } else if (/^[1-9]$/.test(event.key)) {
    const radio = current()?.querySelectorAll('input[type="radio"]')[Number(event.key) - 1];
    if (radio) {
      event.preventDefault();
      radio.checked = true;
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
}

function typing(target) {
  return target.matches?.('textarea, select, input:not([type="radio"]):not([type="checkbox"])');
}

function current() {
  return document.activeElement?.closest?.("[data-criterion]") || criteria()[0];
}

function move(by) {
  const all = criteria();
  const at = all.indexOf(document.activeElement?.closest?.("[data-criterion]"));
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  next?.focus();
}

function feedback() {
  current()?.querySelector("textarea")?.focus();
}

function go(id) {
  document.getElementById(id)?.focus();
}

function keepLease() {
  setInterval(async () => {
    if (document.visibilityState !== "visible") return;
    try {
      await fetch(form.dataset.lease, {
        method: "POST",
        headers: { "X-CSRFToken": token(), Accept: "application/json" },
        credentials: "same-origin",
      });
    } catch { /* offline: the next save says so */ }
  }, RENEW);
}

// The rule in words, a moment after a level was chosen and saved.
function followResult() {
  const line = form.querySelector("[data-live-result]");
  let timer;
  form.addEventListener("change", (event) => {
    if (event.target.type !== "radio") return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        const answer = await fetch(form.dataset.result, { credentials: "same-origin" });
        if (!answer.ok) return;
        const words = new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim();
        if (words !== line.textContent.trim()) line.textContent = words;
      } catch { /* the page says it again when it is loaded */ }
    }, SETTLE);
  });
}
