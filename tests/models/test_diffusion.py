"""What the laws of the zoo leave open about diffusion: the chain's algebra, long chains, shapes."""

import math

import pytest
import torch
from torch import Generator

from genbench.core import Batch, Space
from genbench.models.diffusion.ddpm import DDPM, SCHEDULES
from genbench.nn.diffusion import level_log_prob, reverse_steps

PAIRS = Space("image", (1, 2, 3), 2)


@pytest.mark.parametrize("timesteps", [2, 10, 1000])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_steps_back_lead_through_the_forward_marginals(schedule: str, timesteps: int) -> None:
    """q(x_{t−1}|x_0) is what q(x_{t−1}|x_t, x_0) gives when x_t comes from q(x_t|x_0)."""
    alpha_bar = [1.0, *SCHEDULES[schedule](timesteps).tolist()]
    assert 0 < alpha_bar[-1] < 1e-3
    low, high = (reverse_steps(alpha_bar, variance) for variance in (0.0, 1.0))
    for t in range(1, timesteps + 1):
        step, before, here = high[t], alpha_bar[t - 1], alpha_bar[t]
        assert before > here
        assert step.from_start + step.from_here * here**0.5 == pytest.approx(before**0.5)
        variance = step.from_here**2 * (1 - here) + step.posterior_std**2
        assert variance == pytest.approx(1 - before, abs=1e-12)
        assert step.std == pytest.approx((1 - here / before) ** 0.5)
        assert low[t].std == pytest.approx(step.posterior_std if t > 1 else step.std)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_the_decoder_shares_all_mass_among_the_levels(levels: int) -> None:
    x = torch.linspace(-1, 1, levels).double()
    for mean in (-1.3, -1.0, 0.013, 0.98, 2.0):
        nats = level_log_prob(x, torch.full_like(x, mean), 0.03, levels)
        assert bool(torch.isfinite(nats).all())
        assert float(nats.exp().sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("schedule", SCHEDULES)
@torch.no_grad()
def test_the_bound_of_a_long_chain_stays_below_the_truth(schedule: str) -> None:
    """Over a whole space the bound's probabilities sum to less than one; more trajectories raise their logarithms."""
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * PAIRS.dimensions).reshape(-1, *PAIRS.shape)
    means = []
    for importance in (1, 30):
        torch.manual_seed(0)
        model = DDPM(PAIRS, timesteps=20, schedule=schedule, width=8, blocks=1, importance=importance).eval()
        found = model.log_prob(images)
        assert torch.equal(found, model.log_prob(images)), "the bound's noise is the same in every call"
        assert float(found.double().exp().sum()) < 1
        means.append(float(found.mean()))
    assert means[0] < means[1]


def test_the_bound_is_tight_for_a_model_that_knows_the_image() -> None:
    """With σ_t and μ_θ those of q itself, only the prior and the decoder are left, and both cost nothing here."""
    torch.manual_seed(0)
    model = DDPM(PAIRS, timesteps=50, variance=0.0, width=8)
    x = torch.ones(4, *PAIRS.shape)
    model.start = lambda noisy, t: 2 * x - 1  # type: ignore[method-assign]
    assert torch.allclose(model.log_prob(x), torch.zeros(4), atol=0.05)


@pytest.mark.parametrize("network", ["convolutions", "perceptrons"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 12, 8), (1, 5, 5), (2,)], ids=str)
def test_it_works_on_elements_of_any_shape(shape: tuple[int, ...], network: str) -> None:
    space = Space("image", shape, 256) if len(shape) > 1 else Space("table", shape, 256)
    model = DDPM(space, timesteps=3, schedule="cosine", network=network, width=8)
    assert bool(torch.isfinite(model.loss(Batch(torch.rand(4, *shape)))))
    with torch.no_grad():
        x = model.eval().sample(3, rng=Generator().manual_seed(0))
        assert x.shape == (3, *shape)
        assert bool(torch.isfinite(model.log_prob(x)).all())


@torch.no_grad()
def test_the_noise_of_unit_normal_data_is_known_before_training() -> None:
    """E[ε|x_t] = √(1 − ᾱ_t) x_t for x_0 ~ N(0, 1): all that is left to learn is what the data are besides."""
    model = DDPM(PAIRS, timesteps=10, width=8).eval()
    for parameter in model.network.parameters():
        parameter.zero_()
    x, t = torch.randn(5, *PAIRS.shape), torch.full((5,), 4)
    assert torch.allclose(model.noise_in(x, t), math.sqrt(1 - float(model.alpha_bar[4])) * x)


def test_a_chain_of_one_step_is_refused() -> None:
    with pytest.raises(ValueError, match="timesteps: got 1; expected at least 2"):
        DDPM(PAIRS, timesteps=1)
