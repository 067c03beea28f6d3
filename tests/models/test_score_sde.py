"""Scores in continuous time, with a score that is known in the place of the learnt one."""

from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from genbench.core import Batch, Space, Splits
from genbench.models.diffusion.score_sde import TARGET, ScoreSDE
from genbench.nn.noising import NOISINGS

POINTS = Space("points", (2,), 0)
CENTRES = torch.tensor([[-1.0, 0.5], [1.0, -0.5]], dtype=torch.float64)
WIDTH = 0.3


def known(noising: str, sampler: str = "predictor_corrector", **options: Any) -> Any:
    """Two Gaussians of the plane, of which the score is known at every time; points are taken as standardised."""
    model: Any = ScoreSDE(POINTS, noising=noising, sampler=sampler, width=16, blocks=1, **options).double()  # type: ignore[arg-type]

    def score(x: Tensor, t: Tensor) -> Tensor:
        signal, noise = model.noising.marginal(t[:, None])
        away = signal[:, None] * CENTRES - x[:, None]  # (n, 2, d)
        variance = (signal * WIDTH).square() + noise.square()
        weights = (-away.square().sum(2) / (2 * variance)).softmax(1)
        return (weights[:, :, None] * away).sum(1) / variance

    model.score = score
    return model


@pytest.mark.parametrize("name", NOISINGS)
def test_the_marginals_are_those_of_the_equation(name: str) -> None:
    """dα/dt = f α and dσ²/dt = 2 f σ² + g²."""
    noising = NOISINGS[name]
    t, h = torch.linspace(0.05, 0.95, 10, dtype=torch.float64), 1e-6
    (a0, s0), (a1, s1) = noising.marginal(t - h), noising.marginal(t + h)
    (signal, noise), (drift, spread) = noising.marginal(t), noising.rates(t)
    assert torch.allclose((a1 - a0) / (2 * h), drift * signal, rtol=1e-5, atol=1e-8)
    assert torch.allclose(
        (s1.square() - s0.square()) / (2 * h), 2 * drift * noise.square() + spread, rtol=1e-5
    )


@pytest.mark.parametrize("sampler", ["predictor_corrector", "probability_flow"])
@pytest.mark.parametrize("noising", NOISINGS)
@torch.no_grad()
def test_the_true_score_leads_to_the_true_distribution(noising: str, sampler: str) -> None:
    x = known(noising, sampler, scales=100).sample(4000, rng=Generator().manual_seed(0)).double()
    own = torch.cdist(x, CENTRES).argmin(1)
    assert float((own == 0).double().mean()) == pytest.approx(0.5, abs=0.04)
    for k, centre in enumerate(CENTRES):
        assert torch.allclose(x[own == k].mean(0), centre, atol=0.04)
        assert torch.allclose(x[own == k].std(0), torch.full((2,), WIDTH, dtype=torch.float64), atol=0.02)


@pytest.mark.parametrize("noising", NOISINGS)
def test_the_true_score_gives_the_true_likelihood(noising: str) -> None:
    model = known(noising, density_steps=60)
    x = CENTRES[torch.arange(20) % 2] + WIDTH * torch.randn(
        20, 2, generator=Generator().manual_seed(1), dtype=torch.float64
    )
    parts = [torch.distributions.Normal(centre, WIDTH).log_prob(x).sum(1) for centre in CENTRES]
    expected = torch.stack(parts).logsumexp(0) - torch.tensor(2.0).log()
    assert torch.allclose(model.log_prob(x), expected, atol=0.03)


@torch.no_grad()
def test_the_corrector_keeps_the_distribution_that_it_corrects() -> None:
    """Langevin's step with noise of √(2δ): with less, points gather at the modes."""
    model = known("variance_preserving")
    rng = Generator().manual_seed(2)
    centres = CENTRES[torch.randint(2, (4000,), generator=rng)]
    x = centres + WIDTH * torch.randn(4000, 2, generator=rng, dtype=torch.float64)
    t = torch.full((4000,), 1e-4, dtype=torch.float64)
    for _ in range(60):
        x = model.corrected(x, t, rng)
    own = torch.cdist(x, CENTRES).argmin(1)
    assert torch.allclose((x - CENTRES[own]).std(0), torch.full((2,), WIDTH, dtype=torch.float64), atol=0.02)


def test_a_corrector_without_its_root_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(self: Any, x: Tensor, t: Tensor, rng: Generator) -> Tensor:
        score = self.score(x, t)
        z = torch.randn(x.shape, generator=rng, dtype=x.dtype)
        size = 2 * (TARGET * z.norm(dim=1).mean() / score.norm(dim=1).mean()) ** 2
        return x + size * score + size.sqrt() * z

    monkeypatch.setattr(ScoreSDE, "corrected", short)
    with pytest.raises(AssertionError):
        test_the_corrector_keeps_the_distribution_that_it_corrects()


def test_a_score_is_learnt_from_points() -> None:
    """Direction and size, against the true mixture's at three amounts of noise."""
    torch.manual_seed(0)
    model: Any = ScoreSDE(POINTS, width=32, blocks=1, lr=5e-3)
    x = (CENTRES[torch.randint(2, (2000,))] + WIDTH * torch.randn(2000, 2)).float()
    standardise, learn = model.phases()
    standardise.fit(Splits(Batch(x), Batch(x)))
    (score,) = learn.objectives
    optimizer = score.optimizer(score.parameters)
    for _ in range(400):
        optimizer.zero_grad()
        score.loss(Batch(x[torch.randint(len(x), (256,))])).backward()
        optimizer.step()
    for noise in (0.2, 0.5, 1.0):
        at = x + noise * torch.randn(x.shape, generator=Generator().manual_seed(1))
        away = CENTRES - at[:, None]
        variance = WIDTH**2 + noise**2
        shares = (-away.square().sum(2) / (2 * variance)).softmax(1)
        exact = (shares[:, :, None] * away).sum(1) / variance
        with torch.no_grad():
            found = model.log_density_gradient(at, noise)
        assert float(torch.nn.functional.cosine_similarity(found.double(), exact).mean()) > 0.9, noise
        assert float(found.norm(dim=1).mean() / exact.norm(dim=1).mean()) == pytest.approx(1, abs=0.15)
