/* The page works without this. Who comes back from a request that has left the list since stands where it
   stood: at the row that took its place, not at the top. */

const rows = [...document.querySelectorAll("#result_list tbody tr")];
const LEFT = "staff-row-left"; // the number of the row that was opened last

rows.forEach((row, number) => row.addEventListener("click", () => sessionStorage.setItem(LEFT, number)));

if (/^#r\d+$/.test(location.hash) && rows.length && !document.querySelector(location.hash)) {
  const next = rows[Math.min(sessionStorage.getItem(LEFT), rows.length - 1)];
  next.scrollIntoView({ block: "center" });
  next.querySelector("th a")?.focus({ preventScroll: true });
}
