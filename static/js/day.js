/* The page works without this. A booked visit can be dragged to a free time; what opens is the same
   form to move it, filled in. Nothing is moved before somebody there says so. */

let dragged = null;

for (const visit of document.querySelectorAll("[data-move]")) {
  visit.draggable = true;
  visit.addEventListener("dragstart", (event) => {
    dragged = visit;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", visit.dataset.move);
  });
  visit.addEventListener("dragend", () => { dragged = null; });
}

for (const free of document.querySelectorAll("[data-start]")) {
  free.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    free.classList.add("target");
  });
  free.addEventListener("dragleave", () => { free.classList.remove("target"); });
  free.addEventListener("drop", (event) => {
    if (!dragged) return;
    event.preventDefault();
    const { start, schedule } = free.dataset;
    location.assign(`${dragged.dataset.move}?${new URLSearchParams({ start, schedule })}`);
  });
}
