"""Laws of the human study: a page that gives nothing away, answers checked whole, intervals that cover, a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from browser import browse, needs_chromium
from scipy import stats
from test_report import Elements, controls, dataset, models, page, run

from genbench.cli import application
from genbench.report import RunResult, render
from genbench.scoring.estimates import clopper_pearson
from genbench.storage.files import InputError, json_bytes, npz_bytes
from genbench.study import Answers, Key, Score, Source, build, parse, score, summary
from genbench.study.scoring import Table, share

RATERS = ["ABCDEFGH", "BCDEFGHJ", "CDEFGHJK", "DEFGHJKL", "EFGHJKLM"]
RNG = np.random.default_rng(0)
IMAGES = {
    name: RNG.integers(0, 17, (30, 1, 8, 8), dtype=np.uint8) for name in ("real", "train", "gan", "vae")
}
SOURCE = Source("digits", IMAGES["real"], IMAGES["train"], 17, "0" * 64)
SAMPLES = {f"digits-{name}": IMAGES[name] for name in ("gan", "vae")}


def study(seed: int = 0, seconds: float | None = None, per_run: int = 6) -> tuple[str, dict[str, Any]]:
    html, key = build(SOURCE, SAMPLES, per_run=per_run, seed=seed, seconds=seconds)
    return html.decode(), json.loads(key)


HTML, KEY = study()


def content(html: str) -> dict[str, Any]:
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="study">(.*?)</script>', html, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def answers(
    rater: str, said: Callable[[str, str | None], bool], key: dict[str, Any] = KEY, ms: int = 900
) -> dict[str, Any]:
    """A rater's file who answers every trial by `said(id, run)`."""
    trials = [
        {"id": trial, "answer": "real" if said(trial, truth["run"]) else "fake", "ms": ms}
        for trial, truth in key["trials"].items()
    ]
    return {"format": "genbench-study-answers", "study": key["study"], "rater": rater, "trials": trials}


def fair(trial: str, run: str | None) -> bool:
    """Real images are called real two times in three, generated ones one time in three."""
    return int(trial[:8], 16) % 3 < (2 if run is None else 1)


def scored(*files: dict[str, Any], key: dict[str, Any] = KEY) -> Score:
    record = parse(json.dumps(key).encode(), Key, Path("key"), what="a key")
    paths = [Path(f"{i}.json") for i in range(len(files))]
    given = [
        (path, parse(json.dumps(file).encode(), Answers, path, what="answers"))
        for path, file in zip(paths, files, strict=True)
    ]
    return score(record, given)


def counted(counts: dict[str | None, int], key: dict[str, Any] = KEY) -> Callable[[str, str | None], bool]:
    """Calls the first `counts[run]` images of each run real, in the order of the key."""
    left = dict(counts)

    def said(_: str, run: str | None) -> bool:
        left[run] -= 1
        return left[run] >= 0

    return said


# The page and its key


def test_the_page_holds_no_labels() -> None:
    given = content(HTML)
    assert set(given) == {"study", "width", "height", "channels", "seconds", "trials", "examples"}
    for secret in (*SAMPLES, "gan", "vae", *(truth["sha256"] for truth in KEY["trials"].values())):
        assert secret not in re.sub(r'"[A-Za-z0-9+/=]{80,}"', '""', HTML)
    assert all(len(trial) == 2 for trial in given["trials"])
    assert [trial for trial, _ in given["trials"]] == sorted(KEY["trials"])


def test_every_image_takes_the_same_bytes() -> None:
    """A noisy image compresses badly: raw pixels say nothing by their length."""
    flat = {"digits-flat": np.zeros((30, 1, 8, 8), np.uint8), "digits-noise": IMAGES["gan"]}
    html, _ = build(SOURCE, flat, per_run=6, seed=0)
    assert len({len(pixels) for _, pixels in content(html.decode())["trials"]}) == 1


def test_the_order_in_the_page_says_nothing() -> None:
    """Over many seeds a real image stands at each place half of the time."""
    shares = np.mean(
        [[truth["run"] is None for truth in study(seed)[1]["trials"].values()] for seed in range(60)], axis=0
    )
    assert abs(shares.mean() - 0.5) < 1e-9
    assert abs(shares - 0.5).max() < 0.25


def test_the_key_fits_the_page() -> None:
    sources = {None: IMAGES["real"], **SAMPLES}
    for trial, pixels in content(HTML)["trials"]:
        truth, raw = KEY["trials"][trial], base64.b64decode(pixels)
        assert hashlib.sha256(raw).hexdigest() == truth["sha256"]
        image = sources[truth["run"]][truth["index"]]
        np.testing.assert_array_equal(
            np.frombuffer(raw, np.uint8).reshape(8, 8), np.rint(image[0] * (255 / 16)).astype(np.uint8)
        )
    assert content(HTML)["study"] == KEY["study"]


def test_half_of_the_images_are_real_and_none_is_shown_twice() -> None:
    shown = [(truth["run"], truth["index"]) for truth in KEY["trials"].values()]
    counts = {name: sum(run == name for run, _ in shown) for name in (None, *SAMPLES)}
    assert counts == {None: 12, "digits-gan": 6, "digits-vae": 6}
    assert len(set(shown)) == len(shown)


def test_same_seed_same_bytes() -> None:
    assert study() == (HTML, KEY)
    others = {study(seed=1)[1]["study"], study(seconds=0.5)[1]["study"], study(per_run=5)[1]["study"]}
    assert len({KEY["study"], *others}) == 4


def test_colour_images_keep_their_colours() -> None:
    images = np.random.default_rng(1).integers(0, 256, (9, 3, 4, 6), dtype=np.uint8)
    html, key = build(Source("c", images, images, 256, "0" * 64), {"c-x": images}, per_run=2, seed=0)
    given = content(html.decode())
    assert (given["width"], given["height"], given["channels"]) == (6, 4, 3)
    for trial, pixels in given["trials"]:
        raw = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(4, 6, 3)
        np.testing.assert_array_equal(
            raw, images[json.loads(key)["trials"][trial]["index"]].transpose(1, 2, 0)
        )


def test_the_page_loads_nothing_and_escapes_what_it_shows() -> None:
    html, _ = build(SOURCE._replace(name="</script><script>alert(1)</script>&"), SAMPLES, per_run=2, seed=0)
    text = html.decode().replace("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;", "")
    assert "alert(1)" not in text
    assert "default-src 'none'" in HTML
    tags = [
        (tag, a)
        for tag, a in Elements(re.sub(r"<!doctype html>", "", HTML)).tags
        if any(k in a for k in ("src", "href", "srcset", "data"))
    ]
    assert [(tag, a["href"]) for tag, a in tags] == [("a", "#")]
    assert not re.search(r"@import|url\(|\bfetch\(|import\(|XMLHttpRequest|https?:", HTML)


def test_too_few_images_are_named() -> None:
    with pytest.raises(InputError, match="held-out images: there are 30, the study needs 32"):
        build(SOURCE, SAMPLES, per_run=16, seed=0)
    with pytest.raises(InputError, match="digits-gan: samples: there are 3, the study needs 6"):
        build(SOURCE, {"digits-gan": IMAGES["gan"][:3]}, per_run=6, seed=0)
    with pytest.raises(InputError, match="no runs to judge"):
        build(SOURCE, {}, per_run=6, seed=0)


# Scores


def test_one_rater_counted_by_hand() -> None:
    result = scored(answers(RATERS[0], counted({None: 9, "digits-gan": 1, "digits-vae": 3})))
    real, gan, vae = result.rows
    for row, k, n in ((real, 9, 12), (gan, 1, 6), (vae, 3, 6)):
        exact = clopper_pearson(k, n)
        assert row.judged_real.value == k / n and (row.judged_real.n, row.images, row.raters) == (n, n, 1)
        assert (row.judged_real.low, row.judged_real.high) == pytest.approx(
            (exact.low, exact.high), abs=1e-12
        )
    assert result.accuracy.value == pytest.approx((9 + 5 + 3) / 24)
    assert (result.median_ms, result.raters, result.excluded) == (900.0, 1, [])
    # z(9.5/13) = 0.61494, z(4.5/13) = -0.39573, z(1.5/7) = -0.79164, z(3.5/7) = 0, from tables of the normal.
    assert result.d_prime.value == pytest.approx(1.0109, abs=2e-3)
    assert gan.d_prime and gan.d_prime.value == pytest.approx(0.6151 + 0.7916, abs=2e-3)
    assert vae.d_prime and vae.d_prime.value == pytest.approx(0.6151, abs=2e-3)
    assert real.d_prime is None


def test_several_raters_are_averaged_and_their_spread_counts() -> None:
    agreeing = [answers(rater, fair) for rater in RATERS]
    result = scored(*agreeing)
    hits = [fair(t, truth["run"]) == (truth["run"] is None) for t, truth in KEY["trials"].items()]
    assert result.accuracy.value == pytest.approx(np.mean(hits)) and result.accuracy.n == 5 * 24
    assert result.d_prime.low == pytest.approx(result.d_prime.high)  # all the same
    by_hand = clopper_pearson(int(sum(hits)) * 5, 120)
    # Five raters who agree on every image tell as much as one: the interval must be wider than that of 120 answers.
    assert result.accuracy.high - result.accuracy.low > 1.5 * (by_hand.high - by_hand.low)
    assert [row.raters for row in result.rows] == [5, 5, 5]


def test_an_interval_with_two_kinds_of_clusters_by_hand() -> None:
    """Three raters on four images, 7 of 12 hits: every sum written out."""
    hits = np.array([[1, 1, 1, 0], [1, 1, 0, 1], [1, 0, 0, 0]], bool)
    rater, image = (each.ravel() for each in np.indices(hits.shape))
    found = share(Table(hits, hits, hits, rater, image, hits), hits.ravel())
    p, e = 7 / 12, (hits - 7 / 12) / 12
    by_rater = 3 / 2 * sum(e[i].sum() ** 2 for i in range(3))
    by_image = 4 / 3 * sum(e[:, i].sum() ** 2 for i in range(4))
    by_answer = 12 / 11 * (e**2).sum()
    variance = max(by_rater, by_image, by_rater + by_image - by_answer)
    effective = p * (1 - p) / variance * (stats.t.ppf(0.975, 11) / stats.t.ppf(0.975, 2)) ** 2
    assert effective < 12
    low = stats.beta.ppf(0.025, p * effective, (1 - p) * effective + 1)
    high = stats.beta.ppf(0.975, p * effective + 1, (1 - p) * effective)
    assert tuple(found.as_dict().values()) == pytest.approx((p, low, high, 12), abs=1e-12)


def test_the_order_of_files_does_not_matter() -> None:
    files = [
        answers(rater, lambda t, r, i=i: int(t[i : i + 6], 16) % 3 < (2 if r is None else 1))
        for i, rater in enumerate(RATERS)
    ]
    assert scored(*files) == scored(*reversed(files))


def test_intervals_cover_other_raters_and_images() -> None:
    """Answers with effects of rater and image: 95 % intervals hold the truth, binomial ones do not."""
    rng, covered, naive, repeats = np.random.default_rng(0), 0, 0, 200
    for raters, images in ((5, 20), (12, 20)):
        rater, image = (each.ravel() for each in np.indices((raters, images)))
        for _ in range(repeats):
            logit = 0.8 * rng.normal(size=raters)[rater] + 0.8 * rng.normal(size=images)[image]
            said = rng.random(raters * images) < 1 / (1 + np.exp(-logit))
            found = share(Table(said, said, said, rater, image, said), said)
            plain = clopper_pearson(int(said.sum()), said.size)
            covered += found.low <= 0.5 <= found.high
            naive += plain.low <= 0.5 <= plain.high
    assert covered >= 0.94 * 2 * repeats
    assert naive <= 0.8 * 2 * repeats


@pytest.mark.parametrize("successes", [0, 6])
def test_intervals_of_all_or_none_have_a_width(successes: int) -> None:
    counts = {None: 9, "digits-gan": successes, "digits-vae": 3}
    result = scored(*(answers(rater, counted(counts)) for rater in RATERS))
    gan = result.rows[1].judged_real
    assert gan.value == successes / 6 and gan.low <= gan.value <= gan.high and gan.high - gan.low > 0.05


def test_careless_raters_are_excluded_and_listed() -> None:
    good = answers(RATERS[0], fair)
    fast = answers(RATERS[1], fair, ms=90)
    against = answers(RATERS[2], lambda t, r: r is not None)
    always = answers(RATERS[3], lambda t, r: True)
    short = answers(RATERS[4], fair) | {"trials": answers(RATERS[4], fair)["trials"][:11]}
    result = scored(good, fast, against, always, short)
    assert {each.rater: each.reason for each in result.excluded} == {
        RATERS[1]: "median answer faster than 200 ms",
        RATERS[2]: "called fewer than 20 % of the real images real",
        RATERS[3]: "gave one and the same answer to all of 10 or more images",
        RATERS[4]: "judged less than half of the images",
    }
    assert result.raters == 1 and result.accuracy == scored(good).accuracy
    text = summary(result)
    assert all(f"{each.rater}: {each.reason}" in text for each in result.excluded)
    assert all(rule in text for rule in result.rules)
    with pytest.raises(InputError, match=f"no rater is left to score: {RATERS[1]} median answer faster"):
        scored(fast)


# Commands


class Place(NamedTuple):
    """A folder with a finished benchmark and a study on it."""

    folder: Path
    genbench: Callable[..., tuple[int, str, str]]

    def key(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "results/study/study.key.json").read_text()))


def write_run(folder: Path, result: RunResult) -> None:
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_bytes(json_bytes(result.metrics | {"parameters": 1}))
    (folder / "novelty.json").write_bytes(json_bytes(result.novelty))
    (folder / "curve.csv").write_text(result.curve.to_csv(index=False))
    (folder / "samples.npz").write_bytes(npz_bytes(result.samples))
    (folder / "replicates.npz").write_bytes(npz_bytes(result.replicates))
    (folder / "frames.npz").write_bytes(npz_bytes(result.frames))
    (folder / "grid.png").write_bytes(result.grid)
    (folder / "nearest.png").write_bytes(result.nearest)
    (folder / "model.safetensors").write_bytes(b"weights")


PARAMS = """\
datasets:
  digits: {source: digits, train: 1000}
  other: {source: digits, train: 1000}
extractor: {steps: 1}
external: {}
runs:
  digits-real: {dataset: digits, model: controls/real}
  digits-noise: {dataset: digits, model: controls/noise}
  digits-gan: {dataset: digits, model: adversarial/gan}
  digits-vae: {dataset: digits, model: latent/vae}
  other-vae: {dataset: other, model: latent/vae}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    (tmp_path / "params.yaml").write_text(PARAMS)
    rng = np.random.default_rng(0)
    for name in ("digits-real", "digits-noise", "digits-gan", "digits-vae", "other-vae"):
        result = run(name, "latent/vae", {"fid": {"value": 1.0, "low": 0.9, "high": 1.1, "n": 30}}, {})
        x = rng.integers(0, 17, (30, 1, 8, 8), dtype=np.uint8)
        write_run(tmp_path / "results/runs" / name, replace(result, samples={"x": x}))
    (tmp_path / "results/extractors").mkdir()
    for name in ("digits", "other"):
        (tmp_path / f"results/extractors/{name}.json").write_bytes(json_bytes(dataset().extractor))
    monkeypatch.chdir(tmp_path)

    def genbench(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["genbench", *arguments])
        with pytest.raises(SystemExit) as end:
            application.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    for name in ("digits", "other"):
        assert genbench("prepare", "--dataset", name, "--out", f"data/{name}.safetensors")[0] == 0
    code, out, err = genbench("study", "--dataset", "digits", "--per-run", "6")
    assert code == 0, err
    assert "24 images, half of them real, the rest from digits-gan, digits-vae\n" in out
    return Place(tmp_path, genbench)


def save(folder: Path, *files: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / f"genbench-study-{file['study']}-{file['rater']}.json").write_text(json.dumps(file))
    return folder


SCORE = ("study-score", "--key", "results/study/study.key.json", "--answers")


def test_from_answers_to_the_report(place: Place) -> None:
    key = place.key()
    first, second = (answers(rater, fair, key) for rater in RATERS[:2])
    folder = save(place.folder / "answers", first, second)
    code, out, err = place.genbench(*SCORE, str(folder))
    assert code == 0 and "digits-gan" in out and "2 raters" in out, err
    one_by_one = sorted(map(str, folder.iterdir()))
    before = (place.folder / "results/study/study.json").read_bytes()
    assert place.genbench(*SCORE, *one_by_one)[0] == 0
    assert (place.folder / "results/study/study.json").read_bytes() == before
    assert place.genbench("report", "--out", "plain")[0] == 0
    code, _, err = place.genbench("report", "--out", "studied", "--study", "results/study/study.json")
    assert code == 0, err
    plain, studied = ((place.folder / f / "index.html").read_text() for f in ("plain", "studied"))
    assert "Human study" not in plain and studied.count("<h3>Human study</h3>") == 1
    assert studied.index("Human study") < studied.index('id="dataset-other"')
    assert "2 raters, 48 answers" in studied and "not the ones scored" not in studied
    assert Elements(studied.replace("<!doctype html>", "")).open == []
    # Samples drawn anew are no longer the ones people judged.
    path = place.folder / "results/runs/digits-gan/samples.npz"
    path.write_bytes(npz_bytes({"x": np.zeros((30, 1, 8, 8), np.uint8)}))
    assert place.genbench("report", "--out", "studied", "--study", "results/study/study.json")[0] == 0
    assert (
        "digits-gan: the samples judged are not the ones" in (place.folder / "studied/index.html").read_text()
    )


def damaged() -> dict[str, tuple[Callable[[dict[str, Any]], str], str]]:
    """How a file is damaged, and what the error must say."""

    def change(**changed: Any) -> Callable[[dict[str, Any]], str]:
        return lambda file: json.dumps(file | changed)

    def trial(**changed: Any) -> Callable[[dict[str, Any]], str]:
        return lambda file: json.dumps(file | {"trials": [file["trials"][0] | changed, *file["trials"][1:]]})

    return {
        "another study": (change(study="0" * 16), "answers to study 0000000000000000; expected "),
        "unknown trial": (trial(id="0" * 12), "trials.0: the key has no trial 000000000000"),
        "answered twice": (
            lambda file: json.dumps(file | {"trials": [*file["trials"], file["trials"][0]]}),
            "is answered twice",
        ),
        "truncated": (lambda file: json.dumps(file)[:100], "not valid JSON"),
        "empty": (lambda file: "", "not valid JSON"),
        "not UTF-8": (lambda file: "\udcff", "not valid JSON"),
        "too deep": (lambda file: "[" * 100_000, "nested too deeply"),
        "a list": (lambda file: "[]", "the whole file: got []"),
        "other answer": (trial(answer="maybe"), "trials.0.answer: got 'maybe'"),
        "answer of a wrong type": (trial(answer=True), "trials.0.answer: got True"),
        "time as text": (trial(ms="900"), "trials.0.ms: got '900'"),
        "negative time": (trial(ms=-1), "trials.0.ms: got -1"),
        "no time": (trial(ms=float("nan")), "trials.0.ms: got nan"),
        "no answers": (change(trials=[]), "trials: got []"),
        "unknown key": (change(name="Ann"), "name: unknown key"),
        "bad rater": (change(rater="<b>x</b>"), "rater: got '<b>x</b>'"),
        "missing rater": (
            lambda file: json.dumps({k: v for k, v in file.items() if k != "rater"}),
            "rater: missing",
        ),
        "another format": (change(format="genbench-study-key"), "format: got 'genbench-study-key'"),
        "same rater": (change(rater=RATERS[1]), f"rater {RATERS[1]} is in "),
    }


def test_bad_answers_are_named_and_nothing_is_written(place: Place) -> None:
    key = place.key()
    folder = save(place.folder / "answers", answers(RATERS[1], fair, key))
    out = place.folder / "results/study/study.json"
    out.write_text("earlier")
    for name, (damage, expected) in damaged().items():
        path = folder / "z.json"
        path.write_text(damage(answers(RATERS[0], fair, key)), errors="surrogateescape")
        code, said, err = place.genbench(*SCORE, str(folder))
        assert (code, said) == (1, ""), name
        assert err.startswith(f"genbench: error: {path}: ") and err.count("\n") == 1, (name, err)
        assert expected in err, (name, err)
        assert out.read_text() == "earlier" and not list(out.parent.glob("*.partial"))


def test_bad_keys_folders_and_scores_are_named(place: Place) -> None:
    folder = save(place.folder / "answers", answers(RATERS[0], fair, place.key()))
    (place.folder / "empty").mkdir()
    bad = place.folder / "bad.json"
    cases: list[tuple[str, tuple[str, ...], str]] = [
        (
            "{",
            ("study-score", "--key", "bad.json", "--answers", str(folder)),
            "bad.json: a study's key cannot",
        ),
        ("{}", ("study-score", "--key", "bad.json", "--answers", str(folder)), "format: missing"),
        (
            json.dumps(place.key() | {"samples": {"digits-x": "0" * 64}}),
            ("study-score", "--key", "bad.json", "--answers", str(folder)),
            "bad.json: not a study's key: trials: their runs",
        ),
        ("", (*SCORE, "empty"), "empty: holds no .json file"),
        ("", (*SCORE, "nowhere"), "nowhere: cannot read the answers"),
        ("{}", ("report", "--out", "r", "--study", "bad.json"), "bad.json: not a study's scores: format"),
        ("", ("report", "--out", "r", "--study", "nowhere.json"), "nowhere.json: cannot read"),
        ("", ("study",), "--dataset: not given; expected one of digits, other"),
        ("", ("study", "--dataset", "digit"), "did you mean 'digits'?"),
        ("", ("study", "--runs", "digits-gam"), "did you mean 'digits-gan'?"),
        ("", ("study", "--runs", "digits-gan,other-vae"), "other-vae is on other, the study on digits"),
        ("", ("study", "--runs", "digits-gan", "--dataset", "other"), "digits-gan is on digits"),
        ("", ("study", "--runs", "digits-real"), "digits-real is real images"),
        ("", ("study", "--runs", " ,"), "expected names of runs"),
        ("", ("study", "--runs", "digits-gan", "--seconds", "0"), "--seconds: got 0"),
        ("", ("study", "--runs", "digits-gan", "--per-run", "31"), "there are 30, the study needs 31"),
    ]
    before = {p: p.read_bytes() for p in (place.folder / "results").rglob("*") if p.is_file()}
    for text, arguments, expected in cases:
        bad.write_text(text)
        code, _, err = place.genbench(*arguments)
        assert code == 1 and err.count("\n") == 1 and expected in err, (arguments, err)
        assert not (place.folder / "r").exists()
    assert before == {p: p.read_bytes() for p in (place.folder / "results").rglob("*") if p.is_file()}


def test_a_study_of_a_dataset_that_the_report_lacks(place: Place) -> None:
    record = scored(answers(RATERS[0], fair)).model_dump(mode="json") | {"dataset": "gone"}
    (place.folder / "gone.json").write_text(json.dumps(record))
    code, _, err = place.genbench("report", "--out", "r", "--study", "gone.json")
    assert code == 1 and "a study of 'gone'; expected one of digits, other" in err


def test_a_control_is_judged_where_it_is_named(place: Place) -> None:
    code, out, _ = place.genbench(
        "study", "--runs", "digits-noise,digits-gan,digits-noise", "--out", "s/c.html"
    )
    assert code == 0 and "80 images, half of them real" in out
    assert sorted(p.name for p in (place.folder / "s").iterdir()) == ["c.html", "c.key.json"]


# The report


def record(*files: dict[str, Any]) -> dict[str, Any]:
    return dict(scored(*(files or [answers(rater, fair) for rater in RATERS[:3]])).model_dump(mode="json"))


def test_without_a_study_the_report_keeps_its_bytes() -> None:
    runs = [*models(), *controls()]
    assert render(runs, [dataset()]) == render(runs, [dataset()._replace(studies=())])
    assert "Human study" not in page(runs)
    with_study = page(runs, [dataset()._replace(studies=(record(),))])
    start = with_study.index("<h3>Human study</h3>")
    end = with_study.index("<h3>Likelihood</h3>")
    assert with_study[:start] + with_study[end:] == page(runs)


def test_the_report_shows_every_number() -> None:
    judged = record()
    html = page([*models(), *controls()], [dataset()._replace(studies=(judged,))])
    section = html[html.index("<h3>Human study</h3>") : html.index("<h3>Likelihood</h3>")]
    for row in judged["rows"]:
        s = row["judged_real"]
        assert (
            f">{100 * s['value']:.1f}<small>[{100 * s['low']:.1f}, {100 * s['high']:.1f}]</small>" in section
        )
        assert f'data-v="{s["n"]}">{s["n"]}</td>' in section
    labels = re.findall(r"<title>([^:]+): ", section)
    shares = {row["run"]: row["judged_real"]["value"] for row in judged["rows"]}
    assert labels[-1] == "real images"
    assert shares[f"digits-{labels[0]}"] >= shares[f"digits-{labels[1]}"]
    assert "3 raters, 72 answers" in section and "chance 50 %" in section and "chance 0" in section
    assert 'real images<small><span class="role">control: held-out images' in section
    plot = re.search(
        r'<svg viewBox="[^"]*" role="group" aria-label="Judged real, row by row">(.*?)</svg>', section
    )
    assert plot and plot[1].count("<title>") == 3 and plot[1].count("<title>real images: ") == 1
    assert "stroke-dasharray" in plot[1] and "dashed: 50 %, guessing" in section
    assert "Nobody was" in section and "gave one and the same answer" in section
    assert "raters and images as clusters" in section
    alone = page(models(), [dataset()._replace(studies=(record(answers(RATERS[0], fair)),))])
    assert "With one rater the intervals are about that rater alone" in alone


def test_the_report_escapes_and_warns() -> None:
    judged = record()
    judged["excluded"] = [{"rater": "ABCDEFGH", "reason": "<script>alert(2)</script>"}]
    judged["rows"][1]["run"] = "digits-<img src=x>"
    html = page(models(), [dataset()._replace(studies=(judged,))])
    assert "alert(2)" in html and "<script>alert(2)" not in html and "<img src=x>" not in html
    assert "was judged, but is no run of this report" in html
    assert "another prepared file of this dataset" in html
    assert Elements(html).open == []


# The browser

DRIVER = """
<pre id="result"></pre>
<script>
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const result = document.getElementById("result");
crypto.getRandomValues = (bytes) => bytes.map((_, i) => i + CODE);
let saved = null;
globalThis.Blob = function (parts) { saved = parts.join(""); }; // a real one is read later than the page is handed over
URL.createObjectURL = () => "blob:x";
const seen = [];
async function look() {  // the image as it stands on the screen
  await wait(400);
  const canvas = document.getElementById("image"), style = getComputedStyle(canvas);
  if (style.visibility !== "visible") return;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  seen.push([shown.id, [...data].filter((_, i) => i % 4 === 0)]);
}
const ways = {
  real: [() => press("ArrowLeft"), () => press("r"), () => document.getElementById("real").click(), () => press("R")],
  fake: [() => press("ArrowRight"), () => press("f"), () => document.getElementById("fake").click(), () => press("F")],
};
const wanted = () => (parseInt(shown.id.slice(0, 8), 16) % 3 < 1 ? "fake" : "real");
async function assess(count) {
  for (let i = 0; i < count; i++) {
    await look();
    ways[wanted()][i % 4]();
    press("ArrowLeft"); // during the blank: must count for nothing
  }
}
(async () => {
  const again = document.getElementById("resume");
  if (again.hidden) {
    if (!press("ArrowLeft")) throw "the page takes keys before the start"; // it scrolls there
    document.getElementById("start").click();
    await assess(5);
    await look();
    ways[wanted() === "real" ? "fake" : "real"][0](); // a slip …
    await wait(400);
    press("Backspace"); // … taken back
    await assess(2);
    location.reload(); // an accident
  } else {
    result.dataset.resumed = again.textContent;
    again.click();
    await assess(total - answers.length);
    result.dataset.overflow = document.documentElement.scrollWidth - innerWidth;
    result.dataset.name = document.getElementById("save").download;
    result.dataset.ended = !document.getElementById("end").hidden;
    result.dataset.seen = JSON.stringify(seen);
    result.textContent = saved;
  }
})().catch((error) => { result.textContent = "" + error; });
</script>
</body>"""


TIMED = """
<pre id="result"></pre>
<script>
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const result = document.getElementById("result"), states = [];
const image = document.getElementById("image"), gone = document.getElementById("gone");
const note = () => states.push([getComputedStyle(image).visibility, gone.textContent]);
(async () => {
  document.getElementById("start").click();
  await wait(100), note(); // blank
  await wait(300), note(); // seen
  await wait(400), note(); // gone
  document.getElementById("real").click();
  await wait(400), note(); // the next is seen
  document.getElementById("undo").click();
  await wait(300), note(); // no second look
  result.textContent = JSON.stringify({ states, limit: document.getElementById("limit").textContent });
})().catch((error) => { result.textContent = "" + error; });
</script>
</body>"""


def rated(page: Path, script: str, profile: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The page with a script that acts as a rater: the JSON that it leaves, and what it noted besides."""
    left = browse(page, script, profile)
    assert left.text.startswith("{"), left.text
    return json.loads(left.text), left.noted


@needs_chromium
def test_an_image_is_seen_once_where_looks_are_limited(tmp_path: Path) -> None:
    html, _ = study(seconds=0.4)
    (tmp_path / "study.html").write_text(html)
    found, _ = rated(tmp_path / "study.html", TIMED, tmp_path / "p")
    blank, seen, gone = ["hidden", ""], ["visible", ""], ["hidden", "Real or fake?"]
    assert found["states"] == [blank, seen, gone, seen, gone]
    assert "disappears after 0.4 seconds;" in found["limit"]


@needs_chromium
def test_a_rater_in_a_browser(place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    html, key = place.folder / "results/study/study.html", place.key()
    given = dict(content(html.read_text())["trials"])
    orders = []
    for code in (0, 5):
        file, noted = rated(html, DRIVER.replace("CODE", str(code)), tmp_path_factory.mktemp("p"))
        ids = [trial["id"] for trial in file["trials"]]
        orders.append(ids)
        assert sorted(ids) == sorted(key["trials"]) and file["study"] == key["study"]
        wanted = {t: "fake" if int(t[:8], 16) % 3 < 1 else "real" for t in ids}
        assert {trial["id"]: trial["answer"] for trial in file["trials"]} == wanted
        assert all(150 <= trial["ms"] < 5000 for trial in file["trials"])
        assert noted["name"] == f"genbench-study-{key['study']}-{file['rater']}.json"
        assert noted["resumed"] == f"Go on after 7 of 24 ({file['rater']})"
        assert (noted["ended"], noted["overflow"]) == ("true", "0")
        for trial, pixels in json.loads(noted["seen"]):
            assert bytes(pixels) == base64.b64decode(given[trial])
        assert len(json.loads(noted["seen"])) == 24 - 7
        save(place.folder / "answers", file)
    assert orders[0] != orders[1] and orders[0] != sorted(orders[0])
    code, _, err = place.genbench(*SCORE, str(place.folder / "answers"))
    assert code == 0, err
    assert place.genbench("report", "--out", "r", "--study", "results/study/study.json")[0] == 0
    assert "2 raters, 48 answers" in (place.folder / "r/index.html").read_text()
