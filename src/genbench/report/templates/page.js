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
    header.querySelector("button")?.addEventListener("click", () => sort(table, header));

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
// Pictures of runs in a window of their own: those that stand in the runs' rows below, which are in the page once.
// A film: one moment at a time of the picture that shows them all.
function play(figure, button) {
  const screen = figure.querySelector(".screen");
  button.textContent = screen ? "Play" : "Stop";
  if (screen) return screen.remove();
  const still = figure.querySelector("img"), frame = document.createElement("div"), image = still.cloneNode();
  const [count, columns, width, height, gap] = figure.dataset.reel.split(" ").map(Number);
  const scale = Math.max(1, Math.min(2, Math.floor(figure.clientWidth / width)));
  frame.className = "screen";
  frame.style.width = scale * width + "px";
  frame.style.height = scale * height + "px";
  image.width = scale * still.naturalWidth;
  image.height = scale * still.naturalHeight;
  image.alt = "";
  frame.append(image);
  button.after(frame);
  const show = (i) => {
    if (!frame.isConnected) return;
    const x = (i % columns) * (width + gap), y = Math.floor(i / columns) * (height + gap);
    image.style.translate = `${-scale * x}px ${-scale * y}px`;
    setTimeout(show, i === count - 1 ? 2500 : 700, (i + 1) % count);
  };
  show(0);
}
for (const figure of document.querySelectorAll("[data-reel]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "play";
  button.textContent = "Play";
  figure.append(button);
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.play");
  if (button) play(button.parentElement, button);
});
const dialog = document.getElementById("pictures"), content = dialog.querySelector("div");
function pictures(id, count) {
  const run = document.getElementById(id), column = document.createElement("section");
  const link = document.createElement("a");
  link.href = "#" + id;
  link.textContent = run.querySelector(".title").textContent;
  link.addEventListener("click", () => dialog.close());
  const title = document.createElement("h4");
  const verdict = run.querySelector("summary .verdict");
  title.append(link, ...(verdict ? [" ", verdict.cloneNode(true)] : []));
  column.append(title, ...[...run.querySelectorAll(".pictures figure")].slice(0, count).map((figure) => figure.cloneNode(true)));
  return column;
}
function openDialog(title, ids, count) {
  document.getElementById("pictures-title").textContent = title;
  content.replaceChildren(...ids.map((id) => pictures(id, count)));
  dialog.showModal();
}
const tray = document.getElementById("tray"), boxes = [...document.querySelectorAll(".choose input")];
const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
const label = (id) => document.getElementById(id).querySelector(".title").textContent;
function updateTray() {
  const ids = chosen();
  tray.hidden = !ids.length;
  document.getElementById("chosen").textContent = ids.map(label).join(", ");
  document.getElementById("compare").disabled = ids.length < 2;
}
for (const box of boxes) box.addEventListener("change", updateTray);
document.getElementById("compare").addEventListener("click", () => openDialog("Side by side", chosen(), 2));
document.getElementById("clear").addEventListener("click", () => {
  for (const box of boxes) box.checked = false;
  updateTray();
});
updateTray(); // a browser that goes back to the page remembers the boxes
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-enlarge]");
  if (button) openDialog("Samples and the nearest training elements", [button.dataset.enlarge], 3);
});
for (const gallery of document.querySelectorAll("details.gallery"))
  gallery.addEventListener("toggle", () => {
    const grid = gallery.querySelector(".grid");
    if (!gallery.open || grid.children.length) return;
    const own = runs.filter((run) => run.dataset.section === gallery.dataset.section);
    const real = own.filter((run) => run.querySelector(".model").textContent === "controls/real");
    const rest = own.filter((run) => !real.includes(run));
    grid.append(...[...real, ...rest].map((run) => pictures(run.id, 1)));
  });

const find = document.getElementById("find"), verdict = document.getElementById("verdict");
const rows = [...document.querySelectorAll("tr[data-row]")];
const verdicts = new Map(rows.map((row) => [row.dataset.row, row.querySelector("td > .verdict")?.textContent]).filter(([, word]) => word));
function filter() {
  const text = find.value.trim().toLowerCase(), word = verdict.value;
  const fits = (said, given) => said.toLowerCase().includes(text) && (!word || given === undefined || given === word);
  for (const row of rows) row.hidden = !fits(row.dataset.row, verdicts.get(row.dataset.row));
  let count = 0;
  for (const run of runs) {
    const said = run.id + " " + run.querySelector(".model").textContent;
    run.hidden = !fits(said, run.querySelector("summary .verdict")?.textContent ?? "none");
    count += !run.hidden;
  }
  document.getElementById("found").textContent = text || word ? `${count} of ${runs.length} runs` : "";
}
find.addEventListener("input", filter);
verdict.addEventListener("change", filter);
if (find.value || verdict.value) filter();

let closed = [];
addEventListener("beforeprint", () => {
  closed = runs.filter((run) => !run.open);
  for (const run of closed) run.open = true;
});
addEventListener("afterprint", () => {
  for (const run of closed) run.open = false;
});
