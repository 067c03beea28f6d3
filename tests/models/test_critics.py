"""Critics that do more than score: AC-GAN's reads classes, those of BEGAN and EBGAN reconstruct."""

from pathlib import Path
from typing import Any

import pytest
import test_models as laws
import torch
from killed import killed_at
from torch import Generator, Tensor

from genbench.core import Batch, Space, Splits
from genbench.models.adversarial.acgan import ACGAN
from genbench.models.adversarial.began import BEGAN
from genbench.models.adversarial.ebgan import EBGAN, pulling_away
from genbench.models.adversarial.game import Game
from genbench.models.adversarial.wgan import WGAN
from genbench.storage.weights import weights_bytes
from genbench.training.loop import Budget, Job, train

DIGITS = Space("image", (1, 8, 8), 17, 10)


@torch.no_grad()
def test_acgan_draws_what_it_is_asked_for(tmp_path: Path) -> None:
    """Two classes, dark and bright: after a short training each label brings its own, and its critic reads both."""
    space = Space("image", (1, 8, 8), 17, 2)
    labels = torch.arange(64) % 2
    noise = 0.05 * torch.randn(64, 1, 8, 8, generator=Generator().manual_seed(0))
    data = Batch((0.2 + 0.6 * labels[:, None, None, None] + noise).clamp(0, 1), labels)
    torch.manual_seed(0)
    model = ACGAN(space, latent=2, width=4, lr=1e-2)
    with torch.enable_grad():
        train(model, Splits(data, data), Budget(60, 16), Job("test", 0, tmp_path / "c.pt", "f"))
    asked = torch.arange(100) % 2
    bright = model.eval().sample(100, asked, rng=Generator().manual_seed(0)).flatten(1).mean(1) > 0.5
    assert float((bright == asked.bool()).float().mean()) > 0.9
    found = model.measure(Splits(data, data), rng=Generator().manual_seed(0))
    assert all(float(each.values.mean()) > 0.9 for each in found.values())


def test_acgan_refuses_data_without_labels() -> None:
    with pytest.raises(ValueError, match="classes=0"):
        ACGAN(Space("image", (1, 8, 8), 17))
    with pytest.raises(ValueError, match="a label for each element"):
        ACGAN(DIGITS, latent=2, width=2).generator_loss(Batch(torch.rand(2, 1, 8, 8)))


def began_after_one_step(
    k: float, errors: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> tuple[float, Any]:
    """k and the critic's loss where the errors of real and of generated elements are these."""
    model = BEGAN(DIGITS, latent=2, code=2, width=2, gamma=0.5, rate=0.1)
    model.k.fill_(k)
    given = iter(errors)
    monkeypatch.setattr(BEGAN, "error", lambda self, x: torch.full((len(x),), next(given)))
    loss = model.critic_loss(laws.elements(DIGITS, 4))
    return float(model.k), float(loss)


@pytest.mark.parametrize(
    ("k", "errors", "expected"),
    [(0.3, (0.8, 0.2), 0.32), (0.3, (0.2, 0.4), 0.27), (0.0, (0.1, 0.9), 0.0), (1.0, (0.9, 0.1), 1.0)],
)
def test_began_keeps_its_balance(
    k: float, errors: tuple[float, float], expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """k + 0.1 (0.5 L(x) − L(G(z))), kept in [0, 1]; the loss is that of the k before."""
    found, loss = began_after_one_step(k, errors, monkeypatch)
    assert found == pytest.approx(expected)
    assert loss == pytest.approx(errors[0] - k * errors[1])


def test_the_balance_of_began_is_saved_with_it() -> None:
    assert "k" in BEGAN(DIGITS, latent=2, code=2, width=2).state_dict()
    with pytest.raises(ValueError, match="gamma: got 0"):
        BEGAN(DIGITS, gamma=0.0)


def test_pulling_away_is_the_mean_squared_cosine_of_pairs() -> None:
    alike, apart = torch.tensor([[1.0, 2.0]]).repeat(4, 1), torch.eye(4)
    assert float(pulling_away(alike)) == pytest.approx(1)
    assert float(pulling_away(apart)) == pytest.approx(0, abs=1e-6)  # 1/3 if an element counted with itself
    codes = torch.randn(5, 3, generator=Generator().manual_seed(0))
    pairs = [
        torch.cosine_similarity(codes[i], codes[j], dim=0) ** 2 for i in range(5) for j in range(5) if i != j
    ]
    assert float(pulling_away(codes)) == pytest.approx(float(torch.stack(pairs).mean()))


def test_the_margin_ends_the_push_of_ebgan(monkeypatch: pytest.MonkeyPatch) -> None:
    def slopes(energies: Tensor) -> Tensor:
        model = EBGAN(DIGITS, latent=2, code=2, width=2, margin=1.0)
        given = iter((torch.zeros(2), energies))
        monkeypatch.setattr(EBGAN, "error", lambda self, x: next(given))
        (slope,) = torch.autograd.grad(model.critic_loss(laws.elements(DIGITS, 2)), energies)
        return slope

    assert slopes(torch.tensor([0.4, 1.6], requires_grad=True)).tolist() == [-0.5, 0.0]
    with pytest.raises(ValueError, match="margin: got 0"):
        EBGAN(DIGITS, margin=0.0)


@pytest.mark.parametrize("cls", [BEGAN, EBGAN])
@pytest.mark.parametrize("network", ["perceptrons", "convolutions"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 10), (2,)], ids=str)
def test_autoencoding_critics_take_elements_of_any_shape(
    cls: Any, network: str, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    space = Space("image", shape, 256) if len(shape) > 1 else Space("points", shape, 0)
    model = cls(space, network=network, latent=3, code=3, width=2, hidden=8)
    batch = Batch(torch.rand(6, *shape))
    for objective in model.phases()[0].objectives:
        assert bool(torch.isfinite(objective.loss(batch)))
    assert model.eval().sample(3, rng=Generator().manual_seed(0)).shape == (3, *shape)
    found = model.measure(Splits(batch, batch), rng=Generator().manual_seed(0))
    assert all(each.values.shape == (6,) for each in found.values())


STATEFUL: list[tuple[Any, dict[str, Any], Space]] = [
    (BEGAN, {"code": 2, "network": "perceptrons", "rate": 0.1}, DIGITS),  # k
    (WGAN, {"layers": 2, "warm_up": 0.25}, Space("points", (1,), 0)),  # clipped weights
    (
        Game,
        {"regulariser": "spectral_norm", "network": "perceptrons", "layers": 2},
        DIGITS,
    ),  # singular vectors
]


@pytest.mark.parametrize(("cls", "options", "space"), STATEFUL)
def test_killed_and_resumed_what_a_critic_keeps_is_the_same_to_the_byte(
    cls: Any, options: dict[str, Any], space: Space, tmp_path: Path
) -> None:
    data = Batch(torch.rand(20, *space.shape, generator=Generator().manual_seed(0)))

    def trained(name: str) -> bytes:
        torch.manual_seed(0)
        model = cls(space, latent=2, hidden=8, **options)
        train(model, Splits(data, data), Budget(12, 4), Job("test", 0, tmp_path / name, "f"))
        return weights_bytes(model, {})

    with killed_at(7):
        trained("killed.pt")
    assert trained("killed.pt") == trained("whole.pt")
