"""How often a training is watched: as often as its entry says, which changes nothing else."""

from pathlib import Path

import numpy as np
import pytest
from killed import killed_at
from test_training import fit

from genbench.params.schema import Run
from genbench.storage.files import read_npz
from genbench.training.loop import Budget


def frames(folder: Path, content: bytes) -> dict[str, np.ndarray]:
    (folder / "frames.npz").write_bytes(content)
    return read_npz(folder / "frames.npz", what="the frames")


@pytest.mark.parametrize(("moments", "steps"), [(2, [0, 30]), (4, [0, 10, 20, 30]), (31, list(range(31)))])
def test_a_training_is_watched_as_often_as_asked_and_ends_the_same(
    tmp_path: Path, moments: int, steps: list[int]
) -> None:
    usual, asked = (
        fit(tmp_path, Budget(30, 8), "usual"),
        fit(tmp_path, Budget(30, 8, moments=moments), "asked"),
    )
    assert asked[:2] == usual[:2]
    assert frames(tmp_path, asked[2])["step"].tolist() == steps
    with killed_at(17):
        fit(tmp_path, Budget(30, 8, moments=moments), "killed")
    assert fit(tmp_path, Budget(30, 8, moments=moments), "killed") == asked


def test_weights_say_how_often_they_were_watched_where_it_is_not_the_usual() -> None:
    def entry(**keys: int) -> dict[str, object]:
        return Run(dataset="d", model="m/x", **keys).model_dump(mode="json")

    assert entry(moments=8) == entry()
    assert entry(moments=64) == entry() | {"moments": 64}
