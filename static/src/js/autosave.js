// Forms with data-autosave: sent 800 ms after the last change, on blur and when the page goes away.
// What was typed stays on this device until the server has said that it is saved.
//
//   <form data-autosave="/address/" data-autosave-key="reflection-17" method="post" …>
//     <input type="hidden" name="version" value="3">
//     <p class="app-save-state" role="status" data-save-state></p>
//
// The server answers 200 {"version": 4, "saved_at": "2:41 pm"}, or 409 {"version": 5, "theirs": {…}}.
const WAIT = 800;
const RETRY = [2000, 5000, 15000, 30000];
const ANNOUNCE_EVERY = 30000;
const PATIENCE = 5000;

export function watchDrafts(scope) {
  const forms = [...scope.querySelectorAll("form[data-autosave]")];
  if (scope.matches?.("form[data-autosave]")) forms.push(scope);
  for (const form of forms) if (!form.dataset.watched) new Draft(form);
}

class Draft {
  constructor(form) {
    form.dataset.watched = "yes";
    this.form = form;
    this.line = form.querySelector("[data-save-state]");
    this.key = `moderato:draft:${form.dataset.autosaveKey || form.dataset.autosave}`;
    this.failures = 0;
    // What the server sent, not what stands there now: somebody may have typed before this script came.
    this.sent = asText(served(form));
    this.offerLocalCopy();
    form.addEventListener("input", () => this.later());
    form.addEventListener("change", () => this.later());
    form.addEventListener("focusout", () => this.now());
    form.addEventListener("submit", (event) => this.submit(event));
    addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.leave();
    });
    this.later();
  }

  data() {
    const data = new FormData(this.form);
    for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
    return data;
  }

  text() {
    return asText(this.data());
  }

  changed() {
    return this.text() !== this.sent;
  }

  later() {
    if (this.stopped || !this.changed()) return;
    this.keep();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), WAIT);
  }

  async now({ keepalive = false } = {}) {
    clearTimeout(this.timer);
    if (this.stopped || this.busy || !this.changed()) return;
    this.busy = true;
    this.saving = this.send(keepalive);
    await this.saving;
  }

  async send(keepalive) {
    const text = this.text();
    this.say("saving", "Saving…");
    try {
      const answer = await fetch(this.form.dataset.autosave, {
        method: "POST",
        body: new URLSearchParams(this.data()),
        headers: { "X-Requested-With": "autosave", Accept: "application/json" },
        credentials: "same-origin",
        keepalive,
      });
      if (answer.status === 409) this.conflict(await answer.json());
      else if (answer.status === 422) this.say("refused", await refusal(answer));
      else if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      else this.saved(await answer.json(), text);
    } catch {
      this.failed();
    } finally {
      this.busy = false;
    }
    if (!this.failures && !this.stopped && this.text() !== text) this.later();
  }

  saved(answer, text) {
    this.sent = text;
    this.failures = 0;
    this.insists = false;
    if (!this.changed()) this.forget();
    this.setVersion(answer.version);
    this.say("saved", `Saved ${answer.saved_at || new Intl.DateTimeFormat("en-NZ", { timeStyle: "short" }).format(new Date())}`);
  }

  failed() {
    const wait = RETRY[Math.min(this.failures, RETRY.length - 1)];
    this.failures += 1;
    this.say("failed", "Not saved. Your words are kept on this device. Trying again.");
    this.timer = setTimeout(() => this.now(), wait);
  }

  // Somebody, or another tab, saved first. Nothing is dropped: both versions are shown.
  conflict(answer) {
    this.stopped = true;
    this.keep();
    this.say("failed", "Not saved: this was changed somewhere else while you were writing.");
    const panel = document.createElement("section");
    panel.className = "app-card";
    panel.tabIndex = -1;
    const heading = document.createElement("h2");
    heading.className = "govuk-heading-m";
    heading.textContent = "Two versions";
    panel.append(heading);
    for (const [name, theirs] of Object.entries(answer.theirs || {})) {
      const control = this.form.elements[name];
      if (!control || control.value === theirs) continue;
      const what = titleOf(control);
      panel.append(
        version(`${what}: saved version`, inWords(control, theirs)),
        version(`${what}: your version`, inWords(control, control.value)),
      );
    }
    panel.append(
      this.button("Keep my version", () => this.settle(answer.version)),
      this.button("Use the saved version", () => this.settle(answer.version, answer.theirs)),
    );
    this.form.prepend(panel);
    this.panel = panel;
    panel.focus();
  }

  settle(newVersion, theirs) {
    for (const [name, value] of Object.entries(theirs || {})) {
      const control = this.form.elements[name];
      if (control) control.value = value;
    }
    this.setVersion(newVersion);
    this.panel.remove();
    this.stopped = false;
    this.sent = theirs ? this.text() : "";
    if (theirs) this.forget();
    this.now();
  }

  button(text, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "govuk-button govuk-button--secondary govuk-!-margin-right-3";
    button.textContent = text;
    button.addEventListener("click", act);
    return button;
  }

  setVersion(number) {
    const control = this.form.elements.version;
    if (control && number !== undefined) control.value = number;
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), text: this.text() }));
    } catch { /* storage is full or switched off: the server copy is what counts */ }
  }

  forget() {
    try {
      localStorage.removeItem(this.key);
    } catch { /* as above */ }
  }

  offerLocalCopy() {
    let copy = null;
    try {
      copy = JSON.parse(localStorage.getItem(this.key));
    } catch { /* unreadable: nothing to offer */ }
    if (copy?.text === this.sent) this.forget();
    if (!copy || copy.text === this.sent) return;
    const panel = document.createElement("div");
    panel.className = "app-card";
    const words = document.createElement("p");
    words.className = "govuk-body";
    const time = new Intl.DateTimeFormat("en-NZ", { dateStyle: "medium", timeStyle: "short" });
    words.textContent = `We found work on this device from ${time.format(new Date(copy.at))} that was not sent.`;
    panel.append(
      words,
      this.button("Use it", () => {
        this.fill(new URLSearchParams(copy.text));
        panel.remove();
        this.now();
      }),
      this.button("Discard it", () => {
        this.forget();
        panel.remove();
      }),
    );
    this.form.prepend(panel);
  }

  // Put what was kept back into the form. Boxes that were ticked then are ticked, the others are not.
  fill(kept) {
    for (const control of this.form.elements) {
      const { name, type } = control;
      if (!name || name === "version" || name === "csrfmiddlewaretoken") continue;
      if (type === "checkbox" || type === "radio") control.checked = kept.getAll(name).includes(control.value);
      else if (kept.has(name) && type !== "submit" && type !== "file") control.value = kept.get(name);
    }
  }

  leave() {
    if (this.changed()) this.now({ keepalive: true });
  }

  // Leaving a field saves it, and the press on the button follows at once. The button waits for that
  // save: sent beside it, the form would carry the version before and meet itself as another window.
  // What is not saved yet is saved first, so that a lost line costs no words: the page stays and says so.
  // A second press sends the form all the same.
  submit(event) {
    if (!this.busy && (!this.changed() || this.stopped)) return this.stop();
    if (!this.busy && this.insists) return this.stop();
    event.preventDefault();
    if (this.waits) return undefined;
    this.waits = true;
    const { submitter } = event;
    if (!this.busy) this.now();
    const long = new Promise((tooLong) => setTimeout(tooLong, PATIENCE));
    return Promise.race([this.saving, long]).then(() => {
      this.waits = false;
      this.insists = true;
      if (this.failures) return;
      this.busy = false;
      if (!this.panel?.isConnected) this.form.requestSubmit(submitter);
    });
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    if (!this.changed()) this.forget();
  }

  // Only a change of kind is announced, and that at most every 30 seconds.
  say(kind, words) {
    if (!this.line) return;
    const now = Date.now();
    const quiet = kind === "saving" || (kind === this.kind) || (now - (this.spoken || 0) < ANNOUNCE_EVERY && kind === "saved");
    this.line.setAttribute("aria-live", quiet ? "off" : "polite");
    if (kind === "failed" && this.kind !== "failed") this.line.setAttribute("role", "alert");
    else if (kind !== "failed") this.line.setAttribute("role", "status");
    this.line.classList.toggle("app-save-state--failed", kind === "failed" || kind === "refused");
    this.line.textContent = words;
    if (!quiet) this.spoken = now;
    if (kind !== "saving") this.kind = kind;
  }
}

function asText(data) {
  data.delete("csrfmiddlewaretoken");
  data.delete("version");
  data.delete("following");
  return new URLSearchParams(data).toString();
}

// What the form would send if nobody had touched it.
function served(form) {
  const data = new FormData();
  for (const control of form.elements) {
    if (!control.name || control.matches(":disabled, button, [type=submit], [type=button], [type=file]")) continue;
    if (control.matches("[type=checkbox], [type=radio]")) {
      if (control.defaultChecked) data.append(control.name, control.value);
    } else if (control.matches("select")) {
      const chosen = [...control.options].filter((one) => one.defaultSelected);
      if (!chosen.length && !control.multiple && control.options.length) chosen.push(control.options[0]);
      for (const one of chosen) data.append(control.name, one.value);
    } else if (control.matches("input, textarea")) data.append(control.name, control.defaultValue);
  }
  return data;
}

// What people call a control: its legend, or its label.
function titleOf(control) {
  if (control instanceof RadioNodeList) {
    return control[0]?.closest("fieldset")?.querySelector("legend")?.textContent.trim() || "Choice";
  }
  return control.labels?.[0]?.textContent.trim() || "Text";
}

// What a value is called where people see it: a choice by its label, never by its key.
function inWords(control, value) {
  if (!(control instanceof RadioNodeList)) return value;
  const chosen = [...control].find((one) => one.value === value);
  return chosen?.labels?.[0]?.textContent.trim() || "Nothing chosen";
}

function version(label, words) {
  const box = document.createElement("div");
  const name = document.createElement("h3");
  name.className = "govuk-heading-s";
  name.textContent = label;
  const body = document.createElement("p");
  body.className = "govuk-inset-text";
  body.textContent = words || "(empty)";
  box.append(name, body);
  return box;
}

async function refusal(answer) {
  try {
    const body = await answer.json();
    return (body.errors || []).join(" ") || "Not saved.";
  } catch {
    return "Not saved.";
  }
}
