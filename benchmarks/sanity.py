"""The report card of precision, recall, density and coverage: 15 sanity checks with 2 criteria each, 30 cells a metric.

Räisä et al., 2025 (ICML), arXiv:2505.22450, tables 3 and 4: data whose fidelity and diversity are known, and what a
good metric does on them.  Here they are put to the functions of `genbench.scoring.metrics`, clipped density and
coverage among them; beside each cell that differs stands the published one, of the official implementations.

    python benchmarks/sanity.py                   # as published: 10 repeats, all settings
    python benchmarks/sanity.py --settings 21     # a quarter of an hour

As there, data are z-scored by the real set, k is 3 for precision and recall, and elsewhere the least with an expected
coverage above 0.95; criteria are about means over the repeats.  They count closed balls, genbench open ones, as Naeem
et al. do: that can only show on discrete data.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from genbench.scoring import metrics

N = 1000
FIDELITY, DIVERSITY = ("precision", "density", "clipped density"), ("recall", "coverage", "clipped coverage")
Answer = bool | str  # "high" or "low" where either way of counting diversity is right
Rng = np.random.Generator
Curve = tuple[np.ndarray, np.ndarray]  # settings, ascending, and a metric's means there
Criterion = Callable[[Curve], Answer]
Setting = tuple[str, float, np.ndarray, np.ndarray]  # case, place on the axis, real, synthetic


def computed(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    """All metrics of data z-scored by the real set."""
    mean, spread = real.mean(0), real.std(0)
    x, y = ((each - mean) / np.where(spread > 0, spread, 1) for each in (real, fake))
    k = next((k for k in range(1, 21) if expected_coverage(len(x), len(y), k) > 0.95), 20)
    near = metrics.precision_recall(x, y, splits=2)
    balls = metrics.density_coverage(x, y, k=k, splits=2)
    clipped = metrics.clipped_density_coverage(x, y, k=k)
    return {
        "precision": near.precision.value,
        "density": balls.density.value,
        "clipped density": clipped.density.value,
        "recall": near.recall.value,
        "coverage": balls.coverage.value,
        "clipped coverage": clipped.coverage.value,
    }


def expected_coverage(n: int, m: int, k: int) -> float:
    """Of m samples of the distribution of the n real ones (Naeem et al., 2020, lemma 2)."""
    i = np.arange(1, k + 1)
    return float(1 - np.prod((n - i) / (n + m - i)))


# Criteria.


def at(place: float | str, target: float) -> Criterion:
    """The value at a setting, or at the first or the last, is within 0.05 of a target."""

    def criterion(curve: Curve) -> Answer:
        return bool(abs(value_at(curve, place) - target) <= 0.05 + 1e-12)

    return criterion


def value_at(curve: Curve, place: float | str) -> float:
    x, y = curve
    if isinstance(place, str):
        return float(y[{"min": 0, "max": -1}[place]])
    return float(y[np.abs(x - place).argmin()])


def wide(place: str) -> Criterion:
    """1 or 0: of samples spread wider than the data diversity is full, or there is none of the data's."""

    def criterion(curve: Curve) -> Answer:
        return "high" if at(place, 1.0)(curve) else "low" if at(place, 0.0)(curve) else False

    return criterion


def falling(curve: Curve) -> Answer:
    """High at the left, low at the right."""
    _, y = curve
    return bool(y[0] - y[-1] >= 0.2 and y.max() - y[0] <= 0.1 and y[-1] - y.min() <= 0.1)


def rising(curve: Curve) -> Answer:
    return falling((curve[0], curve[1][::-1]))


def falling_by(quantile: float) -> Criterion:
    """`falling`, with a drop of 0.1 before the setting at this quantile."""

    def criterion(curve: Curve) -> Answer:
        x, y = curve
        middle = float(np.quantile(x, quantile, method="nearest"))
        return bool(falling(curve)) and bool(y[0] - value_at(curve, middle) >= 0.1)

    return criterion


def bell(middle: float) -> Criterion:
    def criterion(curve: Curve) -> Answer:
        _, y = curve
        top = value_at(curve, middle)
        ends_low = min(y[0], y[-1]) - y.min() <= 0.1
        return bool(min(top - y[0], top - y[-1]) >= 0.2 and y.max() - top <= 0.1 and ends_low)

    return criterion


def flat(curve: Curve) -> Answer:
    return bool(np.ptp(curve[1]) <= 0.05)


def settled(curve: Curve) -> Answer:
    """Flat from the median setting on."""
    x, y = curve
    return bool(np.ptp(y[x >= np.median(x)]) <= 0.05)


def either(low: Criterion, high: Criterion) -> Criterion:
    return lambda curve: "low" if low(curve) else "high" if high(curve) else False


# Data.


def some(values: Sequence[float] | np.ndarray, settings: int) -> np.ndarray:
    """So many of them, spread evenly from the first to the last, with the middle one where their number is odd."""
    values = np.asarray(values)
    return values[np.unique(np.linspace(0, len(values) - 1, min(settings, len(values))).round().astype(int))]


SHIFTS = {1: np.linspace(-6, 6, 51), 8: np.linspace(-3, 3, 51), 64: np.linspace(-1, 1, 51)}
SPREADS = {1: np.logspace(-3, 3, 51), 8: np.logspace(-1, 1, 51), 64: np.logspace(-0.5, 0.5, 51)}
SIZES = np.logspace(2, 4, 20).astype(int)
WIDTHS = {1: 1 / 6, 8: 1 / 3, 64: 1.0}  # of the modes
PLANE = np.array([(5.468, -4.085), (4.872, -13.649), (-16.394, 9.098), (-2.154, 12.462), (11.558, -4.960)])
INVENTED = np.array(
    [(-24.606, 14.180), (16.842, -3.187), (-5.478, -6.772), (9.467, 1.059), (-5.403, -17.295)]
)


def shifted(rng: Rng, settings: int) -> Iterator[Setting]:
    for d, shifts in SHIFTS.items():
        real = rng.normal(size=(N, d))
        for shift in some(shifts, settings):
            yield f"{d}", shift, real, rng.normal(shift, size=(N, d))


def with_outlier(rng: Rng, settings: int) -> Iterator[Setting]:
    for case, shift, real, fake in shifted(rng, settings):
        far = np.full((1, real.shape[1]), SHIFTS[int(case)].max())
        yield f"{case}, real", shift, np.concatenate([real, far]), fake
        yield f"{case}, synthetic", shift, real, np.concatenate([fake, far])


def spread(rng: Rng, settings: int) -> Iterator[Setting]:
    for d, spreads in SPREADS.items():
        real = rng.normal(size=(N, d))
        for sd in some(spreads, settings):
            yield f"{d}", sd, real, sd * rng.normal(size=(N, d))


def mixture(rng: Rng, means: np.ndarray, sd: float, shares: np.ndarray) -> np.ndarray:
    chosen = rng.choice(len(means), size=N, p=shares / shares.sum())
    return means[chosen] + sd * rng.normal(size=(N, means.shape[1]))


def dropped(rng: Rng, settings: int, *, one_by_one: bool) -> Iterator[Setting]:
    for d, sd in WIDTHS.items():
        means = np.repeat(np.linspace(0, 10, 10)[:, None], d, 1)
        real = mixture(rng, means, sd, np.ones(10))
        for dropping in np.arange(10) if one_by_one else some(np.linspace(0, 1, 50), settings):
            shares = np.ones(10)
            if one_by_one:
                shares[10 - int(dropping) :] = 0
            else:
                shares[1:] = 1 - dropping
            yield f"{d}", dropping, real, mixture(rng, means, sd, shares)


def invented(rng: Rng, settings: int) -> Iterator[Setting]:
    real, every = mixture(rng, PLANE, 0.25, np.ones(5)), np.concatenate([PLANE, INVENTED])
    for count in range(1, 11):
        yield "", count, real, mixture(rng, every[:count], 0.25, np.ones(count))


def sphere(rng: Rng, d: int) -> np.ndarray:
    x = rng.normal(size=(N, d))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def spheres(rng: Rng, settings: int) -> Iterator[Setting]:
    for d in (2, 16, 128):
        real = sphere(rng, d)
        for radius in some(np.linspace(0.1, 1.9, 51), settings):
            yield f"{d}", radius, real, radius * sphere(rng, d)


def cubes(rng: Rng, settings: int, *, both: bool) -> Iterator[Setting]:
    for d in (1, 8, 64):
        real, start = rng.random((N, d)), 1 - 0.2 ** (1 / d)
        for n in some(SIZES, settings):
            yield f"{d}", n, rng.random((n, d)) if both else real, start + rng.random((n, d))


def ball(rng: Rng, n: int, d: int) -> np.ndarray:
    x = rng.normal(size=(n, d))
    return np.asarray(rng.random((n, 1)) ** (1 / d) * x / np.linalg.norm(x, axis=1, keepdims=True))


def torus(rng: Rng, n: int) -> np.ndarray:
    disc, angle = 0.1 * ball(rng, n, 2), rng.uniform(0, 2 * np.pi, n)
    radius = 1 + disc[:, 0]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), disc[:, 1]], 1)


def inside_out(rng: Rng, settings: int) -> Iterator[Setting]:
    for case in ("sphere", "torus"):
        real = 0.8 * ball(rng, N, 3) if case == "sphere" else torus(rng, N)
        for n in some(SIZES, settings):
            yield case, n, real, torus(rng, n) if case == "sphere" else 0.8 * ball(rng, n, 3)


def two_modes(rng: Rng, settings: int) -> Iterator[Setting]:
    for d in (1, 8, 64):
        for mu in some(np.linspace(0, 5, 20), settings):
            means = np.repeat(np.array([[-mu / 2], [mu / 2]]), d, 1)
            yield (
                f"{d}",
                mu,
                mixture(rng, means, 1.0, np.ones(2)),
                np.sqrt(1 + mu**2) * rng.normal(size=(N, d)),
            )


def scaled(rng: Rng, settings: int) -> Iterator[Setting]:
    for scale in some(np.logspace(-3, 3, 20), settings):
        real, fake = rng.normal(size=(2, N, 2)) * [1, scale]
        yield "", scale, real, fake + np.array([6, 0])


def pareto(rng: Rng, settings: int) -> Iterator[Setting]:
    def drawn(mean: float) -> np.ndarray:
        return np.stack([rng.normal(mean, size=N), 1 + rng.pareto(1.01, size=N)], 1)

    real = drawn(0)
    for shift in some(SHIFTS[1], settings):
        yield "", shift, real, drawn(shift)


def one_of_many(rng: Rng, settings: int) -> Iterator[Setting]:
    for extra in some(np.unique(np.logspace(0, 3, 20).astype(int)), settings):
        real, fake = rng.normal(size=(2, N, extra + 1))
        fake[:, 0] += 6
        yield "", extra, real, fake


def rounded(rng: Rng, settings: int) -> Iterator[Setting]:
    for case in ("discrete", "continuous"):
        for scale in some(np.logspace(0, 3, 20), settings):
            real, fake = scale * rng.normal(size=(2, N, 1))
            yield case, scale, *((real.round(), fake) if case == "discrete" else (real, fake.round()))


class Check(NamedTuple):
    """first, second: what the two criteria ask of each case's curve, of (fidelity, diversity) metrics or of both alike.

    published: passes of precision, density, recall and coverage, for either criterion: T or F.
    """

    data: Callable[[Rng, int], Iterator[Setting]]
    first: Mapping[str, Sequence[Criterion]]
    second: Mapping[str, Sequence[Criterion]]
    published: tuple[str, str]


def both(*criteria: Criterion) -> dict[str, Sequence[Criterion]]:
    return {"fidelity": criteria, "diversity": criteria}


def apart(fidelity: Sequence[Criterion], diversity: Sequence[Criterion]) -> dict[str, Sequence[Criterion]]:
    return {"fidelity": fidelity, "diversity": diversity}


CENTRED = both(at(0.0, 1), at("min", 0), at("max", 0))
SAME, FULL, NONE = at("min", 1), at("max", 1), at("max", 0)
CHECKS = {
    "Gaussian, mean": Check(shifted, CENTRED, both(bell(0.0)), ("FTFT", "TTTT")),
    "Gaussian, mean, an outlier": Check(with_outlier, CENTRED, both(bell(0.0)), ("FFFT", "FTFT")),
    "Gaussian, spread": Check(
        spread,
        apart((at(1.0, 1), SAME, NONE), (at(1.0, 1), at("min", 0), wide("max"))),
        apart((falling,), (either(bell(1.0), rising),)),
        ("FFFF", "TTTF"),
    ),
    "modes dropped at once": Check(
        lambda rng, settings: dropped(rng, settings, one_by_one=False),
        apart((SAME, FULL), (SAME,)),
        apart((flat,), (falling_by(0.95),)),
        ("FTFT", "TFFT"),
    ),
    "modes dropped one by one": Check(
        lambda rng, settings: dropped(rng, settings, one_by_one=True),
        apart((SAME, FULL), (SAME,)),
        apart((flat,), (falling_by(0.5),)),
        ("FTFT", "TTTT"),
    ),
    "modes dropped and invented": Check(
        invented, apart((at(5, 1), SAME), (at(5, 1), FULL)), apart((falling,), (rising,)), ("TTTF", "TTTF")
    ),
    "spheres": Check(spheres, both(at(1.0, 1), at("min", 0), NONE), both(bell(1.0)), ("FFFF", "FFFF")),
    "cubes, size of both sets": Check(
        lambda rng, settings: cubes(rng, settings, both=True),
        both(settled),
        both(at("max", 0.2)),
        ("FFFF", "FFFF"),
    ),
    "cubes, size of the synthetic set": Check(
        lambda rng, settings: cubes(rng, settings, both=False),
        both(settled),
        both(at("max", 0.2)),
        ("TTFF", "FFFF"),
    ),
    "sphere and torus": Check(inside_out, both(NONE), both(settled), ("TTTF", "TTFF")),
    "one mode for two": Check(
        two_modes, both(SAME), apart((falling,), (either(falling, flat),)), ("FTFT", "TTFF")
    ),
    "scale of one dimension": Check(scaled, both(at("min", 0), NONE), both(flat), ("FTTT", "FTFT")),
    "mean, beside a Pareto variable": Check(pareto, CENTRED, both(bell(0.0)), ("FTTT", "TTTT")),
    "one dimension apart among many": Check(
        one_of_many, both(at("min", 0), NONE), both(flat), ("FFFF", "FFFF")
    ),
    "discrete for continuous": Check(rounded, both(), both(flat), ("FFFF", "FFFF")),
}
OF_ROUNDED = {  # the first criterion of the last, which depends on the case
    "discrete": apart((at("min", 0), NONE), (wide("min"), wide("max"))),
    "continuous": apart((SAME, FULL), (at("min", 0), NONE)),
}


def passed(answers: Sequence[Answer]) -> bool:
    """All are, and none says "high" where another says "low"."""
    return all(answers) and not {"high", "low"} <= set(answers)


def cells(name: str, check: Check, *, repeats: int, settings: int, seed: int) -> dict[str, tuple[bool, bool]]:
    """Whether each metric meets both criteria of a check."""
    found: dict[tuple[str, float], list[dict[str, float]]] = defaultdict(list)
    for repeat in range(repeats):
        rng = np.random.default_rng((seed, list(CHECKS).index(name), repeat))
        for case, place, real, fake in check.data(rng, settings):
            found[case, float(place)].append(computed(real, fake))
    cases = list(dict.fromkeys(case for case, _ in found))
    told = {}
    for kind, names in (("fidelity", FIDELITY), ("diversity", DIVERSITY)):
        for metric in names:
            answers: tuple[list[Answer], list[Answer]] = ([], [])
            for case in cases:
                places = sorted(place for of, place in found if of == case)
                means = [np.mean([each[metric] for each in found[case, place]]) for place in places]
                curve = np.array(places), np.array(means)
                first = OF_ROUNDED.get(case, check.first)[kind]
                for criteria, into in zip((first, check.second[kind]), answers, strict=True):
                    into += [criterion(curve) for criterion in criteria]
            told[metric] = passed(answers[0]), passed(answers[1])
    return told


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument(
        "--settings", type=int, default=51, help="of each curve, at most; odd, to have the middle one"
    )
    parser.add_argument("--checks", nargs="*", default=list(CHECKS), help="some of them, by name")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    order = ("precision", "density", "recall", "coverage")
    shown = (*order, "clipped density", "clipped coverage")
    print(f"| check | {' | '.join(shown)} |\n|---|{'---|' * len(shown)}")
    passes, agree, total = dict.fromkeys(shown, 0), 0, 0
    for name in given.checks:
        found = cells(name, CHECKS[name], repeats=given.repeats, settings=given.settings, seed=given.seed)
        for i, what in enumerate(("value", "shape")):
            row = []
            for metric in shown:
                ours = "T" if found[metric][i] else "F"
                passes[metric] += found[metric][i]
                if metric in order:
                    theirs = CHECKS[name].published[i][order.index(metric)]
                    agree, total = agree + (ours == theirs), total + 1
                    row.append(ours if ours == theirs else f"**{ours}** ({theirs})")
                else:
                    row.append(ours)
            print(f"| {name}, {what} | {' | '.join(row)} |", flush=True)
    print(f"| passed | {' | '.join(str(passes[metric]) for metric in shown)} |")
    print(
        f"\n{agree} of {total} cells as published; {given.repeats} repeats, seed {given.seed}; published in brackets."
    )


if __name__ == "__main__":
    main()
