"""Scores of one run: features and likelihoods in, plain records out.

Beside each estimate stand its bootstrap replicates.  The resamplings of the held-out images are the same for every run
of a dataset, so that two runs can be compared on the same ones; those of the samples are the run's own.
"""

import math
from collections.abc import Callable
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator

from genbench.capabilities import Likelihood, Measured, capability
from genbench.core import GenerativeModel, Space, Splits
from genbench.data.pixels import spread
from genbench.data.prepared import Prepared
from genbench.extractors.base import Extractor
from genbench.extractors.classifier import Features, Trained
from genbench.extractors.pca_pixels import PcaPixels
from genbench.extractors.random_convolution import RandomConvolution
from genbench.scoring import metrics
from genbench.scoring.estimates import bootstrap_interval, resamplings, spread_interval
from genbench.scoring.folds import FOLDS, crossed, mean_of
from genbench.scoring.metrics import Estimate
from genbench.scoring.metrics.arrays import Floats
from genbench.storage.arrays import slices, taken
from genbench.storage.stored import Stored

CHUNK = 500
RESAMPLINGS = 100
SEEN = 20_000  # training elements of a likelihood gap, spread evenly over them where there are more


class Draws(NamedTuple):
    """How often each held-out image (b, n) and each sample (b, m) is drawn in each of b resamplings, fold by fold."""

    real: Floats
    fake: Floats


class Scored(NamedTuple):
    """An estimate and its replicates (b,)."""

    estimate: Estimate
    replicates: Floats


def draws(n: int, m: int, *, real_seed: int, fake_seed: int) -> Draws:
    """Resamplings of n held-out images and m samples, each fold by itself."""

    def by_fold(size: int, seed: int) -> Floats:
        counts = np.zeros((RESAMPLINGS, size))
        for fold in range(FOLDS):
            part = counts[:, fold::FOLDS]
            part[:] = resamplings(part.shape[1], RESAMPLINGS, seed=seed + fold)
        return counts

    return Draws(by_fold(n, real_seed), by_fold(m, fake_seed))


def share_of(members: np.ndarray, resampled: Floats) -> Scored:
    """The share of ones among 0s and 1s (n,), exact binomial interval; resampled (b, n): how often each is drawn."""
    estimate = metrics.clopper_pearson(int(members.sum()), len(members))
    return Scored(estimate, resampled @ members / len(members))


def mean_over(values: np.ndarray, resampled: Floats, *, least: float = -math.inf) -> Scored:
    """The mean of values (n,) that are no less than `least`, normal interval; resampled (b, n) as of `share_of`."""
    return Scored(metrics.mean_interval(values, least=least), resampled @ values / len(values))


def sample_scores(
    real: Features, fake: Features, drawn: Draws, *, classes: int, seed: int
) -> dict[str, Scored]:
    """Every score that compares generated features with held-out ones; see docs/evaluation.md for each."""

    def of_fold(held_out: slice, samples: slice, drawn: Draws) -> dict[str, Scored]:
        return _fold_scores(real.rows(held_out), fake.rows(samples), drawn, classes=classes)

    score = Scored(
        metrics.inception_score(fake.probabilities, bootstrap=RESAMPLINGS, seed=seed),
        metrics.inception_score_replicates(fake.probabilities, bootstrap=RESAMPLINGS, seed=seed),
    )
    return crossed_scores(of_fold, drawn) | {"classifier_score": score}


def crossed_scores(
    score: Callable[[slice, slice, Draws], dict[str, Scored]], drawn: Draws
) -> dict[str, Scored]:
    """Means over both folds of score(rows of held-out data, rows of samples of the other fold, their resamplings)."""
    found = []
    for fold in range(FOLDS):
        own, other = slice(fold, None, FOLDS), slice(1 - fold, None, FOLDS)
        found.append(score(other, own, Draws(drawn.real[:, other], drawn.fake[:, own])))
    return {
        name: Scored(
            mean_of([fold[name].estimate for fold in found]),
            np.mean([fold[name].replicates for fold in found], axis=0),
        )
        for name in found[0]
    }


def manifold_scores(real: np.ndarray, fake: np.ndarray, drawn: Draws) -> dict[str, Scored]:
    """Precision, recall, density and coverage of vectors (m, k) against held-out ones (n, k); see metrics.manifold."""
    near, balls = metrics.precision_recall_members(real, fake), metrics.density_coverage_members(real, fake)
    return {
        "precision": share_of(near.fakes, drawn.fake),
        "recall": share_of(near.reals, drawn.real),
        "density": mean_over(balls.fakes, drawn.fake, least=0.0),
        "coverage": share_of(balls.reals, drawn.real),
    }


def _fold_scores(real: Features, fake: Features, drawn: Draws, *, classes: int) -> dict[str, Scored]:
    n, m = len(real.labels), len(fake.labels)
    x, y = real.features, fake.features
    fid = metrics.frechet_replicates(x, y, *drawn)
    class_tv = _class_distances(real.labels, fake.labels, drawn, classes)
    value = _class_distances(real.labels, fake.labels, Draws(np.ones((1, n)), np.ones((1, m))), classes)[0]
    return {
        "fid": Scored(bootstrap_interval(metrics.frechet_value(x, y), fid, m, least=0.0), fid),
        "kid": Scored(metrics.kernel_distance(x, y), metrics.kernel_replicates(x, y, *drawn)),
        **manifold_scores(x, y, drawn),
        "class_tv": Scored(bootstrap_interval(value, class_tv, m, least=0.0, most=1.0), class_tv),
    }


def _class_distances(real: np.ndarray, fake: np.ndarray, drawn: Draws, classes: int) -> Floats:
    """Total variation ½ Σ|p − q| between the class histograms of resampled labels (n,) and (m,): (b,) in [0, 1]."""
    one_hot = np.eye(classes)
    p, q = drawn.real @ one_hot[real] / len(real), drawn.fake @ one_hot[fake] / len(fake)
    distance: Floats = np.abs(p - q).sum(axis=1) / 2
    return distance


def extractor_scores(
    data: Prepared, trained: Trained, fake: np.ndarray, headline: Estimate
) -> list[dict[str, Any]]:
    """The Fréchet distance under every extractor at hand, the headline's first: does the ranking depend on it?

    fake: uint8 levels (n, c, h, w).  The others' intervals are of first order: one pass instead of many resamplings.
    """
    first, *others = trained.classifiers
    real, levels = data.held_out.x, data.levels
    pictures = [spread(x, levels) for x in (data.train.x, real, fake)]
    plain: list[Extractor] = [RandomConvolution(data.card["shape"][0]), PcaPixels(pictures[0])]
    width = next(iter(trained.classifiers.values())).head.in_features
    records = [_record(f"classifier, seed {first}", trained.sha256, headline, width)]
    for seed in others:
        a, b = (trained(x, seed=seed).features for x in (real, fake))
        records.append(
            _record(f"classifier, seed {seed}", trained.sha256, _crossed_distance(a, b), a.shape[1])
        )
    for extractor in plain:
        a, b = (extractor.features(x) for x in pictures[1:])
        records.append(_record(extractor.name, extractor.sha256, _crossed_distance(a, b), a.shape[1]))
    return records


def _crossed_distance(real: np.ndarray, fake: np.ndarray) -> Estimate:
    return crossed(lambda a, b: metrics.frechet_distance(a, b, bootstrap=0), real, fake)


def _record(name: str, digest: str, fid: Estimate, features: int) -> dict[str, Any]:
    return {"name": name, "sha256": digest, "features": features, "fid": fid.as_dict()}


@np.errstate(
    invalid="ignore"
)  # of −∞, where the model holds an element to be impossible: then there is no number
def likelihood_scores(
    model: GenerativeModel, data: Prepared, space: Space, drawn: Draws
) -> tuple[str | None, dict[str, Scored]]:
    """ "exact", "bound" or None, and nats per image, bits per dimension and the train/held-out gap.

    bits/dim = nats / (D ln 2).  The gap is mean log p(train) − mean log p(held-out), in nats, over no more than SEEN
    training elements: far above 0 is overfitting.
    """
    likelihood = capability(model, Likelihood)
    if likelihood is None:
        return None, {}
    count = min(SEEN, len(data.train.x))
    seen = taken(data.train.x, np.arange(count) * len(data.train.x) // count)
    train, held_out = (log_prob(likelihood, x, space) for x in (seen, data.held_out.x))
    n, per_dimension = len(held_out), 1 / (space.dimensions * math.log(2))
    nll, replicates = metrics.mean_interval(-held_out), drawn.real @ -held_out / n
    gap = float(train.mean() - held_out.mean())
    error = math.sqrt(train.var(ddof=1) / len(train) + held_out.var(ddof=1) / n)
    scores = {
        "nll": Scored(nll, replicates),
        "likelihood_gap": Scored(spread_interval(gap, error, n), train.mean() + replicates),
    }
    if space.levels:  # a density of values as they stand has no bits
        bits = Estimate(nll.value * per_dimension, nll.low * per_dimension, nll.high * per_dimension, n)
        scores["bits_per_dim"] = Scored(bits, replicates * per_dimension)
    return "exact" if likelihood.exact else "bound", scores


@torch.no_grad()
def measures(model: GenerativeModel, splits: Splits, generator: Generator) -> dict[str, dict[str, Any]]:
    """What the model measures of itself: title -> value with interval, meaning, and which way is better."""
    measured = capability(model, Measured)
    if measured is None:
        return {}
    found = {}
    for title, (values, meaning, better) in measured.measure(splits, generator=generator).items():
        array = values.double().flatten().cpu().numpy()
        alone = {"value": float(array[0]), "low": None, "high": None, "n": 1}
        estimate = metrics.mean_interval(array).as_dict() if len(array) > 1 else alone
        found[title] = {**estimate, "meaning": meaning, "better": better}
    return found


@torch.no_grad()
def log_prob(model: Likelihood, levels: np.ndarray, space: Space) -> np.ndarray:
    """Stored data (n, *shape) -> float64 nats (n,)."""
    held = chain(model.parameters(), model.buffers())  # type: ignore[attr-defined]
    device = next(held, torch.empty(0)).device
    elements = Stored(levels, space.to_unit, device)
    parts = [model.log_prob(elements[part]).double().cpu() for part in slices(len(levels), CHUNK)]
    return torch.cat(parts).numpy()
