"""Is a model's output new? A verdict is given only where the controls come out right."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from genbench.report.results import Row, RunResult, runs_of
from genbench.scoring.catalogue import QUALITY, SCORES, Score
from genbench.scoring.estimates import Z95, Estimate
from genbench.scoring.novelty.chance import LEVEL, SHARES, Fold, chance_of, least_suspicious, power, verdict

QUANTILE = 0.01
COPY_LEVEL = OTHER_LEVEL = (
    LEVEL / 2
)  # of the chance of a false "suspicious", for the copy rate and for all other scores


class Rate(NamedTuple):
    """A run's copy rate.  expected: of new data.  chance: that as many new samples are flagged."""

    estimate: Estimate
    expected: float
    chance: float


# Each rule in words, {expected} to be filled in, and as a test.
RULES: dict[str, tuple[str, Callable[[Rate], bool]]] = {
    "real": (
        f"as many flagged as new data have with a probability above {LEVEL:.0%}",
        lambda r: r.chance > LEVEL,
    ),
    "copycat": ("rate ≥ 95 %", lambda r: r.estimate.value >= 0.95),
    "tenth_copycat": (
        "interval within 3 points of 10 % copies among {expected} chance hits",
        lambda r: (
            r.estimate.interval[0] - 0.03 <= 0.1 + 0.9 * r.expected
            and 0.1 + 0.9 * r.expected <= r.estimate.interval[1] + 0.03
        ),
    ),
    "noise": ("rate ≤ {expected}", lambda r: r.estimate.value <= r.expected),
    "noisy_copycat": (
        f"more flagged than new data have with a probability of {LEVEL:.0%}",
        lambda r: r.chance <= LEVEL,
    ),
}
EQUIVALENT = {"uniform_tokens": "noise"}  # what is noise where elements are sequences of tokens
REQUIRED = ("real", "copycat", "tenth_copycat", "noise")
VERDICTS = (
    ("copies", "the interval of the copy rate lies above 50 %"),
    (
        "suspicious",
        "{least} or more samples are flagged, or another informative score lies {errors} standard errors beyond that "
        "of real on the side of the copies",
    ),
    ("novel", "neither"),
)
COPIES = ("copycat", "noisy_copycat", "tenth_copycat")


class Check(NamedTuple):
    """One control held against its rule: the copy rate of each seed, none where the control or its rate is missing."""

    control: str
    rule: str
    estimates: list[Estimate]
    passed: bool


class Power(NamedTuple):
    """Which controls a score tells from `real` by intervals that do not overlap, on the side it should.

    With several seeds, each one of the control from each one of `real`.
    """

    name: str
    score: Score
    tells: dict[str, bool]

    @property
    def informative(self) -> bool:
        return all(self.tells.values())


class Trial(NamedTuple):
    """What the copy rates of a table are held against.

    systems: runs that are no controls.  folds: of one of them.  least: number of its samples that is suspicious.
    errors: standard errors by which any other score is.  detected: share of copies -> the chance that it is found.
    """

    systems: int
    folds: tuple[Fold, ...]
    least: int
    errors: float
    detected: dict[float, float]

    @property
    def samples(self) -> int:
        return sum(fold.samples for fold in self.folds)


class Judgement(NamedTuple):
    state: str  # "passed", "failed", "missing", or "idle" where no score of copies exists
    checks: list[Check]
    verdicts: dict[str, str]  # run name -> verdict, empty unless passed
    rules: list[tuple[str, str]]  # verdict -> its rule in words
    powers: list[Power]  # empty without the control `real`
    trial: Trial | None = None  # none where there are no copy rates

    @property
    def missing(self) -> list[str]:
        """The controls that a verdict needs and that have no run."""
        return [check.control for check in self.checks if not check.estimates]

    def of(self, row: Row) -> str | None:
        """The worst verdict on a row's runs."""
        found = {self.verdicts.get(run.name) for run in row.runs}
        return next((verdict for verdict, _ in VERDICTS if verdict in found), None)


def assess(rows: Sequence[Row]) -> Judgement:
    """The controls' checks, and the verdicts on all runs of the same dataset, controls too, if every check passes."""
    runs = runs_of(rows)
    expected = expected_of(runs)
    powers = _powers(runs)
    informative = [power for power in powers if power.informative and power.score.copying]
    others = [each for each in informative if each.name != "copy_rate"]
    trial = _trial(runs, len(others))
    checks = [check for control in RULES for check in _checks(control, rows, expected)]
    if trial is None:
        return Judgement("idle", checks, {}, [], powers)
    words = {"least": f"{trial.least} of {trial.samples:,}", "errors": f"{trial.errors:.1f}"}
    rules = [(name, rule.format(**words)) for name, rule in VERDICTS]
    if any(check.estimates and not check.passed for check in checks):
        return Judgement("failed", checks, {}, rules, powers, trial)
    if not all(check.passed for check in checks):
        return Judgement("missing", checks, {}, rules, powers, trial)
    real = [run for run in runs if run.control == "real"]
    judged = [run for run in runs if "copy_rate" in run.estimates]
    verdicts = {run.name: _verdict(run, real, others, trial) for run in judged}
    return Judgement("passed", checks, verdicts, rules, powers, trial)


def expected_of(runs: Sequence[RunResult]) -> float:
    """The copy rate that new images have: 1 % by construction, or the share of real ones that are flagged, if larger.

    It is larger where real images repeat each other exactly, as small binary ones do.
    """
    return max([QUANTILE, *(float(run.novelty.get("false_positive_rate", 0)) for run in runs)])


def folds_of(run: RunResult) -> tuple[Fold, ...]:
    return tuple(Fold(**fold) for fold in run.novelty["folds"])


def flagged_in(run: RunResult) -> int:
    return round(run.estimates["copy_rate"].value * sum(fold.samples for fold in folds_of(run)))


def _trial(runs: Sequence[RunResult], others: int) -> Trial | None:
    """others: how many other scores may make a system suspicious."""
    from scipy.stats import norm

    judged = [run for run in runs if "copy_rate" in run.estimates]
    if not judged:
        return None
    tried = [run for run in judged if run.control is None] or judged
    folds, systems = folds_of(tried[0]), len(tried)
    least = least_suspicious(folds, systems=systems, level=COPY_LEVEL)
    found = {share: power(share, folds, systems=systems, level=COPY_LEVEL) for share in SHARES}
    return Trial(systems, folds, least, float(norm.isf(OTHER_LEVEL / (systems * max(1, others)))), found)


def _verdict(run: RunResult, real: Sequence[RunResult], others: Sequence[Power], trial: Trial) -> str:
    chance = chance_of(flagged_in(run), folds_of(run), systems=trial.systems)
    found = verdict(run.estimates["copy_rate"], chance, level=COPY_LEVEL)
    beyond = any(_far(each.name, run, real, each.score.copying, trial.errors) for each in others)
    return "suspicious" if found == "novel" and beyond else found


def _far(name: str, run: RunResult, real: Sequence[RunResult], side: str | None, errors: float) -> bool:
    """Whether the run's value lies so many standard errors beyond that of each run of `real`.

    Of each interval counts the half that faces the other value.
    """
    mine, floors = run.estimates.get(name), [each.estimates[name] for each in real if name in each.estimates]
    if mine is None or not floors:
        return False
    sign = 1 if side == "up" else -1

    def apart(floor: Estimate) -> bool:
        halves = [
            sign * (mine.value - mine.interval[side != "up"]),
            sign * (floor.interval[side == "up"] - floor.value),
        ]
        return sign * (mine.value - floor.value) * Z95 > errors * math.hypot(*halves)

    return all(map(apart, floors))


def _powers(runs: Sequence[RunResult]) -> list[Power]:
    """Novelty scores must tell every kind of copies from real data, and not take noise for copies.

    Quality scores must tell noise, and the baselines that know the data, from real data.
    """
    controls: dict[str, list[RunResult]] = {}
    for run in runs:
        if run.control:
            controls.setdefault(run.control, []).append(run)
    real, found = controls.get("real", []), []
    for name, score in SCORES.items():
        if not any(name in run.estimates for run in real):
            continue
        told = {}
        if score.copying:
            told = {c: all(_apart(name, controls[c], real, score.copying)) for c in COPIES if c in controls}
            if "noise" in controls:
                told["noise"] = not any(_apart(name, controls["noise"], real, score.copying))
        elif score.group == QUALITY and score.better in ("up", "down"):
            worse = "down" if score.better == "up" else "up"
            baselines = ("noise", "pca_gaussian", "independent_pixels")
            told = {c: all(_apart(name, controls[c], real, worse)) for c in baselines if c in controls}
        if told:
            found.append(Power(name, score, told))
    return found


def _apart(name: str, runs: Sequence[RunResult], real: Sequence[RunResult], side: str) -> list[bool]:
    return [_beyond(name, run, real, side) for run in runs]


def _beyond(name: str, run: RunResult, real: Sequence[RunResult], side: str | None) -> bool:
    """Whether the run's whole interval lies on one side of the whole interval of real data."""
    if name not in run.estimates:
        return False
    low, high = run.estimates[name].interval
    floors = [each.estimates[name].interval for each in real if name in each.estimates]
    return bool(floors) and all(low > most if side == "up" else high < least for least, most in floors)


def _checks(control: str, rows: Sequence[Row], expected: float) -> list[Check]:
    rule, holds = RULES[control]
    found = [
        row.having("copy_rate") for row in rows if EQUIVALENT.get(row.control or "", row.control) == control
    ]
    if not found and control in REQUIRED:
        found = [[]]
    rule = rule.format(expected=f"{100 * expected:.3g} %")

    def rate(run: RunResult) -> Rate:
        return Rate(run.estimates["copy_rate"], expected, chance_of(flagged_in(run), folds_of(run)))

    return [
        Check(
            control,
            rule,
            [run.estimates["copy_rate"] for run in runs],
            bool(runs) and all(holds(rate(r)) for r in runs),
        )
        for runs in found
    ]
