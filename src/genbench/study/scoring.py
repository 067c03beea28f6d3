"""From answers to error rates: how often each model's samples are judged real, with intervals that respect clusters.

Answers are not independent: those of one rater share their habits, those on one image share the image.  Intervals
count both (Cameron, Gelbach & Miller, JBES 2011, two-way clustering) and stay inside [0, 1] as exact binomial
intervals at the effective number of answers (Korn & Graubard, Survey Methodology 1998).
"""

from collections.abc import Callable, Sequence
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri, stdtrit

from genbench.scoring.estimates import Estimate
from genbench.storage.files import InputError
from genbench.study.records import Answers, Excluded, Key, Row, Score

CHANCE = 0.5  # of an accuracy: half of the images are real
LEAST_REAL = 0.2
LEAST_MS = 200.0
LEAST_DONE = 0.5
ENOUGH = 10  # images after which one and the same answer is no accident


class Judged(NamedTuple):
    """One rater's answers beside the truth, in the order shown."""

    rater: str
    trials: list[str]
    runs: list[str | None]  # None: the image is real
    said_real: np.ndarray  # bool
    ms: np.ndarray
    share_done: float

    @property
    def real(self) -> np.ndarray:
        return np.array([run is None for run in self.runs])


class Table(NamedTuple):
    """Answers of many raters, one row each; `rater` and `trial` are the clusters."""

    said_real: np.ndarray
    real: np.ndarray
    run: np.ndarray  # object: str or None
    rater: np.ndarray
    trial: np.ndarray
    ms: np.ndarray

    def where(self, mask: np.ndarray) -> "Table":
        return Table(*(column[mask] for column in self))


# Each rule in words, and as a test of one rater: the first that holds excludes.
RULES: tuple[tuple[str, Callable[[Judged], bool]], ...] = (
    ("judged less than half of the images", lambda j: j.share_done < LEAST_DONE),
    ("median answer faster than 200 ms", lambda j: float(np.median(j.ms)) < LEAST_MS),
    (
        "called fewer than 20 % of the real images real",
        lambda j: not j.real.any() or float(j.said_real[j.real].mean()) < LEAST_REAL,
    ),
    (
        "gave one and the same answer to all of 10 or more images",
        lambda j: len(j.ms) >= ENOUGH and len(np.unique(j.said_real)) == 1,
    ),
)


def score(key: Key, files: Sequence[tuple[Path, Answers]]) -> Score:
    """Error rates per run and overall.

    Raises:
        InputError: a file belongs to another study, names an unknown trial, answers one twice, or repeats a rater;
            or the rules leave nobody.
    """
    judged = _against_key(key, files)
    reasons = {j.rater: next((text for text, holds in RULES if holds(j)), None) for j in judged}
    excluded = [Excluded(rater=rater, reason=reason) for rater, reason in reasons.items() if reason]
    kept = [j for j in judged if reasons[j.rater] is None]
    if not kept:
        why = "; ".join(f"{each.rater} {each.reason}" for each in excluded)
        raise InputError(f"study {key.study}: no rater is left to score: {why or 'there are no answers'}")
    table = _table(kept)
    return Score(
        format="genbench-study-score",
        study=key.study,
        dataset=key.dataset,
        data_sha256=key.data_sha256,
        seconds=key.seconds,
        raters=len(kept),
        excluded=excluded,
        rules=[text for text, _ in RULES],
        accuracy=share(table, table.said_real == table.real),
        d_prime=_required(d_prime(table)),
        median_ms=float(np.median(table.ms)),
        rows=[row for run in (None, *key.samples) if (row := _row(run, table, key))],
    )


def share(table: Table, hits: np.ndarray) -> Estimate:
    """Share of hits with a 95 % interval for other raters and other images of the same kind.

    With one rater each image is judged once and the interval is Clopper–Pearson's: it is about that rater alone.
    """
    n, p = len(hits), float(hits.mean())
    effective = float(n)
    raters, images = len(np.unique(table.rater)), len(np.unique(table.trial))
    if raters > 1:
        ratio = stdtrit(n - 1, 0.975) / stdtrit(max(min(raters, images) - 1, 1), 0.975)
        variance = _two_way_variance(hits, table)
        binomial = p * (1 - p) / variance if variance > 0 else n
        effective = min(binomial * float(ratio) ** 2, n)
    hits_effective = p * effective
    low = float(betaincinv(hits_effective, effective - hits_effective + 1, 0.025)) if p > 0 else 0.0
    high = float(betaincinv(hits_effective + 1, effective - hits_effective, 0.975)) if p < 1 else 1.0
    return Estimate(p, low, high, n)


def d_prime(table: Table) -> Estimate | None:
    """Sensitivity d′ = z(hit rate) − z(false alarm rate), rates (k + ½)/(n + 1): 0 is chance, whatever the habit.

    A hit is a real image judged real, a false alarm a generated one (log-linear correction: Hautus, Behav. Res.
    Methods 1995).  The mean over raters with Student's interval; of one rater the normal interval (Gourevitch &
    Galanter, Psychometrika 1967).  None where no rater judged both kinds.
    """
    found = []
    for rater in np.unique(table.rater):
        own = table.where(table.rater == rater)
        if own.real.any() and not own.real.all():
            found.append(_one_d_prime(own.said_real[own.real], own.said_real[~own.real]))
    if not found:
        return None
    values = np.array([value for value, _ in found])
    if len(found) == 1:
        half = float(ndtri(0.975)) * sqrt(found[0][1])
    else:
        half = float(stdtrit(len(values) - 1, 0.975)) * float(values.std(ddof=1)) / sqrt(len(values))
    middle = float(values.mean())
    return Estimate(middle, middle - half, middle + half, len(table.ms))


def summary(score: Score) -> str:
    """Plain text for a terminal."""
    name = max(len(row.run or "real images") for row in score.rows)
    lines = [f"{'':{name}}  judged real      95 % interval      N  raters  median time"]
    for row in score.rows:
        s = row.judged_real
        interval = f"[{100 * s.low:.1f}, {100 * s.high:.1f}] %"
        lines.append(
            f"{row.run or 'real images':{name}}  {100 * s.value:9.1f} %  {interval:>17}  {s.n:5d}  {row.raters:6d}"
            f"  {row.median_ms / 1000:9.2f} s"
        )
    a, d = score.accuracy, score.d_prime
    lines += [
        f"\naccuracy {100 * a.value:.1f} % [{100 * a.low:.1f}, {100 * a.high:.1f}], chance {100 * CHANCE:g} %, N {a.n}",
        f"d' {d.value:.2f} [{d.low:.2f}, {d.high:.2f}], chance 0, {score.raters} rater{'s' * (score.raters > 1)}",
        f"excluded: a rater who {'; or '.join(score.rules)}",
        *(f"  {each.rater}: {each.reason}" for each in score.excluded),
        *([] if score.excluded else ["  nobody"]),
    ]
    return "\n".join(lines)


def _against_key(key: Key, files: Sequence[tuple[Path, Answers]]) -> list[Judged]:
    seen: dict[str, Path] = {}
    judged = []
    for path, answers in files:
        if answers.study != key.study:
            raise InputError(f"{path}: answers to study {answers.study}; expected {key.study}, the key's")
        if answers.rater in seen:
            raise InputError(
                f"{path}: rater {answers.rater} is in {seen[answers.rater]} already; expected one file a rater"
            )
        seen[answers.rater] = path
        judged.append(_judged(key, path, answers))
    return sorted(judged, key=lambda j: j.rater)


def _judged(key: Key, path: Path, answers: Answers) -> Judged:
    ids = [trial.id for trial in answers.trials]
    seen: set[str] = set()
    for place, trial in enumerate(ids):
        if trial not in key.trials:
            raise InputError(f"{path}: trials.{place}: the key has no trial {trial}")
        if trial in seen:
            raise InputError(f"{path}: trials.{place}: trial {trial} is answered twice")
        seen.add(trial)
    return Judged(
        rater=answers.rater,
        trials=ids,
        runs=[key.trials[trial].run for trial in ids],
        said_real=np.array([trial.answer == "real" for trial in answers.trials]),
        ms=np.array([trial.ms for trial in answers.trials], float),
        share_done=len(ids) / len(key.trials),
    )


def _table(judged: Sequence[Judged]) -> Table:
    return Table(
        said_real=np.concatenate([j.said_real for j in judged]),
        real=np.concatenate([j.real for j in judged]),
        run=np.array([run for j in judged for run in j.runs], object),
        rater=np.concatenate([np.full(len(j.ms), i) for i, j in enumerate(judged)]),
        trial=np.array([trial for j in judged for trial in j.trials]),
        ms=np.concatenate([j.ms for j in judged]),
    )


def _row(run: str | None, table: Table, key: Key) -> Row | None:
    """None where nobody who is left was shown an image of this run."""
    own = table.where(table.real if run is None else table.run == run)
    if not len(own.ms):
        return None
    return Row(
        run=run,
        judged_real=share(own, own.said_real),
        d_prime=None if run is None else d_prime(table.where(table.real | (table.run == run))),
        raters=len(np.unique(own.rater)),
        images=len(np.unique(own.trial)),
        median_ms=float(np.median(own.ms)),
        samples_sha256=None if run is None else key.samples[run],
    )


def _required(estimate: Estimate | None) -> Estimate:
    if estimate is None:
        raise InputError("study: no rater judged both real and generated images; d′ needs both")
    return estimate


def _two_way_variance(hits: np.ndarray, table: Table) -> float:
    """Of a share, raters and images as clusters: V(raters) + V(images) − V(answers), not below either of the first."""
    residual = (hits - hits.mean()) / len(hits)

    def clustered(labels: np.ndarray) -> float:
        _, place = np.unique(labels, return_inverse=True)
        sums = np.bincount(place, weights=residual)
        return float(len(sums) / max(len(sums) - 1, 1) * (sums**2).sum())

    raters, images = clustered(table.rater), clustered(table.trial)
    return max(raters, images, raters + images - clustered(np.arange(len(hits))))


def _one_d_prime(real: np.ndarray, fake: np.ndarray) -> tuple[float, float]:
    """d′ of one rater and its variance."""
    rates = [(float(said.sum()) + 0.5) / (len(said) + 1) for said in (real, fake)]
    z = [float(ndtri(rate)) for rate in rates]
    density = [np.exp(-(value**2) / 2) / sqrt(2 * np.pi) for value in z]
    variance = sum(
        float(ndtr(value)) * float(ndtr(-value)) / (len(said) * d**2)
        for value, d, said in zip(z, density, (real, fake), strict=True)
    )
    return z[0] - z[1], float(variance)
