"""The divergence summed on a grid, against one that is known."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genbench.kinds.points.comparison import kl_on_grid
from genbench.kinds.points.mixture import mixture_log_density

CARD: dict[str, Any] = {
    "kind": "points",
    "shape": [2],
    "levels": 0,
    "classes": 2,
    "centres": [[0.3, 0.5], [0.7, 0.45]],
    "sigma": 0.01,
    "weights": [0.25, 0.75],
}


class Moved(nn.Module):
    """The mixture itself, moved to the side by so many sigmas."""

    exact = True

    def __init__(self, sigmas: float) -> None:
        super().__init__()
        self.away = np.array([sigmas * 0.01, 0.0])

    def log_prob(self, x: Tensor) -> Tensor:
        return torch.from_numpy(mixture_log_density(x.double().numpy() - self.away, CARD))


@pytest.mark.parametrize("sigmas", [0.0, 0.5, 2.0])
def test_a_mixture_that_is_moved_is_half_the_squared_distance_away(sigmas: float) -> None:
    assert kl_on_grid(CARD, Moved(sigmas)) == pytest.approx(sigmas**2 / 2, abs=1e-3)
