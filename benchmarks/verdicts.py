"""How often a verdict errs, and what it finds: tables of systems that are all new, and of which some are copies.

    python benchmarks/verdicts.py [tables] [whole tables]

First the rule on copy rates, with the counts that the law of exchangeable distances gives, for several sizes of the
held-out set.  Then the whole rule of the report, with all its scores and controls, on points of a Gaussian in 16
dimensions, 1,000 training and 797 held-out points and as many samples: fewer tables, seconds each.
"""

import sys

import numpy as np
import pandas as pd

from genbench.data.prepared import Part, Prepared
from genbench.report.results import RunResult, rows_of
from genbench.report.verdict import COPY_LEVEL, LEVEL, QUANTILE, assess
from genbench.scoring import audit
from genbench.scoring.estimates import clopper_pearson
from genbench.scoring.novelty.chance import SHARES, Fold, least_suspicious

SIZES, SYSTEMS = (398, 797, 2000, 10_000), (1, 13, 40)
TRAIN, HELD_OUT, DIMENSIONS, NEW = 1000, 797, 16, 13
COPYING = (0.01, 0.03, 0.1)


def main(tables: int = 20_000, whole: int = 40) -> None:
    print(
        "held-out = samples | systems | any suspicious, by the interval | by the rule | found of 1 %, 3 %, 10 % copies"
    )
    for h in SIZES:
        for systems in SYSTEMS:
            print(row(h, systems, tables if h < 10_000 else tables // 5), flush=True)
    wrong, found, refused = 0, np.zeros(len(COPYING)), 0
    for number in range(whole):
        verdicts = table(number)
        refused += not verdicts
        wrong += any(verdicts.get(f"g-new{i}") == "suspicious" for i in range(NEW))
        found += [verdicts.get(f"g-copying{share}") == "suspicious" for share in COPYING]
    print(
        f"whole rule, {whole} tables of {NEW} new systems: any suspicious in {wrong}, no verdict in {refused}"
    )
    print("found", dict(zip(COPYING, (found / whole).round(2).tolist(), strict=True)))


def row(h: int, systems: int, tables: int) -> str:
    rng = np.random.default_rng(h + systems)
    rank = int(QUANTILE * (h + 1) + 1e-9)
    cut = rng.beta(rank, h + 1 - rank, tables)  # the law of the rank-th smallest of h uniform numbers
    most = rng.binomial(h, cut[:, None], (tables, systems)).max(1)
    least = least_suspicious([Fold(h, h, rank)], systems=systems, level=COPY_LEVEL)
    by_interval = next(k for k in range(h) if clopper_pearson(k, h).interval[0] > QUANTILE)
    old, new = ((most >= k).mean() for k in (by_interval, least))
    copied = [rng.binomial(h, share, tables) for share in SHARES]
    found = [(copies + rng.binomial(h - copies, cut) >= least).mean() for copies in copied]
    return f"{h} | {systems} | {old:.1%} | {new:.1%} | " + ", ".join(f"{each:.0%}" for each in found)


def table(number: int) -> dict[str, str]:
    """The report's verdicts on one table; none where a control came out wrong."""
    rng = np.random.default_rng(number)
    train, held_out = (rng.standard_normal((n, DIMENSIONS)).astype(np.float32) for n in (TRAIN, HELD_OUT))
    data = Prepared(Part(train, None), Part(held_out, None), {"kind": "points"}, "")

    def fresh() -> np.ndarray:
        return rng.standard_normal((HELD_OUT, DIMENSIONS)).astype(np.float32)

    def copying(share: float) -> np.ndarray:
        copies = train[rng.integers(TRAIN, size=HELD_OUT)]
        return np.where(rng.random((HELD_OUT, 1)) < share, copies, fresh())

    sets = {
        "controls/real": held_out,
        "controls/copycat": copying(1),
        "controls/tenth_copycat": copying(0.1),
        "controls/noise": 4 * fresh(),
        **{f"new{i}": fresh() for i in range(NEW)},
        **{f"copying{share}": copying(share) for share in COPYING},
    }
    runs = []
    for i, (model, samples) in enumerate(sets.items()):
        found = audit.novelty(data, samples, vectors=lambda x: x, distance="Euclidean", seed=number)
        name = f"g-{model.removeprefix('controls/')}"
        runs.append(run(name, model, i, found))
    return assess(rows_of(runs)).verdicts


def run(name: str, model: str, seed: int, found: dict[str, object]) -> RunResult:
    entry, nothing = {"dataset": "g", "model": model, "seed": seed}, pd.DataFrame()
    return RunResult(name, entry, {"scores": {}}, found, nothing, {}, {}, {}, b"", b"", None, None)


if __name__ == "__main__":
    print(f"a false suspicious in at most {LEVEL:.0%} of tables")
    main(*map(int, sys.argv[1:]))
