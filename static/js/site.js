/* The page works without this. It moves the focus to the error summary, brings the question (not only
   its control) into view when an error is followed, unfolds what a link leads into, and offers to copy a
   link or to hand it to the device, and to print. */

const summary = document.querySelector("[data-autofocus]");

if (summary) {
  summary.focus();
  summary.addEventListener("click", (event) => {
    const control = event.target.hash && document.getElementById(event.target.hash.slice(1));
    if (!control) return;
    event.preventDefault();
    const group = control.closest("fieldset");
    const question = group ? group.querySelector("legend") : document.querySelector(`label[for="${control.id}"]`);
    (question || control).scrollIntoView();
    control.focus({ preventScroll: true });
  });
}

// Newer browsers do this by themselves (HTML, the ancestor revealing algorithm).
const unfold = () => {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const fold = target && target.closest("details:not([open])");
  if (!fold) return;
  fold.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", unfold);
unfold();

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break; // a page that did not come by https
  button.parentElement.hidden = false;
  button.addEventListener("click", async () => {
    const told = document.getElementById(button.dataset.told);
    const copied = await navigator.clipboard.writeText(button.dataset.copy).then(() => true, () => false);
    told.textContent = copied ? "Link copied" : "Your browser did not let us copy the link";
  });
}

for (const button of document.querySelectorAll("[data-share]")) {
  if (!navigator.share) break;
  button.parentElement.hidden = false;
  button.addEventListener("click", () => {
    const { share: url, title } = button.dataset;
    navigator.share({ url, title }).catch(() => {}); // the reader has thought better of it
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.parentElement.hidden = false;
  button.addEventListener("click", () => window.print());
}
