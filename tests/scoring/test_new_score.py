"""The worked example of docs/evaluation.md#a-new-score, run as it stands there."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genbench.kinds.comparison import united
from genbench.kinds.points import comparison
from genbench.scoring import resampling
from genbench.scoring.catalogue import Score

DOCS = Path(__file__).parents[2] / "docs/evaluation.md"
SHIFT = 0.5


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    section = DOCS.read_text(encoding="utf-8").split("\n## A new score\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def test_the_example_is_a_score_with_an_interval_and_its_replicates(blocks: list[str]) -> None:
    module, call, _ = blocks
    names: dict[str, Any] = vars(comparison) | {"not_negative": resampling.not_negative}
    exec(module, names)
    line, function = call.split("\n\n\n")
    exec(function, names)
    rng = np.random.default_rng(0)
    real, fake = rng.normal(0, 1, (400, 2)), rng.normal(0, 1, (400, 2)) + np.array([SHIFT, 0.0])
    scores: list[dict[str, resampling.Scored]] = []
    names |= {"scores": scores, "real": real, "fake": fake}
    names["drawn"] = resampling.draws(400, 400, real_seed=0, fake_seed=1)
    exec(line.strip(), names)
    found = united(scores)["mean_gap"].estimate
    assert found.low < SHIFT < found.high and found.value == pytest.approx(SHIFT, abs=0.2)
    assert found.high - found.low < 0.5


def test_its_column_is_an_entry_of_the_catalogue(blocks: list[str]) -> None:
    entry = eval("{" + blocks[2] + "}", {"Score": Score})
    assert entry["mean_gap"].header == "distance of means ↓"
