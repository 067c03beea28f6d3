"""Does each number of a code follow one factor of the images?  Disentanglement, beside codes of known worth."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from genbench.capabilities import Encoder
from genbench.core import at_once, space_of
from genbench.data.prepared import Prepared
from genbench.extractors.readers import DOMAIN, Readers, is_discrete
from genbench.kinds.image.answers import Answers, Table
from genbench.kinds.image.representation import LEARNT, MOST_PIXELS, components_of
from genbench.nn.probes import Components
from genbench.runtime.machine import seed_of
from genbench.scoring.disentanglement import Disentanglement, Factor, disentanglement
from genbench.scoring.estimates import Measurement
from genbench.storage.arrays import evenly

SEEN = LEARNT  # training images at most, spread evenly: no model is shown their factors
TITLES = dict(
    zip(
        Disentanglement._fields,
        ("MIG", "SAP", "DCI disentanglement", "DCI completeness", "DCI informativeness", "FactorVAE score"),
        strict=True,
    )
)
MOST_CODES = 64  # numbers of a code, beyond which it is no list of factors


@torch.no_grad()
def answers(
    data: Prepared,
    model: Encoder,
    untrained: Encoder | None,
    readers: Readers,
    *,
    device: torch.device,
    seed: int,
    true: Disentanglement | None,
    components: Components | None = None,
) -> Answers:
    """Of the readable factors, which can be seen; nothing where there are fewer than two, or too many numbers.

    true: what `of_truth` gives.  components: those of pixels, as far as they are known.
    """
    if true is None:
        return Answers({})
    space, factors = space_of(data.card), readable_factors(data, readers)
    x = space.to_unit(torch.tensor(data.train.x[evenly(len(data.train.x), SEEN)])).to(device)
    width = model.codes(x[:2]).shape[1]
    if not 2 <= width <= MOST_CODES:
        return Answers({})
    ways = {"codes": _coded(model, x, at_once(space))}
    if space.dimensions <= MOST_PIXELS:
        ways["PCA"] = components_of(x, width, components).encode(x).cpu().numpy()
    if untrained is not None:
        ways["random encoder"] = _coded(untrained, x, at_once(space))
    return told(true, ways, factors, seed=seed)


def of_truth(data: Prepared, readers: Readers) -> Disentanglement | None:
    """The scores of the true factors as a code, the same for every model; None where fewer than two are readable."""
    factors = list(readable_factors(data, readers).values())
    if len(factors) < 2:
        return None
    codes = np.stack([factor.values for factor in factors], 1)
    return disentanglement(codes, factors, seed=seed_of(data.card["name"], "reference"))


def readable_factors(data: Prepared, readers: Readers) -> dict[str, Factor]:
    """Of the training images that are looked at: the readable factors that vary."""
    names, at = list(data.card["factors"]), evenly(len(data.train.x), SEEN)
    assert data.train.factors is not None
    truth = {
        name: data.train.factors[at, names.index(name)].astype(np.float64)
        for name in readers.readable
        if name != DOMAIN
    }
    return {
        name: Factor(values, is_discrete(readers.values[name]))
        for name, values in truth.items()
        if len(np.unique(values)) > 1
    }


def told(
    true: Disentanglement, ways: Mapping[str, np.ndarray], factors: Mapping[str, Factor], *, seed: int
) -> Answers:
    """true: of the factors themselves.  ways: codes (n, k) by what they are, the model's by the name "codes"."""
    scores = {"true factors": true} | {
        name: disentanglement(codes, list(factors.values()), seed=seed) for name, codes in ways.items()
    }
    columns = {title: [getattr(each, field) for each in scores.values()] for field, title in TITLES.items()}
    meaning = (
        f"Whether each number of a code follows one factor of {', '.join(factors)}: 1 at best, 0 where none does. "
        "MIG (Chen et al., 2018), SAP (Kumar et al., 2018), DCI (Eastwood & Williams, 2018), FactorVAE score (Kim & "
        "Mnih, 2018), of training images, whose factors no model is shown"
    )
    measures = {}
    for title, column in columns.items():
        found = dict(zip(scores, column, strict=True))
        measures[title] = Measurement(
            found["codes"], f"{meaning}; {found['true factors'].value:.3g} of them.", "up"
        )
        if "random encoder" in found:
            untrained = "The same of an encoder without any training."
            measures[f"{title}, random encoder"] = Measurement(found["random encoder"], untrained)
    table = Table("Disentanglement", f"{meaning}.", "of", list(scores), columns)
    return Answers(measures, (table,))


def _coded(model: Encoder, x: Tensor, few: int) -> np.ndarray:
    found: np.ndarray = torch.cat([model.codes(part) for part in x.split(few)]).double().cpu().numpy()
    return found
