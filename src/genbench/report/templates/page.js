"use strict";
function key(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
  return cell.classList.contains("absent") || cell.querySelector(".absent") ? null : cell.textContent.trim();
}
function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}
function sort(table, header) {
  const column = header.cellIndex, first = header.dataset.first || "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = header.getAttribute("aria-sort") === first ? other : first;
  const sign = order === "ascending" ? 1 : -1;
  for (const th of table.tHead.querySelectorAll("[aria-sort]")) th.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  for (const body of table.tBodies) {
    const rows = [...body.rows].map((row) => [key(row, column), row]);
    rows.sort(([a], [b]) => (a === null) - (b === null) || (a === null ? 0 : sign * compare(a, b)));
    body.append(...rows.map(([, row]) => row));
  }
}
for (const table of document.querySelectorAll("table.sortable"))
  for (const header of table.tHead.rows[table.tHead.rows.length - 1].cells)
    header.querySelector("button").addEventListener("click", () => sort(table, header));

const runs = [...document.querySelectorAll("details.run")];
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.matches("details.run")) {
    target.open = true;
    target.scrollIntoView();
  }
}
addEventListener("hashchange", openTarget);
openTarget();
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#run-"]');
  if (link && link.hash === location.hash) openTarget();
  const button = event.target.closest("[data-open], [data-close]");
  if (!button) return;
  const section = button.dataset.open || button.dataset.close;
  for (const run of runs) if (run.dataset.section === section) run.open = "open" in button.dataset;
});
let closed = [];
addEventListener("beforeprint", () => {
  closed = runs.filter((run) => !run.open);
  for (const run of closed) run.open = true;
});
addEventListener("afterprint", () => {
  for (const run of closed) run.open = false;
});
