// Forms with data-upload: the same multipart post, but with progress in words and a way to stop.
// The server answers as to a plain form: a redirect or a page, which is then shown.
export function watchUploads(scope) {
  for (const form of scope.querySelectorAll("form[data-upload]")) {
    if (form.dataset.watched) continue;
    form.dataset.watched = "yes";
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented || !hasFile(form)) return;
      event.preventDefault();
      send(form, event.submitter);
    });
  }
}

function hasFile(form) {
  return [...form.querySelectorAll("input[type=file]")].some((input) => input.files.length);
}

function send(form, submitter) {
  const view = progressView(form);
  const data = new FormData(form, submitter);
  const request = new XMLHttpRequest();
  if (submitter) submitter.disabled = true;
  const release = () => {
    if (submitter) submitter.disabled = false;
    delete form.dataset.sent;
  };
  let spoken = -1;
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    const percent = Math.floor((event.loaded / event.total) * 100);
    view.bar.value = percent;
    view.words.textContent = `${size(event.loaded)} of ${size(event.total)} sent, ${percent} per cent.`;
    const quarter = Math.floor(percent / 25);
    if (quarter > spoken) {
      spoken = quarter;
      view.spoken.textContent = percent < 100 ? `${percent} per cent sent.` : "Sent. Checking the file.";
    }
    if (percent === 100) view.words.textContent = "Sent. Checking the file.";
  });
  request.addEventListener("load", () => {
    view.box.remove();
    release();
    if (request.status >= 500 || request.status === 0) return fail(form, "The server could not take the file.");
    if (request.status === 413) return fail(form, "The file is larger than this service takes.");
    show(request);
    return undefined;
  });
  request.addEventListener("error", () => {
    view.box.remove();
    release();
    fail(form, "The connection was lost.");
  });
  request.addEventListener("abort", () => {
    view.box.remove();
    release();
  });
  view.stop.addEventListener("click", () => request.abort());
  request.open("POST", form.getAttribute("action") || location.href);
  request.send(data);
}

// The answer is shown as it came: asking for the page again would lose its messages.
function show(request) {
  const fresh = new DOMParser().parseFromString(request.responseText, "text/html");
  if (request.responseURL !== location.href) history.pushState(null, "", request.responseURL);
  document.title = fresh.title || document.title;
  document.querySelector("main").replaceWith(fresh.querySelector("main"));
  const main = document.querySelector("main");
  document.dispatchEvent(new CustomEvent("htmx:afterSwap", { detail: { elt: main } }));
  if (!main.querySelector(".govuk-error-summary")) main.focus();
  scrollTo(0, 0);
}

// After pushState the Back button must fetch the page it names.
addEventListener("popstate", () => location.reload());

function progressView(form) {
  form.querySelector("[data-upload-problem]")?.remove();
  const box = document.createElement("div");
  const bar = document.createElement("progress");
  bar.className = "app-progress";
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", "Sending the file");
  const words = document.createElement("p");
  words.className = "govuk-body";
  words.textContent = "Sending…";
  const spoken = document.createElement("p");
  spoken.className = "govuk-visually-hidden";
  spoken.setAttribute("role", "status");
  const stop = document.createElement("button");
  stop.type = "button";
  stop.className = "govuk-button govuk-button--secondary";
  stop.textContent = "Stop sending";
  box.append(bar, words, spoken, stop);
  form.append(box);
  return { box, bar, words, spoken, stop };
}

function fail(form, why) {
  const line = document.createElement("p");
  line.className = "govuk-error-message";
  line.dataset.uploadProblem = "";
  line.setAttribute("role", "alert");
  line.textContent = `${why} Nothing was stored. The file is still chosen: press the button to send it again.`;
  form.prepend(line);
  line.tabIndex = -1;
  line.focus();
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
