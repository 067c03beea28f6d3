"""Trainings on the two halves of a training set: what the report says of who learns and of who remembers."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.random import default_rng

from genbench.data import prepared as data
from genbench.params.schema import Dataset, Run
from genbench.report.halves import halves
from genbench.report.results import RunResult
from genbench.stages.inputs import dataset_of, sampling_seed

ENTRY: dict[str, Any] = {"dataset": "ring", "model": "latent/vae", "seed": 0}


def result(half: str, x: np.ndarray, nearest: np.ndarray | None = None, **changed: Any) -> RunResult:
    entry = ENTRY | {"half": half} | changed
    nothing: Any = pd.DataFrame()
    return RunResult(
        f"ring-vae-{half}", entry, {}, {}, nothing, {"x": x}, {}, {}, b"", b"", None, 1, None, nearest
    )


def images(seed: int, n: int = 60) -> np.ndarray:
    return default_rng(seed).integers(0, 17, (n, 1, 8, 8), dtype=np.uint8)


def test_who_learns_agrees_with_itself_and_who_remembers_with_the_training_set() -> None:
    shared, noise = images(0), default_rng(1).integers(0, 3, (60, 1, 8, 8), dtype=np.uint8)
    learnt = result("a", shared + noise, images(2)), result("b", shared)
    (found,) = halves(learnt)
    assert found.nearest is not None
    assert found.agreement.low > 0.9
    assert found.nearest.high < 0.1
    assert found.chance.low < 0 < found.chance.high
    remembered = result("a", images(3), images(3)), result("b", images(4))
    (found,) = halves(remembered)
    assert found.nearest is not None
    assert found.nearest.low > 0.99
    assert found.agreement.high < 0.1


def test_only_runs_that_differ_in_their_halves_alone_are_compared() -> None:
    x = images(0)
    assert halves([result("a", x), result("b", x, seed=1)]) == []
    assert halves([result("a", x), result("a", x)]) == []
    (found,) = halves([result("b", x), result("a", x), result("b", x, seed=1)])
    assert found.label == "vae-a, vae-b"
    assert found.nearest is None


def test_tokens_are_no_amounts() -> None:
    x = images(0).astype(np.int16)
    assert halves([result("a", x), result("b", x)]) == []


def entry(half: str | None, **more: Any) -> Run:
    return Run.model_validate({"dataset": "ring", "model": "latent/vae", "half": half, **more})


def test_halves_share_no_element_and_lack_none(tmp_path: Path) -> None:
    path = tmp_path / "ring.safetensors"
    path.write_bytes(data.prepare("ring", Dataset.model_validate({"source": "ring"})))
    whole, a, b = (dataset_of("x", entry(half), path).train for half in (None, "a", "b"))
    assert len(a.x) == len(b.x) == len(whole.x) / 2
    both = np.concatenate([a.x, b.x])
    assert np.array_equal(np.unique(both, axis=0), np.unique(whole.x, axis=0))
    assert not {tuple(x) for x in a.x} & {tuple(x) for x in b.x}
    for part in (
        a,
        b,
    ):  # a set whose classes take turns would be cut into its classes by every second element
        assert set(part.y) == set(whole.y)


def test_halves_are_given_the_same_noise_and_other_runs_their_own() -> None:
    a, b = (sampling_seed(f"ring-vae-{half}", entry(half)) for half in ("a", "b"))
    assert a == b
    assert a != sampling_seed("ring-vae-a", entry("a", seed=1))
    assert sampling_seed("ring-vae", entry(None)) != sampling_seed("ring-vae-s1", entry(None))


def test_weights_of_a_whole_training_set_say_nothing_of_halves() -> None:
    assert "half" not in entry(None).model_dump()
    assert entry("a").model_dump()["half"] == "a"


def test_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' or 'b'"):
        entry("c")
