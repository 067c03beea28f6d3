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

// Pictures of runs in a window of their own: those that stand in the runs' rows below, which are in the page once.
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
// In a gallery: the samples, and over them, on hover, tap or focus, what is nearest to them in the training data.
function tile(run) {
  const found = pictures(run.id, 2), near = found.querySelector('img[alt^="Nearest"]')?.closest("figure");
  for (const figure of [...found.querySelectorAll("figure")].slice(1)) if (figure !== near) figure.remove();
  near?.classList.add("near");
  if (near) found.tabIndex = 0;
  return found;
}
function openDialog(title, ids, count) {
  document.getElementById("pictures-title").textContent = title;
  dialog.classList.toggle("several", ids.length > 1);
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
    grid.append(...[...real, ...rest].map(tile));
  });
