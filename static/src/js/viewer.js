// Links to a moment of a recording (data-seek, in milliseconds) start the player there; without this they
// lead to the player, or to the evidence that holds it.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-seek]");
  if (!link || !link.dataset.seek) return;
  const target = document.getElementById(link.hash.slice(1));
  const player = target?.matches("video, audio") ? target : target?.querySelector("video, audio");
  if (!player) return;
  event.preventDefault();
  const seek = () => { player.currentTime = Number(link.dataset.seek) / 1000; };
  if (player.readyState > 0) seek();
  else {
    player.addEventListener("loadedmetadata", seek, { once: true });
    player.load();
  }
  player.focus();
});
