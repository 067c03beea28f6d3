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

// Plots: the system that is pointed at lights up wherever it stands.  Each plot is one stop of the Tab key.
const points = [...document.querySelectorAll(".plots a")];
function light(point) {
  const own = point.closest(".plots"), section = own.closest("section"), hash = point.getAttribute("href");
  for (const each of document.querySelectorAll(".lit")) each.classList.remove("lit");
  for (const each of section.querySelectorAll(".plots a")) each.classList.toggle("lit", each.getAttribute("href") === hash);
  for (const link of section.querySelectorAll("tbody th a")) if (link.getAttribute("href") === hash) link.closest("tr").classList.add("lit");
  for (const each of section.querySelectorAll(".plots")) each.classList.add("lighting");
  own.nextElementSibling.textContent = point.querySelector("title").textContent;
}
function unlight() {
  for (const each of document.querySelectorAll(".lit, .lighting")) each.classList.remove("lit", "lighting");
}
for (const svg of document.querySelectorAll(".plots svg"))
  [...svg.querySelectorAll("a")].forEach((a, i) => a.setAttribute("tabindex", i ? "-1" : "0"));
for (const point of points) {
  point.addEventListener("pointerenter", () => light(point));
  point.addEventListener("pointerleave", unlight);
  point.addEventListener("focus", () => light(point));
  point.addEventListener("blur", unlight);
  point.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const own = [...point.closest("svg").querySelectorAll("a")];
    const next = own[(own.indexOf(point) + step + own.length) % own.length];
    point.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
}

let closed = [];
addEventListener("beforeprint", () => {
  closed = runs.filter((run) => !run.open);
  for (const run of closed) run.open = true;
});
addEventListener("afterprint", () => {
  for (const run of closed) run.open = false;
});
