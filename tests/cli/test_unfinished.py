"""What a file that somebody writes must hold is said before anything is built, in one line."""

from pathlib import Path

import pytest

from genbench.cli import unfinished
from genbench.params.signatures import MODELS, SOURCES, model_names, source_names
from genbench.scoring import catalogue
from genbench.scoring.catalogue import SCORES
from genbench.storage.files import InputError

METHODS = """\
    def phases(self):
        return []

    def sample(self, n, condition=None, *, rng):
        return None
"""


def test_all_that_there_is_is_whole() -> None:
    runs = {name: {"model": name} for name in model_names()}
    datasets = {name: {"source": name} for name in source_names()}
    assert len(runs) > 50 and len(datasets) > 10
    unfinished.refuse_unfinished({"runs": runs, "datasets": datasets})


def test_odd_parameters_are_left_to_their_own_check() -> None:
    for odd in (
        {},
        {"runs": 3, "datasets": None},
        {"runs": {"a": 1, "b": {"model": ["x"]}}},
        {"runs": {"a": {"model": "a\0"}}},
    ):
        unfinished.refuse_unfinished(odd)


def of_a_model(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(text)
    monkeypatch.setattr(unfinished, "MODELS", tmp_path)
    unfinished.refuse_unfinished({"runs": {"digits-mine": {"model": "mine"}}})


def test_a_model_without_a_method_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = f"class Mine(GenerativeModel):\n{METHODS}"
    of_a_model(whole, tmp_path, monkeypatch)
    with pytest.raises(
        InputError, match=r"mine\.py: Mine has no method phases; expected phases, sample of every"
    ):
        of_a_model(whole.replace("phases", "phase"), tmp_path, monkeypatch)
    of_a_model("class Mine(Game):\n    width = 3\n", tmp_path, monkeypatch)  # which has them from its base


def of_a_source(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(text)
    monkeypatch.setattr(unfinished, "SOURCES", tmp_path)
    unfinished.refuse_unfinished({"datasets": {"own": {"source": "mine", "train": 10}}})


def test_a_source_without_load_or_of_no_kind_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = 'KIND = "points"\n\n\ndef load(*, train: int = 3):\n    pass\n'
    of_a_source(whole, tmp_path, monkeypatch)
    with pytest.raises(
        InputError, match=r"mine\.py: holds no function load; expected load\(\*, options…\) -> Source"
    ):
        of_a_source(whole.replace("load", "lode"), tmp_path, monkeypatch)
    with pytest.raises(InputError, match=r"KIND: got 'point'; expected one of image, mesh, points, table"):
        of_a_source(whole.replace("points", "point"), tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"better": "dwon"}, r"fid: better: got 'dwon'; expected one of None, a number, down, up"),
        ({"better": True}, r"fid: better: got True"),
        ({"copying": 1.0}, r"fid: copying: got 1\.0; expected one of None, down, up"),
    ],
)
def test_a_direction_that_is_none_is_named(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, object], told: str
) -> None:
    monkeypatch.setattr(catalogue, "SCORES", {**SCORES, "fid": SCORES["fid"]._replace(**change)})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=told):
        unfinished.refuse_unfinished({})


def test_a_score_that_is_there_twice_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again = tmp_path / "catalogue.py"
    again.write_text(unfinished.CATALOGUE.read_text().replace('"kid": Score(', '"fid": Score('))
    monkeypatch.setattr(unfinished, "CATALOGUE", again)
    with pytest.raises(InputError, match=r"catalogue\.py: fid: is there twice; expected one Score for each"):
        unfinished.refuse_unfinished({})


def test_the_files_are_where_the_check_looks() -> None:
    assert unfinished.CATALOGUE.is_file() and MODELS.is_dir() and SOURCES.is_dir()
