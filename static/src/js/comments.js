// Comments on evidence. The links and forms work without this; it opens them beside the evidence, fills in
// the page or the time at which somebody is, lets a pointer draw a box, and brings the focus back.
export function setUpComments(reveal) {
  const pane = document.getElementById("evidence");
  if (!pane) return;
  document.addEventListener("htmx:configRequest", (event) => {
    const link = event.detail.elt;
    if (!link.matches?.("[data-comment]")) return;
    Object.assign(event.detail.parameters, placeIn(link.closest("[data-evidence]")));
  });
  pane.addEventListener("click", (event) => {
    if (event.target.closest("[data-comment-cancel]")) cancel(event.target);
    const link = event.target.closest('a[href^="#"]');
    if (link) follow(link, reveal);
  });
  pane.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.closest("[data-comment-form]")) cancel(event.target);
  });
  for (const picture of pane.querySelectorAll("[data-evidence] img")) drawn(picture);
}

// What the page knows: the page that is shown, the moment that plays, the words that are selected.
function placeIn(article) {
  const place = {};
  const player = article.querySelector("video, audio");
  if (player && player.currentTime) place.from = clock(player.currentTime);
  const shown = article.querySelector("[data-shown-page]")?.dataset.shownPage;
  if (shown) place.page = shown;
  const selected = getSelection();
  if (selected && !selected.isCollapsed && article.contains(selected.anchorNode)) {
    place.quote = selected.toString().trim().slice(0, 1000);
  }
  if (article.dataset.box) place.box = article.dataset.box;
  delete article.dataset.box;
  return place;
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function cancel(inside) {
  const article = inside.closest("[data-evidence]");
  inside.closest("[data-comment-form]").remove();
  article.querySelector("[data-comment]").focus();
}

// From a comment to its place: the page where the viewer has it, the moment of a recording, else the piece.
function follow(link, reveal) {
  const piece = document.getElementById(link.hash.slice(1));
  if (!piece) return;
  reveal(piece);
  if (link.dataset.seek) {
    const player = piece.querySelector("video, audio");
    if (player) player.currentTime = Number(link.dataset.seek) / 1000;
  }
  const page = link.dataset.page && document.getElementById(`${piece.id}-page-${link.dataset.page}`);
  if (page) {
    page.scrollIntoView();
    page.focus();
  }
}

// A box by pointer, for those who like it: it opens the same form with the same four numbers.
function drawn(picture) {
  let from = null;
  const at = (event) => {
    const area = picture.getBoundingClientRect();
    const part = (value, size) => Math.min(100, Math.max(0, Math.round((value / size) * 100)));
    return [part(event.clientX - area.left, area.width), part(event.clientY - area.top, area.height)];
  };
  picture.draggable = false;
  picture.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button) return;
    from = at(event);
  });
  document.addEventListener("pointerup", (event) => {
    if (!from) return;
    const [left, top] = from;
    const [right, bottom] = at(event);
    from = null;
    const [width, height] = [Math.abs(right - left), Math.abs(bottom - top)];
    if (width < 2 || height < 2) return;
    const article = picture.closest("[data-evidence]");
    article.dataset.box = `${Math.min(left, right)} ${Math.min(top, bottom)} ${width} ${height}`;
    article.querySelector("[data-comment]").click();
  });
}
