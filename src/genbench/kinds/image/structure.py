"""Global structure: the number of things, whether both of a pair are alike, parts that say the same, perspective.

Of samples, beside held-out images, the floor, and held-out images put together from halves of two, the control: each
half is perfect, and only what spans the whole is wrong.  A question is asked where the card says what there is to see,
and of a factor where the control can be told from the floor.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from genbench.data.parts.counters import COLOURS, COUNTERS
from genbench.data.parts.perspective import edges, miss
from genbench.data.pixels import spread
from genbench.data.prepared import Prepared
from genbench.kinds.image.answers import RESAMPLINGS, Answers, Table
from genbench.kinds.image.composed import beside, joined
from genbench.kinds.image.parts import PartReaders
from genbench.kinds.image.reference import ImageReference
from genbench.scoring import metrics
from genbench.scoring.disentanglement import squared_correlations
from genbench.scoring.estimates import (
    Estimate,
    Measurement,
    bootstrap_interval,
    clopper_pearson,
    mean_interval,
    resamplings,
)
from genbench.scoring.features import Features
from genbench.scoring.resampling import crossed

ROWS = ("samples", "held-out", "halves of two")
MOST = 9  # the last column of a histogram of counts
CONTROL = "Halves of two: held-out images, each with the part of another; what is seen of either is perfect."
TOLD_APART = 0.25  # how much better than the control the floor must be


class Compared(NamedTuple):
    """Levels (n, c, h, w) of samples, of held-out images, and of the latter with halves of two put together."""

    samples: np.ndarray
    held_out: np.ndarray
    composed: np.ndarray

    def of(self, measure: Callable[[np.ndarray], Any]) -> list[Any]:
        return [measure(each) for each in self]


def answers(
    data: Prepared, samples: np.ndarray, fake: Features, reference: ImageReference, *, seed: int
) -> Answers:
    """Of the images of one dataset; nothing where nothing is known of their structure.  fake: of the samples."""
    found: list[Answers] = []
    pictures = Compared(samples, data.held_out.x, beside(data.held_out.x))
    shown = Compared(*(spread(each, data.levels) for each in pictures))
    composed = reference.composed
    distances = (
        None
        if composed is None
        else _distances(Compared(fake.features, reference.held_out.features, composed))
    )
    if "counted" in data.card and distances is not None:
        found.append(counting(shown, data.card["counted"], distances))
    if "perspective" in data.card and distances is not None:
        found.append(perspective(shown, distances))
    if data.train.factors is not None:
        found.append(parts(data, samples, reference.parts, seed=seed))
    measures = {title: measure for each in found for title, measure in each.measures.items()}
    return Answers(measures, tuple(table for each in found for table in each.tables))


def _distances(features: Compared) -> list[Estimate]:
    """FID (classifier) of each to held-out images, as in the tables; features (n, f)."""

    def distance(x: np.ndarray) -> Estimate:
        real = features.held_out
        return crossed(lambda a, b: metrics.frechet_distance(a, b, bootstrap=0), real, x)

    return features.of(distance)


def counting(shown: Compared, what: dict[str, Any], distances: list[Estimate]) -> Answers:
    """Shares of images with each number of things, the right one among them."""
    name, expected = what["what"], int(what["expected"])
    counts = shown.of(COUNTERS[name])
    right = [clopper_pearson(int((each == expected).sum()), len(each)) for each in counts]
    columns = {"right": right, "FID (classifier)": distances}
    last = min(MOST, max(int(each.max()) for each in counts))
    for k in range(last + 1):
        title = f"{k}" if k < MOST else f"{k} or more"
        columns[title] = [
            clopper_pearson(int(((each if k < MOST else np.minimum(each, k)) == k).sum()), len(each))
            for each in counts
        ]
    meaning = f"Share of images with exactly {expected} {name}"
    measures = {f"{expected} {name}": Measurement(right[0], f"{meaning}; {_beside(right)}.", "up")}
    if name in COLOURS:
        differences = [_differences(COLOURS[name](each)) for each in shown]
        columns["difference of colours"] = differences
        told = f"Mean difference of a channel between both {name}, in [0, 1], of images with two"
        told = f"{told}; {_beside(differences)}."
        measures[f"{name}: difference of colours"] = Measurement(differences[0], told, "down")
    table = f"{meaning}, and with any other number (Zhao et al., 2018, arXiv:1811.03259). {CONTROL}"
    return Answers(measures, (Table(f"Counting {name}", table, "images", ROWS, columns),))


def perspective(shown: Compared, distances: list[Estimate]) -> Answers:
    """How far the edges that should meet in one point run past it."""
    missed = [mean_interval(each, least=0.0) for each in shown.of(lambda x: miss(edges(x)))]
    meaning = "Root mean square distance in pixels of four fitted edges from the point nearest to all"
    measures = {
        "edges from their vanishing point": Measurement(missed[0], f"{meaning}; {_beside(missed)}.", "down")
    }
    table = Table(
        "Perspective",
        f"{meaning}. {CONTROL}",
        "images",
        ROWS,
        {
            "distance": missed,
            "FID (classifier)": distances,
        },
    )
    return Answers(measures, (table,))


def parts(data: Prepared, samples: np.ndarray, fitted: Sequence[PartReaders], *, seed: int) -> Answers:
    """Whether two parts of an image say the same of a factor: left and right, and what is above and below.

    Each part has readers of its own, `fitted`, see `parts`.  Continuous factors: squared correlation of the two
    readings; categories: share of images of which both read the same.
    """
    measures: dict[str, Measurement] = {}
    tables = []
    drawn = np.concatenate([np.ones((1, len(samples))), resamplings(len(samples), RESAMPLINGS, seed=seed)])
    floor = resamplings(len(data.held_out.x), RESAMPLINGS, seed=seed + 1)
    floor = np.concatenate([np.ones((1, floor.shape[1])), floor])
    for readers in fitted:
        mixed = joined(data.held_out.x, axis=readers.axis, cut=readers.cut)
        read = [readers(each) for each in (samples, data.held_out.x, mixed)]
        found = {
            name: [agreement(*each[name], w) for each, w in zip(read, (drawn, floor, floor), strict=True)]
            for name in readers.outputs
        }
        found = {name: each for name, each in found.items() if each[1][0] - each[2][0] >= TOLD_APART}
        if not found:
            continue
        means = {"mean": [np.mean([each[i] for each in found.values()], 0) for i in range(len(ROWS))]}
        columns = {
            name: [
                bootstrap_interval(each[0], each[1:], w.shape[1], least=0.0, most=1.0)
                for each, w in zip(replicates, (drawn, floor, floor), strict=True)
            ]
            for name, replicates in (means | found).items()
        }
        title = f"{readers.first} agrees with {readers.second}"
        meaning = (
            f"How well the {readers.first} and the {readers.second} of an image agree on what it shows, each read from "
            "that part alone: R² of two readings, or the share of images of which both read the same"
        )
        told = f"{meaning}; mean over {', '.join(found)}; {_beside(columns['mean'])}."
        measures[title] = Measurement(columns["mean"][0], told, "up")
        left_out = f"Factors of which the control shows as much are left out. {CONTROL}"
        tables.append(Table(f"Structure: {title}", f"{meaning}. {left_out}", "images", ROWS, columns))
    return Answers(measures, tuple(tables))


def agreement(first: np.ndarray, second: np.ndarray, discrete: bool, drawn: np.ndarray) -> np.ndarray:
    """Of two readings (n,): under each row of `drawn`, how often each image counts (b, n), the share of equal ones, or
    the squared correlation: (b,)."""
    if discrete:
        return np.asarray(drawn @ (first == second) / drawn.sum(1))
    return squared_correlations(first[:, None], second, drawn)[:, 0]


def _differences(colours: np.ndarray) -> Estimate:
    """Mean absolute difference of a channel within pairs (m, 2, 3) of levels; of no pair not a number."""
    if not len(colours):
        return Estimate.alone(float("nan"), 0)
    return mean_interval(np.abs(colours[:, 0] - colours[:, 1]).mean(1) / 255, least=0.0)


def _beside(found: Sequence[Estimate]) -> str:
    """What the samples' value is to be held against, in words."""
    return f"{found[1].value:.3g} of held-out images, {found[2].value:.3g} of {ROWS[2]}"
