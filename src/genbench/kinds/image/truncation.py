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

DRAWS = 8  # of samples at each truncation: the recall of one draw varies as much as from one threshold to the next
SIMULATED = 1000


@torch.no_grad()
def answers(
    data: Prepared,
    model: Truncation,
    extract: Trained,
    real: np.ndarray,
    *,
    labelled: bool,
    rng: Generator,
    seed: int,
) -> Answers:
    """Precision, recall and Fréchet distance at each truncation: means over draws, each as many as held-out images.

    real: (n, f), features of held-out images.  labelled: whether the model is asked for the labels of these.
    """
    space, n = space_of(data.card), len(data.held_out.x)
    asked = torch.tensor(data.held_out.y).to(rng.device) if labelled else None

    def drawn(truncation: float) -> dict[str, Estimate]:
        fake = extract(space.stored(model.truncated(n, truncation, asked, rng=rng))).features
        fid = crossed(lambda x, y: metrics.frechet_distance(x, y, bootstrap=0), real, fake)
        return {**precision_recall(real, fake), "FID (classifier)": fid}

    columns: dict[str, list[Estimate]] = {"precision": [], "recall": [], "FID (classifier)": []}
    for truncation in model.truncations:
        draws = [drawn(truncation) for _ in range(DRAWS)]
        for name, column in columns.items():
            column.append(over_draws([found[name] for found in draws]))
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
    meaning = f"Samples at each truncation against held-out images, means over {DRAWS} draws."
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


def over_draws(estimates: Sequence[Estimate]) -> Estimate:
    """The mean value, with the mean interval of a draw: all are held against the same held-out images."""
    value, low, high = np.mean([(e.value, *e.interval) for e in estimates], axis=0)
    return Estimate(float(value), float(low), float(high), estimates[0].n)


def order(estimates: Sequence[Estimate], *, seed: int) -> Estimate:
    """Kendall's τ of estimates with their order; interval: of values from a normal for each."""
    values, ends = np.array([e.value for e in estimates]), np.array([e.interval for e in estimates])
    spread = (ends[:, 1] - ends[:, 0]) / (2 * Z95)
    simulated = values + spread * np.random.default_rng(seed).standard_normal((SIMULATED, len(values)))
    value = float(tau(values[None])[0])
    return bootstrap_interval(value, tau(simulated), len(values), least=-1.0, most=1.0)


def tau(values: np.ndarray) -> np.ndarray:
    """Kendall's τ of each row with its order, (b, k) -> (b,): ties count as neither up nor down."""
    first, second = np.triu_indices(values.shape[1], 1)
    return np.asarray(np.sign(values[:, second] - values[:, first]).mean(axis=1))
