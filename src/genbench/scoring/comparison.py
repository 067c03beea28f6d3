"""Features of samples against features of held-out data: vectors, class probabilities and labels in, scores out."""

import numpy as np

from genbench.scoring import metrics
from genbench.scoring.arrays import Floats
from genbench.scoring.estimates import Estimate, wilson_interval
from genbench.scoring.features import Features
from genbench.scoring.metrics.cells import total_variation_replicates
from genbench.scoring.resampling import (
    RESAMPLINGS,
    Draws,
    Scored,
    crossed_scores,
    not_negative,
    within_unit,
    without_interval,
)


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


def manifold_scores(real: np.ndarray, fake: np.ndarray, drawn: Draws) -> dict[str, Scored]:
    """Precision, recall, density and coverage of vectors (m, k) against held-out ones (n, k); see metrics.manifold."""
    found, replicates = metrics.manifold_replicates(real, fake, drawn.real_keys, drawn.fake_keys)
    sizes = {"precision": len(fake), "recall": len(real), "density": len(fake), "coverage": len(real)}
    scores = {
        name: Scored(
            Estimate.alone(value, sizes[name]),
            around,
            interval=not_negative if name == "density" else wilson_interval,
        )
        for name, value, around in zip(found._fields, found, replicates, strict=True)
    }
    clipped = metrics.clipped_density_coverage(real, fake)
    return scores | {f"clipped_{name}": without_interval(each) for name, each in clipped._asdict().items()}


def kernel_score(real: np.ndarray, fake: np.ndarray, drawn: Draws) -> Scored:
    """The kernel distance of vectors (m, k) from held-out ones (n, k); see metrics.kernel."""
    found = metrics.kernel_replicates(real, fake, drawn.real, drawn.fake)
    return Scored(Estimate.alone(found.value, len(fake)), found.linear, found.rest)


def total_variation_score(real: Floats, fake: Floats, drawn: Draws) -> Scored:
    """½ Σ|p − q| between the shares of cells, of 0s and 1s (n, cells) and (m, cells): where each belongs."""
    p, q = real.mean(axis=0), fake.mean(axis=0)
    resampled = drawn.real @ real / len(real), drawn.fake @ fake / len(fake)
    replicates = total_variation_replicates(p, q, resampled)
    return Scored(Estimate.alone(float(np.abs(p - q).sum() / 2), len(fake)), replicates, interval=within_unit)


def _fold_scores(real: Features, fake: Features, drawn: Draws, *, classes: int) -> dict[str, Scored]:
    x, y = real.features, fake.features
    fid = metrics.frechet_replicates(x, y, drawn.real, drawn.fake)
    cells = np.eye(classes)
    return {
        "fid": Scored(Estimate.alone(fid.value, len(y)), fid.linear, fid.rest, not_negative),
        "kid": kernel_score(x, y, drawn),
        **manifold_scores(x, y, drawn),
        "class_tv": total_variation_score(cells[real.labels], cells[fake.labels], drawn),
    }
