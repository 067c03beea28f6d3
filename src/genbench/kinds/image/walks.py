"""Is the latent space smooth?  Lengths and steps of walks between codes, in the features of the data's classifier."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Generator, Tensor

from genbench.capabilities import Latent
from genbench.core import Space, at_once, space_of
from genbench.data.prepared import Prepared
from genbench.extractors.classifier import Trained
from genbench.kinds.image.answers import Answers
from genbench.scoring import metrics
from genbench.scoring.estimates import Measurement, mean_interval

PATHS, EPSILON = (
    200,
    1e-2,
)  # pairs of codes, and the step between what is compared: in single precision ever so small
WALKS, STEPS = 40, 16


class Eye:
    """Features (n, f) of images (n, c, h, w) in [0, 1], in double precision, without rounding to levels."""

    def __init__(self, extract: Trained) -> None:
        self.network = copy.deepcopy(next(iter(extract.classifiers.values()))).double()

    def __call__(self, images: Tensor) -> np.ndarray:
        found: np.ndarray = self.network(images.double().cpu())[0].numpy()
        return found


@torch.no_grad()
def answers(data: Prepared, model: Latent, extract: Trained, *, rng: Generator, seed: int) -> Answers:
    """Path length, where decoded values are not levels, which jump; and how even the steps of walks are."""
    space, eye = space_of(data.card), Eye(extract)

    def decode(z: np.ndarray) -> Tensor:
        codes = torch.tensor(z, dtype=torch.float32, device=rng.device)
        return torch.cat([model.decode(few) for few in codes.split(at_once(space))])

    start, end = (model.prior(PATHS, rng=rng).double().cpu().numpy() for _ in range(2))
    uneven = unevenness(lambda t: eye(decode(metrics.slerp(start[:WALKS], end[:WALKS], t))))
    pictures = space.to_unit(torch.tensor(data.held_out.x[: 2 * WALKS])).flatten(1).numpy()
    few = len(pictures) // 2
    first, second = pictures[:few], pictures[few : 2 * few]

    def faded(t: np.ndarray) -> np.ndarray:
        return eye(torch.tensor(metrics.lerp(first, second, t[:few])).unflatten(1, space.shape))

    fades = mean_interval(unevenness(faded, walks=few))
    told = (
        f"Largest over mean of {STEPS} steps of a walk between two codes of the prior, on a great circle, in the "
        f"features of the classifier: 1 where all steps are equal; {fades.value:.3g} where held-out images "
        "fade into each other."
    )
    found = {"largest step of a walk": Measurement(mean_interval(uneven, least=1.0), told, "down")}
    if not _in_levels(decode(start[:8]), space):
        length = metrics.perceptual_path_length(
            decode,
            lambda one, other: np.square(eye(one) - eye(other)).sum(1),
            start,
            end,
            epsilon=EPSILON,
            batch=PATHS,
            seed=seed,
        )
        meaning = (
            "Perceptual path length: squared distance in the classifier's features that a step on a great circle "
            f"between two codes makes, over the square of the step, {EPSILON:g} (Karras et al., 2019)."
        )
        found = {"path length": Measurement(length, meaning, "down")} | found
    return Answers(found)


def unevenness(features: Callable[[np.ndarray], np.ndarray], *, walks: int = WALKS) -> np.ndarray:
    """Largest over mean step of walks, (walks,); features: at t (walks,) of all walks -> (walks, f).

    Of walks that do not move at all, 1.
    """
    places = [features(np.full(walks, i / STEPS)) for i in range(STEPS + 1)]
    steps = np.sqrt(np.square(np.diff(places, axis=0)).sum(2))  # (STEPS, walks)
    mean = steps.mean(0)
    return np.where(mean > 0, steps.max(0) / np.where(mean > 0, mean, 1), 1.0)


def _in_levels(x: Tensor, space: Space) -> bool:
    """Whether a decoder gives levels, as one of a discrete distribution may."""
    return bool(torch.equal(space.to_unit(space.to_levels(x)), x.float()))
