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
