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

// On paper stand what the columns mean, and the runs that are open.
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("details.legend:not([open])")];
  for (const each of unfolded) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of unfolded) each.open = false;
});
