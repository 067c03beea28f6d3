"""Pairs of pictures of one person: are they told from pictures of two, and what changes between them?  By readers."""

from typing import NamedTuple

import numpy as np
from torch import Generator

from genbench.capabilities import Pairs
from genbench.core import space_of
from genbench.data.prepared import Prepared
from genbench.extractors.readers import DOMAIN, Readers, Reading, has_two_domains, truths
from genbench.kinds.image.answers import RESAMPLINGS, Answers
from genbench.scoring.estimates import Estimate, Measurement, bootstrap_interval, resamplings
from genbench.scoring.metrics.verification import verification_auc

PAIRS = 500
Readings = dict[str, Reading]


class Compared(NamedTuple):
    """Readings of the first and of the second picture of n pairs, and who each pair shows, (n,)."""

    first: Readings
    second: Readings
    who: np.ndarray

    def again(self, *, seed: int) -> np.ndarray:
        """(b, n), how often each pair is drawn where people are drawn with all their pairs."""
        people, place = np.unique(self.who, return_inverse=True)
        return resamplings(len(people), RESAMPLINGS, seed=seed)[:, place]


def answers(data: Prepared, model: Pairs, readers: Readers, *, rng: Generator, seed: int) -> Answers:
    """Verification AUC and what moves, of generated pairs beside real ones; nothing where no readable factor is a
    person's own, or there are no real pairs."""
    own, real = own_factors(data, readers), real_pairs(data, readers)
    if not own or real is None:
        return Answers({})
    space = space_of(data.card)
    first, second = (readers(space.stored(x)) for x in model.pairs(min(PAIRS, len(real.who)), rng=rng))
    n = len(next(iter(first.values())).values)
    made = Compared(first, second, np.arange(n))
    shifted = {name: reading.rows(np.roll(np.arange(n), 1)) for name, reading in second.items()}
    anew = made._replace(second=shifted)
    told = f"by what the readers say of {', '.join(own)}, which belong to a person"
    found = {
        "verification AUC": (
            made,
            f"Two generated pictures of one person told from two of different people, {told}.",
        ),
        "verification AUC, real pairs": (real, f"The same of held-out pictures, {told}."),
        "verification AUC, identity drawn anew": (
            anew,
            "The same where the second picture is that of the next pair: the control, one half by chance.",
        ),
    }
    measures = {
        title: Measurement(auc(pairs, own, seed=seed + i), meaning, "up" if pairs is made else None)
        for i, (title, (pairs, meaning)) in enumerate(found.items())
    }
    for name in readers.readable:
        if name not in own and name != DOMAIN:
            meaning = f"Mean difference of {name} between generated pictures of one person, over that in real pairs."
            measures[f"{name} between pairs, share of real"] = Measurement(
                moved(name, made, real, seed=seed), meaning
            )
    return Answers(measures)


def auc(pairs: Compared, own: tuple[str, ...], *, seed: int) -> Estimate:
    """Of the sum over a person's own factors of the distances between readings."""
    crossed = [
        reading.rows(np.arange(len(pairs.who))[:, None]).distance(pairs.second[name])
        for name, reading in pairs.first.items()
        if name in own
    ]
    same = pairs.who[:, None] == pairs.who
    return verification_auc(np.sum(crossed, axis=0), pairs.again(seed=seed), same=same)


def moved(name: str, made: Compared, real: Compared, *, seed: int) -> Estimate:
    """Mean distance within generated pairs over that within real ones; interval: both drawn again, by people."""
    here, there = (pairs.first[name].distance(pairs.second[name]) for pairs in (made, real))
    drawn = made.again(seed=seed), real.again(seed=seed + 1)
    above, below = (w @ d / w.sum(1) for w, d in zip(drawn, (here, there), strict=True))
    return bootstrap_interval(here.mean() / there.mean(), above / below, len(here), least=0.0)


def own_factors(data: Prepared, readers: Readers) -> tuple[str, ...]:
    """The readable factors that are the same in all training pictures of a person, and differ between people."""
    identity, found = data.identity(data.train), []
    if identity is None:
        return ()
    first = np.unique(identity, return_index=True)[1]
    place = np.unique(identity, return_inverse=True)[1]
    for name, truth in truths(data, data.train).items():
        targets = truth[: len(identity)]
        own = len(np.unique(targets)) > 1 and (targets == targets[first][place]).all()
        if own and name in readers.readable and name != DOMAIN:
            found.append(name)
    return tuple(found)


def real_pairs(data: Prepared, readers: Readers) -> Compared | None:
    """Held-out pictures of one person two by two: target and source where they show one, else those that come next."""
    identity = data.identity(data.held_out)
    if identity is None:
        return None
    part, column = data.held_out, list(data.card["factors"]).index("identity")
    sources = part.source_factors
    paired = part.source is not None and sources is not None and np.array_equal(sources[:, column], identity)
    if part.source is not None and paired and has_two_domains(data):
        chosen = slice(PAIRS)
        return Compared(readers(part.x[chosen]), readers(part.source[chosen]), identity[chosen])
    order = np.argsort(identity, kind="stable")
    starts = np.arange(len(order) - 1)
    starts = starts[identity[order[:-1]] == identity[order[1:]]][::2][:PAIRS]
    if len(starts) < 2 or len(np.unique(identity[order[starts]])) < 2:
        return None
    first, second = order[starts], order[starts + 1]
    return Compared(readers(part.x[first]), readers(part.x[second]), identity[first])
