// Prepared comments under each criterion: those for the chosen level first, all of them with a search.
// Put in at the caret, then changed like anything else that was typed.
const SHORT = 3;

// As accounts.querysets.search_key folds: case, macrons, doubled vowels.
export function folded(text) {
  return text.normalize("NFKD").replace(/\u0304/g, "").toLowerCase().replace(/([aeiou])\1/g, "$1");
}

const banks = new WeakMap();

export function setUpBank(form) {
  for (const box of form.querySelectorAll("[data-bank-box]")) banks.set(box, new Bank(box, form));
}

// What the key of the map does: go to the first that fits; with none, open all of them.
export function reachBank(panel) {
  banks.get(panel?.querySelector("[data-bank-box]"))?.reach();
}

class Bank {
  constructor(box, form) {
    this.box = box;
    this.form = form;
    this.panel = box.closest("[data-criterion]");
    this.items = [...box.querySelectorAll("li")];
    this.codes = new Map(box.dataset.levels.trim().split(" ").map((pair) => pair.split("=")));
    this.search = box.querySelector("[data-bank-search]");
    this.more = box.querySelector("[data-bank-more]");
    this.none = box.querySelector("[data-bank-none]");
    this.more.addEventListener("click", () => this.open(this.search.hidden));
    this.search.querySelector("input").addEventListener("input", () => this.show());
    this.panel.addEventListener("change", (event) => event.target.type === "radio" && this.show());
    box.addEventListener("click", (event) => {
      const button = event.target.closest("[data-insert]");
      if (button) this.insert(button);
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.type === "search") event.preventDefault();
    });
    this.show();
  }

  open(wanted) {
    this.search.hidden = !wanted;
    this.more.setAttribute("aria-expanded", String(wanted));
    this.show();
    if (wanted) this.search.querySelector("input").focus();
  }

  show() {
    const chosen = this.panel.querySelector('input[type="radio"]:checked');
    const code = chosen && this.codes.get(chosen.value);
    const words = folded(this.search.querySelector("input").value).split(/\s+/).filter(Boolean);
    const all = !this.search.hidden;
    let shown = 0;
    for (const item of this.items) {
      const fits = all
        ? words.every((word) => item.dataset.words.includes(word))
        : Boolean(code) && (!item.dataset.level || item.dataset.level === code) && shown < SHORT;
      item.hidden = !fits;
      if (fits) shown += 1;
    }
    this.none.hidden = shown > 0 || !(all || code);
    this.none.textContent = all ? "Nothing fits these words." : "None for this level.";
  }

  // After a key of the map the criterion keeps the focus, so that the next key works; otherwise the text
  // box gets it, behind what was put in.
  insert(button) {
    const text = button.textContent;
    const area = this.panel.querySelector('textarea[name^="feedback_"]');
    const at = area.selectionEnd ?? area.value.length;
    const before = area.value.slice(0, at);
    const gap = before && !/\s$/.test(before) ? "\n" : "";
    area.setRangeText(gap + text, at, at, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
    if (this.byKey) this.panel.focus();
    else area.focus();
    this.byKey = false;
    const token = this.form.elements.csrfmiddlewaretoken.value;
    fetch(`/assess/comments/${button.dataset.insert}/used/`, {
      method: "POST",
      headers: { "X-CSRFToken": token },
      credentials: "same-origin",
      keepalive: true,
    }).catch(() => { /* the count is a convenience */ });
  }

  reach() {
    const first = this.items.find((item) => !item.hidden);
    this.byKey = true;
    if (first) first.querySelector("button").focus();
    else this.open(true);
  }
}
