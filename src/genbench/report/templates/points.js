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
