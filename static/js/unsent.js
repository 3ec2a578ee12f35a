/* The page works without this. It asks before somebody leaves a form with words that were not sent. */

for (const form of document.querySelectorAll("main form[method=post]")) {
  let unsent = false;
  form.addEventListener("input", () => { unsent = true; });
  form.addEventListener("submit", () => { unsent = false; });
  window.addEventListener("beforeunload", (event) => { if (unsent) event.preventDefault(); });
}
