// Links to places in evidence. A page (data-page) is scrolled to in its own region; a moment of a recording
// (data-seek, in milliseconds) starts the player there. Without this they lead to the evidence.
function playerAt(target) {
  return target.matches("video, audio") ? target : target.querySelector("video, audio");
}

function goTo(player, seconds) {
  const seek = () => { player.currentTime = seconds; };
  if (player.readyState > 0) seek();
  else {
    player.addEventListener("loadedmetadata", seek, { once: true });
    player.load();
  }
  player.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-seek], a[data-page]");
  const target = link && document.getElementById(link.hash.slice(1));
  if (!target) return;
  if (link.dataset.seek) {
    const player = playerAt(target);
    if (!player) return;
    event.preventDefault();
    goTo(player, Number(link.dataset.seek) / 1000);
  } else if (link.dataset.page) {
    const page = document.getElementById(`${target.id}-page-${link.dataset.page}`);
    if (!page) return;
    event.preventDefault();
    page.closest("details")?.setAttribute("open", "");
    page.scrollIntoView({ block: "start" });
    page.focus({ preventScroll: true });
  }
});

// A criterion that is ticked asks at once how the evidence supports it.
for (const box of document.querySelectorAll("input[name=criteria]")) {
  box.addEventListener("change", () => {
    const asked = document.querySelector(`[data-supports="${box.value}"]`);
    if (asked && box.checked) asked.open = true;
  });
}
