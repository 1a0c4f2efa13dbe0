// Adding files in pieces (tus): choosing a file starts its way, a lost line does not lose it, and a tab that
// was closed goes on when the same file is chosen again. Without this script, or in a browser without what it
// needs, the form sends the file as forms do.
const CHUNK = 5 * 1024 * 1024;
const DELAYS = [0, 1000, 3000, 5000, 10000, 20000];
const AT_ONCE = 2;
const AGAIN_MS = 15000;
const SPEAK_MS = 10000;
const STORING = "All of it is sent. It is being stored, which takes a moment";

function size(bytes) {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} KB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 / 1024).toFixed(bytes < 10 * 1024 * 1024 ? 1 : 0)} MB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}

function made(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

function button(text, about) {
  const one = made("button", "app-link-button", text);
  one.type = "button";
  one.append(made("span", "govuk-visually-hidden", ` “${about}”`));
  return one;
}

class Row {
  constructor(list, file) {
    this.list = list;
    this.file = file;
    this.state = "waits";
    this.element = made("li");
    const main = made("div", "app-rows__main");
    main.append(made("strong", "", file.name), ` ${size(file.size)}`);
    this.words = made("p", "govuk-body app-small", "Waiting for its turn");
    this.bar = made("progress", "app-progress");
    this.bar.max = 100;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `Sent of ${file.name}`);
    main.append(this.words, this.bar);
    this.pause = button("Pause", file.name);
    this.remove = button("Remove", file.name);
    this.pause.addEventListener("click", () => this.pauseOrResume());
    this.remove.addEventListener("click", () => this.takeAway());
    this.element.append(main, this.pause, this.remove);
    list.rows.append(this.element);
    this.upload = new window.tus.Upload(file, {
      endpoint: list.form.dataset.endpoint,
      chunkSize: CHUNK,
      retryDelays: DELAYS,
      removeFingerprintOnSuccess: true,
      metadata: { filename: file.name, filetype: file.type, kind: list.form.dataset.kind },
      headers: { "X-CSRFToken": list.form.elements.csrfmiddlewaretoken.value },
      onShouldRetry: (error) => this.worthAnotherTry(error),
      onProgress: (sent, all) => this.progress(sent, all),
      onError: (error) => this.failed(error),
      onSuccess: () => this.arrived(),
    });
  }

  get percent() {
    return Math.round(this.bar.value);
  }

  say(words, aloud = true) {
    this.words.textContent = words;
    if (aloud) this.list.speak(`${this.file.name}: ${words}`);
  }

  label(text) {
    this.pause.firstChild.textContent = text;
  }

  // What can be done with it now: nothing while it is being stored, and what had the focus does not lose it.
  offers(buttons) {
    for (const one of [this.pause, this.remove]) {
      if (!buttons && document.activeElement === one) {
        this.element.tabIndex = -1;
        this.element.focus();
      }
      one.hidden = !buttons;
    }
  }

  worthAnotherTry(error) {
    this.offers(true);
    const code = error.originalResponse?.getStatus() ?? 0;
    const again = code ? [409, 423, 460].includes(code) || (code >= 500 && code !== 507) : navigator.onLine;
    if (again && !code) this.say(`Waiting for connection, ${this.percent}% is sent`);
    return again;
  }

  async start() {
    this.state = "sends";
    this.offers(true);
    this.label("Pause");
    this.say("Starting");
    if (!this.upload.url) {
      const before = await this.upload.findPreviousUploads();
      if (before.length) {
        this.upload.resumeFromPreviousUpload(before[0]);
        this.list.goesOn(this.file.name);
      }
    }
    if (this.state === "sends") this.upload.start();
  }

  progress(sent, all) {
    if (this.state !== "sends") return;
    this.bar.value = all ? (sent / all) * 100 : 0;
    const whole = sent === all;
    this.offers(!whole);
    this.say(whole ? STORING : `Uploading, ${Math.min(this.percent, 99)}%`, whole);
  }

  pauseOrResume() {
    if (this.state === "sends" || this.state === "waits" || this.state === "offline") {
      this.upload.abort();
      this.state = "paused";
      this.label("Resume");
      this.say(`Paused at ${this.percent}%`);
    } else {
      this.state = "waits";
      this.say("Waiting for its turn", false);
    }
    this.list.next();
  }

  async takeAway() {
    this.state = "gone";
    this.element.remove();
    this.list.speak(`${this.file.name}: removed`);
    this.list.settle();
    try {
      await this.upload.abort(true);
    } catch {
      // The server sweeps what nobody goes on with.
    }
    this.list.next();
  }

  failed(error) {
    if (this.state !== "sends") return;
    const answer = error.originalResponse;
    this.offers(true);
    if (!answer || answer.getStatus() >= 502) {
      this.state = "offline";
      this.say(`Waiting for connection, ${this.percent}% is sent`);
      setTimeout(() => this.back(), AGAIN_MS);
    } else {
      this.refuse(answer.getBody() || "The server could not take the file.");
    }
    this.list.next();
  }

  refuse(sentence) {
    this.state = "refused";
    this.offers(true);
    this.label("Try again");
    this.bar.hidden = true;
    this.words.className = "govuk-error-message";
    this.say(sentence.length < 300 ? sentence : "The server could not take the file.");
    this.list.settle();
  }

  back() {
    if (this.state !== "offline") return;
    this.state = "waits";
    this.list.next();
  }

  async arrived() {
    this.offers(false);
    this.say(STORING);
    let facts = {};
    for (let turn = 0; turn < 200 && !facts.evidence; turn += 1) {
      try {
        const answer = await fetch(this.upload.url, { headers: { Accept: "application/json" } });
        if (answer.ok) facts = await answer.json();
      } catch {
        // Asked again below.
      }
      if (facts.refusal) return this.refuse(facts.refusal);
      if (!facts.evidence) await new Promise((resolve) => setTimeout(resolve, 2000));
    }
    if (!facts.evidence) return this.refuse("The file was sent, but is not stored yet. Look at “Your evidence” later.");
    this.state = "done";
    this.id = this.upload.url.split("/").at(-2);
    this.bar.value = 100;
    this.say("Stored. It is checked next");
    this.list.settle();
    return this.list.next();
  }
}

class Uploads {
  constructor(form) {
    this.form = form;
    this.all = [];
    this.leaving = false;
    this.rows = made("ul", "app-rows app-uploads");
    this.rows.setAttribute("aria-label", "What you have chosen");
    this.rows.hidden = true;
    this.voice = made("p", "govuk-visually-hidden");
    this.voice.setAttribute("role", "status");
    this.toSay = new Map();
    this.inputs = [...form.querySelectorAll("input[type=file]")];
    const last = this.inputs.at(-1).closest(".govuk-form-group");
    last.after(this.rows, this.voice);
    for (const input of this.inputs) {
      if (!input.hasAttribute("capture")) input.multiple = true;
      input.addEventListener("change", () => this.choose(input));
    }
    form.addEventListener("submit", (event) => this.leave(event));
    addEventListener("online", () => this.all.forEach((row) => row.back()));
    addEventListener("beforeunload", (event) => {
      if (!this.leaving && this.all.some((row) => row.state === "sends")) event.preventDefault();
    });
  }

  choose(input) {
    for (const file of input.files) this.all.push(new Row(this, file));
    input.value = "";
    this.settle();
    this.next();
  }

  // The list of what was unfinished no longer names what goes on here.
  goesOn(name) {
    const box = document.querySelector("[data-unfinished]");
    for (const item of box?.querySelectorAll("li") ?? []) {
      if (item.querySelector("strong").textContent === name) item.remove();
    }
    if (box && !box.querySelector("li")) box.remove();
  }

  next() {
    let free = AT_ONCE - this.all.filter((row) => row.state === "sends").length;
    for (const row of this.all) {
      if (row.state === "waits" && free > 0) {
        free -= 1;
        row.start();
      }
    }
  }

  settle() {
    const here = this.all.filter((row) => row.state !== "gone");
    this.rows.hidden = !here.length;
    const several = here.length > 1;
    for (const name of ["title", "description"]) {
      const field = this.form.elements[name];
      if (field) field.closest(".govuk-form-group").hidden = several;
    }
    if (this.wantsToLeave) this.leave();
  }

  leave(event) {
    const here = this.all.filter((row) => row.state !== "gone");
    if (!here.length) return;
    event?.preventDefault();
    const done = here.filter((row) => row.state === "done");
    const refused = here.filter((row) => row.state === "refused");
    this.wantsToLeave = false;
    if (done.length + refused.length < here.length) {
      this.wantsToLeave = true;
      this.speak("The page goes on when the files are stored.");
      this.note("The page goes on when the files are stored.");
      return;
    }
    if (refused.length) {
      this.summary(refused);
      return;
    }
    for (const row of done) {
      const field = made("input");
      Object.assign(field, { type: "hidden", name: "uploaded", value: row.id });
      this.form.append(field);
    }
    this.leaving = true;
    this.form.submit();
  }

  note(words) {
    this.line ??= made("p", "govuk-body");
    this.line.textContent = words;
    this.rows.after(this.line);
  }

  summary(refused) {
    document.querySelector(".govuk-error-summary")?.remove();
    const box = made("div", "govuk-error-summary");
    box.tabIndex = -1;
    const inside = made("div");
    inside.setAttribute("role", "alert");
    const list = made("ul", "govuk-list govuk-error-summary__list");
    for (const row of refused) {
      const item = made("li");
      const link = made("a", "", `${row.file.name}: ${row.words.textContent}`);
      link.href = `#${this.inputs.at(-1).id}`;
      item.append(link);
      list.append(item);
    }
    inside.append(made("h2", "govuk-error-summary__title", "There is a problem"), list);
    box.append(inside);
    document.querySelector("main h1").before(box);
    box.focus();
  }

  // Everything that happened within ten seconds is one announcement, the newest words of each file.
  speak(words) {
    this.toSay.set(words.split(":")[0], words);
    this.timer ??= setTimeout(() => {
      this.voice.textContent = [...this.toSay.values()].join(". ");
      this.toSay.clear();
      this.timer = undefined;
    }, this.spoken ? SPEAK_MS : 300);
    this.spoken = true;
  }
}

if (window.tus?.isSupported) {
  for (const form of document.querySelectorAll("form[data-upload]")) new Uploads(form);
}
