"""Laws of the overview: sentences that say what the numbers say, places that follow the scores, a page that works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser import browse, needs_chromium
from test_report import EVERYTHING, controls, dataset, models, page, rate, run, score

from genbench.report import RunResult
from genbench.report.agreement import agreement
from genbench.report.findings import findings, listed
from genbench.report.overview import branches
from genbench.report.table import by_dataset
from genbench.report.verdict import assess


def answers(runs: list[RunResult]) -> dict[str, str]:
    rows = by_dataset(runs)["digits"]
    return {each.question: each.answer for each in findings(rows, assess(rows), agreement(rows))}


def novel(name: str, fid: float, **scores: dict[str, float]) -> RunResult:
    found = {"fid": score(fid), **scores}
    return run(f"digits-{name}", f"latent/{name}", found, {"copy_rate": rate(0.012, 0.006, 0.022)})


def test_copies_and_suspicions_are_named() -> None:
    assert answers(EVERYTHING)["Is it new?"] == "1 of 3 systems are novel; copies: made; suspicious: gan."
    assert answers([novel("a", 3.0), novel("b", 4.0), *controls()])["Is it new?"] == "Both systems are novel."
    assert answers([novel("a", 3.0), *controls()])["Is it new?"] == "It is novel."


def test_without_good_controls_there_is_no_answer_on_novelty() -> None:
    wrong = controls(copycat=rate(0.5, 0.45, 0.55))
    assert answers([*models(), *wrong])["Is it new?"] == "No verdict: the controls came out wrong (copycat)."
    lacking = [each for each in controls() if each.control != "noise"]
    assert answers([*models(), *lacking])["Is it new?"] == "No verdict: control runs are missing (noise)."


def test_a_winner_is_named_only_beyond_noise() -> None:
    said = answers(EVERYTHING)["The same distribution?"]
    assert said == (
        "No single winner by FID (classifier): vae has 3.00, and within noise of it made. "
        "Held-out data itself has 0.90."
    )
    alone = answers([novel("a", 3.0), novel("autoencoder-10", 2.0), *controls()])["The same distribution?"]
    assert alone.startswith("autoencoder-10 leads by FID (classifier), 2.00, beyond noise.")


def test_who_does_not_beat_a_gaussian_is_named() -> None:
    control = run("digits-pca_gaussian", "controls/pca_gaussian", {"fid": score(3.2)}, {})
    question, what = "Better than a Gaussian?", "a Gaussian on principal components (3.20)."
    assert answers([*EVERYTHING, control])[question] == f"gan does not beat {what}"
    assert answers([novel("a", 1.0), control, *controls()])[question] == f"Every system beats {what}"


def test_likelihood_is_spoken_of_where_two_have_one() -> None:
    assert "How likely is new data?" not in answers(EVERYTHING)
    two = [novel("a", 3.0, nll=score(95.5)), novel("b", 3.0, nll=score(80.0))]
    assert answers([*two, *controls()])["How likely is new data?"] == "b leads by NLL, 80.00, beyond noise."


def test_many_names_are_counted() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefg")) == "a, b, c, d and 3 more"


def test_places_follow_the_leading_score_branch_by_branch() -> None:
    rows = by_dataset(EVERYTHING)["digits"]
    found = branches({"digits": (rows, assess(rows))})
    shown = [
        (branch.name, system.model, place.text, place.verdict)
        for branch in found
        for system in branch.systems
        for place in system.places["digits"]
    ]
    assert shown == [
        ("Explicit density, tractable", "autoregressive/made", "best", "copies"),
        ("Explicit density, approximate", "latent/vae", "best", "novel"),
        ("Implicit density", "adversarial/gan", "3 of 3", "suspicious"),
    ]


def test_a_model_of_an_unknown_family_has_a_place() -> None:
    rows = by_dataset([run("digits-x", "external/folder", {"fid": score(1.0)}, {}), *controls()])["digits"]
    (branch,) = branches({"digits": (rows, assess(rows))})
    assert (branch.name, branch.systems[0].places["digits"][0].text) == ("From elsewhere", "alone")


def test_hostile_names_stay_text() -> None:
    name = "digits-<img src=x onerror=alert(1)>"
    html = page([run(name, "latent/vae", {"fid": score(1.0)}, {}), *controls()])
    assert "<img src=x" not in html and "&lt;img src=x" in html


READER = """
<pre id="result"></pre>
<script>
const out = {}, problems = [], result = document.getElementById("result");
addEventListener("error", (event) => problems.push(event.message));
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const seen = (e) => !e.hidden && e.getClientRects().length;
const shown = (selector) => [...document.querySelectorAll(selector)].filter(seen);
const type = (text) => { asked.find.value = text; asked.find.dispatchEvent(new Event("input")); };
(async () => {
  const headline = "[aria-label^='Headline'] tbody tr";
  out.before = shown(headline).length;
  type("vae");
  out.filtered = shown(headline).map((row) => row.querySelector("th a").textContent);
  out.status = document.getElementById("found").textContent;
  out.map = shown(".map tr[data-row]").map((row) => row.dataset.row);
  type("");
  verdict.value = "novel"; verdict.dispatchEvent(new Event("input"));
  out.novel = shown(headline).map((row) => row.querySelector("th a").textContent);
  verdict.value = ""; verdict.dispatchEvent(new Event("input"));
  const choose = (id, value) => { asked[id].value = value; asked[id].dispatchEvent(new Event("input")); };
  choose("family", "adversarial");
  out.family = [...new Set(shown("tr[data-row]").map((row) => row.querySelector("th").textContent.trim()))];
  choose("family", "");
  choose("dataset", "digits");
  out.dataset = [shown("main > section").map((each) => each.id), document.getElementById("found").textContent];
  choose("dataset", "");
  out.after = shown(headline).length;

  const table = document.querySelector("[aria-label^='Headline'] table");
  const tools = table.parentElement.nextElementSibling;
  const heads = () => [...table.tHead.rows[1].cells].filter(seen).length;
  const before = heads();
  tools.querySelector("details").open = true;
  await wait(100);
  tools.querySelectorAll("label input")[2].click();
  out.columns = [before - heads(), table.tHead.rows[0].cells[3].colSpan];
  let saved = "";
  globalThis.Blob = function (parts) { saved = parts.join(""); };
  URL.createObjectURL = () => "blob:x";
  HTMLAnchorElement.prototype.click = function () { out.file = this.download; };
  for (const button of tools.querySelectorAll("button")) {
    button.click();
    out[button.textContent] = saved.split("\\n");
  }
  delete HTMLAnchorElement.prototype.click;
  const power = document.querySelector("[aria-label^='What each score'] table");
  const firsts = () => [...power.tBodies[0].rows].map((row) => row.cells[0].textContent);
  power.querySelector("th button").click();
  out.sorted = firsts();
  power.querySelector("th button").click();
  out.reversed = firsts();
  const opened = document.getElementById("run-digits-vae");
  opened.open = true;
  await wait(100);
  const own = opened.querySelector("[aria-label^='Scores of'] table");
  const values = () => [...own.tBodies[0].rows].map((row) => row.cells[0].textContent);
  own.tHead.querySelectorAll("button")[0].click();
  out.own = values();
  own.tHead.querySelectorAll("button")[0].click();
  out.back = values();
  opened.open = false;
  const zoo = document.querySelector("table.map");
  const systems = () => [...zoo.rows].slice(1).map((row) => row.cells[0].textContent);
  const [first] = systems();
  zoo.tHead.querySelectorAll("button")[1].click();
  out.zoo = [zoo.tHead.querySelector("[aria-sort]").textContent.trim(), first === systems()[0]];
  out.still = [...document.querySelectorAll("main table")].filter((each) => !each.matches(".sortable")).length;

  document.querySelector("[data-enlarge=run-digits-vae]").click();
  out.enlarged = [dialog.open, dialog.querySelectorAll("img").length, dialog.querySelector("h4 a").hash];
  dialog.close();
  document.querySelector(".choose input[value=run-digits-vae]").click();
  out.alone = document.getElementById("compare").disabled;
  document.querySelector(".choose input[value=run-digits-real]").click();
  document.getElementById("compare").click();
  out.compared = [...dialog.querySelectorAll("h4 a")].map((a) => a.textContent);
  dialog.querySelector("h4 a").click();
  await wait(100);
  const hash = location.hash.slice(1);
  out.followed = [dialog.open, document.getElementById(hash).open];
  document.getElementById("clear").click();
  out.tray = tray.hidden;

  const gallery = document.querySelector(".gallery");
  gallery.open = true;
  await wait(200);
  out.gallery = [...gallery.querySelectorAll("h4 a")].map((a) => a.textContent);
  const tile = [...gallery.querySelectorAll(".grid > section")].find((each) => each.querySelector(".near"));
  out.near = [getComputedStyle(tile.querySelector(".near")).display];
  tile.focus();
  out.near.push(getComputedStyle(tile.querySelector(".near")).display);
  document.querySelector("[data-enlarge=run-digits-gan]").focus();
  out.focused = document.activeElement.dataset.enlarge;
  const point = document.querySelector('.plots a[href="#run-digits-vae"]');
  point.focus();
  out.pointed = document.querySelector(".pointed").textContent;
  out.lit = [...document.querySelectorAll("tr.lit th a")].map((a) => a.textContent);
  point.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  const next = document.activeElement;
  out.walked = next !== point && next.closest(".plots svg") === point.closest("svg");
  document.activeElement.blur();
  out.dark = document.querySelectorAll(".lit, .lighting").length;
  out.requests = performance.getEntriesByType("resource").filter((e) => !e.name.startsWith("data:")).map((e) => e.name);
  out.problems = problems;
})().catch((error) => { out.problems = ["" + error]; }).finally(() => { result.textContent = JSON.stringify(out); });
</script>
</body>"""


@needs_chromium
def test_a_reader_in_a_browser(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(page(EVERYTHING, [dataset()]))
    found = json.loads(browse(tmp_path / "index.html", READER, tmp_path / "p", size="1400,1000").text)
    assert found["problems"] == [] and found["requests"] == []
    assert found["before"] == found["after"] == len(EVERYTHING)
    assert found["filtered"] == ["vae"] and found["status"] == f"1 of {len(EVERYTHING)} runs"
    assert found["map"] == ["latent/vae"]
    assert found["novel"] == ["vae", "real", "noise"]
    assert found["family"] == ["adversarial/gan", "ganadversarial/gan"]  # on the map and in the tables
    assert found["dataset"] == [
        ["overview", "dataset-digits", "protocol"],
        f"{len(EVERYTHING)} of {len(EVERYTHING)} runs",
    ]
    assert found["columns"] == [1, 1] and found["file"] == "Headline-scores-on-digits.tex"
    assert found["csv"][:2] == [
        "run,verdict,precision ↑,copy rate % → 1",
        'vae latent/vae,novel,–,"1.2 [0.6, 2.2]"',
    ]
    assert found["markdown"][1] == "| --- | --- | --- | --- |" and r"| tenth\_copycat" in "".join(
        found["markdown"]
    )
    assert (
        found["LaTeX"][:2] == [r"\begin{tabular}{lrrr}", r"\toprule"]
        and found["LaTeX"][-2] == r"\end{tabular}"
    )
    assert (
        r"gan adversarial/gan &amp; suspicious &amp; 0.50 [0.40, 0.60] &amp; 3.0 [2.0, 4.5] \\"
        in found["LaTeX"]
    )
    assert found["sorted"] == ["copy rate", "FID (classifier)"] == found["reversed"][::-1]
    assert (
        len(found["own"]) > 1 and found["own"] == sorted(found["own"], key=str.lower) == found["back"][::-1]
    )
    assert found["zoo"] == ["digits", True], "branches keep their heads"
    assert found["still"] == 0, "every table sorts"
    assert found["near"] == ["none", "block"]
    assert found["enlarged"] == [True, 3, "#run-digits-vae"]
    assert found["alone"] is True
    assert found["compared"] == ["vae", "real"] and found["followed"] == [False, True]
    assert found["tray"] is True
    assert found["gallery"][0] == "real" and len(found["gallery"]) == len(EVERYTHING)
    assert found["focused"] == "run-digits-gan"
    assert found["pointed"].startswith("vae: FID (classifier) 3.00")
    assert set(found["lit"]) == {"vae"} and found["walked"] is True and found["dark"] == 0


HOSTILE = """
<pre id="result"></pre>
<script>
const out = { problems: [], called: false }, result = document.getElementById("result");
addEventListener("error", (event) => out.problems.push(event.message));
globalThis.alert = () => { out.called = true; };
for (const each of document.querySelectorAll("details")) each.open = true;
document.querySelector("[data-enlarge]").click();
setTimeout(() => {
  document.getElementById("pictures").close();
  out.wider = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  out.widest = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1
    && !e.closest(".scroll, pre, .hidden")).slice(0, 5).map((e) => e.tagName + "." + e.className);
  result.textContent = JSON.stringify(out);
}, 500);
</script>
</body>"""


@needs_chromium
@pytest.mark.parametrize("size", ["400,900", "1400,1000"])
def test_hostile_names_call_nothing_and_do_not_widen_the_page(tmp_path: Path, size: str) -> None:
    names = [
        "<img src=x onerror=alert(1)>",
        "w" * 200,
        "\u202eevil\u05d0\u05d1",
        "'\"><script>alert(2)</script>",
    ]
    scores = {"fid": score(2.0), "precision": score(0.5)}
    evil = [
        run(f"digits-{name}", f"latent/{name}", scores, {"copy_rate": rate(0.012, 0.006, 0.022)})
        for name in names
    ]
    (tmp_path / "index.html").write_text(page([*evil, *controls()], [dataset()]))
    found = json.loads(browse(tmp_path / "index.html", HOSTILE, tmp_path / "p", size=size).text)
    assert found == {"problems": [], "called": False, "wider": 0, "widest": []}
