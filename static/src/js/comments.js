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
  drawBoxes(pane);
}

// What the page knows: the page that is shown, the moment that plays, the words that are selected.
function placeIn(article) {
  const place = {};
  const player = article.querySelector("video, audio");
  if (player && player.currentTime) place.from = clock(player.currentTime);
  const page = article.dataset.page || pageInSight(article);
  if (page) place.page = page;
  const selected = getSelection();
  if (selected && !selected.isCollapsed && article.contains(selected.anchorNode)) {
    place.quote = selected.toString().trim().slice(0, 1000);
  }
  if (article.dataset.box) place.box = article.dataset.box;
  delete article.dataset.box;
  delete article.dataset.page;
  return place;
}

function numberOf(figure) {
  return figure?.id.match(/-page-(\d+)$/)?.[1] || "";
}

// Of the pages in the scrolled list, the first that is not above its upper edge.
function pageInSight(article) {
  const list = article.querySelector(".app-viewer__pages");
  if (!list) return "";
  const top = list.getBoundingClientRect().top + 24;
  return numberOf([...list.children].find((one) => one.getBoundingClientRect().bottom > top));
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

// From a comment to its place: the page where the viewer shows it, else the piece. viewer.js starts recordings.
function follow(link, reveal) {
  const piece = document.getElementById(link.hash.slice(1));
  if (!piece) return;
  reveal(piece);
  const page = link.dataset.page && document.getElementById(`${piece.id}-page-${link.dataset.page}`);
  if (page) {
    page.scrollIntoView();
    page.focus();
  }
}

// A box by pointer, for those who like it: it opens the same form with the same four numbers.
function drawBoxes(pane) {
  let drawn = null;
  const at = (event, picture) => {
    const area = picture.getBoundingClientRect();
    const part = (value, size) => Math.min(100, Math.max(0, Math.round((value / size) * 100)));
    return [part(event.clientX - area.left, area.width), part(event.clientY - area.top, area.height)];
  };
  pane.addEventListener("dragstart", (event) => event.target.matches("[data-evidence] img") && event.preventDefault());
  pane.addEventListener("pointerdown", (event) => {
    const picture = event.target.closest("[data-evidence] img");
    if (!picture || event.pointerType === "touch" || event.button) return;
    drawn = { picture, from: at(event, picture) };
  });
  document.addEventListener("pointerup", (event) => {
    if (!drawn) return;
    const { picture, from } = drawn;
    drawn = null;
    const to = at(event, picture);
    const [width, height] = [Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])];
    if (width < 2 || height < 2) return;
    const article = picture.closest("[data-evidence]");
    article.dataset.box = `${Math.min(from[0], to[0])} ${Math.min(from[1], to[1])} ${width} ${height}`;
    article.dataset.page = numberOf(picture.closest("figure")) || "1";
    article.querySelector("[data-comment]").click();
  });
}
