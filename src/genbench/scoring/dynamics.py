"""How a training went, from samples of one noise at many moments: best and last, churn, return, period, modes lost.

The verdict is one of five, the first that holds; its numbers are those of the constants below, and `RULE` says them.
How often it is wrong about healthy trainings is measured by `benchmarks/dynamics/healthy.py`.
"""

import math
from typing import Any, Literal, NamedTuple

import numpy as np

from genbench.scoring.arrays import Floats, Integers
from genbench.scoring.metrics.churn import churn
from genbench.scoring.metrics.periodicity import detrended, fisher_g, prewhitened, returning

LEAST = 16  # moments for a verdict
HELD = 0.1  # of a mode's share in the data, for the mode to count as held
LOST = 0.2  # of the modes
NEVER = 0.5  # of the modes
RARE = 0.01  # probability of a period in a series without one
CYCLES = 3  # within the second half; slower waves are drift
SWING = 0.05  # of a periodic change, in total variation beyond sampling
CHURN = 0.1  # in total variation beyond sampling
BETTER = 0.1  # change of the distance from the third to the last quarter
STRAIGHT = 8  # values from which on a straight line is taken off
ERRORS = 3  # standard errors of that change

Verdict = Literal["collapses", "oscillates", "gets worse", "still improving", "converged"]

RULE = (
    "Oscillates, over the second half of the training: Fisher's g finds a period of "
    f"{CYCLES} cycles or more with p < {RARE} in the shares of modes or in the distance, and moments half a period "
    f"apart differ by {SWING} or more in total variation beyond sampling. Collapses: at the end {100 * LOST:.0f} % or "
    f"more of the modes are gone that were held before (a mode is held with {100 * HELD:.0f} % of its share of the "
    f"data). Oscillates, too: neighbouring moments differ by {CHURN} or more in total variation beyond sampling, and "
    f"the distance does not fall. Collapses, too: fewer than {100 * NEVER:.0f} % of the modes are held, and the "
    "distance does not fall. Gets worse, still improving: the distance's mean over the last quarter is above or below "
    f"that over the third by {100 * BETTER:.0f} % and by {ERRORS} standard errors. Converged: else."
)
HEALTHY = (
    "False alarms of this rule over 21 healthy trainings of a VAE on digits: none, 95 % interval 0 to 16 %."
)


class Moments(NamedTuple):
    """What is seen of a training.

    steps: (m,).  modes: (m, n), to which of the k modes or classes each sample belongs.  good: (m, n), whether it
    counts for its mode.  shares: (k,) of the data.  distances: (m,), the Fréchet distance from the data.
    """

    steps: Integers
    modes: Integers
    good: np.ndarray
    shares: Floats
    distances: Floats


class Dynamics(NamedTuple):
    """churn: mean total variation of neighbours less its sampling floor.  returns: the autocorrelation of the shares at
    its return, `lag` moments later.  g, p, period: Fisher's test, the period in steps.  swing: total variation half a
    period apart, less the floor.  change: of the distance from the third to the last quarter, −0.1 for a tenth less;
    error: its standard error.
    """

    verdict: Verdict
    best: float
    best_step: int
    last: float
    deviation: float
    churn: float
    floor: float
    returns: float
    lag: int
    g: float
    p: float
    period: float
    swing: float
    ever: int
    now: int
    change: float
    error: float

    def as_dict(self) -> dict[str, Any]:
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in self._asdict().items()
        }


def record_of(seen: Moments) -> dict[str, Any]:
    """What `metrics.json` holds of a training: the series, and the scores where there is a verdict."""
    found = dynamics(seen)
    return {
        "n": int(seen.modes.shape[1]),
        "step": seen.steps.tolist(),
        "distance": [float(f"{value:.6g}") for value in seen.distances],
        "modes": held_modes(seen).tolist(),
        "of": len(seen.shares),
        "shares": (_counts(seen.modes, len(seen.shares)) / seen.modes.shape[1]).round(4).tolist(),
        "scores": None if found is None else found.as_dict(),
    }


def held_modes(seen: Moments) -> Integers:
    """(m,): how many modes hold a tenth of the good samples that their share of the data gives, and one at least."""
    n, k = seen.modes.shape[1], len(seen.shares)
    counts = _counts(seen.modes, k, seen.good)
    found: Integers = (counts >= np.maximum(1, HELD * n * seen.shares)).sum(1)
    return found


def dynamics(seen: Moments) -> Dynamics | None:
    """The scores and the verdict over a training; None of fewer than LEAST moments."""
    m, n = seen.modes.shape
    if m < LEAST:
        return None
    k, half, quarter, end = len(seen.shares), m // 2, m - m // 4, m - max(2, m // 8)
    modes = held_modes(seen)
    ever, now = int(_settled(modes).max()), int(np.median(modes[end:]))
    shares = _counts(seen.modes, k) / n
    floor = math.sqrt((k - 1) / (math.pi * n))
    moved = churn(seen.modes[half:], k)
    returns, lag = returning(shares[half:])
    length, g, p = _period(shares[half:], seen.distances[half:])
    swing = _apart(shares[half:], length) - floor
    change, error = _change(seen.distances[half:quarter], seen.distances[quarter:])
    falls = change < -BETTER and change < -ERRORS * error
    rises = change > BETTER and change > ERRORS * error
    verdict: Verdict
    if p < RARE and swing >= SWING:
        verdict = "oscillates"
    elif ever - now >= max(1.0, LOST * k):
        verdict = "collapses"
    elif moved >= CHURN and not falls:
        verdict = "oscillates"
    elif now < NEVER * k and not falls:
        verdict = "collapses"
    else:
        verdict = "still improving" if falls else "gets worse" if rises else "converged"
    best = int(seen.distances.argmin())
    return Dynamics(
        verdict,
        float(seen.distances[best]),
        int(seen.steps[best]),
        float(seen.distances[-1]),
        float(seen.distances[half:].std(ddof=1)),
        moved,
        floor,
        returns,
        lag,
        g,
        p,
        length * float(seen.steps[-1] - seen.steps[half]) / (m - 1 - half),
        swing,
        ever,
        now,
        change,
        error,
    )


def _counts(modes: Integers, k: int, good: np.ndarray | None = None) -> Floats:
    """(m, n) -> (m, k): samples of each mode, of the good ones alone where it is said which."""
    rows = range(len(modes))
    return np.array(
        [np.bincount(modes[i], None if good is None else good[i].astype(float), minlength=k) for i in rows],
        dtype=np.float64,
    )


def _settled(modes: Integers) -> Floats:
    """(m,) -> (m − 2,): medians of three neighbours, so that no single moment counts."""
    found: Floats = np.median(np.stack([modes[:-2], modes[1:-1], modes[2:]]), axis=0)
    return found


def _period(shares: Floats, distances: Floats) -> tuple[float, float, float]:
    """(length in moments, g, p) of the more periodic of two series, p for both together.

    They are the shares (m, k) along their first principal axis, and the logarithm of the distance (m,).
    """
    centred = shares - shares.mean(0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    series = (centred @ axis, np.log(np.maximum(distances, 1e-12)))
    found = min((fisher_g(prewhitened(each), cycles=CYCLES) for each in series), key=lambda each: each.p)
    return found.length, found.g, min(1.0, 2 * found.p)


def _apart(shares: Floats, length: float) -> float:
    """Mean total variation between moments `length`/2 apart; 0 without a period."""
    if not math.isfinite(length):
        return 0.0
    lag = min(max(1, round(length / 2)), len(shares) - 1)
    return float(np.abs(shares[lag:] - shares[:-lag]).sum(1).mean() / 2)


def _change(before: Floats, after: Floats) -> tuple[float, float]:
    """The relative change of the mean and its standard error, of what a straight line leaves over in each quarter.

    Neighbours are alike, as their autocorrelation says.
    """
    errors = []
    for values in (before, after):
        rest = detrended(values) if len(values) >= STRAIGHT else values - values.mean()
        power = float(rest @ rest)
        alike = min(max(float(rest[1:] @ rest[:-1]) / power, 0.0), 0.9) if power > 0 else 0.0
        errors.append(power / (len(values) - 1) / len(values) * (1 + alike) / (1 - alike))
    mean = max(float(before.mean()), 1e-12)
    return float(after.mean()) / mean - 1, math.sqrt(sum(errors)) / mean
