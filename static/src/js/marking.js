// The marking workspace: everything here also works without it.
//
// Ctrl+Enter saves and goes to the next piece of work, Ctrl+F6 goes to the next region, Esc leaves a field for its
// criterion; these always work.
// Single keys work once they are switched on (shortcuts.js). The lease is renewed while the page is in use.
import { reachBank, setUpBank } from "./bank.js";
import { setUpComments } from "./comments.js";
import { shortcuts } from "./shortcuts.js";

const form = document.querySelector("form[data-marking]");
const split = document.querySelector("[data-split]");
const WIDTH = "moderato:evidence-width";
const RENEW = 60000;
const SETTLE = 1200;
const AHEAD = 15000;
const REGIONS = ["evidence", "rubric", "actions"];
let latest = null;

if (form) {
  document.addEventListener("keydown", always);
  document.addEventListener("focusin", (event) => {
    latest = event.target.closest?.("[data-criterion]") || latest;
  });
  setUpWidths();
  setUpPanes();
  setUpBank(form);
  setUpComments(reveal);
  setUpKeys();
  keepLease();
  followResult();
  lookAhead();
}

function next() {
  return form.querySelector('button[name="then"][value="next"]');
}

function always(event) {
  const field = event.target.closest?.("[data-criterion] textarea, [data-criterion] input[type=search]");
  if (event.key === "Escape" && field) {
    field.closest("[data-criterion]").focus();
    return;
  }
  if (!event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Enter") {
    event.preventDefault();
    form.requestSubmit(next());
  } else if (event.key === "F6") {
    event.preventDefault();
    const at = REGIONS.findLastIndex((id) => document.getElementById(id)?.contains(document.activeElement));
    const step = event.shiftKey ? REGIONS.length - 1 : 1;
    go(REGIONS[at < 0 ? 0 : (at + step) % REGIONS.length]);
  }
}

function criteria() {
  return [...form.querySelectorAll("[data-criterion]")];
}

function current() {
  return latest?.isConnected ? latest : criteria()[0];
}

function step(items, active, by) {
  const at = items.indexOf(active);
  const to = items[Math.min(items.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  if (!to) return;
  reveal(to);
  to.focus();
}

function go(id) {
  const target = document.getElementById(id);
  if (!target) return;
  reveal(target);
  target.focus();
}

function level(number) {
  const radio = current()?.querySelectorAll('input[type="radio"]')[number - 1];
  if (!radio || radio.checked) return;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
}

function setUpKeys() {
  const pieces = () => [...document.querySelectorAll("#evidence article[id^='evidence-']")];
  const piece = () => document.activeElement?.closest?.("article[id^='evidence-']");
  const skip = document.querySelector("[data-skip]");
  const comment = document.querySelector("[data-comment]");
  const actions = {
    next: () => step(criteria(), latest, 1),
    previous: () => step(criteria(), latest, -1),
    evidence_on: () => step(pieces(), piece(), 1),
    evidence_back: () => step(pieces(), piece(), -1),
    evidence: () => go("evidence"),
    rubric: () => go("rubric"),
    write: () => {
      const box = current()?.querySelector('textarea[name^="feedback_"]');
      if (box) reveal(box);
      box?.focus();
    },
    comment: () => (piece()?.querySelector("[data-comment]") || comment)?.click(),
    bank: () => reachBank(current()),
    flag: () => {
      const own = piece()?.querySelector("[data-flag] button");
      (own || document.querySelector('[data-flag="0"] button'))?.click();
    },
    save: () => form.requestSubmit(next()),
    skip: () => skip?.click(),
  };
  for (const number of [1, 2, 3, 4]) actions[`level_${number}`] = () => level(number);
  shortcuts(actions, { save: next(), skip, comment });
}

function pressed(buttons, chosen, name) {
  for (const one of buttons) one.setAttribute("aria-pressed", String(one.dataset[name] === chosen));
}

function setUpWidths() {
  const buttons = [...document.querySelectorAll("[data-width]:not([data-split])")];
  const set = (width) => {
    split.dataset.width = width;
    pressed(buttons, width, "width");
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      set(button.dataset.width);
      try {
        localStorage.setItem(WIDTH, button.dataset.width);
      } catch { /* storage is switched off: the choice holds for this page */ }
    });
  }
  let kept = null;
  try {
    kept = localStorage.getItem(WIDTH);
  } catch { /* as above */ }
  if (buttons.some((one) => one.dataset.width === kept)) set(kept);
}

// On small screens one of the two can stand alone. Both stay in the page, and a link into the other shows it.
function setUpPanes() {
  for (const button of document.querySelectorAll("button[data-show]")) {
    button.addEventListener("click", () => show(button.dataset.show));
  }
  document.addEventListener("click", (event) => {
    const id = event.target.closest?.('a[href^="#"]')?.hash.slice(1);
    const target = id && document.getElementById(id);
    if (target) reveal(target);
    else if (/^evidence-\d+-/.test(id || "")) {
      // A place that this piece does not have, such as a page of a note: the piece itself.
      event.preventDefault();
      go(id.match(/^evidence-\d+/)[0]);
    }
  });
}

function show(what) {
  split.dataset.show = what;
  pressed(document.querySelectorAll("button[data-show]"), what, "show");
}

function reveal(target) {
  const pane = target.closest("#evidence, #rubric");
  if (pane && split.dataset.show && !["both", pane.id].includes(split.dataset.show)) show(pane.id);
}

function keepLease() {
  const lost = document.querySelector("[data-lease-lost]");
  const timer = setInterval(async () => {
    if (document.visibilityState !== "visible") return;
    try {
      const answer = await fetch(form.dataset.lease, {
        method: "POST",
        headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value, Accept: "application/json" },
        credentials: "same-origin",
      });
      if (answer.status === 409) {
        clearInterval(timer);
        lost.hidden = false;
      }
    } catch { /* offline: the next save says so */ }
  }, RENEW);
}

// Which piece comes next, asked while this one is still marked: going on then waits for no queue. Only its key is sent;
// nothing of it is opened or recorded before somebody goes there.
function lookAhead() {
  const field = form.elements.following;
  const skip = document.querySelector("[data-skip]");
  let linked = field.value;
  let asked = performance.now();
  form.addEventListener("change", async () => {
    if (performance.now() - asked < AHEAD) return;
    asked = performance.now();
    try {
      const answer = await fetch(form.dataset.ahead, { credentials: "same-origin" });
      if (!answer.ok) return;
      const { following } = await answer.json();
      // When nothing follows for a while, the link keeps the key that it has.
      if (skip && following) {
        skip.href = skip.href.replace(linked, following);
        linked = following;
      }
      field.value = following;
    } catch { /* the server finds it again when the form is sent */ }
  });
}

// The rule in words, a moment after a level was chosen and saved.
function followResult() {
  const line = form.querySelector("[data-live-result]");
  const progress = form.querySelector("[data-live-progress]");
  let timer;
  form.addEventListener("change", (event) => {
    if (event.target.type !== "radio") return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        const answer = await fetch(form.dataset.result, { credentials: "same-origin" });
        if (!answer.ok) return;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
        const words = fresh.querySelector("[data-result-text]").textContent.trim();
        if (words !== line.textContent.trim()) line.textContent = words;
        progress.textContent = fresh.querySelector("[data-progress-text]").textContent.trim();
      } catch { /* the page says it again when it is loaded */ }
    }, SETTLE);
  });
}
