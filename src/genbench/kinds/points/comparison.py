"""Samples of points against held-out points, and against the true mixture where the card describes one."""

from pathlib import Path

import numpy as np

from genbench.capabilities import Likelihood
from genbench.core import space_of
from genbench.data.prepared import Prepared
from genbench.extractors import plain
from genbench.kinds.kind import Card, Comparison, Kind, Subject
from genbench.kinds.points.mixture import WITHIN, mixture_log_density
from genbench.scoring import metrics
from genbench.scoring.comparison import manifold_scores
from genbench.scoring.likelihoods import log_prob
from genbench.scoring.resampling import Draws, Scored, crossed_scores, mean_over


def compare(
    kind: Kind, data: Prepared, subject: Subject, drawn: Draws, *, extractor: Path, seed: int
) -> Comparison:
    """Balls around points, and for a mixture what only a known density allows."""
    digest = plain.load(extractor, data)
    real, fake = (np.asarray(kind.vectors(x, data.card)) for x in (data.held_out.x, subject.samples))
    scores = crossed_scores(lambda a, b, of_fold: manifold_scores(real[a], fake[b], of_fold), drawn)
    if "centres" in data.card:
        scores |= _modes(fake, data.card, drawn, seed)
        if subject.likelihood is not None:
            scores["excess_nll"] = excess_nll(real, data, subject.likelihood, drawn)
    return Comparison(scores, {"extractor": digest})


def excess_nll(real: np.ndarray, data: Prepared, likelihood: Likelihood, drawn: Draws) -> Scored:
    """log p(x) of the mixture minus that of the model at held-out points (n, d); its mean is KL(data ‖ model)."""
    excess = mixture_log_density(real, data.card) - log_prob(likelihood, data.held_out.x, space_of(data.card))
    return mean_over(excess, drawn.real)


def _modes(fake: np.ndarray, card: Card, drawn: Draws, seed: int) -> dict[str, Scored]:
    mixture = fake, np.array(card["centres"]), float(card["sigma"])
    found = metrics.mode_coverage(*mixture, weights=card["weights"], within=WITHIN, seed=seed)
    replicates = metrics.mode_replicates(*mixture, drawn.fake, weights=card["weights"], within=WITHIN)
    names = ("modes_covered", "mode_quality", "mode_kl")
    return {
        name: Scored(estimate, values)
        for name, estimate, values in zip(names, found, replicates, strict=True)
    }
