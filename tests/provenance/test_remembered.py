"""What is remembered of closures is what they are, and only while no file and no release is another."""

from collections.abc import Callable
from pathlib import Path

import pytest

from genbench.params.yaml import read
from genbench.provenance import fingerprints, remembered
from genbench.provenance.sources import PACKAGE

PARAMS = read(PACKAGE.parent.parent / "params.yaml")
SOME = [
    "stages/evaluate.json",
    "stages/report.json",
    "models/adversarial/gan.json",
    "kinds/comparison/meshes.json",
]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A memory that holds the closures of `SOME`."""
    monkeypatch.setattr(remembered, "KEPT", tmp_path / "closures.json")
    assert remembered.of(SOME, PARAMS) == fingerprints.of(SOME, PARAMS)
    return tmp_path / "closures.json"


@pytest.fixture
def computed(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many closures are computed when `SOME` are asked for; they must be the right ones."""
    right, calls = fingerprints.of(SOME, PARAMS), []
    monkeypatch.setattr(
        remembered, "closure", lambda *given: (calls.append(1), fingerprints.closure(*given))[1]
    )

    def count() -> int:
        calls.clear()
        assert remembered.of(SOME, PARAMS) == right
        return len(calls)

    return count


def test_nothing_is_computed_twice(computed: Callable[[], int]) -> None:
    assert computed() == 0


@pytest.mark.parametrize("content", ["", "[]", "{", '{"state": 1}'])
def test_a_damaged_memory_is_made_again(computed: Callable[[], int], kept: Path, content: str) -> None:
    kept.write_text(content)
    assert (computed(), computed()) == (len(SOME), 0)


def test_a_file_with_another_time_and_another_release_are_noticed(
    computed: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    version_of, version = remembered.version_of, remembered.version
    some = next(path for path in sorted(PACKAGE.rglob("templates/*")) if path.is_file())
    monkeypatch.setattr(
        remembered, "version_of", lambda path: (1, 1, 1) if path == some else version_of(path)
    )
    assert (computed(), computed()) == (len(SOME), 0)
    monkeypatch.setattr(remembered, "version", lambda name: "99.0" if name == "torch" else version(name))
    assert (computed(), computed()) == (len(SOME), 0)


def test_all_fingerprints_are_written_as_ever(kept: Path, tmp_path: Path) -> None:
    for refresh, folder in ((fingerprints.refresh, "fresh"), (remembered.refresh, "kept")):
        (tmp_path / folder / "models").mkdir(parents=True)
        (tmp_path / folder / "models/gone.json").write_text("{}")
        refresh(PARAMS, tmp_path / folder)
    fresh, found = (
        {
            path.relative_to(tmp_path / folder): path.read_bytes()
            for path in (tmp_path / folder).rglob("*.json")
        }
        for folder in ("fresh", "kept")
    )
    assert found == fresh
    assert len(found) > 50
