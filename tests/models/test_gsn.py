"""The chain of a generative stochastic network: its noise, its walkback, and what is measured of its mixing."""

from typing import Any

import pytest
import torch
from test_models import SPACES, elements, tiny
from torch import Generator
from torch.nn import functional as F

from genbench.nn import chains
from genbench.storage.files import InputError


@torch.no_grad()
def test_salt_and_pepper_replace_their_share_by_either_colour() -> None:
    gsn: Any = tiny("energy/gsn", corruption=0.4)
    x = torch.cat([torch.zeros(500, 64), torch.ones(500, 64)])
    changed = gsn.corrupted(x, Generator().manual_seed(0)) != x
    for half in (changed[:500], changed[500:]):
        assert float(half.float().mean()) == pytest.approx(0.2, abs=0.01)  # half of them by what they were


@pytest.mark.parametrize(("walkback", "own"), [(0, 0), (1, 1), (3, 3)])
def test_the_last_steps_of_a_training_chain_start_from_its_own_draws(
    monkeypatch: pytest.MonkeyPatch, walkback: int, own: int
) -> None:
    gsn: Any = tiny("energy/gsn", walkback=walkback, sweeps=4)
    batch = elements(gsn.space, 16)
    sweep, seen = gsn.sweep, []

    def watched(x: Any, upper: Any, rng: Any = None) -> Any:
        seen.append(x)
        return sweep(x, upper, rng)

    monkeypatch.setattr(gsn, "sweep", watched)
    gsn.loss(batch)
    different = [not torch.equal(x, batch.x.flatten(1)) for x in seen]
    assert different == [False] * (4 - own) + [True] * own


def test_every_step_is_asked_for_the_data_and_not_for_its_own_start() -> None:
    gsn: Any = tiny("energy/gsn", walkback=2, sweeps=3)
    batch = elements(gsn.space, 16)
    torch.manual_seed(0)
    found = float(gsn.loss(batch).detach())
    torch.manual_seed(0)
    x = seen = batch.x.flatten(1)
    upper, losses = torch.zeros(16, 12), []
    for _ in range(3):
        logits, upper = gsn.sweep(seen, upper)
        losses.append(float(F.binary_cross_entropy_with_logits(logits, x).detach()))
        seen = (torch.rand(logits.shape) < logits.sigmoid()).float()
    assert found == pytest.approx(sum(losses) / 3, rel=1e-5)


def test_mixing_is_counted_as_it_is() -> None:
    train, label = torch.eye(3), torch.tensor([0, 1, 2])
    stays = torch.tensor([0, 0, 0, 0, 0])
    moves = torch.tensor([0, 1, 1, 0, 2])
    states = torch.stack([train[stays], train[moves]], 1)  # (steps, chains, D)
    changes, visited = chains.class_changes(states, train, label)
    assert changes.tolist() == [0.0, 0.75]
    assert visited.tolist() == [1.0, 3.0]


def test_more_walkback_than_there_are_steps_is_refused() -> None:
    with pytest.raises(InputError, match="walkback=4"):
        tiny("energy/gsn", SPACES[1:2], sweeps=4, walkback=4)
