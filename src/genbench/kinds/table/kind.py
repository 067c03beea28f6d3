"""Tables of a few categorical variables, uint8 levels (n, D): so few cells that all of them can be listed.

Where the card tells the distribution that the data were drawn from, samples and models are held against that.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.kinds.kind import Card, Comparison, Subject
from genbench.storage.files import InputError

if TYPE_CHECKING:
    from genbench.data.prepared import Prepared
    from genbench.params.schema import Extractor
    from genbench.scoring.evaluation import Draws, Scored

DISTANCE = "none: the few elements there are all occur in the training data"
LIMIT = 1 << 12  # cells that can be listed


def vectors(stored: np.ndarray, card: Card) -> None:
    """New data repeat the training data in any case: a copy means nothing."""


def extractor(data: "Prepared", settings: "Extractor") -> tuple[bytes, dict[str, Any]]:
    from genbench.extractors import plain

    return plain.extractor(data)


def compare(data: "Prepared", subject: Subject, drawn: "Draws", *, extractor: Path, seed: int) -> Comparison:
    """Frequencies of cells against held-out and true ones; what the model itself says of the truth; see the docs."""
    from genbench.extractors import plain

    digest = plain.load(extractor, data)
    scores = _total_variation(data, subject.samples, drawn)
    measures = _answers(subject.samples, data.card)
    if "joint" in data.card:
        scores["kl_samples"] = _divergence_of_samples(data, subject.samples, drawn)
    if subject.likelihood is not None and subject.likelihood.exact:
        found, said = _exactly(data, subject, len(drawn.fake))
        scores, measures = scores | found, measures | said
    return Comparison(scores, {"extractor": digest}, measures)


def grid(samples: np.ndarray, card: Card) -> np.ndarray:
    """Bars: how often each cell occurs among the samples, and how probable it is."""
    from genbench.drawing.bars import bars

    return bars(_counts(samples, card) / len(samples), _every(card), names_of(card), card.get("joint"))


def pairs(samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card) -> np.ndarray:
    """No pairs to show, and why."""
    from genbench.drawing.bars import notice

    return notice(f"distance: {DISTANCE}")


def names_of(card: Card) -> list[str]:
    """What the variables are called, x0, x1, … where the card does not say."""
    return list(card.get("variables", [f"x{i}" for i in range(card["shape"][0])]))


def _every(card: Card) -> np.ndarray:
    """The levels of every cell in the order of their numbers, uint8 (cells, D)."""
    _number_of_cells(card)
    width = card["shape"][0]
    return np.indices((card["levels"],) * width, dtype=np.uint8).reshape(width, -1).T.copy()


def _number_of_cells(card: Card) -> int:
    width, levels = card["shape"][0], card["levels"]
    if levels**width > LIMIT:
        raise InputError(f"table: got {levels}^{width} cells; expected at most {LIMIT:,}, to be listed")
    return int(levels**width)


def _cells(x: np.ndarray, card: Card) -> np.ndarray:
    """(n, D) levels -> (n,) numbers of cells, the first variable most significant."""
    place = card["levels"] ** np.arange(x.shape[1] - 1, -1, -1)
    numbers: np.ndarray = x.astype(np.int64) @ place
    return numbers


def _counts(x: np.ndarray, card: Card, weights: np.ndarray | None = None) -> np.ndarray:
    """How often each cell occurs: (cells,), or (b, cells) for rows that count `weights` (b, n) times."""
    numbers, cells = _cells(x, card), _number_of_cells(card)
    if weights is None:
        return np.bincount(numbers, minlength=cells)
    found = np.zeros((len(weights), cells))
    for cell in np.unique(numbers):
        found[:, cell] = weights[:, numbers == cell].sum(axis=1)
    return found


def _total_variation(data: "Prepared", samples: np.ndarray, drawn: "Draws") -> "dict[str, Scored]":
    """½ Σ |p − q| between the frequencies of held-out data and of samples, fold by fold."""
    from genbench.scoring.evaluation import Scored, crossed_scores
    from genbench.scoring.metrics import bootstrap_interval, total_variation

    def of_fold(held_out: slice, own: slice, drawn: "Draws") -> "dict[str, Scored]":
        real, fake = data.held_out.x[held_out], samples[own]
        p, q = (_counts(x, data.card) / len(x) for x in (real, fake))
        a, b = (
            _counts(x, data.card, weights) / len(x) for x, weights in zip((real, fake), drawn, strict=True)
        )
        replicates = np.abs(a - b).sum(axis=1) / 2
        estimate = bootstrap_interval(total_variation(p, q), replicates, len(fake), least=0.0, most=1.0)
        return {"cell_tv": Scored(estimate, replicates)}

    return crossed_scores(of_fold, drawn)


def _divergence_of_samples(data: "Prepared", samples: np.ndarray, drawn: "Draws") -> "Scored":
    """KL(truth ‖ smoothed frequencies of the samples), nats."""
    from genbench.scoring.evaluation import Scored
    from genbench.scoring.metrics import bootstrap_interval
    from genbench.scoring.metrics.cells import divergence, smoothed

    true = np.array(data.card["joint"])
    value = float(divergence(true, smoothed(_counts(samples, data.card))))
    replicates = divergence(true, smoothed(_counts(samples, data.card, drawn.fake)))
    return Scored(bootstrap_interval(value, replicates, len(samples), least=0.0), replicates)


def _exactly(
    data: "Prepared", subject: Subject, resamplings: int
) -> "tuple[dict[str, Scored], dict[str, dict[str, Any]]]":
    """From the probability that the model gives to every cell, without any sampling: scores and measures."""
    from genbench.core import space_of
    from genbench.scoring.evaluation import Scored, log_prob
    from genbench.scoring.metrics import Estimate
    from genbench.scoring.metrics.cells import divergence

    card, likelihood = data.card, subject.likelihood
    assert likelihood is not None
    cells = _every(card)
    p = np.exp(log_prob(likelihood, cells, space_of(data.card)))
    measures = {}
    for title, query, given, true in _queries(card):
        meaning = f"The model's own answer, summed over its probabilities of all {len(cells)} cells."
        measures[f"{title}, exact{_truth(true)}"] = _measure(_share(p, cells, query, given), meaning)
    scores = {}
    if "joint" in card:
        value = float(divergence(np.array(card["joint"]), p))  # may be infinite
        exact = Estimate(value, float("nan"), float("nan"), len(cells))
        scores["kl_model"] = Scored(exact, np.full(resamplings, value))
    if "tables" in card:
        measures |= _largest_errors(p, cells, data)
    return scores, measures


def _largest_errors(p: np.ndarray, cells: np.ndarray, data: "Prepared") -> dict[str, dict[str, Any]]:
    """How far the model's probabilities p (cells,) are from the true tables, and how far counts would be by chance."""
    errors, standard = [], []
    for i, given, true in _table_entries(data.card):
        error = abs(_share(p, cells, {i: 1}, given) - true)
        rows = int(_agree(data.train.x, given).sum())
        errors.append(error)
        if rows and 0 < true < 1:
            standard.append(error / np.sqrt(true * (1 - true) / rows))
    # not a number: parents that the model holds to be impossible
    found, expected = np.array(errors), np.array(standard)
    entries = f"the {len(errors)} true probabilities of a variable given its parents"
    return {
        "largest error of a conditional": _measure(
            float(np.nanmax(found)), f"The largest difference between {entries} and the model's.", "down"
        ),
        "the same in standard errors": _measure(
            float(np.nanmax(expected)),
            f"The largest of the differences from {entries}, each over the standard error that it has when counted in "
            "the training rows that meet the condition: up to about 3 is chance.",
            "down",
        ),
    }


def _answers(samples: np.ndarray, card: Card) -> dict[str, dict[str, Any]]:
    """The queries of the card answered by counting samples; left out where no sample meets the condition."""
    from genbench.scoring.metrics import clopper_pearson

    measures = {}
    for title, query, given, true in _queries(card):
        meeting = samples[_agree(samples, given)]
        if len(meeting):
            share = clopper_pearson(int(_agree(meeting, query).sum()), len(meeting)).as_dict()
            meaning = "Share of the samples that meet the condition, N of them."
            measures[f"{title}, of samples{_truth(true)}"] = {**share, "meaning": meaning, "better": None}
    return measures


def _queries(card: Card) -> Iterator[tuple[str, dict[int, int], dict[int, int], float | None]]:
    """Title, query and condition as variable -> level, and the true answer where the card tells the truth."""
    names, cells = names_of(card), _every(card)
    for asked in card.get("queries", []):
        query, given = (
            {names.index(name): level for name, level in asked[part].items()} for part in ("query", "given")
        )
        true = _share(np.array(card["joint"]), cells, query, given) if "joint" in card else None
        yield asked["title"], query, given, true


def _table_entries(card: Card) -> Iterator[tuple[int, dict[int, int], float]]:
    """Variable, levels of its parents, and the true probability that it is 1."""
    for i, (parents, table) in enumerate(zip(card["parents"], card["tables"], strict=True)):
        for levels, true in zip(np.ndindex(*(2,) * len(parents)), table, strict=True):
            yield i, dict(zip(parents, levels, strict=True)), true


def _share(p: np.ndarray, cells: np.ndarray, query: Mapping[int, int], given: Mapping[int, int]) -> float:
    """P(query | given) from the probabilities of all cells; NaN where the condition has none."""
    condition = _agree(cells, given)
    with np.errstate(invalid="ignore"):
        return float(p[condition & _agree(cells, query)].sum() / p[condition].sum())


def _agree(x: np.ndarray, values: Mapping[int, int]) -> np.ndarray:
    """Which rows of x have these levels in these variables, (n,)."""
    chosen = np.ones(len(x), bool)
    for variable, level in values.items():
        chosen &= x[:, variable] == level
    return chosen


def _truth(true: float | None) -> str:
    return "" if true is None else f" (true {true:.4f})"


def _measure(value: float, meaning: str, better: str | None = None) -> dict[str, Any]:
    """One number without an interval; none at all where it is no number."""
    shown = value if np.isfinite(value) else None
    return {"value": shown, "low": None, "high": None, "n": 1, "meaning": meaning, "better": better}
