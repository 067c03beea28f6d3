"""VQ-VAE: the gradient that goes straight through, the codebook's running means, and the prior over codes."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from killed import killed_at
from torch import Generator, Tensor

from genbench.core import Batch, Space, Splits
from genbench.models.latent import vqvae
from genbench.models.latent.vqvae import VQVAE
from genbench.nn.codebooks import Codebook, CodePrior, perplexity, straight_through
from genbench.storage.weights import weights_bytes
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (1, 8, 8), 17)


def bars(n: int, seed: int) -> Batch:
    """Each quarter of the image is dark, or bright, and the two lower ones are as the two upper ones."""
    bright = torch.randint(2, (n, 1, 1, 2), generator=Generator().manual_seed(seed)).float()
    return Batch((0.2 + 0.6 * bright).expand(n, 1, 2, 2).repeat_interleave(4, 2).repeat_interleave(4, 3))


SPLITS = Splits(bars(64, 0), bars(40, 1))


def small(**options: Any) -> VQVAE:
    torch.manual_seed(0)
    sizes = {**VQVAE.tiny, "lr": 5e-3, "prior_lr": 5e-3, **options}
    return VQVAE(SPACE, **sizes)


def the_gradient_goes_straight_through() -> None:
    """Law: the encoder's output gets from the reconstruction what the code that replaces it gets."""
    model = small()
    x = bars(16, 0).x
    z = model.encode(x)
    reached = torch.autograd.grad(model.reconstruction_loss(z, x), z, allow_unused=True)[0]
    z_q = model.codebook(model.codebook.nearest(z)).clone().requires_grad_()
    loss = -model.output.log_prob(model.raw(z_q), x.flatten(1)).sum(1).mean()
    (expected,) = torch.autograd.grad(loss, z_q)
    assert reached is not None, "the gradient does not get past the codes"
    assert bool((expected != 0).any())
    assert torch.allclose(reached, expected), "it does not get past the codes as it is"


def test_the_gradient_of_the_reconstruction_goes_straight_through() -> None:
    the_gradient_goes_straight_through()


@pytest.mark.parametrize(
    "fault",
    [
        lambda vector, replacement: replacement.detach(),
        lambda vector, replacement: 0.5 * vector + (replacement - 0.5 * vector).detach(),
    ],
    ids=["missing", "halved"],
)
def test_a_missing_straight_through_gradient_is_caught(monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    monkeypatch.setattr(vqvae, "straight_through", fault)
    with pytest.raises(AssertionError, match="past the codes"):
        the_gradient_goes_straight_through()


def test_what_goes_straight_through_has_the_value_of_the_replacement() -> None:
    a, b = torch.randn(5, 3), torch.randn(5, 3)
    assert torch.allclose(straight_through(a, b), b)


@torch.no_grad()
def test_codes_become_the_means_of_what_they_are_nearest_to() -> None:
    torch.manual_seed(0)
    centres = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    codebook = Codebook(3, 2, decay=0.9)
    codebook.restart(centres + 0.3)
    codebook.sums.copy_(centres + 0.3)
    for _ in range(200):
        z = centres[torch.randint(3, (300,))] + 0.1 * torch.randn(300, 2)
        codebook.update(z, codebook.nearest(z))
    assert torch.allclose(codebook.vectors, centres, atol=0.03)
    assert float(codebook.counts.sum()) == pytest.approx(300, rel=0.01)
    assert torch.equal(codebook.nearest(centres), torch.arange(3))


@torch.no_grad()
def test_a_code_that_is_never_nearest_is_replaced() -> None:
    torch.manual_seed(0)
    codebook = Codebook(2, 2, decay=0.5)
    codebook.sums.copy_(torch.tensor([[0.0, 0.0], [100.0, 100.0]]))
    for _ in range(6):
        z = torch.randn(50, 2)
        codebook.update(z, codebook.nearest(z))
    assert float(codebook.vectors.abs().max()) < 5


def test_perplexity_counts_the_codes_in_use() -> None:
    assert float(perplexity(torch.arange(8).repeat(5), 16)) == pytest.approx(8)
    assert float(perplexity(torch.zeros(9, dtype=torch.int64), 16)) == pytest.approx(1)


@torch.no_grad()
def test_the_prior_over_codes_sums_to_one_and_is_what_is_sampled() -> None:
    torch.manual_seed(0)
    prior = CodePrior(3, 3, width=8, layers=2, heads=2, dropout=0.0).eval()
    for parameter in prior.parameters():
        parameter.normal_(std=0.7)
    every = torch.tensor(list(itertools.product(range(3), repeat=3)))
    p = prior.log_prob(every).sum(1).exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    drawn = prior.sample(20_000, rng=Generator().manual_seed(0))
    frequencies = torch.bincount(drawn @ torch.tensor([9, 3, 1]), minlength=27) / 20_000
    assert torch.allclose(frequencies, p, atol=0.015)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> VQVAE:
    model = small(lr=1e-2, prior_lr=1e-2)
    train(model, SPLITS, Budget(160, 32), Job("test", 0, tmp_path_factory.mktemp("v") / "c.pt", "f"))
    return model.eval()


def test_the_learned_prior_is_worth_more_than_uniform_codes(trained: VQVAE) -> None:
    found: dict[str, Tensor] = {
        title: measure.values
        for title, measure in trained.measure(SPLITS, rng=Generator().manual_seed(0)).items()
    }
    assert float(found["reconstruction error"].mean()) < 0.01
    assert 2 <= float(found["codes in use"]) <= 8
    assert (
        float(found["nats per code"].mean()) < 0.5
    )  # two bits an image of 16 codes would be .09; uniform cost 2.1
    for title in ("distance to data", "energy distance"):
        assert float(found[f"{title}, learned prior"].mean()) < 0.5 * float(
            found[f"{title}, uniform codes"].mean()
        )


@pytest.mark.parametrize("stop", [5, 15], ids=["codes", "prior"])
def test_killed_and_resumed_the_codebook_is_the_same_to_the_byte(tmp_path: Path, stop: int) -> None:
    budget = Budget(20, 16)
    whole = small()
    train(whole, SPLITS, budget, Job("test", 3, tmp_path / "whole.pt", "f"))

    job = Job("test", 3, tmp_path / "c.pt", "f")
    with killed_at(stop):
        train(small(), SPLITS, budget, job)
    torch.manual_seed(99)  # the random state of another process
    resumed = small()
    resumed.codebook.counts.fill_(7.0)
    train(resumed, SPLITS, budget, job)
    assert torch.equal(resumed.codebook.counts, whole.codebook.counts)
    assert weights_bytes(resumed, {}) == weights_bytes(whole, {})


def test_what_has_no_places_is_refused() -> None:
    with pytest.raises(ValueError, match="places in an image"):
        VQVAE(Space("points", (2,), 0))
    with pytest.raises(ValueError, match="prior_share"):
        VQVAE(SPACE, prior_share=1.0)


@torch.no_grad()
def test_colours_and_sides_that_differ(tmp_path: Path) -> None:
    space = Space("image", (3, 16, 8), 9)
    model = VQVAE(space, **VQVAE.tiny)
    x = torch.rand(5, *space.shape)
    assert model.raw(model.encode(x)).shape == (5, space.dimensions, 2)
    assert model.sample(2, rng=Generator().manual_seed(0)).shape == (2, *space.shape)
    maps = model.decoder[:-1](model.encode(x).transpose(1, 2).unflatten(2, model.places))
    assert torch.equal(model.raw(model.encode(x))[:, 1 * 128 + 3 * 8 + 5, 1], maps[:, 3, 3, 5])
