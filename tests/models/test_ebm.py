"""Langevin dynamics against stationary laws that are known, chains that are state, and the density in the plane."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from killed import killed_at
from test_models import elements, tiny
from torch import Generator, Tensor

from genbench.capabilities import Likelihood, capability
from genbench.core import Space, Splits
from genbench.nn import langevin
from genbench.nn.energy_distances import pair_distances
from genbench.nn.langevin import ReplayBuffer, langevin_chain, reflected, restarted
from genbench.storage.files import InputError
from genbench.storage.weights import weights_bytes
from genbench.training.loop import Budget, Job, train

PLANE = [Space("points", (2,), 0)]


def variance_on_a_parabola(step: float, temperature: float, curvature: float) -> float:
    chain = langevin_chain(
        lambda x: 0.5 * curvature * x.square().sum(1),
        torch.zeros(20_000, 2),
        step=step,
        temperature=temperature,
        rng=Generator().manual_seed(0),
        fold=lambda x: x,
    )
    return float(next(islice(chain, 40, None)).var())


def law_of_the_parabola() -> None:
    """On E = ½kx² the variance is T/k · 1/(1 − ηk/2)."""
    for step, temperature, curvature in ((0.2, 1.0, 1.0), (0.05, 0.3, 8.0)):
        expected = temperature / curvature / (1 - step * curvature / 2)
        found = variance_on_a_parabola(step, temperature, curvature)
        assert found == pytest.approx(expected, rel=0.03), f"variance {found:.4g} for {expected:.4g}"


def test_langevin_dynamics_has_the_variance_that_its_temperature_says() -> None:
    law_of_the_parabola()


def test_noise_without_its_root_of_two_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langevin, "noise_scale", lambda step, temperature: (step * temperature) ** 0.5)
    with pytest.raises(AssertionError, match="variance"):
        law_of_the_parabola()
    with pytest.raises(AssertionError, match="total variation"):
        law_of_the_plane()


def test_reflection_keeps_what_is_inside_and_folds_the_rest() -> None:
    x = torch.tensor([0.2, -0.3, 1.25, 2.4, -1.1])
    assert torch.allclose(reflected(x), torch.tensor([0.2, 0.3, 0.75, 0.4, 0.9]), atol=1e-6)


def wells(x: Tensor) -> Tensor:
    """Two wells of unequal depth, with a hill between them that no chain climbs."""
    depths = torch.stack([2000 * (x - centre).square().sum(1) for centre in (0.25, 0.75)])
    return -torch.logsumexp(-depths + torch.tensor([[0.0], [1.0]]), 0)


def test_restarts_move_chains_between_modes_by_their_weights() -> None:
    """e : 1, from chains that all stand in the smaller one, which Langevin dynamics alone never leaves."""
    rng = Generator().manual_seed(0)
    x = torch.full((4000, 2), 0.25)
    for step in langevin_chain(wells, x, step=5e-5, temperature=1.0, rng=rng):
        assert bool((step < 0.5).all())
        break
    x = restarted(wells, x, times=1500, temperature=1.0, rng=rng)
    share = float((x[:, 0] > 0.5).float().mean())
    e = 2.718281828
    assert share == pytest.approx(e / (1 + e), abs=0.03)


class Bowl(torch.nn.Module):
    """E of the model in the plane: a Gaussian off the middle, cut by the border."""

    def forward(self, x: Tensor) -> Tensor:
        return (4 * (x - 0.8).square()).sum(1, keepdim=True)


def in_the_plane() -> Any:
    model: Any = tiny("energy/ebm", PLANE, step=2e-3, chain=20, sampling=10, temperature=0.5)
    model.network = Bowl()
    model.normalise(Splits(elements(model.space, 4), elements(model.space, 4)))
    return model


@torch.no_grad()
def law_of_the_plane() -> None:
    """The density integrates to one, and samples fall into each of 64 squares as often as it says."""
    model = in_the_plane()
    middles = (torch.arange(160) + 0.5) / 160
    p = (model.log_prob(torch.cartesian_prod(middles, middles)).double().exp() / 160**2).reshape(8, 20, 8, 20)
    assert float(p.sum()) == pytest.approx(1, abs=1e-4)
    x = model.sample(4000, rng=Generator().manual_seed(0))
    place = (x * 8).long().clamp(max=7)
    seen = torch.bincount(place[:, 0] * 8 + place[:, 1], minlength=64) / len(x)
    distance = 0.5 * float((seen - p.sum((1, 3)).flatten()).abs().sum())
    assert distance < 0.06, f"total variation {distance:.3f}"


def test_samples_follow_the_density_that_is_summed_on_the_grid() -> None:
    law_of_the_plane()


def test_a_likelihood_is_claimed_in_the_plane_alone() -> None:
    assert capability(tiny("energy/ebm", PLANE), Likelihood) is not None
    for space in (Space("points", (3,), 0), Space("image", (1, 8, 8), 17)):
        assert capability(tiny("energy/ebm", [space]), Likelihood) is None


@torch.no_grad()
def test_a_jump_takes_the_noise_off_again() -> None:
    """All data at one place: smoothed, −log p(y) is a parabola, and E[x|y] is that place whatever y."""
    model: Any = tiny("energy/ebm", [Space("image", (1, 8, 8), 17)], smoothing=0.1)
    place = 0.3
    middle, deviation = (place + model.smoothing.margin) / model.smoothing.span, 0.1 / model.smoothing.span
    model.energy = lambda y: ((y - middle) / deviation).square().flatten(1).sum(1) / 2
    y = model.smoothing.blur(torch.full((500, 1, 8, 8), place))
    assert float(y.std()) == pytest.approx(deviation, rel=0.05)
    assert torch.allclose(model.jumped(y), torch.tensor(place), atol=1e-4)


def test_what_cannot_move_is_refused() -> None:
    with pytest.raises(InputError, match="values that can move"):
        tiny("energy/ebm", [Space("table", (3,), 2)])


def test_a_buffer_goes_on_with_its_chains_and_starts_some_again() -> None:
    torch.manual_seed(0)
    buffer = ReplayBuffer(1000, (2,), fresh=0.1)
    before = buffer.kept.clone()
    places, x = buffer.draw(500)
    anew = (x != before[places]).any(1)
    assert 0.05 < float(anew.float().mean()) < 0.16
    assert len(places.unique()) == 500
    buffer.put(places, x + 2)
    assert torch.equal(buffer.kept[places], x + 2)
    rest = torch.ones(1000, dtype=torch.bool)
    rest[places] = False
    assert torch.equal(buffer.kept[rest], before[rest])


def test_the_distance_of_pairs_is_zero_for_one_distribution_and_known_for_two() -> None:
    rng = Generator().manual_seed(0)
    a, b = torch.randn(20_000, 1, generator=rng), torch.randn(20_000, 1, generator=rng)
    same = pair_distances(a, b)
    assert abs(float(same.mean())) < 4 * float(same.std()) / 100
    # Far apart: 2|μ| − 2 · 2/√π.
    assert float(pair_distances(a, b + 10).mean()) == pytest.approx(20 - 4 / torch.pi**0.5, abs=0.1)


def test_chains_are_state_and_a_resumed_training_ends_with_the_same_bytes(tmp_path: Path) -> None:
    def fit() -> bytes:
        model = tiny("energy/ebm", PLANE)
        splits = Splits(elements(model.space, 40), elements(model.space, 30, seed=1))
        train(model, splits, Budget(12, 16, 0.9), Job("test", 3, tmp_path / "c.pt", "f"))
        return weights_bytes(model, {})

    expected = fit()
    with killed_at(7):
        fit()
    torch.manual_seed(99)
    assert fit() == expected
