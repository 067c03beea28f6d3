"""Energy distances between samples and elements, from pairs that are independent of each other."""

from collections.abc import Mapping

import torch
from torch import Tensor

from genbench.capabilities import Measure


def pair_distances(a: Tensor, b: Tensor) -> Tensor:
    """‖a − b'‖ + ‖a' − b‖ − ‖a − a'‖ − ‖b − b'‖ over disjoint pairs of elements, (⌊n/2⌋,), independent of each other.

    Their mean is an unbiased estimate of the energy distance (Székely & Rizzo, 2013), 0 for equal distributions alone.
    """
    n = min(len(a), len(b)) // 2 * 2
    (a, other_a), (b, other_b) = ((x[:n:2].flatten(1), x[1:n:2].flatten(1)) for x in (a, b))

    def apart(x: Tensor, y: Tensor) -> Tensor:
        return (x - y).norm(dim=1)

    return apart(a, other_b) + apart(other_a, b) - apart(a, other_a) - apart(b, other_b)


def energy_distance(samples: Tensor, others: Tensor, what: str) -> Measure:
    """Of samples (n, *shape) and of what they are held against, (m, *shape)."""
    formula = "2 E‖a − b‖ − E‖a − a'‖ − E‖b − b'‖, 0 for equal distributions"
    return Measure(pair_distances(samples, others), f"Energy distance, {formula}, of samples and {what}.")


def distances_to_data(x: Tensor, samples: Mapping[str, Tensor]) -> dict[str, Measure]:
    """How far several kinds of samples are from held-out elements x, all (n, *shape), one by one and as a whole."""
    found = {}
    for name, fake in samples.items():
        near = torch.cdist(fake.flatten(1), x.flatten(1)).min(1).values
        meaning = f"Of samples with {name}: Euclidean distance to the nearest held-out element."
        found[f"distance to data, {name}"] = Measure(near, meaning, "down")
        whole = energy_distance(fake, x, f"held-out elements, with {name}")
        found[f"energy distance, {name}"] = whole._replace(better="down")
    return found
