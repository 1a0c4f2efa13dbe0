// Loaded on every page. Everything works without it; it only makes pages kinder.
import {
  CharacterCount,
  Checkboxes,
  createAll,
  ErrorSummary,
  NotificationBanner,
  PasswordInput,
  Radios,
  SkipLink,
} from "../govuk-frontend.min.js";
import { watchDrafts } from "./autosave.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");

const components = [
  CharacterCount, Checkboxes, ErrorSummary, NotificationBanner, PasswordInput, Radios, SkipLink,
];

function enhance(scope) {
  for (const component of components) createAll(component, undefined, scope);
  watchDrafts(scope);
}

// A second press while a form is on its way sends nothing: the first one counts.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent === "yes") event.preventDefault();
  else if (!event.defaultPrevented && event.target.method === "post") event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

enhance(document);

// After a partial page update: enhance what is new, and move focus to its heading or error summary.
document.addEventListener("htmx:afterSwap", (event) => {
  const fresh = event.detail.elt;
  delete fresh.closest?.("form")?.dataset.sent;
  for (const form of document.forms) delete form.dataset.sent;
  enhance(fresh);
  const target = fresh.querySelector?.(".govuk-error-summary, [data-focus]");
  if (target) {
    target.setAttribute("tabindex", "-1");
    target.focus();
  }
});
