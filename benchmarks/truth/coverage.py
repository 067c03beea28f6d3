"""How often the 95 % intervals hold what they are of, and how often equal models are told apart: by simulation.

    python benchmarks/truth/coverage.py                             all, 200 repeats, n = 300 to 797: 20 CPU minutes
    python benchmarks/truth/coverage.py library --n 400 --repeats 60
    python benchmarks/truth/coverage.py protocol --n 797 --repeats 60
    python benchmarks/truth/coverage.py further                     intervals beside those of the headline, n = 400
    python benchmarks/truth/coverage.py marks                       equal models told apart, in tables of 2, 5 and 20
    python benchmarks/truth/coverage.py protocol --features FILE.npz    features of real data in place of Gaussian ones

`library` draws two sets of n elements with 16 features and asks the functions of `genbench.scoring.metrics`; `protocol`
does what the report does, over two folds, and marks two equal models; of `further` see `further.py`.  The truth of an
interval is the mean of the estimates over all repeats, the expected score at this n; of modes covered it is known.  A
repeat draws both sets anew.

FILE.npz has arrays `real` (N, d) and `fake` (M, d), of which each repeat takes n by chance without repetition: with n
well below N and M / 2 this is close to fresh draws.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
from further import further, normal
from scipy.special import stdtr

from genbench.report.noise import LEVEL
from genbench.scoring import metrics
from genbench.scoring.comparison import sample_scores
from genbench.scoring.estimates import Z95, Estimate, spread
from genbench.scoring.features import Features
from genbench.scoring.resampling import Scored, draws

CLASSES = 10
EQUALS = 2, 5, 20  # numbers of models in a table
MODES, SAMPLES = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.06, 0.03, 0.01]), 300
RARE = "a mode of 1 %, 300 samples", "modes covered"
KNOWN = {RARE: float((1 - (1 - MODES) ** SAMPLES).sum())}
Found = dict[tuple[str, str], list[Estimate]]
Draw = Callable[[int, np.random.Generator], np.ndarray]


def other(n: int, rng: np.random.Generator) -> np.ndarray:
    return 1.1 * normal(n, rng) + 0.15


def heavy(n: int, rng: np.random.Generator) -> np.ndarray:
    return normal(n, rng) * np.where(rng.random(n) < 0.2, 2.0, 0.8)[:, None]


def mediocre(n: int, rng: np.random.Generator) -> np.ndarray:
    return 1.6 * normal(n, rng) + 0.5


def half(n: int, rng: np.random.Generator) -> np.ndarray:
    """Modes dropped: one feature of one sign alone."""
    x = normal(n, rng)
    x[:, -1] = np.abs(x[:, -1])
    return x


LIBRARY: dict[str, tuple[Draw, Draw]] = {
    "equal": (normal, normal),
    "different": (normal, other),
    "heavy-tailed": (heavy, heavy),
    "mediocre": (normal, mediocre),
    "half missing": (normal, half),
}


def probabilities(x: np.ndarray) -> np.ndarray:
    """Those of a fixed random classifier."""
    logits = x @ np.random.default_rng(0).standard_normal((x.shape[1], CLASSES)) * 12.8 / x.shape[1]
    p: np.ndarray = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def library(n: int, repeats: int) -> Found:
    found: Found = defaultdict(list)
    for case, (one, another) in LIBRARY.items():
        for seed in range(repeats):
            rng = np.random.default_rng([seed, 1])
            x, y = one(n, rng), another(n, rng)
            near, around = metrics.manifold_estimates(x, y, seed=seed)
            found[case, "Fréchet distance"].append(metrics.frechet_distance(x, y, seed=seed))
            found[case, "Fréchet distance, first order"].append(metrics.frechet_distance(x, y, bootstrap=0))
            found[case, "kernel distance"].append(metrics.kernel_distance(x, y))
            found[case, "kernel distance, 20 subsets"].append(
                metrics.kernel_distance(x, y, subsets=20, subset_size=n // 4, seed=seed)
            )
            for name, estimate in {**near._asdict(), **around._asdict()}.items():
                found[case, name].append(estimate)
            if case in ("equal", "heavy-tailed"):
                score = metrics.inception_score(probabilities(y), seed=seed)
                found[case, "classifier score"].append(score)
    for seed in range(repeats):
        hits = np.random.default_rng(seed).multinomial(SAMPLES, MODES)
        found[RARE].append(metrics.covered_interval(hits, seed=seed))
    return found


def scored(real: np.ndarray, fake: np.ndarray, seed: int, common: int | None = None) -> dict[str, Scored]:
    """The scores of samples; those with `common` alike have the resamplings of held-out elements in common."""

    def features(x: np.ndarray) -> Features:
        p = probabilities(x)
        return Features(x, p, p.argmax(axis=1))

    drawn = draws(
        len(real), len(fake), real_seed=10**6 + (seed if common is None else common), fake_seed=10**9 + seed
    )
    return sample_scores(features(real), features(fake), drawn, classes=CLASSES, seed=seed)


def gaussian_sets(n: int, repeats: int) -> Iterator[dict[str, np.ndarray]]:
    for seed in range(repeats):
        rng = np.random.default_rng([seed, 2])
        real, copies = normal(n, rng), normal(n, rng)
        copied = rng.random(n) < 0.5
        copies[copied] = real[copied]
        yield {
            "real": real,
            "perfect": normal(n, rng),
            "half of it held-out data": copies,
            "model": 1.15 * normal(n, rng) + 0.1,
            "its equal": 1.15 * normal(n, rng) + 0.1,
        }


def given_sets(path: str, n: int, repeats: int) -> Iterator[dict[str, np.ndarray]]:
    with np.load(path) as stored:
        real, fake = stored["real"], stored["fake"]
    for seed in range(repeats):
        rng = np.random.default_rng([seed, 3])
        chosen, made = rng.permutation(len(real))[:n], rng.permutation(len(fake))
        yield {
            "real": real[chosen],
            "model": fake[made[:n]],
            "its equal": fake[made[n : 2 * n]],
        }


def protocol(sets: Iterator[dict[str, np.ndarray]]) -> tuple[Found, dict[str, list[bool]]]:
    """Estimates, and whether two equal models are told apart: first single runs, by the rule of the marks."""
    found: Found = defaultdict(list)
    apart: dict[str, list[bool]] = defaultdict(list)
    for seed, each in enumerate(sets):
        real = each["real"]
        scores = {case: scored(real, fake, seed) for case, fake in each.items()}
        for case, of_case in scores.items():
            for name, score in of_case.items():
                found[case, name].append(score.estimate)
        for name, a in scores["model"].items():
            if not a.estimate.has_interval:
                continue
            apart[name].append(p_value(a, scores["its equal"][name]) <= LEVEL)
    return found, apart


def tables_of_equals(n: int, tables: int) -> dict[str, list[float]]:
    """For each score the shares of tables of EQUALS equal models in which any two are told apart, by Holm's method."""
    alarms: dict[str, list[list[bool]]] = defaultdict(lambda: [[] for _ in EQUALS])
    for seed in range(tables):
        rng = np.random.default_rng([seed, 5])
        real = normal(n, rng)
        scores = [
            scored(real, 1.15 * normal(n, rng) + 0.1, 100 * seed + i, common=seed) for i in range(max(EQUALS))
        ]
        for name, first in scores[0].items():
            if not first.estimate.has_interval:
                continue
            p = np.ones((len(scores), len(scores)))
            for i, j in combinations(range(len(scores)), 2):
                p[i, j] = p_value(scores[i][name], scores[j][name])
            for found, k in zip(alarms[name], EQUALS, strict=True):
                found.append(bool(p[:k, :k].min() <= LEVEL / (k * (k - 1) / 2)))
    return {name: [float(np.mean(each)) for each in found] for name, found in alarms.items()}


def p_value(a: Scored, b: Scored) -> float:
    """As of two single runs in the report."""
    rest = None if a.rest is None or b.rest is None else a.rest - b.rest
    error = spread(a.replicates - b.replicates, rest)
    gap = abs(a.estimate.value - b.estimate.value)
    return float(2 * stdtr(len(a.replicates) - 1, -gap / error)) if gap > 0 else 1.0


def table(found: Found) -> str:
    """Markdown: the share of intervals that hold the mean estimate, and stated over true standard error."""
    lines = ["| sets | score | mean | true sd | stated / true | covers |", "|---|---|---:|---:|---:|---:|"]
    for (case, name), estimates in found.items():
        if not estimates[0].has_interval:
            continue
        value, low, high = (np.array([e[i] for e in estimates]) for i in range(3))
        truth, sd = KNOWN.get((case, name), value.mean()), value.std(ddof=1)
        covers = float(((low <= truth) & (truth <= high)).mean())
        stated = float(np.sqrt((((high - low) / (2 * Z95)) ** 2).mean()))
        ratio = f"{stated / sd:.2f}" if sd > 0 else "–"
        lines.append(f"| {case} | {name} | {truth:.4g} | {sd:.3g} | {ratio} | {covers:.3f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", nargs="?", choices=("library", "protocol", "further", "marks"))
    parser.add_argument("--n", type=int)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--features", help="an .npz file with `real` and `fake`")
    arguments = parser.parse_args()
    repeats = arguments.repeats
    if arguments.which in (None, "library"):
        n = arguments.n or 400
        print(f"library, n = {n}, {repeats} repeats\n\n{table(library(n, repeats))}\n", flush=True)
    if arguments.which in (None, "further"):
        n = arguments.n or 400
        print(f"further scores, n = {n}, {repeats} repeats\n\n{table(further(n, repeats))}\n", flush=True)
    if arguments.which in (None, "protocol"):
        n = arguments.n or 797
        sets = given_sets(arguments.features, n, repeats) if arguments.features else gaussian_sets(n, repeats)
        found, apart = protocol(sets)
        print(f"two folds, n = {n}, {repeats} repeats\n\n{table(found)}\n")
        print("| two equal models told apart (5 %) | |\n|---|---:|")
        for name, alarms in apart.items():
            print(f"| {name} | {np.mean(alarms):.3f} |")
    if arguments.which in (None, "marks"):
        n = arguments.n or 300
        found_apart = tables_of_equals(n, repeats)
        print(
            f"\n| any two told apart (5 %), n = {n}, {repeats} tables; models | 2 | 5 | 20 |\n|---|---:|---:|---:|"
        )
        for name, shares in found_apart.items():
            print(f"| {name} | {' | '.join(f'{share:.3f}' for share in shares)} |")


if __name__ == "__main__":
    main()
