"""Likelihoods of held-out data under a model that has one."""

import math
from itertools import chain
from typing import Any

import numpy as np
import torch

from genbench.capabilities import ImportanceWeighted, Likelihood, ScoreField, capability
from genbench.core import GenerativeModel, Space
from genbench.data.prepared import Prepared
from genbench.scoring.estimates import difference_interval, mean_interval
from genbench.scoring.resampling import Draws, Scored
from genbench.storage.arrays import evenly, slices, take_rows
from genbench.storage.files import InputError
from genbench.storage.stored import Stored

CHUNK = 500
# How loose a bound is: what so many times the weights bring, over so many held-out elements.
TIGHTER, TIGHTENED = 10, 40


# of −∞, where the model holds an element to be impossible: then there is no number
@np.errstate(invalid="ignore")
def likelihood_scores(
    model: GenerativeModel, data: Prepared, space: Space, drawn: Draws
) -> tuple[str | None, dict[str, Scored]]:
    """ "exact", "bound" or None, and nats per element, bits per dimension and the train/held-out gap.

    bits/dim = nats / (D ln 2).  The gap is mean log p(train) − mean log p(held-out), in nats, over no more training
    elements than there are held-out ones, spread evenly: far above 0 is overfitting.  Of a model whose likelihood takes
    many passes the first is over `likelihoods_at_most` elements and the second over half as many, spread evenly.
    """
    likelihood = capability(model, Likelihood)
    if likelihood is None:
        return None, {}
    asked = evenly(len(data.held_out.x), model.likelihoods_at_most or len(data.held_out.x))
    whole = model.likelihoods_at_most is None or len(asked) == len(data.held_out.x)
    part = take_rows(data.train.x, evenly(len(data.train.x), len(asked) if whole else len(asked) // 2))
    held_out = log_prob(likelihood, data.held_out.x if whole else take_rows(data.held_out.x, asked), space)
    train = log_prob(likelihood, part, space)
    n, resampled = len(held_out), drawn.real[:, asked]
    nll, replicates = mean_interval(-held_out), resampled @ -held_out / resampled.sum(axis=1)
    scores = {
        "nll": Scored(nll, replicates),
        "likelihood_gap": Scored(difference_interval(train, held_out, n), train.mean() + replicates),
    }
    if space.levels:  # a density of values as they stand has no bits
        per_dimension = 1 / (space.dimensions * math.log(2))
        scores["bits_per_dim"] = Scored(nll.scaled(per_dimension), replicates * per_dimension)
    return "exact" if likelihood.exact else "bound", scores


def tightness(model: GenerativeModel, data: Prepared, space: Space) -> dict[str, Any] | None:
    """Of a bound: how many weights it is a mean of, and what TIGHTER times as many bring, in nats per element.

    weights: K.  gained: mean log p at TIGHTER · K less that at K, over TIGHTENED held-out elements spread evenly, with
    its interval, a quarter as many where likelihoods take many passes; a lower bound on what the bound lacks, and None
    where more draws do not tighten it.  None for a model without a likelihood, or with an exact one.
    """
    likelihood = capability(model, ImportanceWeighted)
    if likelihood is None or likelihood.exact:
        return None
    weights, held_out = likelihood.importance, data.held_out.x
    if not likelihood.tightens:
        return {"weights": 1, "gained": None}
    most = TIGHTENED if model.likelihoods_at_most is None else TIGHTENED // 4
    part = take_rows(held_out, evenly(len(held_out), most))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        loose = log_prob(likelihood, part, space)
        likelihood.importance = TIGHTER * weights
        tight = log_prob(likelihood, part, space)
        likelihood.importance = weights
    return {"weights": weights, "gained": mean_interval(tight - loose).as_dict()}


@torch.no_grad()
def log_prob(model: Likelihood, stored: np.ndarray, space: Space) -> np.ndarray:
    """Stored data (n, *shape) -> float64 nats (n,)."""
    elements = Stored(stored, space.to_unit, _device(model))
    found = []
    for part in slices(len(stored), CHUNK):
        nats = model.log_prob(elements[part])
        if nats.shape != (part.stop - part.start,):
            raise InputError(
                f"{type(model).__name__}.log_prob: gave numbers of shape {tuple(nats.shape)}; "
                f"expected {(part.stop - part.start,)}, one for each element"
            )
        found.append(nats.double().cpu())
    return torch.cat(found).numpy()


@torch.no_grad()
def log_density_gradient(model: ScoreField, x: np.ndarray, noise: float) -> np.ndarray:
    """Elements (n, *shape) in the unit of the data -> float64, the same shape."""
    elements = torch.tensor(x, dtype=torch.float32, device=_device(model))
    return model.log_density_gradient(elements, noise).double().cpu().numpy()


def _device(model: Any) -> torch.device:
    return next(chain(model.parameters(), model.buffers()), torch.empty(0)).device
