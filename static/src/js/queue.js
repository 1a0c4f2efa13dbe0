// Keys in the queue, for those who switched them on: the rows, the filters, and the start.
import { shortcuts } from "./shortcuts.js";

const links = () => [...document.querySelectorAll("[data-queue] tbody th a")];
const start = document.querySelector("[data-start]");

function step(by) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))]?.focus();
}

shortcuts(
  {
    next: () => step(1),
    previous: () => step(-1),
    open: () => links().includes(document.activeElement) && document.activeElement.click(),
    write: () => document.querySelector(".app-filter select")?.focus(),
    save: () => start?.click(),
  },
  { save: start },
);

// Choosing rows: all of the page at once, and how many there are. Ticking one by one needs no script.
const picks = [...document.querySelectorAll('input[name="chosen"][form="chosen"]')];
const all = document.querySelector("[data-choose-all]");
const count = document.querySelector("[data-chosen-count]");

function counted() {
  const number = picks.filter((one) => one.checked).length;
  count.textContent = number ? `${number} of ${picks.length} chosen` : "";
  all.setAttribute("aria-pressed", String(number > 0 && number === picks.length));
}

if (all && picks.length) {
  all.addEventListener("click", () => {
    const wanted = picks.some((one) => !one.checked);
    for (const one of picks) one.checked = wanted;
    counted();
  });
  for (const one of picks) one.addEventListener("change", counted);
  counted();
} else if (all) all.hidden = true;
