"""Scores of one run: features and likelihoods in, one plain record out."""

import math

import numpy as np
import torch

from genbench import metrics
from genbench.core import GenerativeModel, Likelihood, Space, capability
from genbench.data import Prepared
from genbench.extractor import Features
from genbench.folds import crossed
from genbench.metrics import Estimate
from genbench.metrics.estimate import bootstrap_interval, spread_interval

CHUNK = 500


def sample_scores(real: Features, fake: Features, *, classes: int, seed: int) -> dict[str, Estimate]:
    """Every score that compares generated features with held-out ones; see docs/evaluation.md for each."""

    def fid(a: np.ndarray, b: np.ndarray) -> Estimate:
        return metrics.frechet_distance(a, b, seed=seed)

    def kid(a: np.ndarray, b: np.ndarray) -> Estimate:
        return metrics.kernel_distance(a, b, seed=seed)

    def class_tv(a: np.ndarray, b: np.ndarray) -> Estimate:
        return class_distance(a, b, classes=classes, seed=seed)

    return {
        "fid": crossed(fid, real.features, fake.features),
        "kid": crossed(kid, real.features, fake.features),
        "classifier_score": metrics.inception_score(fake.probabilities),
        "precision": crossed(
            lambda a, b: metrics.precision_recall(a, b).precision, real.features, fake.features
        ),
        "recall": crossed(lambda a, b: metrics.precision_recall(a, b).recall, real.features, fake.features),
        "density": crossed(lambda a, b: metrics.density_coverage(a, b).density, real.features, fake.features),
        "coverage": crossed(
            lambda a, b: metrics.density_coverage(a, b).coverage, real.features, fake.features
        ),
        "class_tv": crossed(class_tv, real.labels, fake.labels),
    }


def class_distance(
    real: np.ndarray, fake: np.ndarray, *, classes: int, seed: int, bootstrap: int = 200
) -> Estimate:
    """Total variation ½ Σ|p − q| between the class histograms of two sets of labels, in [0, 1]; bootstrap over both."""

    def distance(a: np.ndarray, b: np.ndarray) -> float:
        return metrics.total_variation(
            metrics.class_histogram(a, classes), metrics.class_histogram(b, classes)
        )

    rng = np.random.default_rng(seed)
    replicates = [
        distance(rng.choice(real, len(real)), rng.choice(fake, len(fake))) for _ in range(bootstrap)
    ]
    return bootstrap_interval(distance(real, fake), replicates, len(fake), least=0.0, most=1.0)


def likelihood_scores(
    model: GenerativeModel, data: Prepared, space: Space
) -> tuple[str | None, dict[str, Estimate]]:
    """ "exact", "bound" or None, and nats per image, bits per dimension and the train/held-out gap.

    bits/dim = nats / (D ln 2).  The gap is mean log p(train) − mean log p(held-out), in nats:
    far above 0 is overfitting.
    """
    likelihood = capability(model, Likelihood)
    if likelihood is None:
        return None, {}
    train, held_out = (_log_prob(likelihood, x, space) for x in (data.train_x, data.held_out_x))
    nll = metrics.mean_interval(-held_out)
    per_dimension = 1 / (space.dimensions * math.log(2))
    gap = float(train.mean() - held_out.mean())
    error = math.sqrt(train.var(ddof=1) / len(train) + held_out.var(ddof=1) / len(held_out))
    scores = {
        "nll": nll,
        "bits_per_dim": Estimate(
            nll.value * per_dimension, nll.low * per_dimension, nll.high * per_dimension, nll.n
        ),
        "likelihood_gap": spread_interval(gap, error, len(held_out)),
    }
    return "exact" if likelihood.exact else "bound", scores


@torch.no_grad()
def _log_prob(model: Likelihood, levels: np.ndarray, space: Space) -> np.ndarray:
    """uint8 levels (n, *shape) -> float64 nats (n,)."""
    device = next(model.parameters(), torch.empty(0)).device  # type: ignore[attr-defined]
    parts = [
        model.log_prob(space.to_unit(torch.from_numpy(levels[i : i + CHUNK]).to(device))).double().cpu()
        for i in range(0, len(levels), CHUNK)
    ]
    return torch.cat(parts).numpy()
