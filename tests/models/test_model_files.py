"""What the files of models are: of a size that is read at a sitting, and free of scores."""

from pathlib import Path

import pytest

from genbench.params.signatures import MODELS
from genbench.provenance.closure import closure
from genbench.provenance.sources import PACKAGE

LONGEST = 150  # lines
FILES = sorted(path for path in MODELS.rglob("*.py") if path.name != "__init__.py")


def files_are_short(files: list[Path]) -> None:
    long = {file.stem: n for file in files if (n := len(file.read_text().splitlines())) > LONGEST}
    assert not long, f"more than {LONGEST} lines: {long}"


def no_score_is_reached(files: list[Path]) -> None:
    """An edit of a score would train the model again."""
    scores = [part for part in closure(files).files if "scoring" in part]
    assert not scores, f"scores: {scores}"


def test_model_files_are_short(tmp_path: Path) -> None:
    files_are_short(FILES)
    long = tmp_path / "long.py"
    long.write_text("x = 0\n" * (LONGEST + 1))
    with pytest.raises(AssertionError, match="long"):
        files_are_short([*FILES, long])


def test_no_model_is_trained_again_for_a_score() -> None:
    no_score_is_reached(FILES)
    scored = PACKAGE / "kinds/image/fidelity.py"
    with pytest.raises(AssertionError, match="frechet"):
        no_score_is_reached([scored])
