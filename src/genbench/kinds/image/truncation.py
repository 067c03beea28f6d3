"""Truncation: what is won in precision and lost in recall, as a curve over the thresholds."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator

from genbench.capabilities import Truncation
from genbench.core import space_of
from genbench.data.prepared import Prepared
from genbench.extractors.classifier import Trained
from genbench.kinds.image.answers import Answers, Table
from genbench.scoring import metrics
from genbench.scoring.estimates import Z95, Estimate, Measurement, bootstrap_interval
from genbench.scoring.resampling import FOLDS, crossed, mean_of

DRAWS = 1000


@torch.no_grad()
def answers(
    data: Prepared,
    model: Truncation,
    extract: Trained,
    *,
    labelled: bool,
    rng: Generator,
    seed: int,
) -> Answers:
    """Precision, recall and Fréchet distance at each truncation, as many samples as held-out images at each.

    labelled: whether the model is asked for the labels of the held-out images.
    """
    space, n = space_of(data.card), len(data.held_out.x)
    real = extract(data.held_out.x).features
    asked = torch.tensor(data.held_out.y).to(rng.device) if labelled else None
    columns: dict[str, list[Estimate]] = {"precision": [], "recall": [], "FID (classifier)": []}
    for truncation in model.truncations:
        fake = extract(space.stored(model.truncated(n, truncation, asked, rng=rng))).features
        found = precision_recall(real, fake)
        found["FID (classifier)"] = crossed(
            lambda x, y: metrics.frechet_distance(x, y, bootstrap=0), real, fake
        )
        for name, estimate in found.items():
            columns[name].append(estimate)
    told = "Kendall's τ of {} with the truncations from the loosest to the tightest: {} where each step {}."
    measures = {
        "τ of precision with tighter truncation": Measurement(
            order(columns["precision"], seed=seed),
            told.format("precision", "1", "brings more"),
            "up",
        ),
        "τ of recall with tighter truncation": Measurement(
            order(columns["recall"], seed=seed), told.format("recall", "−1", "loses some"), "down"
        ),
    }
    meaning = "Samples at each truncation against held-out images, as in the tables."
    return Answers(measures, (Table("Truncation", meaning, "truncation", model.truncations, columns),))


def precision_recall(real: np.ndarray, fake: np.ndarray) -> dict[str, Estimate]:
    """Of the tables: over the two folds."""

    def of_fold(held_out: slice, samples: slice) -> list[Estimate]:
        return list(metrics.precision_recall(real[held_out], fake[samples]))

    folds = [of_fold(slice(1 - fold, None, FOLDS), slice(fold, None, FOLDS)) for fold in range(FOLDS)]
    return {
        name: mean_of(each)
        for name, each in zip(("precision", "recall"), zip(*folds, strict=True), strict=True)
    }


def order(estimates: Sequence[Estimate], *, seed: int) -> Estimate:
    """Kendall's τ of estimates with their order; interval: of draws from a normal for each."""
    values, ends = np.array([e.value for e in estimates]), np.array([e.interval for e in estimates])
    spread = (ends[:, 1] - ends[:, 0]) / (2 * Z95)
    simulated = values + spread * np.random.default_rng(seed).standard_normal((DRAWS, len(values)))
    value = float(tau(values[None])[0])
    return bootstrap_interval(value, tau(simulated), len(values), least=-1.0, most=1.0)


def tau(values: np.ndarray) -> np.ndarray:
    """Kendall's τ of each row with its order, (b, k) -> (b,): ties count as neither up nor down."""
    first, second = np.triu_indices(values.shape[1], 1)
    return np.asarray(np.sign(values[:, second] - values[:, first]).mean(axis=1))
