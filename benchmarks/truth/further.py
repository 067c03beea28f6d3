"""The intervals beside those of the headline: by simulation too, `coverage.py further`.

What a score holds fixed by its docstring is drawn once here, and the same in all repeats; all else is drawn anew.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from genbench.scoring import metrics, novelty
from genbench.scoring.disentanglement import Factor, disentanglement
from genbench.scoring.estimates import Estimate, bootstrap_interval, resamplings
from genbench.scoring.metrics.cells import divergence, smoothed
from genbench.scoring.metrics.verification import verification_auc

WIDTH, SIDE, MODES, SIGMA = 16, 8, 8, 0.2
SCALES = np.linspace(0.3, 2, WIDTH)
Rng = np.random.Generator
Repeat = Callable[[Rng, int], dict[str, Estimate]]
ANGLES = 2 * np.pi * np.arange(MODES) / MODES
CENTRES = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)
SKEWED = np.random.default_rng(0).dirichlet(np.full(400, 0.3))  # of outputs
UNEVEN = np.array([0.25, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.04])


class Fixed(NamedTuple):
    """What is drawn once: features to train on and held out, the bases of images, and a map from codes to images."""

    train: np.ndarray
    held_out: np.ndarray
    images: np.ndarray
    decoder: np.ndarray


def fixed(n: int) -> Fixed:
    rng = np.random.default_rng([n, 7])
    smooth = rng.standard_normal((3, 1, 3, 3)).repeat(SIDE // 2, 2).repeat(SIDE // 2, 3)
    return Fixed(normal(2 * n, rng), normal(n, rng), smooth, rng.standard_normal((4, WIDTH)))


def normal(n: int, rng: Rng) -> np.ndarray:
    return rng.standard_normal((n, WIDTH)) * SCALES


def wider(n: int, rng: Rng) -> np.ndarray:
    return 1.1 * normal(n, rng) + 0.1


def of_features(known: Fixed) -> Repeat:
    """Sets of other width than the training data's, which is fixed."""

    def repeat(rng: Rng, seed: int) -> dict[str, Estimate]:
        n = len(known.held_out)
        held_out, samples = normal(n, rng), wider(n, rng)
        return {
            "Vendi score": metrics.vendi_score(samples, seed=seed),
            "Fréchet distance to endless samples": metrics.frechet_distance_infinity(
                held_out, samples, seed=seed
            ),
            "MiFID": novelty.mifid(known.train, samples, seed=seed),
            "C_T": novelty.ct_score(known.train, held_out, samples, seed=0),
            "FLD": novelty.fld(known.train, held_out, known.held_out).fld,
            "copy rate": novelty.calibrate(known.train, known.held_out, samples, quantile=0.1).rate,
            "closer to train": novelty.closer_to_train(known.train, known.held_out, samples, seed=0),
            "neighbour ratio": novelty.neighbour_ratio(known.train, samples, threshold=0.9),
            "authenticity": novelty.authenticity(known.train, samples),
        }

    return repeat


def of_modes(known: Fixed) -> Repeat:
    """Points around uneven modes, some of them far off; outputs of which some are likelier."""

    def repeat(rng: Rng, seed: int) -> dict[str, Estimate]:
        n = len(known.held_out)
        mode = rng.choice(MODES, n, p=UNEVEN)
        points = CENTRES[mode] + SIGMA / 3 * rng.standard_normal((n, 2)) * (1 + rng.random((n, 1)))
        found = metrics.mode_coverage(points, CENTRES, SIGMA / 2, seed=seed)
        counts = np.bincount(mode, minlength=MODES)
        drawn = rng.multinomial(n, counts / n, size=100)
        uniform = np.full(MODES, 1 / MODES)
        value = float(divergence(smoothed(counts), uniform))
        skewed = novelty.birthday_support(rng.choice(len(SKEWED), (n // 2, 1), p=SKEWED))
        return {
            "birthday support": skewed.support,
            "quality of modes": found.quality,
            "KL of modes": found.kl,
            "KL of cells": bootstrap_interval(value, divergence(smoothed(drawn), uniform), n, least=0.0),
        }

    return repeat


def of_images(known: Fixed) -> Repeat:
    """Mixtures of three patterns with noise, of two classes."""

    def repeat(rng: Rng, seed: int) -> dict[str, Estimate]:
        n = 120
        labels = rng.integers(0, 2, n)
        weights = rng.dirichlet([1, 1, 2], n) + np.eye(3)[labels]
        images = np.einsum("nk,kchw->nchw", weights, known.images)
        images = 1 / (1 + np.exp(-images - 0.3 * rng.standard_normal(images.shape)))
        return {"MS-SSIM": metrics.ms_ssim_diversity(images, labels, pairs=400, seed=seed)}

    return repeat


def of_codes(known: Fixed) -> Repeat:
    """Codes that mix two factors a little; a bent decoder; pairs of pictures of people."""

    def repeat(rng: Rng, seed: int) -> dict[str, Estimate]:
        n = len(known.held_out)
        factors = [Factor(rng.standard_normal(n), False), Factor(rng.integers(0, 3, n), True)]
        codes = np.stack([each.values for each in factors], 1) @ np.array([[1.0, 0.3, 0.1], [0.2, 1.0, 0.4]])
        found = disentanglement(codes + 0.3 * rng.standard_normal(codes.shape), factors, seed=seed)
        start, end = rng.standard_normal((2, n, 4))
        path = metrics.perceptual_path_length(
            lambda z: np.tanh(z @ known.decoder),
            lambda a, b: np.square(np.asarray(a) - np.asarray(b)).sum(1),
            start,
            end,
            seed=seed,
        )
        people = rng.standard_normal((n // 4, WIDTH))
        one, other = (people + 1.4 * rng.standard_normal(people.shape) for _ in range(2))
        apart = np.square(one[:, None] - other).sum(2)
        again = resamplings(len(people), 100, seed=seed)
        return {
            "MIG": found.mig,
            "SAP": found.sap,
            "perceptual path length": path,
            "area under the curve": verification_auc(apart, again),
        }

    return repeat


def further(n: int, repeats: int) -> dict[tuple[str, str], list[Estimate]]:
    """For each score the estimates of so many repeats."""
    known, found = fixed(n), {}
    for title, cases in (
        ("features", of_features),
        ("modes", of_modes),
        ("images", of_images),
        ("codes", of_codes),
    ):
        repeat = cases(known)
        for seed in range(repeats):
            for name, estimate in repeat(np.random.default_rng([seed, 4]), seed).items():
                found.setdefault((title, name), []).append(estimate)
    return found
