"""What is remembered of closures is what they are, and only while no file and no release is another."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from genbench.params.yaml import read
from genbench.provenance import fingerprints, remembered
from genbench.provenance.closure import Closure, closure
from genbench.provenance.sources import PACKAGE, Sources
from genbench.storage.files import json_bytes

PARAMS = read(PACKAGE.parent.parent / "params.yaml")
SOME = [
    "stages/evaluate.json",
    "stages/report.json",
    "models/adversarial/gan.json",
    "kinds/comparison/meshes.json",
]


def right(needs: Iterable[str]) -> dict[str, Closure]:
    """Without a memory."""
    places, known = fingerprints.places(PARAMS), Sources()
    return {place: closure(places[place], known) for place in needs}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A memory that holds the closures of `SOME`."""
    monkeypatch.setattr(remembered, "KEPT", tmp_path / "closures.json")
    assert fingerprints.of(SOME, PARAMS) == right(SOME)
    return tmp_path / "closures.json"


@pytest.fixture
def computed(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many closures are computed when `SOME` are asked for; they must be the right ones."""
    wanted, calls = right(SOME), []
    monkeypatch.setattr(remembered, "closure", lambda *given: (calls.append(1), closure(*given))[1])

    def count() -> int:
        calls.clear()
        assert fingerprints.of(SOME, PARAMS) == wanted
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


@pytest.mark.parametrize("times", [1, 2], ids=["computed", "remembered"])
def test_all_fingerprints_are_written_as_they_are(kept: Path, tmp_path: Path, times: int) -> None:
    (tmp_path / "code/models").mkdir(parents=True)
    (tmp_path / "code/models/gone.json").write_text("{}")
    for _ in range(times):
        fingerprints.refresh(PARAMS, tmp_path / "code")
    found = {
        path.relative_to(tmp_path / "code").as_posix(): path.read_bytes()
        for path in (tmp_path / "code").rglob("*.json")
    }
    wanted = right(fingerprints.places(PARAMS))
    assert found == {place: json_bytes(code._asdict()) for place, code in wanted.items()}
    assert len(found) > 50
