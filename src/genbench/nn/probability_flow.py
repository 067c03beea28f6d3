"""Noise carried to data by a differential equation, dx/dt = v(x, t), and the density that it carries along.

log p changes along a path by −∫ div v dt (Chen et al., 2018, arXiv:1806.07366).
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Generator, Tensor

Field = Callable[[Tensor, Tensor], Tensor]  # x (n, …), t (n,) -> dx/dt (n, …)

PAIR_STEPS = 10  # of the midpoint rule
SUMMABLE = 16  # dimensions up to which a divergence is summed, one backward pass for each


def euler(field: Field, x: Tensor, t: float, dt: float) -> Tensor:
    """One step of order 1, with 1 evaluation."""
    return x + dt * field(x, x.new_full((len(x),), t))


def midpoint(field: Field, x: Tensor, t: float, dt: float) -> Tensor:
    """One step of order 2, with 2 evaluations."""
    half = euler(field, x, t, dt / 2)
    return x + dt * field(half, x.new_full((len(x),), t + dt / 2))


def runge_kutta(field: Field, x: Tensor, t: float, dt: float) -> Tensor:
    """One step of order 4, the classical one, with 4 evaluations."""
    start, middle, end = (x.new_full((len(x),), t + part * dt) for part in (0.0, 0.5, 1.0))
    k1 = field(x, start)
    k2 = field(x + dt / 2 * k1, middle)
    k3 = field(x + dt / 2 * k2, middle)
    k4 = field(x + dt * k3, end)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


Step = Callable[[Field, Tensor, float, float], Tensor]
EVALUATIONS: dict[Step, int] = {euler: 1, midpoint: 2, runge_kutta: 4}


def integrate(field: Field, x: Tensor, times: Tensor, step: Step) -> Tensor:
    """x at the last of `times`, from x at the first; one step between each two, forwards or backwards."""
    for now, after in pairwise(times.tolist()):
        x = step(field, x, now, after - now)
    return x


@torch.no_grad()
def pairs_of(field: Field, noise: Tensor, at_once: int) -> tuple[Tensor, Tensor]:
    """Noise (n, D), and where the field carries it: (n, D), so many at once; from these a straighter one is learnt.

    Made once, before that training (Liu et al., 2023, arXiv:2209.03003, algorithm 1).
    """
    times = torch.linspace(0, 1, PAIR_STEPS + 1)
    return noise, torch.cat([integrate(field, part, times, midpoint) for part in noise.split(at_once)])


def divergence(velocity: Tensor, x: Tensor, probe: Tensor | None) -> Tensor:
    """Σ_i ∂v_i/∂x_i at x (n, D), which requires grad: (n,), summed; or εᵀ(∂v/∂x)ε with a probe ε (n, D), E εεᵀ = I.

    The latter is right in expectation (Hutchinson's trace, FFJORD: Grathwohl et al., 2019, arXiv:1810.01367).
    """
    if probe is not None:
        return (torch.autograd.grad((velocity * probe).sum(), x)[0] * probe).sum(1)
    columns = range(x.shape[1])
    return sum(
        (torch.autograd.grad(velocity[:, i].sum(), x, retain_graph=True)[0][:, i] for i in columns),
        start=x.new_zeros(len(x)),
    )


def carried(field: Field, x: Tensor, times: Tensor, step: Step, rng: Generator) -> tuple[Tensor, Tensor]:
    """Where points x (n, D) end, and ∫ div v dt along their paths, (n,): log p(x) = log p(end) + that.

    Up to SUMMABLE dimensions the divergence is summed; beyond them it is estimated, with one probe for a path.
    """
    probe = None
    if x.shape[1] > SUMMABLE:
        signs = torch.randint(2, x.shape, generator=rng, device=x.device)
        probe = (2 * signs - 1).to(x.dtype)

    def both(state: Tensor, t: Tensor) -> Tensor:
        with torch.enable_grad():
            place = state[:, :-1].detach().requires_grad_()
            velocity = field(place, t)
            change = divergence(velocity, place, probe)
        return torch.cat([velocity.detach(), change.detach()[:, None]], 1)

    state = integrate(both, torch.cat([x, x.new_zeros(len(x), 1)], 1), times, step)
    return state[:, :-1], state[:, -1]


def bend(field: Field, start: Tensor, times: Tensor) -> Tensor:
    """∫‖(x₁ − x₀) − v(x_t, t)‖² dt of each path from start (n, D), as a share of the mean ‖x₁ − x₀‖², (n,).

    Liu et al. (2023, arXiv:2209.03003, section 2.2): 0 for straight paths, which one step of Euler's would follow.
    """
    x, velocities = start, []
    for now, after in pairwise(times.tolist()):
        velocities.append(field(x, x.new_full((len(x),), now)))
        x = midpoint(field, x, now, after - now)
    way = x - start
    return (torch.stack(velocities) - way).square().sum(2).mean(0) / way.square().sum(1).mean()
