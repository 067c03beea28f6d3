"""One run that is missing, failed or damaged keeps its place, and the rest of the table stands."""

from pathlib import Path

import pytest
from test_report import controls, models, rate, run
from test_study import write_run

from genbench.params.schema import load
from genbench.params.seeds import divided
from genbench.report import render, terminal_table
from genbench.report.absent import Absent
from genbench.report.results import rows_of
from genbench.report.text import TERMINAL_WIDTH
from genbench.report.verdict import assess
from genbench.stages import report
from genbench.storage.files import LEDGER, InputError

PARAMS = """\
device: cpu
datasets:
  digits: {source: digits, train: 1000}
  other: {source: digits, train: 1000}
extractor: {steps: 20}
external: {}
runs:
  digits-gan: {dataset: digits, model: adversarial/gan}
  digits-vae: {dataset: digits, model: latent/vae}
  other-vae: {dataset: other, model: latent/vae}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the two runs on digits have results and the third has none."""
    monkeypatch.chdir(tmp_path)
    LEDGER.clear()
    Path("params.yaml").write_text(PARAMS)
    for result in models()[:2]:
        write_run(Path("results/runs") / result.name, result)
    return tmp_path


def found() -> tuple[list[str], dict[str, str]]:
    runs, absent = report.results(load(Path("params.yaml")))
    return [each.name for each in runs], {each.name: each.why for each in absent}


def test_a_run_that_was_not_built_has_a_reason(place: Path) -> None:
    names, absent = found()
    assert names == ["digits-gan", "digits-vae"]
    assert absent == {"other-vae": "not built: results/runs/other-vae/model.safetensors is not there"}
    # A report of it is another one once the file is there: the receipt holds what was missing.
    assert LEDGER.read["results/runs/other-vae/model.safetensors"] == "absent"


def test_a_run_that_failed_has_what_its_stage_said(place: Path) -> None:
    log = Path("results/logs/train/other-vae.log")
    log.parent.mkdir(parents=True)
    log.write_text("step 1\ngenbench: error: runs.other-vae: the loss is nan; expected a finite number\n")
    assert (
        found()[1]["other-vae"] == "failed: train: runs.other-vae: the loss is nan; expected a finite number"
    )
    log.write_text("other-vae: step 20/20\n")
    assert found()[1]["other-vae"].startswith("not built")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("metrics.json", b"{"),
        ("metrics.json", b"[]"),
        ("metrics.json", b"{}"),
        ("novelty.json", b"\xff"),
        ("curve.csv", b""),
        ("curve.csv", b"a,b\n1,2\n"),
        ("samples.npz", b"PK"),
        ("grid.png", b"no picture"),
    ],
)
def test_a_damaged_file_costs_its_own_run_alone(place: Path, file: str, content: bytes) -> None:
    Path("results/runs/digits-vae", file).write_bytes(content)
    names, absent = found()
    assert names == ["digits-gan"]
    assert absent["digits-vae"].startswith(f"damaged: results/runs/digits-vae/{file}")


def test_the_report_is_written_with_what_there_is(place: Path) -> None:
    absent = report.run(Path("report"), [], Path("params.yaml"))
    assert [each.name for each in absent] == ["other-vae"]
    for file in ("index.html", "headline.md"):
        text = (place / "report" / file).read_text()
        assert "not built: results/runs/other-vae/model.safetensors is not there" in text.replace("\\_", "_")
        assert "gan" in text


def test_datasets_and_runs_are_shown_by_name(place: Path) -> None:
    path = Path("params.yaml")
    for names, shown, lacking in (
        ([], ["digits-gan", "digits-vae"], ["other-vae"]),
        (["digits"], ["digits-gan", "digits-vae"], []),
        (["digits-vae", "other"], ["digits-vae"], ["other-vae"]),
    ):
        runs, absent = report.named(names, path)
        assert ([each.name for each in runs], [each.name for each in absent]) == (shown, lacking)
    with pytest.raises(InputError, match="no entry 'digit'; did you mean 'digits'"):
        report.named(["digit"], path)


def test_nothing_built_is_said_in_one_line(place: Path) -> None:
    Path("params.yaml").write_text(
        PARAMS.replace("digits-gan:", "digits-a:").replace("digits-vae:", "digits-b:")
    )
    with pytest.raises(InputError, match="no run has results here; expected a build"):
        report.named([], Path("params.yaml"))


def test_absent_runs_stand_in_the_table_of_their_dataset() -> None:
    why = "damaged: " + "a long reason " * 12
    text = terminal_table(
        models(), [Absent("digits-ddpm", "digits", why), Absent("ring-gan", "ring", "not built")]
    )
    assert "\nddpm  damaged: a long reason" in text
    assert "\nring\ngan  not built\n" in text
    assert max(map(len, text.splitlines())) <= TERMINAL_WIDTH
    page = render([], [], [Absent("x", "d", "<script>alert(1)")])["index.html"].decode()
    assert "&lt;script&gt;alert(1)" in page and "<script>alert(1)" not in page


def test_the_verdict_names_the_controls_that_are_missing_and_their_lines() -> None:
    text = terminal_table([*models(), *controls()[:2]])
    assert "No novelty verdict: control runs are missing: tenth_copycat, noise." in text
    for name in ("tenth_copycat", "noise"):
        line = f"  digits-{name}: {{dataset: digits, model: controls/{name}}}"
        assert line in text
        assert line.strip() in render([*models(), *controls()[:2]], [])["index.html"].decode()


def test_uniform_tokens_are_the_noise_of_meshes() -> None:
    noise = run("digits-tokens", "controls/uniform_tokens", {}, {"copy_rate": rate(0.0, 0.0, 0.005)})
    judgement = assess(rows_of([*controls()[:3], noise]))
    assert (judgement.state, judgement.missing) == ("passed", [])


def test_seeds_that_have_become_two_systems_are_named(tmp_path: Path) -> None:
    """As `dvc exp run -S` leaves them, which changes one entry and writes out the others."""
    path = tmp_path / "params.yaml"
    seed = "  digits-vae-s1: {<<: *vae, seed: 1, beta: 1.0}\n"
    text = PARAMS.replace("digits-vae: {", "digits-vae: &vae {beta: 4.0, ") + seed
    path.write_text(text)
    said = load(path).warnings
    assert list(said) == ["digits-vae-s1"]
    assert "runs.digits-vae and runs.digits-vae-s1 differ in beta (4.0 and 1.0)" in said["digits-vae-s1"]
    path.write_text(text.replace(", beta: 1.0", ""))
    assert load(path).warnings == {}

    divided_runs = [
        run(name, "latent/vae", {}, {}, seed=seed, beta=beta)
        for name, seed, beta in (("digits-vae", 0, 4.0), ("digits-vae-s1", 1, 1.0))
    ]
    assert "two systems, not two seeds" in terminal_table(divided_runs).replace("\n  ", " ")
    assert "two systems, not two seeds" in render(divided_runs, [])["index.html"].decode()


def test_a_variation_with_seeds_of_its_own_is_no_mistake() -> None:
    def entry(seed: int, **options: object) -> dict[str, object]:
        return {"dataset": "d", "model": "m", "seed": seed, **options}

    systems = {"a": entry(0), "a-s1": entry(1), "b": entry(0, beta=4), "b-s1": entry(1, beta=4)}
    assert divided(systems) == {}
    assert divided({"a": entry(0), "b": entry(0, beta=4)}) == {}
    assert divided({"a": entry(0), "b": {**entry(1, beta=4), "model": "other"}}) == {}
    assert list(divided({**systems, "a-s2": entry(2, beta=1)})) == ["a-s2"]
