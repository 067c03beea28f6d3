"""WGAN with clipped weights: what its critic says of the distance, which on a line is known."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator

from genbench.core import Batch, Space, Splits
from genbench.models.adversarial import wgan
from genbench.models.adversarial.wgan import WGAN
from genbench.training.loop import Budget, Job, train

LINE = Space("points", (1,), 0, 3)


def trained(tmp_path: Path, steps: int = 400, **options: Any) -> WGAN:
    torch.manual_seed(0)
    model = WGAN(LINE, latent=1, hidden=16, layers=2, lr=5e-3, clip=0.1, **options)
    data = Batch(0.8 + 0.05 * torch.randn(200, 1, generator=Generator().manual_seed(0)))
    train(model, Splits(data, data), Budget(steps, 32), Job("test", 0, tmp_path / "c.pt", "f"))
    return model.eval()


def test_a_critic_ranks_the_distances_of_generators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wgan, "CRITICS", 1)
    model = trained(tmp_path, steps=100, generator_lr=4e-4)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    part = Batch(0.8 + 0.05 * torch.randn(200, 1, generator=Generator().manual_seed(1)))
    found = model.measure(Splits(part, part), rng=Generator().manual_seed(0))
    assert found["−L_D ranks W₁"].values.shape == (wgan.CRITICS,)
    assert float(found["−L_D ranks W₁"].values.mean()) > 0.8
    assert 0.05 < float(found["weights at ±c"].values) <= 1
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items()), "it only looks"


def test_the_generator_waits_for_the_critic(tmp_path: Path) -> None:
    torch.manual_seed(0)
    untouched = WGAN(LINE, latent=1, hidden=16, layers=2).generator.state_dict()
    waiting = trained(tmp_path, steps=10, warm_up=0.5, critic_steps=20)  # five of the ten are the critic's
    assert all(torch.equal(value, untouched[key]) for key, value in waiting.generator.state_dict().items())
    with pytest.raises(ValueError, match="warm_up: got 1"):
        WGAN(LINE, warm_up=1.0)
