"""Factors on the learning rate, as functions of progress from 0 to 1."""

import math


def cosine(progress: float, *, warmup: float = 0.02) -> float:
    """Half a cosine from 1 down to 0 (Loshchilov & Hutter, 2017, arXiv:1608.03983), after a linear rise.

    warmup: the share of the steps in which the rate rises.
    """
    rise = min(1.0, progress / warmup + 0.01) if warmup else 1.0
    return rise * 0.5 * (1 + math.cos(math.pi * progress))


def late_linear(progress: float) -> float:
    """1 over the first half, then linearly down to 0 (CycleGAN, arXiv:1703.10593, section 4)."""
    return min(1.0, 2 * (1 - progress))
