"""Translations: do they read as the target's domain, and what of the source is kept?  By readers."""

import numpy as np
import torch
from torch import Generator

from genbench.capabilities import Reconstruction
from genbench.core import at_once, space_of
from genbench.data.prepared import Prepared
from genbench.extractors.readers import DOMAIN, Readers, Reading, r_squared, truths
from genbench.kinds.image.answers import RESAMPLINGS, Answers
from genbench.kinds.image.people import own_factors
from genbench.scoring.estimates import Measurement, bootstrap_interval, clopper_pearson, resamplings
from genbench.storage.arrays import slices


@torch.no_grad()
def answers(
    data: Prepared,
    samples: np.ndarray,
    model: Reconstruction | None,
    readers: Readers,
    *,
    rng: Generator,
    seed: int,
) -> Answers:
    """Of samples whose i-th is made of the i-th held-out source; of each factor that varies in both domains.

    model: what it reconstructs of the sources says how much of a factor could be kept at all.
    """
    assert data.held_out.source is not None
    before, after = readers(data.held_out.source), readers(samples)
    again = None if model is None else readers(_reconstructed(data, model, rng))
    measures = {}
    if DOMAIN in readers.readable:
        read = after[DOMAIN].values == 1
        measures["read as the target's domain"] = Measurement(
            clopper_pearson(int(read.sum()), len(read)),
            "Share of translations that the reader of the domain takes for targets.",
            "up",
        )
    drawn = np.concatenate([np.ones((1, len(samples))), resamplings(len(samples), RESAMPLINGS, seed=seed)])
    shared = _shared(data, readers)
    keeps = {name: kept(before[name], after[name], drawn) for name in shared}
    groups = {name: [name] for name in shared}
    own = [name for name in own_factors(data, readers) if name in shared]
    if own:
        groups |= {"what belongs to the person": own}
        groups |= {"what does not": [name for name in shared if name not in own]}
    for title, names in groups.items():
        if not names:
            continue
        what = "R² or accuracy" if len(names) > 1 else score_name(before[names[0]])
        values = np.mean([keeps[name] for name in names], axis=0)
        kept_of = f"{what} of {', '.join(names)}"
        most = None
        if again is not None:
            most = np.mean([kept(before[name], again[name], drawn) for name in names], axis=0)
        none_kept = "" if most is None else nothing_to_share(most, len(samples))
        measures[f"kept: {title}"] = Measurement(
            bootstrap_interval(values[0], values[1:], len(samples), most=1.0),
            f"{kept_of} as read in a translation, where the reading of its source is the truth.{none_kept}",
            "up",
        )
        if most is not None and not none_kept:
            share = values / most
            measures[f"kept: {title}, share of reconstruction"] = Measurement(
                bootstrap_interval(share[0], share[1:], len(samples)),
                f"{kept_of} in a translation, over that in the source as the model reconstructs it.",
                "up",
            )
    return Answers(measures)


def kept(before: Reading, after: Reading, drawn: np.ndarray) -> np.ndarray:
    """R² or accuracy under each row of `drawn`, how often each image counts (b, n): (b,)."""
    if before.probabilities is None:
        return r_squared(before.values, after.values, drawn)
    return np.asarray(drawn @ (before.values == after.values) / drawn.sum(axis=1))


def nothing_to_share(most: np.ndarray, n: int) -> str:
    """Why no share of what a reconstruction keeps is given, where its interval reaches 0; "" where there is a share.

    most: the value, and after it those of resamplings, (1 + b,).
    """
    found = bootstrap_interval(most[0], most[1:], n, most=1.0)
    if found.low > 0:
        return ""
    return (
        " It has no share of the reconstruction, which may itself keep nothing: "
        f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]."
    )


def score_name(reading: Reading) -> str:
    return "R²" if reading.probabilities is None else "Accuracy"


def _shared(data: Prepared, readers: Readers) -> list[str]:
    """The readable factors that vary in both domains."""
    n, found = len(data.held_out.x), []
    for name, truth in truths(data, data.held_out).items():
        if name in readers.readable and all(len(np.unique(each)) > 1 for each in (truth[:n], truth[n:])):
            found.append(name)
    return found


def _reconstructed(data: Prepared, model: Reconstruction, rng: Generator) -> np.ndarray:
    space, source = space_of(data.card), data.held_out.source
    assert source is not None
    parts = [
        space.stored(model.reconstructed(space.to_unit(torch.tensor(source[part]).to(rng.device))))
        for part in slices(len(source), at_once(space))
    ]
    return np.concatenate(parts)
