"""Samples of points against held-out points, and against the true mixture where the card describes one."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from genbench.capabilities import Likelihood, ScoreField
from genbench.core import space_of
from genbench.data.prepared import Prepared
from genbench.data.reference import Known
from genbench.extractors import plain
from genbench.kinds.comparison import Comparison, Subject, united
from genbench.kinds.kind import Card
from genbench.kinds.points.distance import DISTANCE
from genbench.kinds.points.diversity import modes_of
from genbench.kinds.points.mixture import WITHIN, mixture_gradient, mixture_log_density
from genbench.scoring import metrics
from genbench.scoring.comparison import manifold_scores
from genbench.scoring.estimates import Estimate, Measurement, mean_interval
from genbench.scoring.likelihoods import log_density_gradient, log_prob
from genbench.scoring.resampling import Draws, Scored, crossed_scores, mean_over

KL_MEANING = (
    "KL(data ‖ model) in nats, both densities summed over cells half a sigma wide around the true centres."
)


def compare(
    data: Prepared,
    subject: Subject,
    drawn: Draws,
    *,
    extractor: Path,
    seed: int,
    known: Known | None = None,
) -> Comparison:
    """Balls around points, and for a mixture what only a known density allows."""
    digest = plain.load(extractor, data)
    real, fake = (DISTANCE.vectors(x, data.card) for x in (data.held_out.x, subject.samples))
    scores = [crossed_scores(lambda a, b, of_fold: manifold_scores(real[a], fake[b], of_fold), drawn)]
    measures: dict[str, Measurement] = {}
    facts: dict[str, Any] = {"extractor": digest}
    if "centres" in data.card:
        facts |= modes_of(real, fake, data.card, subject.followed)
        scores.append(_modes(fake, data.card, drawn, seed))
        if subject.likelihood is not None:
            scores.append({"excess_nll": excess_nll(real, data, subject.likelihood, drawn)})
            if real.shape[1] == 2:
                kl = kl_on_grid(data.card, subject.likelihood)
                measures["KL, summed on a grid"] = Measurement(Estimate.alone(kl), KL_MEANING, "down")
        if subject.field is not None:
            measures |= gradient_cosines(real, data.card, subject.field, seed)
    return Comparison(united(scores), facts, measures)


def gradient_cosines(real: np.ndarray, card: Card, field: ScoreField, seed: int) -> dict[str, Measurement]:
    """Cosine of a model's ∇ log p_σ with the mixture's, at held-out points (n, d) under the noise of each level."""
    rng, found = np.random.default_rng(seed), {}
    for noise in field.noises:
        x = real + noise * rng.standard_normal(real.shape)
        one, other = log_density_gradient(field, x, noise), mixture_gradient(x, card, noise)
        cosine = (one * other).sum(1) / (np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)).clip(
            1e-12
        )
        meaning = (
            f"Cosine of the model's ∇ log p with the true mixture's, both under noise of deviation {noise:g}."
        )
        found[f"cosine with the true score, noise {noise:g}"] = Measurement(
            mean_interval(cosine), meaning, "up"
        )
    return found


def excess_nll(real: np.ndarray, data: Prepared, likelihood: Likelihood, drawn: Draws) -> Scored:
    """log p(x) of the mixture minus that of the model at held-out points (n, d); its mean is KL(data ‖ model)."""
    excess = mixture_log_density(real, data.card) - log_prob(likelihood, data.held_out.x, space_of(data.card))
    return mean_over(excess, drawn.real)


def kl_on_grid(card: Card, likelihood: Likelihood) -> float:
    """KL(data ‖ model) in the plane, Σ p (log p − log q) over cells half a sigma wide, those within 6 of a centre."""
    sigma, centres = float(card["sigma"]), np.array(card["centres"])
    side = math.ceil(2 / sigma)
    near = np.zeros((side, side), bool)
    for low, high in zip(centres - 6 * sigma, centres + 6 * sigma, strict=True):
        first, last = (np.clip(np.floor(end * side), 0, side - 1).astype(int) for end in (low, high))
        near[first[0] : last[0] + 1, first[1] : last[1] + 1] = True
    x = (np.argwhere(near) + 0.5) / side
    log_p = mixture_log_density(x, card)
    log_q = log_prob(likelihood, x.astype(np.float32), space_of(card))
    return float((np.exp(log_p) * (log_p - log_q)).sum() / side**2)


def _modes(fake: np.ndarray, card: Card, drawn: Draws, seed: int) -> dict[str, Scored]:
    mixture = fake, np.array(card["centres"]), float(card["sigma"])
    found = metrics.mode_coverage(*mixture, weights=card["weights"], within=WITHIN, seed=seed)
    replicates = metrics.mode_replicates(*mixture, drawn.fake, weights=card["weights"], within=WITHIN)
    return {
        "modes_covered": Scored(found.covered, replicates.covered),
        "mode_quality": Scored(found.quality, replicates.quality),
        "mode_kl": Scored(found.kl, replicates.kl, replicates.kl_rest),
    }
