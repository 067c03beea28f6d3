"""Linear maps between laws of codes: one that carries the covariance of the first to that of the second."""

import torch
from torch import Tensor

RIDGE = 0.01  # added to the variances, of standardised codes, so that no direction is blown up


def transport_map(source: Tensor, target: Tensor) -> Tensor:
    """T = S^(−½) (S^½ R S^½)^½ S^(−½), symmetric, T S T = R: the covariances (k, k) of codes -> (k, k).

    Of all maps that carry N(0, S) to N(0, R) the one that moves codes least (Peyré & Cuturi, 2019, arXiv:1803.00567,
    eq. 2.40), S and R with RIDGE on their diagonals.
    """
    s, r = (
        each.double().cpu() + RIDGE * torch.eye(len(each), dtype=torch.float64) for each in (source, target)
    )
    root, inverse = power(s, 0.5), power(s, -0.5)
    return (inverse @ power(root @ r @ root, 0.5) @ inverse).to(source)


def power(x: Tensor, exponent: float) -> Tensor:
    """Of a symmetric positive matrix (k, k), by its eigenvalues."""
    values, vectors = torch.linalg.eigh(x)
    return vectors * values.clamp_min(0) ** exponent @ vectors.T
