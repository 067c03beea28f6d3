"""Langevin dynamics in the unit box, with the chains that a training goes on with."""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from genbench.capabilities import Measure
from genbench.nn.energy_distances import energy_distance

MARGIN = 2.0  # of the box around smoothed data, in σ


def noise_scale(step: float, temperature: float) -> float:
    """√(2ηT), the noise of a step of length η that leaves exp(−E/T) as it is, as η -> 0."""
    return math.sqrt(2 * step * temperature)


def reflected(x: Tensor) -> Tensor:
    """Folded back into [0, 1] at both ends; a chain that is reflected keeps the density it has inside."""
    return 1 - (1 - x.remainder(2)).abs()


class Smoothing(NamedTuple):
    """Data x under noise, y = x + σ ξ, in a box [0, 1]^D that is MARGIN σ wider than theirs on every side."""

    sigma: float

    @property
    def margin(self) -> float:
        return MARGIN * self.sigma

    @property
    def span(self) -> float:
        """The side of the box, in the unit of the data."""
        return 1 + 2 * self.margin

    def blur(self, x: Tensor) -> Tensor:
        """Data x -> y in the box; without noise x itself."""
        if not self.sigma:
            return x
        return reflected((x + self.sigma * torch.randn_like(x) + self.margin) / self.span)

    def jump(self, y: Tensor, energy: Callable[[Tensor], Tensor]) -> Tensor:
        """E[x|y] = y − σ² ∇E(y) where exp(−E) is the density of y; without noise y itself."""
        if not self.sigma:
            return y
        with torch.enable_grad():
            at = y.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(energy(at).sum(), at)
        return (self.span * (y - (self.sigma / self.span) ** 2 * gradient) - self.margin).clamp(0, 1)


def langevin_chain(
    energy: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    step: float,
    temperature: float,
    rng: Generator | None = None,
    fold: Callable[[Tensor], Tensor] = reflected,
) -> Iterator[Tensor]:
    """x' = x − η ∇E(x) + √(2ηT) ξ, ξ ~ N(0, I), without end: each step's x, (n, *shape).

    Unadjusted Langevin dynamics (Roberts & Tweedie, 1996; Welling & Teh, 2011), whose stationary density is
    exp(−E/T)/Z up to O(η): on E = ½kx² the variance is T/k · 1/(1 − ηk/2).  energy: (n, *shape) -> (n,).
    """
    while True:
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(energy(at).sum(), at)
        noise = torch.randn(x.shape, generator=rng, device=x.device)
        x = fold(x.detach() - step * gradient + noise_scale(step, temperature) * noise)
        yield x


@torch.no_grad()
def restarted(
    energy: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    times: int,
    temperature: float,
    rng: Generator | None = None,
) -> Tensor:
    """Each chain is offered so many fresh starts, uniform on [0, 1]^D, by Metropolis' rule: (n, *shape).

    It takes one with probability min(1, exp((E(x) − E(x'))/T)), which leaves exp(−E/T) as it is, and moves chains
    between modes that Langevin dynamics does not leave.
    """
    if not times:
        return x
    here = energy(x)
    for _ in range(times):
        offered = torch.rand(x.shape, generator=rng, device=x.device)
        there = energy(offered)
        taken = torch.rand(len(x), generator=rng, device=x.device) < ((here - there) / temperature).exp()
        x = torch.where(taken.reshape(-1, *[1] * (x.ndim - 1)), offered, x)
        here = torch.where(taken, there, here)
    return x


class ReplayBuffer(nn.Module):
    """Chains to go on with (Du & Mordatch, 2019, arXiv:1903.08689, section 3.1): a share of them starts again.

    What is kept is a buffer, so a training that is killed and resumed goes on with the same chains; the choice of those
    that move follows torch's global random state.
    """

    kept: Tensor

    def __init__(self, size: int, shape: tuple[int, ...], fresh: float) -> None:
        super().__init__()
        self.fresh = fresh
        self.register_buffer("kept", torch.rand(size, *shape))

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """Places of n chains, (n,), and where they stand, (n, *shape); uniform noise where a chain starts again."""
        places = torch.randperm(len(self.kept), device=self.kept.device)[:n]
        x = self.kept[places]
        anew = torch.rand(n, device=x.device) < self.fresh
        return places, torch.where(anew.reshape(-1, *[1] * (x.ndim - 1)), torch.rand_like(x), x)

    @torch.no_grad()
    def put(self, places: Tensor, x: Tensor) -> None:
        """The chains of these places stand at x from now on."""
        self.kept[places] = x.detach()


def chain_measures(
    energy: Callable[[Tensor], Tensor], short: Tensor, long: Tensor, real: Tensor, times: int
) -> dict[str, Measure]:
    """Whether chains have arrived when they are taken as samples: in energy, and in place.

    short, long: where the same chains (n, *shape) stand after a sample's length, and after so many times as much.
    energy: E/T, (n, *shape) -> (n,).
    """
    half, (of_real, of_short, of_long) = len(short) // 2, map(energy, (real, short, long))
    what = (
        f"E/T in nats after chains {times} times as long as a sample's, minus E/T of the samples they passed."
    )
    rest = "E/T in nats of held-out elements, minus its mean over samples."
    # of halves, chains that share nothing
    longer = energy_distance(short[:half], long[half:], f"chains {times} times as long")
    return {
        "energy, long minus short chains": Measure(of_long - of_short, what),
        "energy, held-out minus samples": Measure(of_real - of_short.mean(), rest),
        "distance, long from short chains": longer,
        "distance, held-out from samples": energy_distance(short, real, "held-out elements"),
    }
