"""What the laws of the zoo leave open about adversarial models: penalties, rhythms, labels, shapes."""

from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, Space, Splits
from genbench.models.adversarial.cgan import CGAN
from genbench.models.adversarial.wgan_gp import WGANGP
from genbench.nn.games import gradient_penalty
from genbench.training.loop import Budget, Job, train

DIGITS = Space("image", (1, 8, 8), 17, 10)
SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (1, 6, 10), (2,)]


@pytest.mark.parametrize("network", ["convolutions", "perceptrons"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_wgan_gp_plays_on_elements_of_any_shape(shape: tuple[int, ...], network: str) -> None:
    torch.manual_seed(0)
    space = Space("image", shape, 256) if len(shape) > 1 else Space("points", shape, 0)
    model = WGANGP(space, network=network, width=4, hidden=16, latent=5)
    batch = Batch(torch.rand(6, *shape))
    assert bool(torch.isfinite(model.critic_loss(batch)))
    assert bool(torch.isfinite(model.generator_loss(batch)))
    assert model.eval().sample(3, rng=Generator().manual_seed(0)).shape == (3, *shape)


def test_the_penalty_is_the_squared_distance_of_the_slope_from_one() -> None:
    slope = torch.tensor([3.0, 4.0])
    found = gradient_penalty(lambda x: x @ slope, torch.rand(5, 2), torch.rand(5, 2))
    assert float(found) == pytest.approx((5 - 1) ** 2)


def test_the_critic_takes_its_steps_before_the_generator_moves(tmp_path: Path) -> None:
    def trained(steps: int) -> WGANGP:
        torch.manual_seed(0)
        model = WGANGP(DIGITS, network="perceptrons", hidden=8, latent=3, critic_steps=5)
        data = Batch(torch.rand(16, *DIGITS.shape, generator=Generator().manual_seed(0)))
        train(model, Splits(data, data), Budget(steps, 4), Job("test", 0, tmp_path / "c.pt", "f"))
        return model

    def weights(model: WGANGP, player: str) -> Tensor:
        return nn.utils.parameters_to_vector(getattr(model, player).parameters())

    one, four, five = trained(1), trained(4), trained(5)
    assert not torch.equal(weights(one, "critic"), weights(four, "critic"))
    assert torch.equal(weights(one, "generator"), weights(four, "generator"))
    assert not torch.equal(weights(four, "generator"), weights(five, "generator"))


def test_a_rhythm_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="critic_steps: got 0"):
        WGANGP(DIGITS, critic_steps=0)


@torch.no_grad()
def test_cgan_draws_what_it_is_asked_for(tmp_path: Path) -> None:
    """Two classes, dark and bright: after a short training each label brings its own."""
    space = Space("image", (1, 2, 2), 17, 2)
    labels = torch.arange(64) % 2
    shade = 0.2 + 0.6 * labels + 0.05 * torch.randn(64, generator=Generator().manual_seed(0))
    data = Batch(shade.clamp(0, 1)[:, None, None, None].expand(-1, 1, 2, 2).contiguous(), labels)
    torch.manual_seed(0)
    model = CGAN(space, latent=4, z_units=16, y_units=16, hidden=32, units=16, joint_units=16, lr=2e-3)
    with torch.enable_grad():
        train(model, Splits(data, data), Budget(200, 32), Job("test", 0, tmp_path / "c.pt", "f"))
    asked = torch.arange(200) % 2
    drawn = model.eval().sample(200, asked, rng=Generator().manual_seed(0)).flatten(1).mean(1) > 0.5
    assert float((drawn == asked.bool()).float().mean()) > 0.95
    free = model.sample(200, rng=Generator().manual_seed(0)).flatten(1).mean(1) > 0.5
    assert 0.35 < float(free.float().mean()) < 0.65


def test_cgan_refuses_data_and_requests_without_labels() -> None:
    with pytest.raises(ValueError, match="classes=0"):
        CGAN(Space("image", (1, 8, 8), 17))
    model = CGAN(DIGITS, hidden=8, units=4, y_units=8)
    for labels in (torch.tensor([1]), torch.tensor([3, 10]), torch.tensor([-1, 0])):
        with pytest.raises(ValueError, match="expected 2 labels from 0 to 9"):
            model.sample(2, labels, rng=Generator().manual_seed(0))
    with pytest.raises(ValueError, match="a label for each element"):
        model.generator_loss(Batch(torch.rand(2, 1, 8, 8)))
