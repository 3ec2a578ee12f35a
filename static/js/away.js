/* After 15 minutes without use the server signs out; this covers what still stands on the screen, in all
   windows at once, and takes the cover away for who is signed in. What was typed stays where it is. */

const cover = document.getElementById("away");
const under = document.getElementById("container");
const show = cover.querySelector("button");
const LONG = cover.dataset.minutes * 60 * 1000;
const USED = "staff-last-used"; // shared by all windows: a time in milliseconds

const used = () => localStorage.setItem(USED, Date.now());

function look() {
  const isAway = Date.now() - localStorage.getItem(USED) >= LONG;
  if (isAway === cover.hidden) {
    cover.hidden = !isAway;
    under.hidden = isAway;
    if (isAway) show.focus();
  }
}

show.addEventListener("click", async () => {
  const answer = await fetch(cover.dataset.asks, { redirect: "manual", cache: "no-store" }).catch(() => null);
  cover.querySelector("[role=status]").hidden = Boolean(answer?.ok);
  if (answer?.ok) {
    used();
    look();
  }
});
used(); // the server has just heard from us
window.addEventListener("storage", look);
document.addEventListener("visibilitychange", look);
setInterval(look, 5000);
