"""One engine learns what the other has built, nothing unproven passes, and a rebuild finds what does not fit."""

import errno
import json
import os
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import PAIR, TINY, checkout, copy_of, run_in
from test_engines import planned_by_dvc, planned_by_snakemake

from genbench.engines import settled
from genbench.engines.differences import difference
from genbench.engines.proofs import SETTLED, Hashes, Stage, Verdict, assess, doubts, receipt_of
from genbench.engines.sync import Outcome, summary
from genbench.engines.verify import verify
from genbench.provenance.receipts import Receipt, param_hashes
from genbench.storage.files import InputError, json_bytes, md5, npz_bytes

LOCKS = ("dvc.lock", "stages/train/dvc.lock", "stages/sample/dvc.lock", "stages/novelty/dvc.lock")
STAGES = {f"{stage}@bits-copycat" for stage in ("train", "sample", "novelty", "evaluate")}


def do(folder: Path, *arguments: str, code: int = 0, **environment: str) -> str:
    """What a command says, which must end with `code`."""
    result = run_in(folder, *arguments, **environment)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr


def locks(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in LOCKS]


def clone(source: Path, folder: Path) -> Path:
    do(source.parent, "git", "clone", "-q", str(source), str(folder))
    return folder


def commit(folder: Path) -> None:
    do(folder, "git", "add", "-A")
    do(folder, "git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "built")


def test_a_workspace_goes_from_one_engine_to_the_other_and_back(by_snakemake: Path, tmp_path: Path) -> None:
    """Snakemake builds, DVC agrees; a clone pulls, Snakemake agrees; what was changed by hand is run again."""
    one = copy_of(by_snakemake, tmp_path / "one")
    assert "12 of 12 stages are up to date; 12 newly recorded" in do(one, "genbench", "sync", "--strict")
    assert do(one, "dvc", "status", "-q") == ""
    time.sleep(SETTLED / 1e9)  # files that have just been written may be written again unseen
    said = "12 of 12 stages are up to date; 0 newly recorded in dvc.lock, 0 in Snakemake's records"
    assert said in do(one, "genbench", "sync", "--strict")
    assert (one / settled.MEMORY).exists()
    assert said in do(one, "genbench", "sync", "--strict", PATH="")  # neither engine is asked

    do(one, "dvc", "remote", "add", "--default", "store", "../genbench-store")
    do(one, "dvc", "push", "-q")
    commit(one)
    other = clone(one, tmp_path / "other")
    do(other, "dvc", "pull", "-q")
    page = "results/report/index.html"  # it opens without a stage having been run here
    assert (other / page).read_bytes() == (one / page).read_bytes()
    assert (other / page).as_uri() in do(other, "genbench", "show")
    assert not (other / "results/receipts").exists()
    said = do(other, "genbench", "sync", "--strict")
    assert "12 of 12 stages are up to date; 0 newly recorded in dvc.lock, 12 in Snakemake's records" in said
    assert planned_by_snakemake(other) == set()
    assert locks(other) == locks(one)

    # An artifact edited by hand, in a workspace whose times and records say that all is well.
    picture = other / "results/runs/bits-copycat/grid.png"
    picture.write_bytes(picture.read_bytes() + b"!")
    (other / "results/runs/bits-copycat/novelty.json").unlink()
    said = do(other, "genbench", "sync", "--strict", code=1)
    assert "sample@bits-copycat" in said
    assert "not built: stages/novelty/dvc.yaml:novelty@bits-copycat" in said
    assert planned_by_snakemake(other) == STAGES - {"train@bits-copycat"} | {"report"}
    assert locks(other) == locks(one)
    assert "sample@bits-copycat" in planned_by_dvc(other)

    # A parameter of either run changed after the build and before the hand-over.
    (one / "params.yaml").write_text(re.sub(r"(?m)^(  bits-.*)}$", r"\1, seed: 4}", PAIR))
    for name in LOCKS:
        (one / name).unlink()
    said = do(one, "genbench", "sync", "--strict", code=1)
    assert "params.yaml: runs.bits-copycat is not what it was made with" in said
    assert "3 of 12 stages are up to date; 3 newly recorded in dvc.lock" in said
    both = STAGES | {stage.replace("copycat", "made") for stage in STAGES}
    assert planned_by_snakemake(one) == both | {"report"}
    assert not (one / "stages/train/dvc.lock").exists()

    # Back again: what stands there is proven once more, and dvc.lock is what it was.
    (one / "params.yaml").write_text(PAIR)
    do(one, "genbench", "sync", "--strict")
    assert locks(one) == locks(other)
    assert planned_by_snakemake(one) == set()

    (one / ".snakemake/locks").mkdir(exist_ok=True)
    (one / ".snakemake/locks/0.output.lock").write_text("results/report/index.html\n")
    assert "snakemake --unlock" in do(one, "genbench", "sync", code=1)


def test_what_has_not_changed_since_all_was_up_to_date_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever `sync` looks at: one file edited, with its size and time as they were, one more, one less."""
    places = ("params.yaml", "dvc.lock", "workflow/Snakefile", "results/runs/a/metrics.json", "mine/x.png")
    places += (
        ".snakemake/metadata/a",
        ".dvc/cache/files/md5/ab/cd",
        "stages/train/dvc.lock",
        "results/logs/a.log",
    )
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("text")
    params = {"datasets": {"a": {"root": "mine"}}, "runs": {}, "external": None}
    assert settled.known(tmp_path, params) is None
    settled.keep(tmp_path, params, 7)
    assert settled.known(tmp_path, params) is None  # the files are new, and may change again unseen
    monkeypatch.setattr(settled, "SETTLED", -1)

    def noticed() -> bool:
        before = settled.known(tmp_path, params)
        settled.keep(tmp_path, params, 7)
        assert settled.known(tmp_path, params) == 7
        return before is None

    assert noticed()
    (tmp_path / "results/logs/a.log").write_text("a line")  # nobody's proof
    assert not noticed()
    for place in places[:-1]:
        path = tmp_path / place
        times = path.stat()
        path.write_text("txet")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert noticed(), place
    (tmp_path / "mine/y.png").write_text("")
    assert noticed()
    (tmp_path / "mine/y.png").unlink()
    assert noticed()
    (tmp_path / "packages/torch-99.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    assert noticed()
    (tmp_path / settled.MEMORY).write_text("{")
    assert settled.known(tmp_path, params) is None


def test_a_tree_without_git_is_synchronised_rebuilt_and_reported(by_snakemake: Path, tmp_path: Path) -> None:
    """As an archive gives it."""
    folder = copy_of(by_snakemake, tmp_path / "archive")
    shutil.rmtree(folder / ".git")
    assert "12 of 12 stages are up to date" in do(folder, "genbench", "sync", "--strict")
    do(folder, "genbench", "report")
    said = do(folder, "genbench", "verify", "prepare@bits", "--engine", "snakemake")
    assert "bit-identical: 1 files of 1 stages, rebuilt with snakemake" in said
    assert "HEAD" in do(folder, "genbench", "verify", "--against", "HEAD", code=1).splitlines()[-1]


def test_verify_names_the_stage_that_is_not_reproducible(tmp_path: Path) -> None:
    folder = checkout(tmp_path, TINY)
    data = folder / "data/bits.safetensors"
    command = ("genbench", "prepare", "--dataset", "bits", "--out", "data/bits.safetensors")
    do(folder, *command)
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)
    said = do(folder, "genbench", "verify", "data/bits.safetensors", "--engine", "dvc", code=1)
    assert "data/bits.safetensors: 'train.x': 1 of 64,000 values, largest difference 1" in said
    assert "data/bits.safetensors is not what the stage wrote" in said

    source = folder / "src/genbench/data/sources/digits.py"
    planted = """
_load = load


def load(**options):
    found = _load(**options)
    x = found.train.x.copy()
    x[0] = np.random.default_rng().integers(0, 2, x[0].shape)
    return found._replace(train=found.train._replace(x=x))
"""
    source.write_text(source.read_text() + planted)
    do(folder, *command)
    said = do(folder, "genbench", "verify", "prepare@bits", "--engine", "snakemake", code=1)
    assert "first: stage prepare@bits, data/bits.safetensors: 'train.x': " in said
    assert "the records here show no reason" in said


def test_a_full_disk_for_the_copy_is_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = checkout(tmp_path, TINY)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copy", full)
    with pytest.raises(InputError, match="cannot hold a copy of the workspace: No space left on device"):
        verify(folder, ["prepare@bits"])


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        (
            100,
            "the build failed: 1 of 1 files of 1 stages, rebuilt with dvc in a clean copy, were not made: ",
        ),
        (1, "DVC: its database cannot be written: "),
    ],
)
def test_a_build_that_fails_is_no_difference(tmp_path: Path, blocks: int, said: str) -> None:
    """No file may be longer than so many KB, as on a full disk."""
    folder = checkout(tmp_path, TINY)
    do(folder, "dvc", "init", "-q", "-f")  # with a database of this workspace
    do(folder, "genbench", "prepare", "--dataset", "bits", "--out", "data/bits.safetensors")
    limited = f"ulimit -f {blocks}; exec genbench verify prepare@bits --engine dvc"
    found = do(folder, "bash", "-c", limited, code=1)
    assert said in found
    assert "bit-identical" not in found
    assert "Traceback" not in found


def test_scores_are_compared_with_another_revision(tmp_path: Path) -> None:
    folder = checkout(tmp_path, TINY)
    path = folder / "results/runs/bits-copycat/metrics.json"
    path.parent.mkdir(parents=True)
    scores = {"fid": {"value": 10.0, "low": 9.0, "high": 11.0}}
    path.write_bytes(json_bytes({"scores": scores}))
    commit(folder)
    do(folder, "git", "add", "-f", str(path))
    commit(folder)
    scores["fid"]["value"] = 10.5
    path.write_bytes(json_bytes({"scores": scores}))
    assert "all agree" in do(folder, "genbench", "verify", "--against", "HEAD")
    said = do(folder, "genbench", "verify", "--against", "HEAD", "--tolerance", "0.01", code=1)
    assert "bits-copycat: fid: 10.5 here, 10 at HEAD" in said
    assert "no-such-revision" in do(folder, "genbench", "verify", "--against", "no-such-revision", code=1)


CODE = "results/code/models/m.json"


def code(**changed: str) -> bytes:
    """A fingerprint of one module and one package."""
    found = {"module": "1", "torch": "2.14.1", **changed}
    return json_bytes({"files": {MODULE: found["module"]}, "packages": {"torch": found["torch"]}})


MODULE = "src/genbench/nn/a.py"


@pytest.fixture
def proven(tmp_path: Path) -> tuple[list[Stage], Receipt, dict[str, str]]:
    """Two stages, the first with a receipt that proves it, the second in dvc.lock."""
    for name in ("data/x", "results/y", "results/z", CODE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(code() if name == CODE else name.encode())
    params = param_hashes({"runs": {"r": {"lr": 1}}})
    of = {name: md5(name.encode()) for name in ("data/x", "results/y")}
    receipt = Receipt("c", "", params, {MODULE: "1", "torch": "2.14.1"}, {"data/x": of["data/x"]}, of)
    first = Stage("first", "c", (CODE, "data/x"), (), ("runs.r",), ("results/y",), (), False)
    second = Stage("second", "d", ("results/y",), (), (), ("results/z",), ("first",), True)
    return [first, second], receipt, params


def states(
    folder: Path, proven: tuple[list[Stage], Receipt, dict[str, str]], **changed: object
) -> tuple[list[str], str]:
    stages, receipt, params = proven
    params = param_hashes(changed["params"]) if "params" in changed else params  # type: ignore[arg-type]
    known = {} if changed.get("no_receipt") else {"c": receipt}
    verdicts = assess(stages, known, params, Hashes(folder))
    return [verdict.state for verdict in verdicts.values()], verdicts["first"].why


def test_a_receipt_proves_what_stands_there(
    tmp_path: Path, proven: tuple[list[Stage], Receipt, dict[str, str]]
) -> None:
    assert states(tmp_path, proven) == (["ready", "ready"], "")


@pytest.mark.parametrize("file", ["data/x", "results/y"])
def test_every_changed_file_is_named(
    tmp_path: Path, proven: tuple[list[Stage], Receipt, dict[str, str]], file: str
) -> None:
    (tmp_path / file).write_text("other")
    found, why = states(tmp_path, proven)
    assert found == ["stale", "waiting"]
    assert file in why


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"module": "2"}, "src/genbench/nn/a.py is not what it was made with"),
        ({"torch": "2.15.0"}, "torch 2.15.0 is not what it was made with, 2.14.1"),
    ],
)
def test_a_changed_module_and_another_release_are_named(
    tmp_path: Path,
    proven: tuple[list[Stage], Receipt, dict[str, str]],
    changed: dict[str, str],
    said: str,
) -> None:
    (tmp_path / CODE).write_bytes(code(**changed))
    assert states(tmp_path, proven) == (["stale", "waiting"], said)


def test_a_parameter_a_lost_file_and_a_lost_receipt_are_named(
    tmp_path: Path, proven: tuple[list[Stage], Receipt, dict[str, str]]
) -> None:
    found, why = states(tmp_path, proven, params={"runs": {"r": {"lr": 2}}})
    assert (found, why) == (["stale", "waiting"], "params.yaml: runs.r is not what it was made with")
    found, why = states(tmp_path, proven, no_receipt=True)
    assert (found, why) == (["stale", "waiting"], "nothing shows what it was made from")
    (tmp_path / "results/y").unlink()
    found, why = states(tmp_path, proven)
    assert (found, why) == (["missing", "waiting"], "results/y is not there")


def test_raw_data_that_changed_is_named_though_dvc_does_not_look_at_it(tmp_path: Path) -> None:
    command = "genbench prepare --dataset x --out data/x.safetensors"
    for name in ("raw/a.png", "data/x.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    stage = Stage("prepare@x", command, (), (), (), ("data/x.safetensors",), (), locked=True)
    of = {name: md5(name.encode()) for name in ("raw/a.png", "data/x.safetensors")}
    receipt = Receipt(
        command, "dvc", {}, {}, {"raw/a.png": of["raw/a.png"]}, {stage.outs[0]: of[stage.outs[0]]}
    )

    def verdict() -> Verdict:
        return assess([stage], {command: receipt}, {}, Hashes(tmp_path))["prepare@x"]

    assert verdict().state == "ready"
    (tmp_path / "raw/a.png").write_text("other")
    assert (verdict().state, verdict().why) == ("stale", "raw/a.png is not what it was made from")
    said = summary(Outcome({"prepare@x": verdict()}, [], []))
    assert "dvc repro --force --single-item prepare@x" in said
    (tmp_path / "data/x.safetensors").write_text("put in place by DVC, of another time")
    assert verdict().state == "ready"


def test_a_receipt_made_of_another_proof_proves_what_stands_there(
    tmp_path: Path, proven: tuple[list[Stage], Receipt, dict[str, str]]
) -> None:
    stages, _, params = proven
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.png").write_text("a")
    stage = stages[0]._replace(folders=("mine", "results"))
    made = {out for one in stages for out in one.outs}
    (tmp_path / "results/timing.json").write_text("no output")
    receipt = receipt_of(stage, made, params, Hashes(tmp_path))
    assert doubts(stage, receipt, params, Hashes(tmp_path)) == ""
    assert set(receipt.read) == {"data/x", "mine/", "mine/a.png", "results/y", "results/z"}
    (tmp_path / "mine/b.png").write_text("b")
    assert doubts(stage, receipt, params, Hashes(tmp_path)) == "mine/ is not what it was made from"


def test_differences_are_told_in_numbers() -> None:
    one, other = np.arange(6.0), np.arange(6.0)
    other[4] += 0.25
    said = difference(Path("a.npz"), npz_bytes({"x": one}), npz_bytes({"x": other}))
    assert said == "'x': 1 of 6 values, largest difference 0.25"
    said = difference(Path("a.json"), json.dumps({"a": [1, 2]}).encode(), json.dumps({"a": [1, 5]}).encode())
    assert said == "'a[1]': 1 of 1 values, largest difference 3"
    assert "first at byte 1 of 3" in difference(Path("a.txt"), b"abc", b"axc")
    assert "byte" in difference(Path("a.npz"), b"damaged", npz_bytes({"x": one}))


def test_samples_that_dvc_tracks_itself_are_an_input(tmp_path: Path) -> None:
    """`dvc add` and `dvc import` make a .dvc file, a stage without a name or a command."""
    params = TINY.replace("external: {}", "external:\n  bits-mine: {dataset: bits, samples: mine}")
    folder = checkout(tmp_path, params)
    (folder / "mine").mkdir()
    np.savez(folder / "mine/x.npz", x=np.zeros(3))
    do(folder, "dvc", "add", "-q", "mine")
    assert "0 of 11 stages are up to date" in do(folder, "genbench", "sync")
