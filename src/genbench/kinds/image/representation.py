"""What codes are good for: a linear probe, neighbours and clusters, against raw pixels, PCA and a random network.

The linear probe and the neighbours know the labels of the training images, clusters know none.  The random network has
the model's own form and size, with the weights that it starts from.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import xlogy
from torch import Tensor
from torch.nn import functional as F

from genbench.capabilities import Encoder
from genbench.core import at_once, space_of
from genbench.data.prepared import Prepared
from genbench.kinds.image.answers import RESAMPLINGS, Answers, Table
from genbench.nn.probes import Components, linear_labels, principal_components
from genbench.runtime.machine import seed_of
from genbench.scoring.estimates import (
    Estimate,
    Measurement,
    bootstrap_interval,
    clopper_pearson,
    resamplings,
)
from genbench.scoring.neighbours import nearest
from genbench.storage.arrays import evenly

LEARNT = 2000  # training images that are probed, at most, spread evenly
NEIGHBOURS = 5
MOST_PIXELS = 4096  # beyond which eigenvectors of all and a probe of them take minutes
COMPONENTS = 128  # that are kept for codes of any length up to this
STARTS = 3  # of k-means
MEANING = (
    "What a code says of the class: accuracy of logistic regression and of 5 nearest neighbours on held-out images, "
    "fitted to the training images and their labels; agreement of k-means clusters of held-out codes, as many as there "
    "are classes, with the classes"
)


class OfPixels(NamedTuple):
    """What is the same for every model: the scores of raw pixels as codes, and the first COMPONENTS of them."""

    scores: dict[str, Estimate]
    components: Components


def of_pixels(data: Prepared) -> OfPixels | None:
    """None where there are not two classes, or more than MOST_PIXELS."""
    space = space_of(data.card)
    if data.classes < 2 or space.dimensions > MOST_PIXELS:
        return None
    train, held_out = (each.flat() for each in seen(data, torch.device("cpu")))
    seed = seed_of(data.card["name"], "reference")
    scores = probed(train.x, train.label, held_out.x, held_out.label, seed=seed)
    return OfPixels(scores, principal_components(train.x, min(COMPONENTS, space.dimensions)))


class Images(NamedTuple):
    """x (n, c, h, w) in [0, 1] with labels int64 (n,)."""

    x: Tensor
    label: Tensor

    def flat(self) -> "Images":
        return self._replace(x=self.x.flatten(1))


def seen(data: Prepared, device: torch.device) -> tuple[Images, Images]:
    """The training images that are probed, and all held-out ones."""
    space, parts = space_of(data.card), []
    for part, most in ((data.train, LEARNT), (data.held_out, len(data.held_out.x))):
        at = evenly(len(part.x), most)
        x = space.to_unit(torch.tensor(part.x[at])).to(device)
        parts.append(Images(x, torch.tensor(part.y[at]).to(device)))
    return parts[0], parts[1]


def components_of(x: Tensor, width: int, known: Components | None) -> Components:
    """The first `width` of images (n, c, h, w): those that are known, where these are enough."""
    width = min(width, x[0].numel())
    if known is None or known.basis.shape[1] < width:
        return principal_components(x, width)
    # Column by column in memory, as eigenvectors are: products with other strides differ in the last bits.
    return Components(known.mean.to(x), known.basis.T[:width].contiguous().T.to(x))


@torch.no_grad()
def answers(
    data: Prepared,
    model: Encoder,
    untrained: Encoder | None,
    *,
    device: torch.device,
    seed: int,
    known: OfPixels | None,
) -> Answers:
    """Of the model's codes, beside as many principal components; nothing where there are not two classes.

    known: what `of_pixels` gives.
    """
    if data.classes < 2:
        return Answers({})
    space = space_of(data.card)
    train, held_out = seen(data, device)

    def coded(model: Encoder) -> Callable[[Tensor], Tensor]:
        return lambda x: torch.cat([model.codes(few) for few in x.split(at_once(space))])

    own = coded(model)
    width = own(held_out.x[:2]).shape[1]
    ways = {"codes": own}
    if untrained is not None:
        ways["random network"] = coded(untrained)
    if known is not None:
        ways["PCA"] = components_of(train.x, width, known.components).encode
    found = {
        name: probed(encode(train.x), train.label, encode(held_out.x), held_out.label, seed=seed)
        for name, encode in ways.items()
    }
    if known is not None:
        found["pixels"] = known.scores
    rows = list(found)
    columns = {title: [found[name][title] for name in rows] for title in found["codes"]}
    measures = {}
    for title, told in TOLD.items():
        measures[f"codes: {title}"] = Measurement(found["codes"][title], f"{told}.", "up")
        if "random network" in found:
            random = found["random network"][title]
            measures[f"codes: {title}, random network"] = Measurement(
                random, f"{told}, without any training."
            )
    about = f"{MEANING}. {width} numbers each, and {space.dimensions} pixels."
    return Answers(measures, (Table("Representation", about, "of", rows, columns),))


TOLD = {
    "linear probe": "Accuracy of logistic regression from codes to classes, on held-out images",
    "5-NN": "Share of held-out images with the label of most of their 5 nearest training images, by codes",
    "NMI": "Normalised mutual information of the classes and of k-means clusters of held-out codes",
    "ARI": "Rand index, adjusted for chance, of the classes and of k-means clusters of held-out codes",
}


def probed(known: Tensor, label: Tensor, asked: Tensor, truth: Tensor, *, seed: int) -> dict[str, Estimate]:
    """Of codes (n, k) with labels (n,), and of others (m, k) whose labels are to be told: a score for each of TOLD."""
    probe = linear_labels(known, label, asked)
    near = nearest(known, asked, k=NEIGHBOURS)[1]
    neighbours = F.one_hot(label[torch.from_numpy(near)]).sum(1).argmax(1)
    nmi, ari = clustered(asked.double().cpu().numpy(), truth.cpu().numpy(), seed=seed)
    return {
        "linear probe": clopper_pearson(int((probe == truth).sum()), len(truth)),
        "5-NN": clopper_pearson(int((neighbours == truth).sum()), len(truth)),
        "NMI": nmi,
        "ARI": ari,
    }


def clustered(codes: np.ndarray, truth: np.ndarray, *, seed: int) -> tuple[Estimate, Estimate]:
    """NMI and ARI of k-means with the classes (n,); intervals: of elements drawn again, the clusters as they are."""
    from sklearn.cluster import KMeans

    cluster = KMeans(len(np.unique(truth)), n_init=STARTS, random_state=seed % 2**32).fit_predict(codes)
    n = len(truth)
    drawn = np.concatenate([np.ones((1, n)), resamplings(n, RESAMPLINGS, seed=seed)])
    of_both = np.eye(cluster.max() + 1)[cluster][:, :, None] * np.eye(truth.max() + 1)[truth][:, None]
    counts = np.tensordot(drawn, of_both, 1)  # (b, clusters, classes)
    nmi, ari = normalized_mutual_information(counts), adjusted_rand_index(counts)
    return (
        bootstrap_interval(nmi[0], nmi[1:], n, least=0.0, most=1.0),
        bootstrap_interval(ari[0], ari[1:], n, least=-1.0, most=1.0),
    )


def normalized_mutual_information(counts: np.ndarray) -> np.ndarray:
    """I(a; b) / ½ (H(a) + H(b)) of tables of counts (…, a, b); 0 where both have one value alone."""
    share = counts / counts.sum((-2, -1), keepdims=True)
    a, b, both = (
        -xlogy(p, p).reshape(*counts.shape[:-2], -1).sum(-1) for p in (share.sum(-1), share.sum(-2), share)
    )
    return np.asarray(np.where(a + b > 0, 2 * (a + b - both) / np.where(a + b > 0, a + b, 1), 0.0))


def adjusted_rand_index(counts: np.ndarray) -> np.ndarray:
    """(pairs together in both − expected) / (mean of either − expected) of tables (…, a, b) (Hubert & Arabie, 1985)."""
    n = counts.sum((-2, -1))
    both, a, b = (
        (part * (part - 1) / 2).reshape(*counts.shape[:-2], -1).sum(-1)
        for part in (counts, counts.sum(-1), counts.sum(-2))
    )
    expected = a * b / (n * (n - 1) / 2)
    return np.asarray((both - expected) / ((a + b) / 2 - expected))
