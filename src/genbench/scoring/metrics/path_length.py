"""Perceptual path length (Karras et al., 2019), arXiv:1812.04948: image change per step in latent space."""

from collections.abc import Callable

import numpy as np

from genbench.scoring.arrays import Array, Floats, floats, same_width
from genbench.scoring.estimates import Estimate, mean_interval

Interpolate = Callable[[Floats, Floats, Floats], Floats]


def lerp(start: Floats, end: Floats, t: Floats) -> Floats:
    """(1−t)·start + t·end: start, end (n, d), t (n,) → (n, d).  For latents of no preferred length (w)."""
    return start + t[:, None] * (end - start)


def slerp(start: Floats, end: Floats, t: Floats) -> Floats:
    """Along the great circle (Shoemake, 1985): start, end (n, d), t (n,) → (n, d).  For Gaussian latents (z).

    sin((1−t)Ω)/sin Ω·start + sin(tΩ)/sin Ω·end, Ω the angle between the two; lerp where they are parallel.
    """
    lengths = np.linalg.norm(start, axis=1) * np.linalg.norm(end, axis=1)
    cosine = (start * end).sum(axis=1) / np.where(lengths > 0, lengths, 1.0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    sine = np.sin(angle)
    straight = sine < 1e-8
    sine = np.where(straight, 1.0, sine)
    first = np.where(straight, 1 - t, np.sin((1 - t) * angle) / sine)
    second = np.where(straight, t, np.sin(t * angle) / sine)
    between: Floats = first[:, None] * start + second[:, None] * end
    return between


def perceptual_path_length(
    decode: Callable[[Floats], Array],
    distance: Callable[[Array, Array], Array],
    start: Array,
    end: Array,
    *,
    interpolate: Interpolate = slerp,
    epsilon: float = 1e-4,
    trim: float = 0.0,
    batch: int = 64,
    seed: int = 0,
) -> Estimate:
    """E d(G(z_t), G(z_{t+ε}))/ε² over t uniform in [0, 1] and the given pairs of latents.

    decode takes latents (b, d) in float64 and gives b images, distance takes two batches of images and gives
    their perceptual distances (b,), which should be quadratic in small changes (LPIPS, or a squared distance
    of features). start, end (n, d) → Estimate ≥ 0, lower is smoother.  Use `slerp` for z, `lerp` for w.
    trim=0.01 leaves out the lowest and highest 1 % as the authors' code does.  Decode in float64 where you
    can: at ε = 1e-4 float32 rounding of the images counts.  Normal interval over pairs, which covers less
    than 95 % where few of them make much of the mean (88 % with 400 pairs through a saturating decoder).
    Raises ValueError for bad input or distances that are not (b,).
    """
    z0, z1 = floats(start, "start"), floats(end, "end")
    same_width(("start", z0), ("end", z1))
    if len(z0) != len(z1):
        raise ValueError(f"end: {len(z1)} rows, expected {len(z0)} as in start")
    if not epsilon > 0 or not 0 <= trim < 0.5:
        raise ValueError(f"epsilon: {epsilon}, trim: {trim}, expected epsilon > 0 and 0 <= trim < 0.5")
    t = np.random.default_rng(seed).random(len(z0))
    lengths = np.empty(len(z0))
    for i in range(0, len(z0), batch):
        part = slice(i, i + batch)
        here, there = (decode(interpolate(z0[part], z1[part], t[part] + step)) for step in (0.0, epsilon))
        moved = floats(distance(here, there), "distance", ndim=1)
        if len(moved) != len(z0[part]):
            raise ValueError(f"distance: {len(moved)} values, expected {len(z0[part])}, one for each pair")
        lengths[part] = moved / epsilon**2
    low, high = np.quantile(lengths, [trim, 1 - trim])
    return mean_interval(lengths[(lengths >= low) & (lengths <= high)], least=0.0)
