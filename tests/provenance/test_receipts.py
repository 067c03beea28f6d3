"""A stage leaves a receipt of what it was made from, or, where that has changed meanwhile, its earlier results."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TINY

from genbench.params.schema import load
from genbench.provenance import receipts
from genbench.provenance.receipts import recording
from genbench.provenance.sources import PACKAGE
from genbench.storage import files
from genbench.storage.files import InputError, json_bytes, read_bytes, write_all

TRAIN = (
    "train",
    "--run",
    "bits-copycat",
    "--data",
    "data/bits.safetensors",
    "--out",
    "results/runs/bits-copycat",
)
OUT = Path("results/runs/bits-copycat")


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with parameters, data and an earlier result."""
    monkeypatch.chdir(tmp_path)
    other = "bits-other: {dataset: bits, model: controls/noise}\n  "
    Path("params.yaml").write_text(TINY.replace("bits-copycat:", f"{other}bits-copycat:"))
    for name in ("data/bits.safetensors", OUT / "curve.csv"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("earlier")
    for name in receipts.ENGINES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def stage(meanwhile: Callable[[], object] = lambda: None) -> None:
    """What the stage `train` does, with something that happens before it writes."""
    with recording(TRAIN):
        load(Path("params.yaml"))
        read_bytes(Path("data/bits.safetensors"), what="the data")
        meanwhile()
        write_all(OUT, {"curve.csv": b"new"})


def refused(meanwhile: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        stage(meanwhile)
    assert (OUT / "curve.csv").read_text() == "earlier"
    assert list(OUT.glob("*.partial")) == []
    assert not Path("results/receipts").exists()


def test_a_receipt_names_the_code_the_inputs_and_the_outputs() -> None:
    stage()
    assert (OUT / "curve.csv").read_text() == "new"
    receipt = receipts.receipts(Path())[" ".join(("genbench", *TRAIN))]
    assert "src/genbench/models/controls/copycat.py" in receipt.code and "torch" in receipt.code
    assert "src/genbench/models/controls/noise.py" not in receipt.code
    assert set(receipt.read) == {"params.yaml", "data/bits.safetensors"}
    assert set(receipt.written) == {"results/runs/bits-copycat/curve.csv"}
    assert receipt.engine == ""
    assert json.loads(Path("results/code/models/controls/copycat.json").read_bytes())["packages"]


def test_an_input_that_changes_stops_the_stage_and_one_that_is_written_anew_as_it_was_does_not() -> None:
    data = Path("data/bits.safetensors")
    refused(lambda: data.write_text("other"), "data/bits.safetensors: changed while this stage ran")
    refused(data.unlink, "data/bits.safetensors: changed while this stage ran")
    data.write_text("earlier")
    stage(lambda: data.write_text("earlier"))


def test_a_changed_parameter_stops_the_stage_that_it_is_about_and_no_other() -> None:
    params = Path("params.yaml")
    text = params.read_text()
    for run, stops in (("copycat", True), ("noise", False)):
        params.write_text(text)
        changed = text.replace(f"model: controls/{run}", f"seed: 3, model: controls/{run}")
        if stops:
            refused(lambda c=changed: params.write_text(c), "params.yaml: runs.bits-copycat: changed")  # type: ignore[misc]
        else:
            stage(lambda c=changed: params.write_text(c))  # type: ignore[misc]


def test_code_that_changes_stops_the_stages_that_can_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = files.version_of

    def edited(name: str) -> Callable[[], None]:
        file = PACKAGE / name
        return lambda: monkeypatch.setattr(
            receipts, "version_of", lambda path: None if path == file else real(path)
        )

    refused(edited("core.py"), "src/genbench/core.py: changed while this stage ran")
    monkeypatch.setattr(receipts, "version_of", real)
    stage(edited("models/controls/noise.py"))


@pytest.mark.parametrize("engine", receipts.ENGINES)
def test_a_stage_refuses_to_run_other_code_than_its_engine_has_looked_at(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage()
    place = Path("results/code/models/controls/copycat.json")
    content = json.loads(place.read_bytes())
    monkeypatch.setenv(engine, "1")
    stage()
    for key, name, said in (
        ("files", "src/genbench/core.py", "src/genbench/core.py is not what this build was started with"),
        ("packages", "torch", "torch .* is not what this build was started with, 1.0"),
    ):
        changed = {**content, key: {**content[key], name: "1.0"}}
        place.write_bytes(json_bytes(changed))
        with pytest.raises(InputError, match=said):
            stage()
        assert place.read_bytes() == json_bytes(changed)
    monkeypatch.delenv(engine)
    stage()  # called by hand it brings the fingerprint up to date
    assert json.loads(place.read_bytes()) == content


def test_another_copy_of_the_package_in_the_folder_is_refused_where_it_differs(workspace: Path) -> None:
    copy = workspace / "src/genbench"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    receipts.refuse_other_code()
    (copy / "models/controls/noise.py").write_text("")
    refused(lambda: None, "models/controls/noise.py: is not the code that runs, which is")
    (copy / "models/controls/noise.py").unlink()
    refused(lambda: None, "models/controls/noise.py: is not the code that runs, which is")


def test_what_is_written_elsewhere_leaves_nothing_here(tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with recording((*TRAIN[:-1], str(elsewhere))):
        load(Path("params.yaml"))
        write_all(elsewhere, {"curve.csv": b"new"})
    assert not Path("results/receipts").exists() and not Path("results/code").exists()


def wrote(path: Path, content: bytes) -> None:
    """A stage `prepare` that has written a file."""
    with recording(("prepare", "--dataset", "bits", "--out", path.as_posix())):
        load(Path("params.yaml"))
        write_all(path.parent, {path.name: content})


def test_a_file_that_is_not_what_its_stage_wrote_is_refused_when_it_is_read() -> None:
    data = Path("data/bits.safetensors")
    wrote(data, b"prepared")
    stage()
    data.write_bytes(b"prepareD")
    (OUT / "curve.csv").write_text("earlier")
    with pytest.raises(
        InputError, match=r"data/bits.safetensors: is not what its stage wrote .*start the build"
    ):
        stage()
    assert (OUT / "curve.csv").read_text() == "earlier"
    # DVC puts files in place without their stage having run, and knows them by the same hash.
    Path("dvc.lock").write_text(f"outs:\n- path: {data}\n  md5: {files.md5(b'prepareD')}\n")
    stage()
    assert (OUT / "curve.csv").read_text() == "new"


def test_what_a_stage_downloads_is_read_and_not_an_output(tmp_path: Path) -> None:
    with recording(("prepare", "--dataset", "bits", "--out", "data/bits.safetensors")):
        load(Path("params.yaml"))
        write_all(Path("data/raw"), {"published.gz": b"raw"})
        write_all(Path("data"), {"bits.safetensors": b"prepared"})
    (receipt,) = receipts.receipts(tmp_path).values()
    assert set(receipt.written) == {"data/bits.safetensors"}
    assert "data/raw/published.gz" in receipt.read


def test_a_folder_of_the_user_s_own_is_listed(tmp_path: Path) -> None:
    (tmp_path / "mine/cats").mkdir(parents=True)
    (tmp_path / "mine/cats/loop").symlink_to(tmp_path / "mine")
    before = receipts.listing(tmp_path / "mine")
    (tmp_path / "mine/.hidden").touch()
    assert receipts.listing(tmp_path / "mine") == before
    (tmp_path / "mine/cats/one.png").touch()
    assert receipts.listing(tmp_path / "mine") != before
    assert receipts.listing(tmp_path / "other") is None
