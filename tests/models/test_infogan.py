"""InfoGAN: codes that images tell, measured against classes that the training never saw."""

from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.core import Batch, Space, Splits
from genbench.models.adversarial.infogan import COLUMNS, CodePosterior, InfoGAN
from genbench.nn.matching import classes_of_groups
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (1, 8, 8), 17, 3)


def bars(n: int, seed: int) -> Batch:
    """Three unlike kinds of image, each of varying brightness: two bars across, two upright, and a full square."""
    rng = Generator().manual_seed(seed)
    labels = torch.randint(3, (n,), generator=rng)
    across, upright, square = (torch.zeros(8, 8) for _ in range(3))
    across[2:4], upright[:, 4:6], square[1:7, 1:7] = 1, 1, 1
    x = torch.stack([across, upright, square])[labels] * (0.6 + 0.4 * torch.rand(n, 1, 1, generator=rng))
    return Batch(x[:, None], labels)


def small(**options: float) -> InfoGAN:
    torch.manual_seed(0)
    given: dict[str, float] = {"lr": 1e-3, "generator_lr": 2e-3, **options}
    return InfoGAN(SPACE, noise=4, categories=3, continuous=1, width=8, hidden=16, **given)


def test_categories_become_classes_that_no_one_told_it(tmp_path: Path) -> None:
    model, splits = (
        small(dropout=0.2),
        Splits(bars(256, 0), bars(100, 1)),
    )  # so few images can be learnt by heart
    blind = Splits(*(Batch(part.x) for part in splits[:2]))
    train(model, blind, Budget(250, 32), Job("test", 0, tmp_path / "c.pt", "f"))
    found = model.eval().measure(splits, rng=Generator().manual_seed(0))
    assert float(found["category is class"].values.mean()) > 0.9
    assert found["category is class"].values.shape == (100,)
    assert 0.9 < float(found["information of the category"].values.mean()) < 1.0987  # log 3
    assert list(model.measure(blind, rng=Generator())) == ["information of the category"]
    shown = model.show(splits, rng=Generator().manual_seed(0))
    (picture,) = shown.values()
    assert picture.shape == (3, COLUMNS, *SPACE.shape)
    assert classes_of(model, picture[:, COLUMNS // 2]).tolist() == [0, 1, 2]


def classes_of(model: InfoGAN, x: Tensor) -> Tensor:
    return model.category_logits(x).argmax(1)


def test_pairs_are_one_to_one_and_chosen_on_the_training_data() -> None:
    group = torch.tensor([0, 0, 0, 1, 2, 2, 3])
    label = torch.tensor([2, 2, 1, 2, 0, 0, 1])
    assert classes_of_groups(group, label, 4, 3).tolist() == [2, -1, 0, 1]
    model = small().eval()
    category = torch.arange(90) % 3
    model.category_logits = lambda x: F.one_hot(x[:, 0, 0, 0].long(), 3).float()  # type: ignore[method-assign]
    x = category[:, None, None, None].float().expand(-1, *SPACE.shape)
    model.decode = lambda z: x[: len(z)]  # type: ignore[method-assign]
    train_part, held_out = Batch(x, (category + 1) % 3), Batch(x, (category + 2) % 3)
    for part, share in ((train_part, 1.0), (held_out, 0.0)):
        found = model.measure(Splits(train_part, part), rng=Generator())
        assert float(found["category is class"].values.mean()) == share


def test_the_bound_is_the_codes_log_likelihood() -> None:
    model = small(weight=2.0, continuous_weight=0.5)
    z = model.prior(5, rng=Generator().manual_seed(0))
    logits, mean, log_var = (torch.randn(5, k, generator=Generator().manual_seed(k)) for k in (3, 1, 2))
    log_var = log_var[:, :1]
    expected = -2 * (z[:, 4:7] * logits.log_softmax(1)).sum(1).mean()
    normal = torch.distributions.Normal(mean, (log_var / 2).exp())
    nll = -normal.log_prob(z[:, 7:]).sum(1).mean() - 0.5 * torch.log(torch.tensor(2 * torch.pi))
    assert torch.allclose(
        model.information_loss(z, CodePosterior(logits, mean, log_var)), expected + 0.5 * nll, atol=1e-5
    )


def test_codes_are_noise_one_category_and_numbers() -> None:
    z = small().prior(2000, rng=Generator().manual_seed(0))
    assert z.shape == (2000, 8)
    assert torch.equal(z[:, 4:7].sort(1).values, torch.tensor([0.0, 0.0, 1.0]).expand(2000, -1))
    assert torch.allclose(z[:, 4:7].mean(0), torch.full((3,), 1 / 3), atol=0.04)
    assert float(z[:, 7].abs().max()) <= 1
    assert float(z[:, 7].var()) == pytest.approx(1 / 3, abs=0.02)


def test_both_players_raise_the_bound_and_the_heads_share_their_body() -> None:
    model = small()
    discriminator, generator = model.phases()[0].objectives
    assert {id(p) for p in discriminator.parameters} == {id(p) for p in model.discriminator.parameters()}
    for objective in (discriminator, generator):
        slopes = []
        for weight in (0.0, 1.0):
            model.weight = weight
            model.zero_grad(set_to_none=True)
            torch.manual_seed(1)
            objective.loss(bars(32, 0)).backward(inputs=list(objective.parameters))
            slopes.append(torch.cat([p.grad.flatten() for p in objective.parameters if p.grad is not None]))
        assert float((slopes[0] - slopes[1]).abs().max()) > 1e-5


@pytest.mark.parametrize("shape", [(64,), (3,)])
def test_it_refuses_what_is_no_image(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected images"):
        InfoGAN(Space("points", shape, 0))
    with pytest.raises(ValueError, match="categories, continuous: got 1, 2"):
        InfoGAN(SPACE, categories=1)
