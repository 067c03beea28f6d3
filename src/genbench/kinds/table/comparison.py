"""Samples of a table against held-out rows and the true distribution, and what a model itself says of the truth."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genbench.core import space_of
from genbench.data.prepared import Prepared
from genbench.data.reference import Known
from genbench.extractors import plain
from genbench.kinds.comparison import Comparison, Subject, united
from genbench.kinds.kind import Card
from genbench.kinds.table.cells import all_cells, conditional, counts, matching, queries, table_entries
from genbench.scoring.estimates import Estimate, Measurement, clopper_pearson, spread
from genbench.scoring.likelihoods import log_prob
from genbench.scoring.metrics import total_variation
from genbench.scoring.metrics.cells import divergence, smoothed, total_variation_replicates
from genbench.scoring.resampling import Draws, Scored, crossed_scores, not_negative, within_unit


def compare(
    data: Prepared,
    subject: Subject,
    drawn: Draws,
    *,
    extractor: Path,
    seed: int,
    known: Known | None = None,
) -> Comparison:
    """Frequencies of cells against held-out and true ones; what the model itself says of the truth; see the docs."""
    digest, card = plain.load(extractor, data), data.card
    scores = [_total_variation(data, subject.samples, drawn)]
    measures = _sampled_answers(subject.samples, card)
    if "joint" in card:
        scores.append({"kl_samples": _divergence_of_samples(card, subject.samples, drawn)})
    if subject.likelihood is not None and subject.likelihood.exact:
        cells = all_cells(card)
        p = np.exp(log_prob(subject.likelihood, cells, space_of(data.card)))
        measures |= _exact_answers(p, cells, card)
        if "joint" in card:
            value = float(divergence(np.array(card["joint"]), p))  # may be infinite
            replicates = np.full(len(drawn.fake), value)
            scores.append({"kl_model": Scored(Estimate.alone(value, len(cells)), replicates)})
        if "tables" in card:
            measures |= _largest_errors(p, cells, data)
    return Comparison(united(scores), {"extractor": digest}, measures)


def _total_variation(data: Prepared, samples: np.ndarray, drawn: Draws) -> dict[str, Scored]:
    """½ Σ|p − q| between the frequencies of held-out data and of samples, fold by fold."""

    def of_fold(held_out: slice, own: slice, drawn: Draws) -> dict[str, Scored]:
        sides = data.held_out.x[held_out], samples[own]
        p, q = (counts(x, data.card) / len(x) for x in sides)
        resampled = [
            counts(x, data.card, weights) / len(x)
            for x, weights in zip(sides, (drawn.real, drawn.fake), strict=True)
        ]
        replicates = total_variation_replicates(p, q, (resampled[0], resampled[1]))
        estimate = Estimate.alone(total_variation(p, q), len(sides[1]))
        return {"cell_tv": Scored(estimate, replicates, interval=within_unit)}

    return crossed_scores(of_fold, drawn)


def _divergence_of_samples(card: Card, samples: np.ndarray, drawn: Draws) -> Scored:
    """KL(truth ‖ smoothed frequencies of the samples), nats."""
    true, found, drawn_counts = (
        np.array(card["joint"]),
        counts(samples, card),
        counts(samples, card, drawn.fake),
    )
    value = float(divergence(true, smoothed(found)))
    linear = value - (drawn_counts - found) @ (true / (found + 0.5))
    rest = divergence(true, smoothed(drawn_counts)) - linear
    return Scored(not_negative(value, spread(linear, rest), len(samples)), linear, rest)


def _sampled_answers(samples: np.ndarray, card: Card) -> dict[str, Measurement]:
    """The queries of the card answered by counting samples; left out where no sample meets the condition."""
    measures = {}
    for title, query, given, true in queries(card):
        meeting = samples[matching(samples, given)]
        if len(meeting):
            share = clopper_pearson(int(matching(meeting, query).sum()), len(meeting))
            meaning = "Share of the samples that meet the condition, N of them."
            measures[f"{title}, of samples{_truth(true)}"] = Measurement(share, meaning)
    return measures


def _exact_answers(p: np.ndarray, cells: np.ndarray, card: Card) -> dict[str, Measurement]:
    """The queries of the card answered from the model's probabilities p (cells,)."""
    meaning = f"The model's own answer, summed over its probabilities of all {len(cells)} cells."
    return {
        f"{title}, exact{_truth(true)}": Measurement(
            Estimate.alone(conditional(p, cells, query, given)), meaning
        )
        for title, query, given, true in queries(card)
    }


def _largest_errors(p: np.ndarray, cells: np.ndarray, data: Prepared) -> Mapping[str, Measurement]:
    """How far the model's probabilities p (cells,) are from the true tables, and how far counts would be by chance."""
    errors, standard = [], []
    for i, given, true in table_entries(data.card):
        error = abs(conditional(p, cells, {i: 1}, given) - true)
        rows = int(matching(data.train.x, given).sum())
        errors.append(error)
        if rows and 0 < true < 1:
            standard.append(error / np.sqrt(true * (1 - true) / rows))
    # not a number: parents that the model holds to be impossible
    largest, in_standard_errors = (Estimate.alone(float(np.nanmax(found))) for found in (errors, standard))
    entries = f"the {len(errors)} true probabilities of a variable given its parents"
    return {
        "largest error of a conditional": Measurement(
            largest, f"The largest difference between {entries} and the model's.", "down"
        ),
        "the same in standard errors": Measurement(
            in_standard_errors,
            f"The largest of the differences from {entries}, each over the standard error that it has when counted in "
            "the training rows that meet the condition: up to about 3 is chance.",
            "down",
        ),
    }


def _truth(true: float | None) -> str:
    return "" if true is None else f" (true {true:.4f})"
