"""A classifier that hardly reads its data decides nothing."""

import numpy as np
import pytest
from test_report import run, score

from genbench.report import DatasetResult, render, terminal_table
from genbench.report.table import by_dataset, columns
from genbench.report.weak import with_accuracy


@pytest.mark.parametrize("accuracy", [0.5, 0.95, None])
def test_scores_on_features_of_a_weak_classifier_have_no_winner(accuracy: float | None) -> None:
    """No bold where it reads half of the images, and a warning; likelihoods do not rest on it."""
    card = {"accuracy": {"value": accuracy, "low": 0.4, "high": 0.6, "n": 100}} if accuracy else {}
    data = {"name": "digits", "kind": "image", "levels": 17, "shape": [1, 8, 8], "classes": 10, "sha256": "0"}
    dataset = DatasetResult("digits", data, card, np.zeros((0, 1, 8, 8), np.uint8))
    nll = {"nll": score(95.5), "kid": score(0.001)}
    runs = [
        run("digits-vae", "latent/vae", {"fid": score(3.0), **nll}, {}),
        run("digits-gan", "adversarial/gan", {"fid": score(9.0), "nll": score(99.5), "kid": score(0.5)}, {}),
    ]
    found = with_accuracy(runs, {"digits": card})
    best = {column.name: (column.best, bool(column.tied)) for column in columns(by_dataset(found)["digits"])}
    winner = (None, False) if accuracy == 0.5 else ("digits-vae", False)
    assert best == {"fid": winner, "kid": winner, "nll": ("digits-vae", False)}
    outputs = {name: content.decode() for name, content in render(found, [dataset]).items()}
    outputs |= {"terminal": terminal_table(found)}
    warned = {
        name
        for name, text in outputs.items()
        if "reads only 50.0" in " ".join(text.split()).replace("\\", "")
    }
    expected = {name for name in outputs if not name.endswith(".csv")} if accuracy == 0.5 else set()
    assert warned == expected
