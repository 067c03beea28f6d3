"""The context autoencoder: it does not see the hole, and answers for nothing else."""

import pytest
import torch
from torch import Generator

from genbench.core import Batch, Space, Splits
from genbench.models.autoencoders.context import Context
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (1, 8, 8), 17, 2)


def rings(n: int, seed: int) -> Batch:
    """A border of one of two greys, with noise; the middle is bright where they are equal: no linear fill knows it."""
    rng = Generator().manual_seed(seed)
    halves = torch.randint(2, (n, 2), generator=rng).float()
    x = 0.3 + 0.4 * halves[:, None, None, :].repeat_interleave(4, 3).expand(n, 1, 8, 8)
    x = (x + 0.05 * torch.randn(n, 1, 8, 8, generator=rng)).clamp(0, 1)
    same = halves[:, 0] == halves[:, 1]
    x[:, :, 2:6, 2:6] = torch.where(same, 0.9, 0.1)[:, None, None, None]
    return Batch(x, same.long())


def small() -> Context:
    torch.manual_seed(0)
    return Context(SPACE, latent=12, width=8, components=3, lr=5e-3)


@torch.no_grad()
def test_the_fill_follows_from_the_border_alone() -> None:
    model, x = small().eval(), rings(6, 0).x
    other = x.clone()
    other[:, :, 2:6, 2:6] = torch.rand(6, 1, 4, 4)
    assert torch.equal(model.fill(x), model.fill(other))
    moved = x.clone()
    moved[:, :, 0, 0] = 1
    assert not torch.equal(model.fill(x), model.fill(moved))
    assert torch.equal(model.filled(x, model.fill(x))[:, ~model.mask], x[:, ~model.mask])


def test_the_loss_is_on_the_hole_alone() -> None:
    """With F's answer held fixed, neither player minds what the border is."""
    model, batch = small(), rings(6, 0)
    content = model.fill(batch.x).detach()
    model.fill = lambda x: content  # type: ignore[method-assign]
    x = batch.x.clone().requires_grad_()
    for loss in (model.generator_loss, model.discriminator_loss):
        (gradient,) = torch.autograd.grad(loss(Batch(x)), x)
        assert bool((gradient[:, ~model.mask] == 0).all())
        assert bool((gradient[:, model.mask] != 0).any())


def test_the_parts_of_the_loss_have_the_paper_s_weights() -> None:
    model, batch = small(), rings(6, 0)
    content = model.fill(batch.x)
    error = (content - batch.x[:, :, 2:6, 2:6]).square().mean()
    adversarial = -model.judge(content).sigmoid().log().mean()
    assert float(model.generator_loss(batch).detach()) == pytest.approx(
        0.999 * error.item() + 0.001 * adversarial.item(), rel=1e-5
    )


def test_it_fills_what_a_linear_fill_cannot(tmp_path_factory: pytest.TempPathFactory) -> None:
    splits, model = Splits(rings(200, 0), rings(60, 1)), small()
    train(model, splits, Budget(80, 32), Job("test", 0, tmp_path_factory.mktemp("c") / "c.pt", "f"))
    model.eval()
    found = {title: measure.values for title, measure in model.measure(splits, rng=Generator()).items()}
    own = found["error in the hole, network"]
    for name in ("mean", "ridge regression"):
        assert torch.allclose(found[f"below {name}"], found[f"error in the hole, {name}"] - own)
        assert float(own.mean()) < 0.3 * float(found[f"error in the hole, {name}"].mean())
    assert float(found["class kept, network"].mean()) > 0.95
    (picture,) = model.show(splits, rng=Generator()).values()
    assert picture.shape == (5, 12, *SPACE.shape)
    assert float(picture[1][:, model.mask].abs().max()) == 0


def test_what_has_no_middle_is_refused() -> None:
    with pytest.raises(ValueError, match="middle of an image"):
        Context(Space("points", (2,), 0))
    with pytest.raises(ValueError, match="adversarial"):
        Context(SPACE, adversarial=1.0)
