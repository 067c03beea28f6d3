"""Samples that a training keeps for the scores over training: how many, of which noise, and nothing else changes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from killed import killed_at
from test_training import SPACE, SPLITS, Awkward, job
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.training.following import LEAST, SAMPLES, affordable, passes
from genbench.training.loop import Budget, train

STEPS, BATCH = 40, 150


class Sampled(Awkward):
    """Its samples follow from its weights, from the noise and from the condition."""

    conditional = "label"

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        assert condition is not None
        assert len(condition) == n
        torch.rand(3)  # what it draws from the training's own random state must not be missed there
        level = 10 * self.one[0].weight.mean() + 0.01 * condition.view(-1, 1, 1, 1)
        return (torch.rand(n, *SPACE.shape, generator=rng) + level).clamp(0, 1)

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        return {"x": self.sample(2, torch.zeros(2), rng=rng)}


LABELLED = Splits(SPLITS.train._replace(label=torch.arange(50) % 10), SPLITS.held_out)


def followed(
    folder: Path, budget: Budget, model: type[Awkward] = Sampled, name: str = "f"
) -> dict[str, np.ndarray]:
    torch.manual_seed(0)
    return train(model(), LABELLED, budget, job(folder, name)).follower.arrays()


def test_moments_are_evenly_spaced_of_one_noise_and_of_the_raw_weights(tmp_path: Path) -> None:
    found = followed(tmp_path, Budget(STEPS, BATCH, followed=21))
    assert found["step"].tolist() == list(range(0, STEPS + 1, 2))
    assert found["x"].shape == (21, SAMPLES, *SPACE.shape)
    assert found["x"].dtype == np.uint8
    assert len({x.tobytes() for x in found["x"]}) > 10, "the model did not move"

    class Still(Sampled):
        def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
            return torch.rand(n, *SPACE.shape, generator=rng)

    still = followed(tmp_path, Budget(STEPS, BATCH, followed=21), Still)["x"]
    assert (still == still[0]).all(), "the noise is the same every time"


def test_the_weights_are_those_of_the_steps_and_not_their_average(tmp_path: Path) -> None:
    def last(ema: float) -> np.ndarray:
        torch.manual_seed(0)
        model, budget = Chain(1), Budget(STEPS, BATCH, ema, followed=21)
        return train(model, SPLITS, budget, job(tmp_path)).follower.arrays()["x"]

    assert (last(0.999) == last(0.0)).all()


@pytest.mark.parametrize("stop", [1, 25, 39])
def test_killed_and_resumed_keeps_the_same_moments(tmp_path: Path, stop: int) -> None:
    budget = Budget(STEPS, BATCH, followed=21)
    expected = followed(tmp_path, budget)
    with killed_at(stop):
        followed(tmp_path, budget)
    found = followed(tmp_path, budget)
    assert all((found[name] == expected[name]).all() for name in expected)


def test_following_changes_nothing_else(tmp_path: Path) -> None:
    def weights(followed: int) -> list[Tensor]:
        torch.manual_seed(0)
        model = Sampled()
        train(model, LABELLED, Budget(STEPS, BATCH, followed=followed), job(tmp_path))
        return list(model.state_dict().values())

    assert all(torch.equal(a, b) for a, b in zip(weights(0), weights(21), strict=True))


class Chain(GenerativeModel):
    """Runs its one network `length` times for a sample."""

    def __init__(self, length: int) -> None:
        super().__init__(SPACE)
        self.length, self.network = length, nn.Linear(16, 16)

    def phases(self) -> list[Phase]:
        loss = lambda batch: self.network(batch.x.flatten(1)).square().mean()  # noqa: E731
        return [Phase("go", (Objective("go", list(self.parameters()), loss, torch.optim.Adam),))]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        x = torch.rand(n, 16, generator=rng)
        for _ in range(self.length):
            x = self.network(x).sigmoid()
        return x.view(n, *SPACE.shape)


def test_passes_are_counted_and_costly_ones_leave_fewer_moments_or_none(tmp_path: Path) -> None:
    assert [passes(Chain(k), None, Generator()) for k in (1, 7, 100)] == [1, 7, 100]
    trained = 1500 * 64
    assert affordable(SPACE, 64, passes=1, trained=trained) == 64
    few = affordable(SPACE, 64, passes=6, trained=trained)
    assert LEAST <= few < 64
    assert affordable(SPACE, 64, passes=9, trained=trained) == 0
    assert affordable(SPACE, 64, passes=1, trained=30 * 8) == 0, "a short training spends its time on samples"
    assert affordable(Space("image", (3, 512, 512), 256), 64, passes=1, trained=10**9) == 0, (
        "too large to keep"
    )
    torch.manual_seed(0)
    record = train(Chain(50), SPLITS, Budget(STEPS, BATCH), job(tmp_path))
    assert record.follower.arrays() == {}


def test_a_model_that_samples_only_after_a_last_fit_is_not_asked_before(tmp_path: Path) -> None:
    class Late(Chain):
        def phases(self) -> list[Phase]:
            return [*super().phases(), Phase("prior", fit=self.fit)]

        def fit(self, splits: Splits) -> None:
            self.fitted = True

        def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
            assert self.fitted
            return super().sample(n, rng=rng)

    assert train(Late(1), SPLITS, Budget(STEPS, BATCH), job(tmp_path)).follower.arrays() == {}
    early = Batch(SPLITS.train.x)
    assert train(Chain(1), Splits(early, early), Budget(STEPS, BATCH), job(tmp_path, "g")).follower.arrays()
