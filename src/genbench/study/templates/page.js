"use strict";
const BLANK = 200; // ms between two images: no comparison by flicker, no answer by a double tap
const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"; // 32 of them, so that a byte modulo 32 is fair
const study = JSON.parse(document.getElementById("study").textContent);
const total = study.trials.length, store = "genbench-study-" + study.study;
const at = (id) => document.getElementById(id);
let rater = "", order = [], answers = [], spent = {}, shown = null, timer = 0, url = "";

/* One rater's order: a shuffle that their code decides, so it can be computed again. */
function randomOf(text) { // FNV-1a, then mulberry32
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return () => {
    h = (h + 0x6d2b79f5) | 0;
    let t = Math.imul(h ^ (h >>> 15), 1 | h);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
function orderOf(code) {
  const random = randomOf(study.study + "/" + code), places = study.trials.map((_, i) => i);
  for (let i = total - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [places[i], places[j]] = [places[j], places[i]];
  }
  return places;
}
function newCode() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => LETTERS[byte % 32]).join("");
}

/* Images: raw pixels, enlarged to a whole multiple where they are small. */
function draw(canvas, base64, room) {
  const { width, height, channels } = study, bytes = atob(base64);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), data = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = bytes.charCodeAt(channels * i + (channels === 3 ? c : 0));
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
  fit(canvas, room);
}
function fit(canvas, room) {
  const scale = room / Math.max(study.width, study.height), times = scale < 1 ? scale : Math.floor(scale);
  canvas.style.width = study.width * times + "px";
  canvas.style.height = study.height * times + "px";
  canvas.style.imageRendering = scale < 1 ? "auto" : "";
}
const room = () => Math.max(96, Math.min(innerWidth - 64, innerHeight - 330, 320)); // tiny digits are read better small

function screen(name) {
  for (const id of ["intro", "trial", "end"]) at(id).hidden = id !== name;
  scrollTo(0, 0);
}

/* A trial: blank, image, answer. */
function next() {
  clearTimeout(timer);
  shown = null;
  if (answers.length === total) return finish();
  at("image").classList.add("away");
  at("gone").textContent = "";
  at("progress").max = total;
  at("progress").value = answers.length;
  at("place").textContent = "Image " + (answers.length + 1) + " of " + total;
  at("undo").disabled = at("stop").disabled = answers.length === 0;
  timer = setTimeout(show, BLANK);
}
function show() {
  const [id, pixels] = study.trials[order[answers.length]];
  draw(at("image"), pixels, room());
  shown = { id, since: performance.now() };
  if (study.seconds !== null && id in spent) return hide(); // taken back: no second look where looks are limited
  at("image").classList.remove("away");
  if (study.seconds !== null) timer = setTimeout(hide, 1000 * study.seconds);
}
function hide() {
  at("image").classList.add("away");
  at("gone").textContent = "Real or fake?";
}
function leave() {
  spent[shown.id] = Math.min((spent[shown.id] || 0) + performance.now() - shown.since, 86400000);
}
function answer(choice) {
  if (!shown) return;
  leave();
  answers.push({ id: shown.id, answer: choice, ms: Math.round(spent[shown.id]) });
  keep();
  next();
}
function undo() {
  if (!shown || !answers.length) return;
  leave();
  answers.pop();
  keep();
  next();
}

/* The end. */
function finish() {
  clearTimeout(timer);
  shown = null;
  const text = JSON.stringify({ format: "genbench-study-answers", study: study.study, rater, trials: answers }, null, 1) + "\n";
  URL.revokeObjectURL(url);
  url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  at("save").href = url;
  at("save").download = "genbench-study-" + study.study + "-" + rater + ".json";
  at("text").value = text;
  at("code").textContent = rater;
  at("done").textContent = answers.length + " of " + total + " images";
  screen("end");
  at("thanks").focus();
}

/* A page closed by accident goes on where it stopped, on this device. */
function keep() {
  try { localStorage.setItem(store, JSON.stringify({ rater, answers, spent })); } catch { /* not allowed here: go on without */ }
}
function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(store)), places = orderOf(found.rater);
    const fits = found.answers.every((each, i) => each.id === study.trials[places[i]][0]);
    return fits && found.answers.length ? found : null;
  } catch { return null; }
}
function begin(found) {
  rater = found ? found.rater : newCode();
  order = orderOf(rater);
  answers = found ? found.answers : [];
  spent = found ? found.spent : {};
  screen("trial");
  at("question").focus();
  next();
}

at("start").addEventListener("click", () => begin(null));
at("real").addEventListener("click", () => answer("real"));
at("fake").addEventListener("click", () => answer("fake"));
at("undo").addEventListener("click", undo);
at("stop").addEventListener("click", () => { if (shown) leave(); finish(); });
at("back").addEventListener("click", () => {
  if (answers.length === total) answers.pop();
  keep();
  screen("trial");
  at("question").focus();
  next();
});
const KEYS = { ArrowLeft: () => answer("real"), r: () => answer("real"), ArrowRight: () => answer("fake"), f: () => answer("fake"), Backspace: undo };
addEventListener("keydown", (event) => {
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (at("trial").hidden || !act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (!event.repeat) act();
});
addEventListener("resize", () => fit(at("image"), room()));

if (study.seconds !== null) {
  at("limit").hidden = false;
  at("limit").querySelector("b").textContent = study.seconds + (study.seconds === 1 ? " second" : " seconds");
}
for (const pixels of study.examples) {
  const canvas = document.createElement("canvas");
  draw(canvas, pixels, Math.max(innerWidth < 640 ? 80 : 64, study.width));
  at("examples").append(canvas);
}
const earlier = kept();
if (earlier) {
  at("resume").textContent = "Go on after " + earlier.answers.length + " of " + total + " (" + earlier.rater + ")";
  at("resume").hidden = false;
  at("resume").addEventListener("click", () => begin(earlier));
}
screen("intro");
