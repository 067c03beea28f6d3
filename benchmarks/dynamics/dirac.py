"""The Dirac-GAN (Mescheder et al., 2018, arXiv:1801.04406): the one training whose oscillation is known exactly.

    python benchmarks/dynamics/dirac.py

Data δ(0), generator δ(θ), discriminator D(x) = ψx, losses those of the models.  At (0, 0) the field of the game has
the eigenvalues ± i f′(0), f′(0) = ½ for −log D and 1 for Wasserstein; a penalty γ/2·ψ² makes them
−γ/2 ± √(γ²/4 − f′²).  With c = h f′(0) simultaneous steps grow by √(1 + c²) each, and alternating ones circle with the
period 2π/arccos(1 − c²/2).
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from genbench.nn.games import NON_SATURATING, WASSERSTEIN, Losses

SLOPES = {"GAN": (NON_SATURATING, 0.5), "WGAN": (WASSERSTEIN, 1.0)}
RATE = 0.2


class Game(NamedTuple):
    """losses: of the two players.  penalty: γ."""

    losses: Losses
    penalty: float = 0.0

    def generator(self, theta: Tensor, psi: Tensor) -> Tensor:
        """The generator's step for a learning rate of 1, −∂/∂θ of its loss."""
        theta = theta.detach().requires_grad_()
        return -torch.autograd.grad(self.losses.real(psi.detach() * theta), theta)[0]

    def discriminator(self, theta: Tensor, psi: Tensor) -> Tensor:
        """The discriminator's: its score of the data is 0 whatever ψ."""
        psi = psi.detach().requires_grad_()
        loss = self.losses.fake(psi * theta.detach()) + self.losses.real(0 * psi)
        return -torch.autograd.grad(loss + self.penalty / 2 * psi.square(), psi)[0]


def eigenvalues(game: Game, width: float = 1e-6) -> np.ndarray:
    """Of the field's Jacobian at (0, 0), by central differences."""

    def field(theta: float, psi: float) -> np.ndarray:
        at = (torch.tensor(theta, dtype=torch.double), torch.tensor(psi, dtype=torch.double))
        return np.array([float(game.generator(*at)), float(game.discriminator(*at))])

    columns = [
        (field(width, 0) - field(-width, 0)) / (2 * width),
        (field(0, width) - field(0, -width)) / (2 * width),
    ]
    return np.linalg.eigvals(np.stack(columns, 1))


def trajectory(game: Game, steps: int, *, rate: float = RATE, alternating: bool, start: float) -> np.ndarray:
    """(steps + 1, 2): θ and ψ of gradient descent from (start, 0)."""
    theta, psi = (torch.tensor(value, dtype=torch.double) for value in (start, 0.0))
    found = [(float(theta), float(psi))]
    for _ in range(steps):
        moved = theta + rate * game.generator(theta, psi)
        psi = psi + rate * game.discriminator(moved if alternating else theta, psi)
        theta = moved
        found.append((float(theta), float(psi)))
    return np.array(found)


def period(path: np.ndarray) -> float:
    """Steps for a turn, over all whole turns: between the first and the last time that θ falls to 0."""
    theta = path[:, 0]
    at = np.flatnonzero((theta[:-1] > 0) & (theta[1:] <= 0))
    places = at + theta[at] / (theta[at] - theta[at + 1])
    return float((places[-1] - places[0]) / (len(places) - 1))


def growth(path: np.ndarray) -> float:
    """The factor by which the distance from the equilibrium grows in a step."""
    length = np.hypot(*path.T)
    return float((length[-1] / length[0]) ** (1 / (len(path) - 1)))


def main() -> None:
    print("| game | f′(0) | eigenvalues | period, alternating | known | growth, simultaneous | known |")
    print("|---|---|---|---|---|---|---|")
    for name, (losses, slope) in SLOPES.items():
        game, c = Game(losses), RATE * slope
        circle = trajectory(game, 700, alternating=True, start=1e-3)
        spiral = trajectory(game, 100, alternating=False, start=1e-3)
        known = 2 * math.pi / math.acos(1 - c * c / 2), math.sqrt(1 + c * c)
        values = ", ".join(f"{value:.4f}" for value in sorted(eigenvalues(game), key=lambda v: v.imag))
        print(
            f"| {name} | {slope:g} | {values} | {period(circle):.3f} | {known[0]:.3f} "
            f"| {growth(spiral):.6f} | {known[1]:.6f} |"
        )
    for gamma in (0.5, 1.0, 2.0):
        found = sorted(eigenvalues(Game(NON_SATURATING, gamma)), key=lambda v: (v.real, v.imag))
        print(f"GAN with penalty {gamma:g}: eigenvalues {', '.join(f'{v:.4f}' for v in found)}")


if __name__ == "__main__":
    main()
