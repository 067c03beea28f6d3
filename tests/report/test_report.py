"""Laws of the report: the same bytes every time, nothing unescaped, no verdict that the numbers deny."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import stdtr
from scipy.stats import kendalltau, ttest_ind

from genbench.drawing.tiles import tile
from genbench.report import DatasetResult, RunResult, render, terminal_table
from genbench.report.agreement import agreement, kendall
from genbench.report.figures import figures
from genbench.report.noise import different, p_values
from genbench.report.results import Row, rows_of
from genbench.report.svg import line_chart, linear_axis, log_axis
from genbench.report.table import mark_best
from genbench.report.verdict import assess

SHA = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("data", "extractor", "weights")}

FOLD = {"samples": 797, "held_out": 797, "rank": 7}


def score(value: float | None, half: float = 0.1, n: int = 797) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - half, value + half)
    return {"value": value, "low": low, "high": high, "n": n}


def rate(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 797}


def png(rng: np.random.Generator) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (80, 80), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def run(
    name: str,
    model: str,
    scores: dict[str, Any],
    novelty: dict[str, Any],
    *,
    dataset: str = "digits",
    likelihood: str | None = None,
    **entry: Any,
) -> RunResult:
    rng = np.random.default_rng(len(name))
    control = model.startswith("controls/")
    steps = np.arange(0, 0 if control else 400, 2)
    curve = pd.DataFrame(
        {"step": steps, "phase": "fit", "objective": "elbo", "loss": 90 * np.exp(-steps / 90) + 20}
    )
    levels = rng.integers(0, 17, (8, 1, 8, 8), dtype=np.uint8)
    samples = {"x": levels}
    if likelihood == "bound":
        samples |= {
            "interpolation": levels.reshape(2, 4, 1, 8, 8),
            "completion": levels.reshape(2, 4, 1, 8, 8),
        }
    metrics = {
        "run": name,
        "dataset": dataset,
        "model": model,
        "seed": entry.get("seed", 0),
        "n": 797,
        "held_out": 797,
        "folds": 2,
        "extractor": SHA["extractor"],
        "likelihood": likelihood,
        "class_histogram": [0.1] * 10,
        "scores": scores,
    }
    pairs = [{"sample": 3, "train": 7, "distance": 0.5, "flagged": True}]
    return RunResult(
        name=name,
        entry={"dataset": dataset, "model": model, "seed": 0, **entry},
        metrics=metrics,
        novelty={"scores": novelty, "threshold": 1.25, "pairs": pairs, "folds": [FOLD]},
        curve=curve,
        samples=samples,
        frames={},
        replicates={},
        grid=png(rng),
        nearest=png(rng),
        weights_sha256=SHA["weights"],
        parameters=12345,
    )


def controls(**changed: dict[str, Any]) -> list[RunResult]:
    rates = {
        "real": rate(0.011, 0.005, 0.021),
        "copycat": rate(1.0, 0.995, 1.0),
        "tenth_copycat": rate(0.104, 0.084, 0.127),
        "noise": rate(0.0, 0.0, 0.005),
    } | changed
    fids = {"real": 0.9, "copycat": 0.8, "tenth_copycat": 0.85, "noise": 400.0}
    return [
        run(f"digits-{name}", f"controls/{name}", {"fid": score(fids[name])}, {"copy_rate": r})
        for name, r in rates.items()
    ]


def models() -> list[RunResult]:
    """FID 3.0 ± 0.1 is best, 3.12 ± 0.1 is within noise of it, 3.5 ± 0.1 is not."""
    new, some, all_copies = rate(0.012, 0.006, 0.022), rate(0.03, 0.02, 0.045), rate(0.8, 0.77, 0.83)
    nll = {"nll": score(95.5), "bits_per_dim": score(2.153, 0.002), "likelihood_gap": score(-1.5)}
    return [
        run(
            "digits-gan", "adversarial/gan", {"fid": score(3.5), "precision": score(0.5)}, {"copy_rate": some}
        ),
        run("digits-vae", "latent/vae", {"fid": score(3.0), **nll}, {"copy_rate": new}, likelihood="bound"),
        run("digits-made", "autoregressive/made", {"fid": score(3.12)}, {"copy_rate": all_copies}),
    ]


def dataset(name: str = "digits", **card: Any) -> DatasetResult:
    accuracy = {"accuracy": score(0.981, 0.01), "weights_sha256": SHA["extractor"]}
    facts = {
        "kind": "image",
        "levels": 17,
        "shape": [1, 8, 8],
        "sha256": SHA["data"],
        "counts": {"train": 1000, "held_out": 797},
    }
    examples = np.random.default_rng(0).integers(0, 17, (20, 1, 8, 8), dtype=np.uint8)
    return DatasetResult(name, facts | card, accuracy, examples)


def page(runs: list[RunResult], datasets: list[DatasetResult] | None = None) -> str:
    return render(runs, [dataset()] if datasets is None else datasets)["index.html"].decode()


def words(html: str) -> str:
    """A page without its style and its scripts."""
    return re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)


class Elements(HTMLParser):
    """Every tag with its attributes; fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element at line {self.getpos()[0]}"


def headline(html: str) -> str:
    """The headline table of the first dataset."""
    return html.split('aria-label="Headline scores', 1)[1].split("</table>", 1)[0]


def headline_row(html: str, label: str) -> str:
    """The row of one run in it."""
    rows = headline(html).split("<tbody", 1)[1].split("<tr ")
    return next(row for row in rows if f">{label}</a>" in row)


def test_a_model_behind_means_and_covariances_says_why() -> None:
    control = run("digits-pca_gaussian", "controls/pca_gaussian", {"fid": score(3.2)}, {})
    gan, vae, made = models()
    gan.metrics["weakness"] = "It forgets <what> it has seen."
    html = page([*controls(), control, gan, vae, made])
    assert html.count("which knows means and covariances alone") == 1
    assert (
        "3.5, and 3.2 of digits-pca_gaussian, which knows means and covariances alone. It forgets &lt;what"
        in html
    )


def fid_cell(html: str, label: str) -> str:
    """The first score of a run in the headline table."""
    return headline_row(html, label).split('<td class="number', 2)[1]


def markdown_row(text: str, label: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {label}"))


EVERYTHING = [*models(), *controls()]


def test_same_results_give_the_same_bytes() -> None:
    first = render(EVERYTHING, [dataset()])
    assert first == render(EVERYTHING, [dataset()])
    assert set(first) == {"index.html", "headline.csv", "headline.md", "headline.tex", "points.csv"}


def digest() -> str:
    """Of everything the report can write, for runs with known and unknown scores, seeds and extractors."""
    unknown = {name: score(0.5) for name in ("zeta", "alpha", "beta", "omega", "chi")}
    runs = [*EVERYTHING, run("other-vae", "latent/vae", unknown, unknown, dataset="other", width=3, depth=2)]
    runs += [*seeds_of(3.0, 3.2, model="latent/zoo"), *ranked(1.0, **ORDERS)]
    files = render(runs, [dataset()]) | {"terminal": terminal_table(runs).encode()}
    return hashlib.sha256(b"".join(name.encode() + files[name] for name in sorted(files))).hexdigest()


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    """Five unknown scores come out of a set in the same order under two seeds once in 120 times."""
    command = [sys.executable, "-c", "import test_report; print(test_report.digest())"]
    environment, here = os.environ | {"PYTHONHASHSEED": "77"}, Path(__file__).parent
    out = subprocess.run(command, cwd=here, env=environment, capture_output=True, check=True, text=True)
    assert out.stdout.strip() == digest()


def test_page_is_well_formed_and_anchors_lead_somewhere() -> None:
    elements = Elements(page(EVERYTHING))
    assert elements.open == []
    ids = [attrs["id"] for _, attrs in elements.tags if "id" in attrs]
    beside = {"cost.html", *figures(EVERYTHING)}
    targets = {attrs["href"] for tag, attrs in elements.tags if tag == "a"}
    assert any(str(target).startswith("figures/") for target in targets)
    targets -= beside
    assert len(ids) == len(set(ids))
    assert {f"#run-{r.name}" for r in EVERYTHING} <= targets <= {f"#{i}" for i in ids}


def test_page_loads_nothing() -> None:
    html = page(EVERYTHING, [dataset(source="https://example.org/data.zip")])
    assert "https://example.org/data.zip" in html
    loads = [
        a[k] or ""
        for _, a in Elements(html).tags
        for k in ("src", "href", "srcset", "xlink:href", "data")
        if k in a
    ]
    beside = {"cost.html", *figures(EVERYTHING)}  # which a reader may open
    assert loads and all(
        load.startswith(("data:image/webp;base64,", "#")) or load in beside for load in loads
    )
    assert "default-src 'none'; img-src data:;" in html  # nor may it
    assert not re.search(r"@import|url\(|<link|<iframe|\bfetch\(|import\(", html)


def test_pictures_are_described() -> None:
    images = [attrs for tag, attrs in Elements(page(EVERYTHING)).tags if tag == "img"]
    drawings = [attrs for tag, attrs in Elements(page(EVERYTHING)).tags if tag == "svg"]
    # Twice the dataset's; strip, grid and pairs of each; two of the vae.
    assert len(images) == 2 + 3 * len(EVERYTHING) + 2
    assert all(attrs["alt"] for attrs in images)
    plotted = 1  # two of the models have a copy rate; one alone has parts of the other plots
    assert len(drawings) == 2 + len(models()) + plotted + 1
    assert all(attrs["aria-label"] for attrs in drawings)


def test_everything_from_outside_is_escaped() -> None:
    evil = run(
        "digits-<script>alert(1)</script>&_%|*x*",
        'latent/"><img src=x>',
        {"<b>bad</b>": score(1.0), "fid": score(2.0)},
        {},
        note="</pre><script>x</script>",
    )
    curve = pd.DataFrame({"step": [0, 1], "phase": "<i>p</i>", "objective": "<u>o</u>", "loss": [2.0, 1.0]})
    files = render([replace(evil, curve=curve)], [dataset(source="<script>card</script> & more")])
    html, md, tex = (files[f].decode() for f in ("index.html", "headline.md", "headline.tex"))
    tags = [tag for tag, _ in Elements(html).tags]
    assert tags.count("script") == 1
    assert not {"u", "x"} & set(tags)
    assert "<script>alert" not in html and "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in html
    assert "&lt;script&gt;card&lt;/script&gt; &amp; more" in html
    assert not any(attrs.get("src") == "x" for _, attrs in Elements(html).tags)
    assert r"&lt;script&gt;alert(1)&lt;/script&gt;&amp;\_%\|\*x\*" in md
    assert (
        r"\textless{}script\textgreater{}alert(1)\textless{}/script\textgreater{}\&\_\%\textbar{}{*}x{*}"
        in tex
    )


def test_no_single_winner_where_another_is_within_noise() -> None:
    """3.12 ± 0.1 is within noise of 3.0 ± 0.1, the best value: both get †, and 3.5 ± 0.1 nothing."""
    html, files = page(EVERYTHING), render(EVERYTHING, [])
    md, tex = files["headline.md"].decode(), files["headline.tex"].decode()
    for label, value, marked in (("vae", "3.00", True), ("made", "3.12", True), ("gan", "3.50", False)):
        fid = fid_cell(html, label)
        assert f">{value}<" in fid and "<b>" not in fid and ("†" in fid) == marked
        dagger = " †" * marked
        assert f"| {value} ± 0.10{dagger} |" in markdown_row(md, label)
        dagger = r"$^{\dagger}$" * marked
        assert rf"{label} & {value}{dagger} {{\tiny$\pm$0.10}} &" in tex
    vae, made, gan = (
        line for line in terminal_table(EVERYTHING).splitlines() if line[:3] in ("vae", "mad", "gan")
    )
    assert "3.00 ±0.10†" in vae and "3.12 ±0.10†" in made and "3.50 ±0.10 " in gan
    assert "no single winner" in html and "no single winner" in md and "no single winner" in tex


def test_a_winner_beyond_noise_is_bold_and_alone() -> None:
    runs = [r for r in EVERYTHING if r.label != "made"]
    html, files = page(runs), render(runs, [])
    assert "<b>3.00</b>" in fid_cell(html, "vae")
    assert "†" not in fid_cell(html, "vae") + fid_cell(html, "gan") and "<b>" not in fid_cell(html, "gan")
    assert "**3.00** ± 0.10 |" in markdown_row(files["headline.md"].decode(), "vae")
    assert r"vae & \textbf{3.00} {\tiny$\pm$0.10} &" in files["headline.tex"].decode()


def test_higher_is_better_where_the_arrow_points_up() -> None:
    values = {"a": 0.2, "b": 0.9, "c": 0.5}
    runs = [
        run(f"digits-{k}", "latent/vae", {"recall": score(v), "class_tv": score(v)}, {})
        for k, v in values.items()
    ]
    recall, class_tv = (
        {k: markdown_row(render(runs, [])["headline.md"].decode(), k).split(" | ")[i] for k in values}
        for i in (1, 2)
    )
    assert [k for k, cell in recall.items() if "**" in cell] == ["b"]
    assert [k for k, cell in class_tv.items() if "**" in cell] == ["a"]


def test_ideal_values_have_no_winner() -> None:
    table = headline(page(EVERYTHING))
    assert "copy rate" in table and "→ 1" in table
    assert "<b>" not in table  # two share FID, precision has one model


def test_a_lone_model_wins_nothing() -> None:
    runs = [models()[1], *controls()]
    html, files = page(runs), render(runs, [])
    assert ">3.00<" in fid_cell(html, "vae")
    assert "| 3.00 ± 0.10 |" in markdown_row(files["headline.md"].decode(), "vae")
    assert "3.00 ±0.10 " in terminal_table(runs)


def test_controls_are_apart_and_never_best() -> None:
    _, model_rows, control_rows = headline(page(EVERYTHING)).split("<tbody")
    assert [f">{r.label}</a>" in model_rows for r in EVERYTHING] == [r.control is None for r in EVERYTHING]
    assert control_rows.startswith(' class="controls"')
    assert "<b>" not in control_rows and "†" not in control_rows
    assert model_rows.index(">vae<") < model_rows.index(">made<") < model_rows.index(">gan<")


def test_verdicts_when_controls_come_out_right() -> None:
    html, runs = page(EVERYTHING), EVERYTHING
    assert "Control check passed" in html and "✗" not in words(html)
    rows = {
        r["run"]: r["verdict"] for r in csv.DictReader(io.StringIO(render(runs, [])["headline.csv"].decode()))
    }
    expected = {"digits-gan": "suspicious", "digits-vae": "novel", "digits-made": "copies"}
    told = {"copycat": "copies", "tenth_copycat": "suspicious", "real": "novel", "noise": "novel"}
    assert rows == expected | {f"digits-{control}": verdict for control, verdict in told.items()}
    for label, verdict in (("gan", "suspicious"), ("vae", "novel"), ("made", "copies")):
        assert f'<span class="verdict {verdict}">{verdict}</span>' in headline_row(html, label)
        assert markdown_row(render(runs, [])["headline.md"].decode(), label).endswith(f"| {verdict} |")


@pytest.mark.parametrize(
    "wrong",
    [
        {"copycat": rate(0.9, 0.87, 0.92)},
        {"real": rate(0.03, 0.02, 0.045)},
        {"tenth_copycat": rate(0.04, 0.03, 0.06)},
        {"tenth_copycat": rate(0.17, 0.14, 0.2)},
        {"noise": rate(0.02, 0.01, 0.03)},
    ],
)
def test_verdict_refused_when_a_control_is_wrong(wrong: dict[str, Any]) -> None:
    runs = [*models(), *controls(**wrong)]
    files = render(runs, [dataset()])
    html = files["index.html"].decode()
    assert "Novelty verdict refused" in html and words(html).count("✗") == 1
    assert 'class="verdict' not in html
    assert {r["verdict"] for r in csv.DictReader(io.StringIO(files["headline.csv"].decode()))} == {""}
    assert "CONTROLS CAME OUT WRONG" in terminal_table(runs)


def test_no_verdict_without_controls() -> None:
    html = page(models())
    assert "No novelty verdict" in html and html.count("no such run") == 4
    assert 'class="verdict' not in html and "Novelty verdict refused" not in html


def test_missing_scores_are_an_en_dash() -> None:
    gone = {"fid": score(None), "recall": score(float("nan")), "kid": None}
    runs = [*models(), run("digits-bare", "latent/vae", gone, {})]
    html, files = page(runs), render(runs, [])
    assert (
        headline_row(html, "bare").count('<td class="number absent">–</td>') == 3
    )  # fid, precision, copy rate
    assert markdown_row(files["headline.md"].decode(), "bare") == "| bare | – | – | – | – | – | – | – |"
    assert r"bare & -- & -- & -- & -- \\" in files["headline.tex"].decode()
    assert "nan" not in re.sub(r"base64,[^\"]*", "", words(html)).lower().replace("provenance", "")


def test_unknown_scores_are_shown_under_their_name() -> None:
    runs = [run("digits-a", "latent/vae", {"vendi_score": score(41.25, 0.5)}, {"auth_pct": score(52.5, 0.5)})]
    files = render(runs, [dataset()])
    assert "vendi_score" in files["index.html"].decode() and "auth_pct" in files["index.html"].decode()
    assert r"| run | vendi\_score | auth\_pct | verdict |" in files["headline.md"].decode()
    assert "| a | 41.25 ± 0.50 | 52.50 ± 0.50 | – |" in files["headline.md"].decode()
    row = next(csv.DictReader(io.StringIO(files["headline.csv"].decode())))
    assert (row["vendi_score"], row["auth_pct_high"]) == ("41.25", "53.0")


def test_bounds_are_marked() -> None:
    likely = {"nll": score(99.5), "bits_per_dim": score(2.243, 0.002), "likelihood_gap": score(-1.5)}
    worse = run("digits-rbm", "latent/rbm", likely, {}, likelihood="bound")
    files = render([*EVERYTHING, worse], [])
    assert "| **≤ 95.50** ± 0.10 | **≤ 2.1530** ± 0.0020 | -1.50 ± 0.10 |" in files["headline.md"].decode()
    assert r"\textbf{$\leq$ 2.1530} {\tiny$\pm$0.0020}" in files["headline.tex"].decode()
    assert r"$-$1.50 {\tiny$\pm$0.10}" in files["headline.tex"].decode()
    exact = [replace(r, metrics=r.metrics | {"likelihood": "exact"}) for r in (*models(), worse)]
    assert "**95.50** ± 0.10" in render(exact, [])["headline.md"].decode()


def test_no_table_of_likelihoods_stands_where_controls_alone_have_one() -> None:
    noise = run("digits-noise", "controls/noise", {"nll": score(181.3)}, {}, likelihood="exact")
    alone = [r for r in models() if r.metrics["likelihood"] is None]
    assert "<h3>Likelihood</h3>" not in page([*alone, noise])
    assert "<h3>Likelihood</h3>" in page([*models(), noise])


def test_csv_keeps_the_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(render(EVERYTHING, [])["headline.csv"].decode())))
    assert [row["run"] for row in rows] == [r.name for r in EVERYTHING]
    for row, r in zip(rows, EVERYTHING, strict=True):
        records = r.metrics["scores"] | r.novelty["scores"]
        for name in ("fid", "precision", "copy_rate", "nll", "bits_per_dim", "likelihood_gap"):
            for key, column in (
                ("value", name),
                ("low", f"{name}_low"),
                ("high", f"{name}_high"),
                ("n", f"{name}_n"),
            ):
                kept = float(row[column]) if row[column] else None
                assert kept == (records[name][key] if name in records else None)
        assert row["weights_sha256"] == r.weights_sha256 and int(row["parameters"]) == r.parameters


def test_latex_is_complete() -> None:
    binary = run(
        "digits_binary-made", "autoregressive/made", {"nll": score(20.0)}, {}, dataset="digits_binary"
    )
    tex = render([*EVERYTHING, binary], [])["headline.tex"].decode()
    environments = re.findall(r"\\(begin|end)\{(\w+)\}", tex)
    open_environments: list[str] = []
    for kind, name in environments:
        if kind == "begin":
            open_environments.append(name)
        else:
            assert open_environments.pop() == name
    assert open_environments == []
    tables = tex.count(r"\begin{table}")
    assert tables == tex.count(r"\toprule") == tex.count(r"\bottomrule") == 3  # six scores, then one
    assert r"\caption{digits\_binary: N 797" in tex
    assert all(ord(c) < 128 for c in tex)
    bare = re.sub(r"\\[&%$#_{}]", "", tex)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    for table in tex.split(r"\begin{table}")[1:]:
        count = len(re.search(r"\{l(r+)\}", table)[1])  # type: ignore[index]
        rows = [
            line for line in table.splitlines() if line.startswith(("gan", "vae", "made", "real", "noise"))
        ]
        assert rows and all(line.count(" & ") == count for line in rows)


def test_terminal_table_fits_110_columns() -> None:
    long = replace(models()[0], name="digits-" + "a_very_long_name" * 4)
    many = {
        name: score(0.5) for name in ("recall", "coverage", "density", "kid", "classifier_score", "class_tv")
    }
    wide = replace(long, metrics=long.metrics | {"scores": long.metrics["scores"] | many})
    seeds = [
        replace(models()[1], name=f"digits-vae-s{i}", entry=models()[1].entry | {"seed": i}) for i in (1, 2)
    ]
    text = terminal_table([wide, *models()[1:], *seeds, *controls()])
    assert max(map(len, text.splitlines())) <= 110
    vae, made = (
        next(line for line in text.splitlines() if line.startswith(name)) for name in ("vae", "made")
    )
    assert vae.startswith("vae (3 seeds) ") and "3.00 ±0.00 sd†" in vae and vae.endswith("  novel")
    assert "3.12 ±0.10†" in made and made.endswith("  copies")
    gan, first, made = models()
    far = replace(made, metrics=made.metrics | {"scores": {"fid": score(93.12)}})
    apart = terminal_table([gan, first, far, *seeds, *controls()]).splitlines()
    assert any(line.startswith("vae (3 seeds) ") and "3.00 ±0.00 sd*" in line for line in apart)
    assert any(line.startswith("made ") and "93.12 ±0.10 " in line for line in apart)
    assert "FID (classifier) ↓" in text and "verdict" in text


def test_incomparable_runs_are_flagged() -> None:
    first, second, *_ = models()
    smaller = replace(second, metrics=second.metrics | {"n": 100})
    foreign = replace(first, metrics=first.metrics | {"extractor": "0" * 64})
    assert "compare at equal N only.</p>" in page([first, smaller])
    assert "another feature extractor" in page([foreign, second])
    assert "another feature extractor" not in page(models())


def test_commands_rebuild_one_run() -> None:
    html = page(models())
    assert "dvc repro evaluate@digits-vae\n" in html
    assert "results/runs/digits-vae/metrics.json\n" in html


def test_an_empty_report_says_so() -> None:
    assert "There are no runs" in page([], [])
    assert terminal_table([]) == "There are no runs."


def test_metadata_reaches_the_page() -> None:
    html = page(EVERYTHING)
    for text in (
        *SHA.values(),
        "12345",
        "FID (classifier)",
        "0.981 [0.971, 0.991], N 797",
        "train 1000, held_out 797",
    ):
        assert text in html


def test_walks_and_completions_stand_in_their_rows() -> None:
    html, vae = page(EVERYTHING), models()[1]
    for title, key in (("Interpolation", "interpolation"), ("Completions", "completion")):
        uri = re.search(rf'src="data:image/webp;base64,([^"]+)"[^>]*alt="{title} of digits-vae', html)
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri[1]))))  # type: ignore[index]
        images = vae.samples[key]
        np.testing.assert_array_equal(
            shown, tile(images.reshape(8, 1, 8, 8), 17, columns=4, side=32)[::4, ::4]
        )


def test_the_moments_of_a_training_stand_side_by_side_and_follow_each_other() -> None:
    x = np.random.default_rng(0).integers(0, 17, (8, 10, 1, 8, 8), dtype=np.uint8)
    watched = replace(models()[1], frames={"step": np.arange(8), "x": x})
    html = page([watched], [dataset()])
    found = re.search(
        r'data-reel="(.*?)"><img src="data:image/webp;base64,([^"]+)"[^>]*alt="During training', html
    )
    count, columns, width, height, gap = map(int, found[1].split())  # type: ignore[index]
    with Image.open(io.BytesIO(base64.b64decode(found[2]))) as shown:  # type: ignore[index]
        assert shown.size == (columns * (width + gap) - gap, -(-count // columns) * (height + gap) - gap)
    assert "During training" not in page([models()[1]], [dataset()])


@pytest.mark.parametrize(("low", "high"), [(0.9, 410.0), (1e-3, 2e-3), (1e-30, 1e30), (5.0, 5.0)])
def test_axes_are_monotone_and_sparsely_ticked(low: float, high: float) -> None:
    for axis in (linear_axis(low, high), log_axis(low, high)):
        places = [axis(tick) for tick in axis.ticks]
        assert places == sorted(set(places)) and places[0] >= 0 and places[-1] <= 1 and len(places) <= 9
        assert axis(axis.low) == 0 and axis(axis.high) == 1 and axis(axis.low - 1) == 0


def test_curves_of_any_losses_are_drawn() -> None:
    losses = {"nan": [1.0, float("nan"), 0.5], "constant": [2.0, 2.0, 2.0], "blown up": [1.0, 1e12, 1e30]}
    curve = pd.concat(
        pd.DataFrame({"step": [0, 1, 2], "phase": "fit", "objective": name, "loss": values})
        for name, values in losses.items()
    )
    html = page([replace(models()[0], curve=curve)])
    assert "fit · nan (1 values not finite)" in html
    lines = [path_points(line) for line in re.findall(r'class="curve" d="([^"]+)"', html)]
    assert [len(line) for line in lines] == [2, 3, 3]
    assert all(46 <= x <= 280 and 8 <= y <= 122 for line in lines for x, y in line)
    for line in lines:  # first step on the left edge, last one on the right
        assert line[0][0] == 46 and line[-1][0] == 280
    assert "closed form" in page([replace(models()[0], curve=pd.DataFrame())])


def path_points(path: str) -> list[tuple[float, float]]:
    """Where a path of a curve goes: its start, and then from each point on."""
    start, _, moves = path.removeprefix("M").partition("l")
    numbers = [float(each) for each in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", f"{start} {moves}")]
    return [
        (round(sum(numbers[:i:2]), 1), round(sum(numbers[1 : i + 1 : 2]), 1))
        for i in range(2, len(numbers) + 1, 2)
    ]


def test_a_curve_goes_where_its_values_are_and_its_band_holds_it() -> None:
    steps = np.arange(1200)
    losses = 2 + np.sin(steps / 200) + 0.1 * (-1.0) ** steps
    svg = str(line_chart("curve", steps, losses))
    curve = path_points(re.search(r'class="curve" d="([^"]+)"', svg)[1])  # type: ignore[index]
    band = path_points(re.search(r'class="band" d="([^"]+)z"', svg)[1])  # type: ignore[index]
    assert len(curve) == 60 and len(band) == 120
    low, high = losses.min(), losses.max()
    for i, (x, y) in enumerate(curve):
        mean = losses[20 * i : 20 * i + 20].mean()
        assert x == pytest.approx(46 + 234 * (20 * i + 9.5) / 1199, abs=0.51)
        assert y == pytest.approx(122 - 114 * (mean - low) / (high - low), abs=0.1)
        assert band[i][1] < y < band[119 - i][1]
    same = str(line_chart("one value a bin", np.arange(5), np.arange(5.0)))
    assert "band" not in same and len(path_points(re.search(r'class="curve" d="([^"]+)"', same)[1])) == 5  # type: ignore[index]


def test_chance_is_what_real_images_have_by_repeating_each_other() -> None:
    """Where 3 % of held-out images equal a training image, 3 % flagged is no copying, and 7 % is."""
    rates = {
        "real": rate(0.03, 0.02, 0.04),
        "tenth_copycat": rate(0.127, 0.11, 0.15),
        "vae": rate(0.031, 0.021, 0.041),
        "gan": rate(0.07, 0.053, 0.09),
    }

    def changed(run: RunResult, chance: float) -> RunResult:
        scores = run.novelty["scores"] | ({"copy_rate": rates[run.label]} if run.label in rates else {})
        fold = FOLD | {"rank": max(FOLD["rank"], round(chance * FOLD["held_out"]) + 1)}
        return replace(
            run, novelty=run.novelty | {"scores": scores, "false_positive_rate": chance, "folds": [fold]}
        )

    judgement = assess(rows_of([changed(run, 0.03) for run in EVERYTHING]))
    assert judgement.state == "passed"
    assert judgement.verdicts["digits-vae"] == "novel"
    assert judgement.verdicts["digits-gan"] == "suspicious"
    assert assess(rows_of([changed(run, 0.0) for run in EVERYTHING])).state == "failed"


def with_scores(run: RunResult, **scores: dict[str, Any]) -> RunResult:
    return replace(run, novelty=run.novelty | {"scores": run.novelty["scores"] | scores})


def test_a_score_that_misses_a_control_is_not_informative_and_takes_no_part() -> None:
    """Authenticity that misses a tenth of copies is set aside; where it tells them, it makes a model suspicious."""
    blind = {"real": 0.55, "copycat": 0.0, "noisy_copycat": 0.03, "tenth_copycat": 0.5, "noise": 1.0}
    sharp = blind | {"tenth_copycat": 0.4}

    def judged(values: dict[str, float]) -> Any:
        found = (score(values.get(run.label, 0.42), 0.04) for run in EVERYTHING)
        runs = [with_scores(run, authenticity=e) for run, e in zip(EVERYTHING, found, strict=True)]
        return assess(rows_of(runs))

    dull, keen = judged(blind), judged(sharp)
    power = {p.name: p for p in dull.powers}["authenticity"]
    assert power.tells == {"copycat": True, "tenth_copycat": False, "noise": True}
    assert not power.informative
    assert dull.verdicts["digits-vae"] == "novel"
    assert {p.name: p for p in keen.powers}["authenticity"].informative
    assert keen.verdicts["digits-vae"] == "suspicious"


def test_a_novelty_score_that_takes_noise_for_copies_is_not_informative() -> None:
    values = {"real": 0.5, "copycat": 0.9, "noisy_copycat": 0.9, "tenth_copycat": 0.8, "noise": 0.95}
    runs = [
        with_scores(run, closer_to_train=rate(v := values.get(run.label, 0.5), v - 0.02, v + 0.02))
        for run in EVERYTHING
    ]
    assert {p.name: p for p in assess(rows_of(runs)).powers}["closer_to_train"].tells["noise"] is False
    html = page(runs)
    assert "not informative here" in html


def test_a_quality_score_must_tell_noise_from_real_data() -> None:
    def judged(noise: float) -> Any:
        changed = [
            replace(
                run, metrics=run.metrics | {"scores": run.metrics["scores"] | {"fid": score(noise, 0.02)}}
            )
            if run.control == "noise"
            else run
            for run in EVERYTHING
        ]
        return {p.name: p for p in assess(rows_of(changed)).powers}["fid"]

    real = next(run for run in EVERYTHING if run.control == "real").metrics["scores"]["fid"]["value"]
    assert not judged(real).tells["noise"]
    assert judged(real + 90).tells["noise"]


# Seeds


def seeds_of(
    *fids: float | None, model: str = "latent/vae", rates: list[Any] | None = None
) -> list[RunResult]:
    """digits-vae, digits-vae-s1, … with these FIDs."""
    name, found = f"digits-{model.split('/')[1]}", rates or [rate(0.012, 0.006, 0.022)] * len(fids)
    return [
        run(name + f"-s{i}" * bool(i), model, {"fid": score(fid)}, {"copy_rate": found[i]}, seed=i)
        for i, fid in enumerate(fids)
    ]


def test_seeds_make_one_row_of_means_and_standard_deviations() -> None:
    """3.0, 3.2, 3.7: mean 3.3, deviations −0.3, −0.1, 0.4, sd √(0.26/2) = 0.3606."""
    runs = [*seeds_of(3.0, 3.2, 3.7), models()[0], *controls()]
    files = render(runs, [dataset()])
    html, md, tex = (files[f].decode() for f in ("index.html", "headline.md", "headline.tex"))
    table = headline(html).split("<tbody", 1)[1]
    assert table.count("<th scope=") == 2 + len(controls()) and ">vae-s1<" not in table
    row = headline_row(html, "vae")
    assert 'href="#run-digits-vae"' in row and '<span class="seeds">3 seeds</span>' in row
    assert f'data-v="{np.mean([3.0, 3.2, 3.7]):.7g}"' in row and ">3.30" in row
    assert "<small>± 0.36 sd</small>" in row
    assert "<small>[3.40, 3.60]</small>" in headline_row(html, "gan")
    assert "± standard deviation (sd)" in html and "± standard deviation (sd)" not in page(EVERYTHING)
    assert markdown_row(md, "vae (3 seeds) |").count("3.30 ± 0.36 sd") == 1 and "vae-s1" not in md
    assert r"vae (3 seeds) & 3.30" in tex and r"{\tiny$\pm$0.36 sd}" in tex
    assert "3.30 ±0.36 sd" in terminal_table(runs)
    assert "<title>vae (3 seeds): FID (classifier) 3.30 ± 0.36 sd</title>" in html
    for name in ("digits-vae", "digits-vae-s1", "digits-vae-s2"):
        assert f'id="run-{name}"' in html and f"dvc repro evaluate@{name}\n" in html


def test_csv_has_the_raw_numbers_of_every_seed() -> None:
    runs = [*seeds_of(3.0, 3.2, 3.7), *controls()]
    table = pd.read_csv(io.BytesIO(render(runs, [])["headline.csv"]))
    assert list(table["run"]) == [r.name for r in runs]
    assert list(table["fid"][:3]) == [3.0, 3.2, 3.7]
    assert list(table["fid_high"][:3] - table["fid"][:3]) == pytest.approx([0.1] * 3)
    found = table.groupby("system")["fid"].agg(["mean", "std", "count"]).loc["digits-vae"]
    assert tuple(found) == pytest.approx((3.3, 0.130**0.5, 3))


def test_only_the_seed_may_differ_within_a_row() -> None:
    first, second, third = seeds_of(3.0, 3.2, 3.7)
    other = replace(second, entry=second.entry | {"beta": 4.0})
    assert [row.name for row in rows_of([first, other, third])] == ["digits-vae", "digits-vae-s1"]
    again = replace(second, entry=first.entry)
    assert [len(row.runs) for row in rows_of([first, again, third])] == [2, 1]
    elsewhere = replace(second, entry=second.entry | {"dataset": "other"})
    assert [len(row.runs) for row in rows_of([first, elsewhere])] == [1, 1]


def test_a_row_is_called_like_its_first_run_without_the_seed() -> None:
    first, second, third = seeds_of(3.0, 3.2, 3.7)
    assert [row.name for row in rows_of([second, third])] == ["digits-vae"]
    assert [row.name for row in rows_of([second])] == ["digits-vae-s1"]
    beta = replace(first, entry=first.entry | {"beta": 4.0})
    assert [row.name for row in rows_of([beta, second, third])] == ["digits-vae", "digits-vae-s1"]


def test_a_seed_without_the_score_is_not_hidden() -> None:
    """3.0 and 3.2: mean 3.1, sd √(2 · 0.1²) = 0.141; and one value of two is no mean."""
    html = page([*seeds_of(3.0, None, 3.2), models()[0]])
    assert "<small>± 0.14 sd (2 of 3)</small>" in headline_row(html, "vae")
    html = page([*seeds_of(3.0, None), models()[0]])
    assert "<small>[2.90, 3.10] (1 of 2)</small>" in headline_row(html, "vae")


def test_the_verdict_of_a_row_is_the_worst_of_its_seeds() -> None:
    new, some, copied = rate(0.012, 0.006, 0.022), rate(0.03, 0.02, 0.045), rate(0.8, 0.77, 0.83)
    for rates, worst in (
        ([new, new, new], "novel"),
        ([new, some, new], "suspicious"),
        ([some, new, copied], "copies"),
    ):
        runs = [*seeds_of(3.0, 3.2, 3.7, rates=rates), *controls()]
        files = render(runs, [])
        assert f'class="verdict {worst}"' in headline_row(files["index.html"].decode(), "vae")
        assert markdown_row(files["headline.md"].decode(), "vae").endswith(f"| {worst} |")
    found = pd.read_csv(io.BytesIO(files["headline.csv"]))["verdict"]
    assert list(found[:3]) == ["suspicious", "novel", "copies"]


def test_seeds_of_a_control_make_one_row_and_are_all_checked() -> None:
    def judged(second: dict[str, Any]) -> Any:
        real = seeds_of(0.9, 1.1, model="controls/real", rates=[rate(0.011, 0.005, 0.021), second])
        return [*models(), *real, *controls()[1:]]

    good, bad = judged(rate(0.008, 0.004, 0.018)), judged(rate(0.03, 0.02, 0.045))
    assert [row.control for row in rows_of(good)].count("real") == 1
    html = page(good)
    assert "Control check passed" in html
    assert "1.10&nbsp;% [0.50, 2.10], 0.80&nbsp;% [0.40, 1.80]</li>" in html
    assert "1.00<small>± 0.14 sd</small>" in headline_row(html, "real")
    assert "Novelty verdict refused" in page(bad)


def test_a_score_must_tell_every_seed_of_a_control() -> None:
    def tells(noise: float) -> bool:
        rates = [rate(0.0, 0.0, 0.005)] * 2
        runs = [*controls()[:3], *seeds_of(400.0, noise, model="controls/noise", rates=rates)]
        return {p.name: p for p in assess(rows_of(runs)).powers}["fid"].tells["noise"]

    assert tells(390.0) and not tells(0.95)


# Noise


def row_of(*runs: RunResult) -> Row:
    return Row(runs[0].name, runs)


def within_noise(a: Row, b: Row) -> bool:
    return not different("fid", [a, b])[0, 1]


@pytest.mark.parametrize(("single", "within"), [(4.19, True), (4.20, False)])
def test_pooled_t_of_three_seeds_against_one(single: float, within: bool) -> None:
    """3.0, 3.2, 3.4: s = 0.2 with 2 degrees of freedom; 4.3027 · 0.2 · √(1/3 + 1) = 0.9937."""
    three, one = (
        row_of(*seeds_of(3.0, 3.2, 3.4)),
        row_of(run("digits-b", "latent/b", {"fid": score(single)}, {})),
    )
    assert within_noise(three, one) == within_noise(one, three) == within


@pytest.mark.parametrize("gap", [0.2, 0.4, 0.5, 0.6, 1.0])
def test_two_rows_of_seeds_agree_with_the_t_test(gap: float) -> None:
    first, second = (3.0, 3.2, 3.4), (3.0 + gap, 3.3 + gap)
    rows = row_of(*seeds_of(*first)), row_of(*seeds_of(*second))
    assert within_noise(*rows) == (ttest_ind(first, second).pvalue >= 0.05)


def test_the_variance_over_seeds_is_pooled_over_the_column() -> None:
    """0.2 in each of two rows is known with four degrees of freedom, for a third of one seed as well."""
    one, other = row_of(*seeds_of(3.0, 3.2, 3.4)), row_of(*seeds_of(9.0, 9.2, 9.4, model="latent/other"))
    single = row_of(run("digits-b", "latent/b", {"fid": score(4.0)}, {}))
    p = p_values("fid", [one, other, single])
    assert p[0, 2] == pytest.approx(2 * stdtr(4, -0.8 / (0.2 * (1 / 3 + 1) ** 0.5)))
    assert p[0, 1] == pytest.approx(2 * stdtr(4, -6.0 / (0.2 * (2 / 3) ** 0.5)))
    wild = row_of(*seeds_of(6.0, 7.0, 8.0, model="latent/wild"))
    p = p_values("fid", [one, other, wild])
    assert p[0, 2] == pytest.approx(2 * stdtr(6, -3.8 / ((0.04 + 1) / 2 * 2 / 3) ** 0.5)), (
        "the pair's own is more"
    )


def test_a_single_run_has_no_less_error_than_its_interval_says() -> None:
    """Nothing by the seeds, 0.1/1.96 by the interval of `score`, and 1/1.96 by a wider one."""
    three = row_of(*seeds_of(3.0, 3.0, 3.0))
    for half, error in ((0.1, 0.1 / 1.96), (1.0, 1.0 / 1.96)):
        single = row_of(run("digits-b", "latent/b", {"fid": score(4.0, half)}, {}))
        assert p_values("fid", [three, single])[0, 1] == pytest.approx(2 * stdtr(2, -1.0 / error), rel=1e-3)


def test_a_column_of_values_without_an_error_has_no_marks() -> None:
    alone = {"value": 4.0, "low": None, "high": None, "n": 100}
    runs = [run(f"digits-{name}", f"latent/{name}", {"fid": score(3.0)}, {}) for name in "ab"]
    assert mark_best("fid", "down", [row_of(each) for each in runs])[1]
    runs.append(run("digits-c", "latent/c", {"fid": alone}, {}))
    assert mark_best("fid", "down", [row_of(each) for each in runs]) == (None, frozenset())


def with_replicates(name: str, fid: float, replicates: np.ndarray | None) -> RunResult:
    found = {} if replicates is None else {"fid": replicates}
    return replace(run(f"digits-{name}", f"latent/{name}", {"fid": score(fid)}, {}), replicates=found)


def rescored(one: RunResult, fid: float, replicates: np.ndarray) -> RunResult:
    """The same run with another score, without its pictures drawn again."""
    metrics = {**one.metrics, "scores": {"fid": score(fid)}}
    return replace(one, metrics=metrics, replicates={"fid": replicates})


COMMON = np.random.default_rng(0).normal(0, 0.05, 200)


def test_paired_replicates_can_tell_what_overlapping_intervals_cannot() -> None:
    """[2.9, 3.1] and [3.05, 3.25] overlap, but 0.15 > 1.96 · 0.02, the spread of the differences."""
    apart = COMMON + np.tile([0.02, -0.02], 100)
    a, b = with_replicates("a", 3.0, 3 + COMMON), with_replicates("b", 3.15, 3.15 + apart)
    html = page([a, b])
    assert "<b>3.00</b>" in fid_cell(html, "a") and "†" not in fid_cell(html, "a") + fid_cell(html, "b")


def test_paired_replicates_can_doubt_what_intervals_tell_apart() -> None:
    """[2.9, 3.1] and [3.4, 3.6] do not overlap, but 0.5 < 1.96 · 0.3."""
    wild = np.tile([0.3, -0.3], 100)
    a, b = with_replicates("a", 3.0, 3 + COMMON), with_replicates("b", 3.5, 3.5 + COMMON + wild)
    html = page([a, b])
    for label in "ab":
        assert "†" in fid_cell(html, label) and "<b>" not in fid_cell(html, label)


@pytest.mark.parametrize("other", [None, COMMON[:50], np.full(200, np.nan)])
@pytest.mark.parametrize(("fid", "within"), [(3.13, True), (3.15, False)])
def test_without_pairs_intervals_decide(other: np.ndarray | None, fid: float, within: bool) -> None:
    """[2.9, 3.1] and 0.1 around the other: 1.96 standard deviations of the difference are 0.1414."""
    one, second = row_of(with_replicates("a", 3.0, COMMON)), row_of(with_replicates("b", fid, other))
    assert within_noise(one, second) == within_noise(second, one) == within


def test_equal_best_values_have_no_winner() -> None:
    runs = [with_replicates(name, 3.0, COMMON) for name in "ab"] + [with_replicates("c", 4.0, COMMON)]
    html = page(runs)
    assert ["†" in fid_cell(html, name) for name in "abc"] == [True, True, False]
    assert "<b>" not in fid_cell(html, "a") + fid_cell(html, "b")


@pytest.mark.parametrize(("systems", "alarms"), [(2, (0.02, 0.08)), (10, (0.005, 0.08))])
def test_equal_systems_are_rarely_told_apart_however_many_there_are(
    systems: int, alarms: tuple[float, float]
) -> None:
    """400 tables of equal systems: in one of twenty any two are called different; each pair by itself at 5 % would
    do so in most tables of ten."""
    rng, found, single = np.random.default_rng(0), [], []
    runs = [with_replicates(f"{i}", 0.0, None) for i in range(systems)]
    for _ in range(400):
        shared, noise = rng.normal(size=101), rng.normal(size=(systems, 101))
        rows = [
            row_of(rescored(each, shared[0] + own[0], shared[1:] + own[1:]))
            for each, own in zip(runs, noise, strict=True)
        ]
        found.append(different("fid", rows).any())
        single.append((p_values("fid", rows) <= 0.05).any())
    assert alarms[0] <= np.mean(found) <= alarms[1]
    assert systems == 2 or np.mean(single) > 0.5


def test_the_error_of_a_difference_counts_terms_of_second_order() -> None:
    """Linear replicates have twice the variance of the rest: the variance of the score is that of the rest."""
    rng = np.random.default_rng(0)
    rest = rng.normal(0, 0.02, (2, 400))
    linear = rng.normal(0, 0.02 * 2**0.5, (2, 400))
    a, b = (
        replace(with_replicates(name, fid, linear[i]), replicates={"fid": linear[i], "fid rest": rest[i]})
        for i, (name, fid) in enumerate((("a", 3.0), ("b", 3.075)))
    )
    assert not within_noise(row_of(a), row_of(b))
    plain = [replace(r, replicates={"fid": linear[i] + rest[i]}) for i, r in enumerate((a, b))]
    assert within_noise(*map(row_of, plain))


def test_one_seed_is_not_bold_where_others_have_several() -> None:
    """9.0 of one seed against 10.0 and 10.02, 12.0 and 12.03: far apart, yet nothing says how its training scatters."""
    many = [
        run(f"digits-{name}-s{seed}", f"latent/{name}", {"fid": score(value + step)}, {}, seed=seed)
        for name, value in (("b", 10.0), ("c", 12.0))
        for seed, step in enumerate((0.0, 0.02))
    ]
    lone = run("digits-a", "latent/a", {"fid": score(9.0)}, {})
    html = page([lone, *many])
    assert "†" in fid_cell(html, "a") and "<b>" not in html.partition("<tbody")[2].partition("</table>")[0]
    assert "No winner by FID (classifier): a has 9.000, by one seed where other systems have several." in html
    again = run("digits-a-s1", "latent/a", {"fid": score(9.02)}, {}, seed=1)
    assert "<b>" in fid_cell(page([lone, again, *many]), "a")


# Extractors


def seen_by(result: RunResult, half: float = 0.0, **distances: float | None) -> RunResult:
    """The run with a Fréchet distance by each extractor."""
    records = [
        {"name": name, "sha256": SHA["extractor"], "features": 64, "fid": score(value, half)}
        for name, value in distances.items()
    ]
    return replace(result, metrics=result.metrics | {"extractors": records})


def ranked(half: float = 0.0, names: str = "abcd", **orders: tuple[float, ...]) -> list[RunResult]:
    """Models a, b, c, … with the distances of each extractor in turn."""
    columns = zip(*orders.values(), strict=True)
    return [
        seen_by(
            run(f"digits-{name}", f"latent/{name}", {"fid": score(3.0)}, {}),
            half,
            **dict(zip(orders, values, strict=True)),
        )
        for name, values in zip(names, columns, strict=True)
    ]


ORDERS = {"one": (1.0, 2.0, 3.0, 4.0), "two": (1.0, 3.0, 2.0, 4.0), "three": (40.0, 30.0, 20.0, 10.0)}


def test_rank_agreement_of_a_hand_made_ranking() -> None:
    """Of six pairs of models, two orders disagree on one: τ = (5 − 1)/6; the third order is the first reversed."""
    found = agreement(rows_of(ranked(**ORDERS)))
    assert found is not None
    assert [column.name for column in found.columns] == ["one", "two", "three"]
    models, everyone = found.rankings
    assert models.n == everyone.n == 4
    taus = [[(e.value, e.low, e.high) for e in row if e] for row in models.taus]
    assert taus == [[pytest.approx((2 / 3,) * 3)], [(-1.0,) * 3, pytest.approx((-2 / 3,) * 3)]]
    html, md = page(ranked(**ORDERS)), render(ranked(**ORDERS), [])["headline.md"].decode()
    sentence = "The ranking of the models depends on the extractor here: τ between one and three is"
    assert f"{sentence} −1.00 over 4 models." in html and f"{sentence} -1.00 over 4 models." in md
    assert "0.67<small>[0.67, 0.67]</small>" in html and "| two | 0.67 [0.67, 0.67] |  |" in md
    assert "Rank agreement over models, N 4" in html and "Rank agreement over models, N 4" in md
    assert "1,000 seeded draws" in html and "1,000 seeded draws" in md


def test_extractors_that_agree_make_no_warning() -> None:
    html = page(ranked(one=ORDERS["one"], two=ORDERS["two"]))
    assert "Do the extractors agree?" in html and "depends on the extractor" not in html


def test_noise_of_the_distances_widens_tau() -> None:
    """Distances 1, 2, 3, 4 with a half-width of 2: the order is far from certain; with one of 0.1 it is not."""
    for half, certain in ((2.0, False), (0.1, True)):
        found = agreement(rows_of(ranked(half, one=ORDERS["one"], two=ORDERS["one"])))
        tau = found.rankings[0].taus[0][0]  # type: ignore[union-attr]
        assert tau is not None and (tau.value, tau.high) == (1.0, 1.0) and (tau.low == 1.0) == certain
        assert tau.low > -1


@pytest.mark.parametrize(("other", "certain"), [(2.80, False), (2.74, True)])
def test_several_seeds_are_ranked_by_their_means(other: float, certain: bool) -> None:
    """2.9 and 3.1: mean 3.0, sd 0.141, that of the mean 0.1: 2.0 of it is within the noise of τ, 2.6 beyond."""
    first, second = (
        [seen_by(r, 0.0, one=v, two=v) for r, v in zip(seeds_of(1.0, 1.0, model=model), values, strict=True)]
        for model, values in (("latent/vae", (2.9, 3.1)), ("latent/made", (other, other)))
    )
    found = agreement(rows_of([*first, *second]))
    assert found is not None and found.rankings[0].n == 2
    tau = found.rankings[0].taus[0][0]
    assert tau is not None and tau.value == 1 and tau.low == (1 if certain else -1)
    html = page([*first, *second])
    assert html[html.index("Do the extractors agree?") :].count("3.00<small>± 0.14 sd</small>") == 2


def test_controls_are_shown_and_ranked_apart() -> None:
    control = seen_by(controls()[3], 0.0, one=400.0, two=400.0, three=400.0)
    found = agreement(rows_of([*ranked(**ORDERS), control]))
    assert found is not None and [ranking.n for ranking in found.rankings] == [4, 5]
    assert found.rankings[1].taus[0][0].value == pytest.approx(0.8)  # type: ignore[union-attr]


def test_rows_that_lack_an_extractor_are_shown_and_not_ranked() -> None:
    bare = run("digits-bare", "latent/bare", {"fid": score(3.0)}, {})
    partial = seen_by(run("digits-part", "latent/part", {}, {}), 0.0, one=2.0, two=None, three=1.0)
    runs = [*ranked(**ORDERS), bare, partial]
    found = agreement(rows_of(runs))
    assert found is not None and len(found.rows) == 6 and [r.n for r in found.rankings] == [4, 4]
    assert agreement(rows_of(EVERYTHING)) is None
    assert "Do the extractors agree?" not in page(EVERYTHING)


def test_names_of_extractors_are_escaped() -> None:
    names = {"<script>x</script>": (1.0, 2.0), "a|b_c": (2.0, 1.0)}
    files = render(ranked(names="ab", **names), [])
    html, md = files["index.html"].decode(), files["headline.md"].decode()
    assert Elements(html).open == [] and html.count("<script") == 1
    section = html[html.index("Do the extractors agree?") :]
    assert (
        section.count("&lt;script&gt;x&lt;/script&gt;") == 4
    )  # in two tables of τ, one of distances, the warning
    assert r"| run | &lt;script&gt;x&lt;/script&gt; | a\|b\_c |" in md and "<script>" not in md


@pytest.mark.parametrize("seed", range(3))
def test_tau_is_scipys(seed: int) -> None:
    a, b = np.random.default_rng(seed).integers(0, 6, (2, 5, 9)).astype(float)  # with ties
    expected = [kendalltau(x, y).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(kendall(a, b), expected, atol=1e-12)
    assert np.isnan(kendall(np.ones(4), np.arange(4.0)))
