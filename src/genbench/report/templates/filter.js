const asked = Object.fromEntries(["find", "family", "verdict", "dataset"].map((id) => [id, document.getElementById(id)]));
const rows = [...document.querySelectorAll("tr[data-row]")];
const verdicts = new Map(rows.map((row) => [row.dataset.row, row.querySelector("td > .verdict")?.textContent]).filter(([, word]) => word));
function filter() {
  const text = asked.find.value.trim().toLowerCase(), { family, verdict, dataset } = asked;
  // said: a name and, as the last word, a model.  given: its verdict, if one was given.
  const fits = (said, given) =>
    said.toLowerCase().includes(text) &&
    (!family.value || said.split(" ").pop().startsWith(family.value + "/")) &&
    (!verdict.value || given === undefined || given === verdict.value);
  for (const row of rows) row.hidden = !fits(row.dataset.row, verdicts.get(row.dataset.row));
  for (const each of document.querySelectorAll("[data-dataset]")) each.hidden = dataset.value && each.dataset.dataset !== dataset.value;
  let count = 0;
  for (const run of runs) {
    const said = run.id + " " + run.querySelector(".model").textContent;
    run.hidden = !fits(said, run.querySelector("summary .verdict")?.textContent ?? "none");
    count += !run.hidden && !run.closest("section").hidden;
  }
  const any = Object.values(asked).some((each) => each.value);
  document.getElementById("found").textContent = any ? `${count} of ${runs.length} runs` : "";
}
for (const each of Object.values(asked)) each.addEventListener("input", filter);
if (Object.values(asked).some((each) => each.value)) filter(); // a browser that goes back to the page remembers them
