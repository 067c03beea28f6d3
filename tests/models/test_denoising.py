"""The denoising autoencoder: what it removes, where it points, and where its chain ends."""

from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor

from genbench.core import Batch, Space, Splits
from genbench.models.autoencoders.denoising import Denoising
from genbench.training.loop import Budget, Job, train

SPACE = Space("points", (2,), 0)
CENTRES, WIDTH = torch.tensor([[0.3, 0.3], [0.7, 0.6]]), 0.05


def points(n: int, seed: int) -> Batch:
    """Two round Gaussians."""
    rng = Generator().manual_seed(seed)
    which = torch.randint(2, (n,), generator=rng)
    return Batch(CENTRES[which] + WIDTH * torch.randn(n, 2, generator=rng))


def gradient(x: Tensor, noise: float) -> Tensor:
    """∇ log p_σ by autograd."""
    x = x.clone().requires_grad_()
    squares = (x[:, None] - CENTRES).square().sum(2) / (WIDTH**2 + noise**2)
    return torch.autograd.grad((-squares / 2).logsumexp(1).sum(), x)[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Denoising:
    torch.manual_seed(0)
    model = Denoising(SPACE, noise=0.05, walk=30, widths=(64, 64), lr=5e-3)
    job = Job("test", 0, tmp_path_factory.mktemp("d") / "c.pt", "f")
    train(model, Splits(points(2000, 0), points(500, 1)), Budget(800, 200, ema=0.99), job)
    return model.eval()


@torch.no_grad()
def test_it_points_along_the_score_of_the_data_under_noise(trained: Denoising) -> None:
    x = trained.corrupted(points(1000, 2).x, Generator().manual_seed(3))
    found = trained.log_density_gradient(x, trained.noise)
    with torch.enable_grad():
        true = gradient(x, trained.noise)
    assert float(torch.cosine_similarity(found, true).mean()) > 0.95
    assert float((found * true).sum() / true.square().sum()) == pytest.approx(1, abs=0.05)  # and as far


@torch.no_grad()
def test_its_chain_ends_in_the_distribution_of_the_data(trained: Denoising) -> None:
    x = trained.sample(4000, rng=Generator().manual_seed(0))
    distances = torch.cdist(x, CENTRES)
    share = float((distances.argmin(1) == 0).float().mean())
    assert share == pytest.approx(0.5, abs=0.1)
    spread = distances.min(1).values.square().mean().div(2).sqrt()
    assert float(spread) == pytest.approx(WIDTH, rel=0.15)


@torch.no_grad()
def test_decibels_gained_are_those_of_pairs(trained: Denoising) -> None:
    splits = Splits(points(100, 0), points(500, 1))
    found = trained.measure(splits, rng=Generator().manual_seed(0))
    before, after, gained = (
        found[f"PSNR {of}"].values for of in ("of noisy elements", "of denoised elements", "gained")
    )
    assert torch.allclose(gained, after - before)
    assert float(gained.mean()) > 0.5
    noisy = trained.corrupted(splits.held_out.x, Generator().manual_seed(0))
    assert torch.allclose(before, -10 * (noisy - splits.held_out.x).square().mean(1).log10(), atol=1e-4)


@torch.no_grad()
def test_the_mean_is_counted_from_the_noisy_element(tmp_path: Path) -> None:
    """A network that says nothing gives back what it is shown, of points and of pixels."""
    for space in (SPACE, Space("image", (1, 2, 3), 17)):
        torch.manual_seed(0)
        model = Denoising(space, widths=(8,))
        for parameter in model.network.parameters():
            parameter.zero_()
        x = torch.rand(4, *space.shape)
        assert torch.allclose(model.reconstruct(x), x, atol=1e-6)


def test_noise_and_walk_that_make_no_chain_are_refused() -> None:
    with pytest.raises(ValueError, match="noise: got 0"):
        Denoising(SPACE, noise=0.0)
    with pytest.raises(ValueError, match="walk: got 0"):
        Denoising(SPACE, walk=0)
