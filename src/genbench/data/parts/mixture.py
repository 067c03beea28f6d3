"""Draws from a mixture of round Gaussians, all of one width, scaled into [0, 1]^d."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genbench.data.source import Part, Source
from genbench.storage.files import InputError

REACH = 6.0  # sigmas from the outermost centre to the border of the box, at least: no draw lies beyond


def source(
    centres: np.ndarray,
    sigma: float,
    weights: Sequence[float],
    *,
    train: int,
    held_out: int,
    seed: int,
    about: dict[str, Any],
) -> Source:
    """Independent draws; the label of a point is the component it was drawn from.

    centres: (components, d), in units of their own like sigma.  The box is a cube around them, a quarter of the
    half-width wider than they reach, and REACH sigmas at least; it becomes [0, 1]^d, in whose unit the card gives
    `centres`, `sigma` and `weights`.  `scale` leads back: value = low + span · x.

    Raises:
        InputError: sigma or weights that are no mixture's, or counts below 1.
    """
    shares = np.asarray(weights, np.float64)
    if not sigma > 0:
        raise InputError(f"sigma: got {sigma}; expected more than 0")
    if len(shares) != len(centres) or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise InputError(
            f"weights: got {list(weights)}; expected {len(centres)} numbers above 0 with the sum 1"
        )
    for part, count in (("train", train), ("held_out", held_out)):
        if count < 1:
            raise InputError(f"{part}: got {count}; expected at least 1")
    middle = (centres.max(0) + centres.min(0)) / 2
    reach = float(np.abs(centres - middle).max())
    half = max(1.25 * reach, reach + REACH * sigma)
    low, span = middle - half, 2 * half
    rng = np.random.default_rng(seed)
    labels = rng.choice(len(centres), train + held_out, p=shares / shares.sum())
    drawn = centres[labels] + sigma * rng.standard_normal((train + held_out, centres.shape[1]))
    x = ((drawn - low) / span).clip(0, 1).astype(np.float32)
    facts = about | {
        "centres": ((centres - low) / span).tolist(),
        "sigma": sigma / span,
        "weights": (shares / shares.sum()).tolist(),
        "scale": {"low": low.tolist(), "span": span},
    }
    y = labels.astype(np.int64)
    parts = Part(x[:train], y[:train]), Part(x[train:], y[train:])
    return Source(*parts, levels=0, classes=len(centres), about=facts, kind="points")
