"use strict";
function key(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.v !== undefined) return cell.dataset.v === "" ? null : Number(cell.dataset.v);
  const text = cell.textContent.trim().replace("−", "-");
  if (cell.classList.contains("absent") || cell.querySelector(".absent") || ["", "–"].includes(text)) return null;
  const number = Number.parseFloat(text.replace(/(\d),(?=\d{3})/g, "$1").replace(/^[≤!✓✗ ]+/, ""));
  return Number.isNaN(number) ? text : number;
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
    const rows = [...body.rows].filter((row) => !row.matches(".branch")).map((row) => [key(row, column), row]);
    rows.sort(([a], [b]) => (a === null) - (b === null) || (a === null ? 0 : sign * compare(a, b)));
    body.append(...rows.map(([, row]) => row));
  }
}
function sortable(table) {
  for (const header of table.tHead.rows[table.tHead.rows.length - 1].cells) {
    if (header.classList.contains("fixed")) continue;
    if (!header.querySelector("button")) {
      const button = document.createElement("button"), unit = document.createElement("span");
      button.type = "button";
      unit.className = "unit";
      button.append(...header.childNodes, " ", unit);
      header.append(button);
    }
    header.querySelector("button").addEventListener("click", () => sort(table, header));
  }
}
// There are hundreds of tables in runs: those that a reader opens are made ready.
for (const table of document.querySelectorAll("table.sortable")) if (!table.closest("details.run")) sortable(table);
for (const run of document.querySelectorAll("details.run"))
  run.addEventListener("toggle", () => run.querySelectorAll("table.sortable").forEach(sortable), { once: true });
