/* The page works without this. It moves the focus to the error summary, brings the question (not only
   its control) into view when an error is followed, and offers to copy a link. */

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

for (const button of document.querySelectorAll("[data-copy-link]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(location.href);
    document.getElementById(button.dataset.copyLink).textContent = "Link copied";
  });
}
