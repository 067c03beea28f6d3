"""The true mixture of Gaussians that a card may describe, and a density estimate of samples to lay over it."""

import numpy as np

from genbench.kinds.kind import Card
from genbench.scoring.arrays import log_sum_exp

WITHIN = 3.0  # sigmas from a centre within which a sample is good


def mixture_log_density(x: np.ndarray, card: Card) -> np.ndarray:
    """Of the true mixture in the unit of the box, (n, d) -> (n,) nats."""
    sigma, centres = float(card["sigma"]), np.array(card["centres"])
    squares = ((x[:, None] - centres) ** 2).sum(2) / sigma**2  # (n, components)
    logs = np.log(card["weights"]) - 0.5 * squares - x.shape[1] * np.log(sigma * np.sqrt(2 * np.pi))
    return log_sum_exp(logs)


def mixture_gradient(x: np.ndarray, card: Card, noise: float = 0.0) -> np.ndarray:
    """∇ log p of the true mixture under noise from N(0, noise²), in the unit of the box, (n, d) -> (n, d)."""
    variance = float(card["sigma"]) ** 2 + noise**2
    away = np.array(card["centres"]) - x[:, None]  # (n, components, d)
    logs = np.log(card["weights"]) - 0.5 * (away**2).sum(2) / variance
    shares = np.exp(logs - log_sum_exp(logs)[:, None])
    gradient: np.ndarray = (shares[..., None] * away).sum(1) / variance
    return gradient


def true_density(places: np.ndarray, card: Card) -> np.ndarray:
    """The density of a mixture on the line, (n,) -> (n,), in the unit of the box."""
    sigma = float(card["sigma"])
    return _sum_of_gaussians(places, np.array(card["centres"])[:, 0], np.array(card["weights"]), sigma)


def sample_density(samples: np.ndarray, places: np.ndarray, card: Card) -> np.ndarray:
    """A kernel estimate a third of a component wide, so that it widens a component by a twentieth."""
    width = float(card.get("sigma", 0.03)) / 3
    return _sum_of_gaussians(places, samples, np.full(len(samples), 1 / len(samples)), width)


def _sum_of_gaussians(
    places: np.ndarray, centres: np.ndarray, weights: np.ndarray, sigma: float
) -> np.ndarray:
    away = (places[:, None] - centres) / sigma
    density: np.ndarray = np.exp(-0.5 * away**2) @ weights / (sigma * np.sqrt(2 * np.pi))
    return density
