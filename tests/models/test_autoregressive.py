"""FVSBN and NADE against their formulas, written as the papers write them; how each of the family is drawn from."""

import pytest
import torch
from test_models import elements, every_image
from torch import Generator, Tensor

from genbench.core import Space
from genbench.models.autoregressive.diagonal_bilstm import DiagonalBiLSTM
from genbench.models.autoregressive.fvsbn import FVSBN
from genbench.models.autoregressive.made import MADE
from genbench.models.autoregressive.nade import BLOCK, NADE, Conditionals
from genbench.models.autoregressive.pixelcnn import PixelCNN
from genbench.models.autoregressive.row_lstm import RowLSTM
from genbench.nn.autoregressive import Autoregressive

TINY_SPACES = [Space("image", (1, 2, 4), 2, 2), Space("image", (1, 2, 2), 4, 2)]
BINARY = Space("image", (1, 6, 7), 2, 10)  # D is no multiple of a block
WIDE = Space("image", (1, 9, 11), 2)  # wider than a small PixelCNN sees


def scatter(model: torch.nn.Module) -> None:
    """Weights of a size at which every term shows, double to compare closely."""
    rng = Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=rng))
    model.double()


def bernoulli(logit: Tensor, x: Tensor) -> Tensor:
    p = logit.sigmoid()
    return torch.where(x > 0.5, p, 1 - p).log()


@torch.no_grad()
def test_fvsbn_is_one_logistic_regression_a_pixel() -> None:
    model = FVSBN(BINARY)
    scatter(model)
    x = elements(BINARY, 5).x.double()
    flat, w, alpha = x.flatten(1), model.w[0], model.alpha[0]
    expected = torch.zeros(5, dtype=torch.float64)
    for i in range(BINARY.dimensions):
        expected += bernoulli(alpha[i] + flat[:, :i] @ w[i, :i], flat[:, i])
    assert torch.allclose(model.log_prob(x), expected)


@pytest.mark.parametrize("order_seed", [None, 3])
@torch.no_grad()
def test_nade_shares_its_weights_as_the_paper_says(order_seed: int | None) -> None:
    assert BINARY.dimensions % BLOCK and BINARY.dimensions > 2 * BLOCK
    model = NADE(BINARY, hidden=5, order_seed=order_seed)
    scatter(model)
    x = elements(BINARY, 5).x.double()
    v = x.flatten(1)[:, model.order]
    a, expected = model.c.expand(5, -1), torch.zeros(5, dtype=torch.float64)
    for i in range(BINARY.dimensions):
        expected += bernoulli(model.b[i, 0] + a.sigmoid() @ model.V[i, :, 0], v[:, i])
        a = a + v[:, i, None] * model.W[i]
    assert torch.allclose(model.log_prob(x), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_gradients_of_nade_are_those_of_its_formula(channels: int) -> None:
    d = 2 * BLOCK + 3
    rng = Generator().manual_seed(0)
    shapes = [(2, d), (3,), (d, 3), (d, 3, channels)]
    x, c, W, V = (torch.randn(shape, generator=rng, dtype=torch.double) for shape in shapes)
    assert torch.autograd.gradcheck(Conditionals.apply, [each.requires_grad_() for each in (x, c, W, V)])


@pytest.mark.parametrize("space", TINY_SPACES, ids=["binary", "four levels"])
@torch.no_grad()
def test_nade_in_a_random_order_is_a_distribution_that_it_samples_from(space: Space) -> None:
    model = NADE(space, hidden=6, order_seed=1)
    assert not torch.equal(model.order, torch.arange(space.dimensions))
    p = model.log_prob(every_image(space)).exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    n = 50_000
    drawn = space.to_levels(model.sample(n, rng=Generator().manual_seed(1))).flatten(1)
    place = space.levels ** torch.arange(space.dimensions - 1, -1, -1)
    frequencies = torch.bincount((drawn * place).sum(1), minlength=len(p)) / n
    assert float(0.5 * (frequencies - p).abs().sum()) < 0.03


@torch.no_grad()
def test_the_order_is_a_function_of_its_seed() -> None:
    one, same, other = (NADE(BINARY, hidden=2, order_seed=seed).order for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(one.sort().values, torch.arange(BINARY.dimensions))


@torch.no_grad()
def test_nade_completes_exactly_what_follows_in_its_order() -> None:
    """With the first pixels of the order kept, completions follow p(x | kept): all images of 8 bits are enumerated."""
    space = TINY_SPACES[0]
    model = NADE(space, hidden=6, order_seed=1)
    scatter(model)
    model.float()
    x = torch.ones(20_000, *space.shape)
    keep = torch.zeros(space.dimensions, dtype=torch.bool)
    keep[model.order[:4]] = True
    done = model.complete(x, keep.reshape(1, *space.shape), rng=Generator().manual_seed(0))
    everything = every_image(space)
    agrees = everything.flatten(1)[:, keep].eq(1).all(1)
    p = model.log_prob(everything).exp() * agrees
    place = 2 ** torch.arange(space.dimensions - 1, -1, -1)
    frequencies = torch.bincount((done.flatten(1).long() * place).sum(1), minlength=len(p)) / len(x)
    assert float(0.5 * (frequencies - p / p.sum()).abs().sum()) < 0.03


@pytest.mark.parametrize("kind", [FVSBN, NADE, MADE, PixelCNN, RowLSTM, DiagonalBiLSTM])
def test_values_without_levels_are_refused(kind: type[Autoregressive]) -> None:
    with pytest.raises(ValueError, match=r"levels=0: .* expected 2 or more"):
        kind(Space("points", (1, 1, 2), 0), lr=1e-3, weight_decay=0.0)


@pytest.mark.parametrize(
    "model",
    [
        FVSBN(WIDE),
        NADE(WIDE, hidden=5),
        MADE(WIDE, hidden=40),
        MADE(WIDE, hidden=40, layers=2),
        PixelCNN(WIDE, width=3, blocks=1),
        RowLSTM(WIDE, units=3, layers=2, kernel=5),
        DiagonalBiLSTM(WIDE, units=3, layers=2, kernel=3),
    ],
    ids=lambda model: type(model).__name__,
)
@torch.no_grad()
def test_every_pixel_is_drawn_from_the_conditional_that_the_likelihood_has(
    model: Autoregressive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sampling takes shorter ways than `logits`: by what is within reach, or by what became known; in parts, too."""
    scatter(model)
    model.float().eval()
    monkeypatch.setattr("genbench.models.autoregressive.pixelcnn.TOGETHER", 2)
    draw, seen = model.levels.sample, []

    def recorded(logits: Tensor, rng: Generator) -> Tensor:
        seen.append(logits)
        return draw(logits, rng)

    monkeypatch.setattr(model.levels, "sample", recorded)
    x = model.sample(3, rng=Generator().manual_seed(0))
    d = WIDE.dimensions
    drawn = torch.cat([torch.stack(seen[i : i + d], 1) for i in range(0, len(seen), d)])
    assert torch.allclose(drawn, model.logits(x).reshape(drawn.shape), atol=1e-3)
    assert float(drawn.std()) > 0.1
