"""The loop: resuming, averaging, phases, rhythms and what is said of bad losses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from killed import killed_at
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.storage.files import InputError, npz_bytes, read_npz
from genbench.storage.weights import load_state, weights_bytes
from genbench.training import batches, checkpoint
from genbench.training.loop import Budget, CurvePoint, Job, train

SPACE = Space("image", (1, 4, 4), 2, 0)
DATA = Batch(torch.rand(50, 1, 4, 4, generator=Generator().manual_seed(0)).round())
SPLITS = Splits(DATA, DATA)


class Awkward(GenerativeModel):
    """A closed-form fit, then two players of different rhythm, then one with a fade and a fit after it."""

    def __init__(self) -> None:
        super().__init__(SPACE)
        self.register_buffer("kept", torch.zeros(0, *SPACE.shape))
        self.register_buffer("fade", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(()))
        self.one = nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.5), nn.Linear(16, 16))
        self.two = nn.Linear(16, 16)
        self.calls: list[str] = []

    def keep(self, splits: Splits) -> None:
        self.kept = splits.train.x[:5].clone()

    def average(self, splits: Splits) -> None:
        self.mean.copy_(self.one[0].weight.detach().mean())

    def set_fade(self, progress: float) -> None:
        self.fade.fill_(progress)

    def first(self, batch: Batch) -> Tensor:
        self.calls.append("one")
        return (self.one(batch.x.flatten(1)) + torch.randn(16) - 0.3).square().mean()

    def second(self, batch: Batch) -> Tensor:
        self.calls.append("two")
        return (self.two(self.one(batch.x.flatten(1))) * (1 + self.fade)).square().mean()

    def phases(self) -> list[Phase]:
        adam: Callable[..., Any] = lambda p: torch.optim.Adam(p, 1e-2)  # noqa: E731
        one = Objective("one", list(self.one.parameters()), self.first, adam)
        two = Objective(
            "two", list(self.two.parameters()), self.second, adam, every=3, schedule=lambda t: 1 - t
        )
        return [
            Phase("keep", fit=self.keep),
            Phase("game", (one, two), share=2.0),
            Phase("fade", (two._replace(every=1),), progress=self.set_fade),
            Phase("mean", fit=self.average),
        ]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return torch.rand(n, *SPACE.shape, generator=rng)

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        torch.rand(3)  # what it draws from the training's own random state must not be missed there
        return {"x": self.sample(2, rng=rng), "fade": self.fade + self.one[0].weight.mean()}


def job(folder: Path, fingerprint: str = "f") -> Job:
    return Job("test", 7, folder / "run.pt", fingerprint)


def fit(
    folder: Path, budget: Budget, fingerprint: str = "f", model: type[Awkward] = Awkward
) -> tuple[bytes, list[CurvePoint], bytes]:
    torch.manual_seed(0)
    built = model()
    record = train(built, SPLITS, budget, job(folder, fingerprint))
    return weights_bytes(built, {}), record.curve, npz_bytes(record.watcher.arrays(SPACE))


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("stop", [1, 9, 19, 20, 29])
def test_killed_and_resumed_gives_the_same_bits(tmp_path: Path, stop: int, ema: float) -> None:
    budget = Budget(30, 8, ema)
    expected = fit(tmp_path, budget)
    with killed_at(stop):
        fit(tmp_path, budget)
    assert (tmp_path / "run.pt").exists()
    torch.manual_seed(99)  # the random state of another process
    assert fit(tmp_path, budget) == expected


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_not_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = fit(tmp_path, Budget(30, 8), "mine")
    monkeypatch.setattr(checkpoint, "SECONDS", -1.0)
    fit(tmp_path, Budget(30, 8), "another")
    assert (tmp_path / "run.pt").exists()
    assert fit(tmp_path, Budget(30, 8), "mine") == expected
    assert "resuming" not in capsys.readouterr().err
    (tmp_path / "run.pt").write_bytes((tmp_path / "run.pt").read_bytes()[:500])
    assert fit(tmp_path, Budget(30, 8), "mine") == expected
    assert "damaged checkpoint" in capsys.readouterr().err
    content = bytearray((tmp_path / "run.pt").read_bytes())
    content[len(content) // 2] ^= 1  # one bit of a tensor, which torch.load does not notice
    (tmp_path / "run.pt").write_bytes(content)
    assert fit(tmp_path, Budget(30, 8), "mine") == expected
    assert "damaged checkpoint" in capsys.readouterr().err


def test_phases_take_their_share_and_players_their_rhythm(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Awkward()
    curve = train(model, SPLITS, Budget(30, 8), job(tmp_path)).curve
    assert model.calls.count("one") == 20
    assert model.calls.count("two") == 20 // 3 + 10
    assert [point.step for point in curve if point.phase == "fade"] == list(range(21, 31))
    assert float(model.fade) == pytest.approx(0.9)
    assert len(model.kept) == 5
    assert float(model.mean) == float(model.one[0].weight.detach().mean())


def test_watching_shows_evenly_spaced_moments_and_changes_nothing(tmp_path: Path) -> None:
    class Unwatched(Awkward):
        watch = None  # type: ignore[assignment]

    weights, curve, frames = fit(tmp_path, Budget(30, 8))
    assert (weights, curve) == fit(tmp_path, Budget(30, 8), model=Unwatched)[:2]
    (tmp_path / "frames.npz").write_bytes(frames)
    found = read_npz(tmp_path / "frames.npz", what="the frames")
    assert found["step"].tolist() == [0, 4, 9, 13, 17, 21, 26, 30]
    assert found["x"].dtype == np.uint8
    assert found["x"].shape == (8, 2, *SPACE.shape)
    assert (found["x"] == found["x"][0]).all(), "the noise is the same every time"
    assert len(set(found["fade"].tolist())) == 8, "the model is not"


def test_batches_are_permutations_laid_end_to_end() -> None:
    part = Batch(torch.arange(10.0), torch.arange(10))
    data = Splits(part, part)
    seen = torch.cat([batches.batch_of_step(data, step, 4, seed=1).x for step in range(5)])
    assert sorted(seen[:10].tolist()) == sorted(seen[10:].tolist()) == list(range(10))
    assert not torch.equal(seen[:10], seen[10:])
    batch = batches.batch_of_step(data, 2, 25, seed=1)
    assert torch.equal(batch.x.long(), batch.label)
    assert len(batch.x) == 25


def test_the_average_is_the_exponential_one(tmp_path: Path) -> None:
    class Line(Awkward):
        def phases(self) -> list[Phase]:
            sgd: Callable[..., Any] = lambda p: torch.optim.SGD(p, 1.0)  # noqa: E731
            return [Phase("go", (Objective("go", [self.two.bias], lambda batch: -self.two.bias.sum(), sgd),))]

    model = Line()
    with torch.no_grad():
        model.two.bias.zero_()
    train(model, SPLITS, Budget(50, 4, ema=0.5), job(tmp_path))
    average = 0.0
    for step in range(50):  # the bias after step t is t + 1
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * (step + 1)
    assert torch.allclose(model.two.bias, torch.full((16,), average))


def test_a_loss_that_is_not_finite_is_named(tmp_path: Path) -> None:
    class Bad(Awkward):
        def first(self, batch: Batch) -> Tensor:
            return super().first(batch) * float("nan")

    with pytest.raises(InputError, match=r"runs\.test: the loss of objective 'one' is nan at step 1"):
        train(Bad(), SPLITS, Budget(30, 8), job(tmp_path))


def test_a_model_that_needs_steps_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"runs\.test\.steps: missing"):
        train(Awkward(), SPLITS, Budget(0, 8), job(tmp_path))


def test_weights_of_another_shape_or_with_other_names_are_refused() -> None:
    model = Awkward()
    state = dict(model.state_dict())
    with pytest.raises(InputError, match=r"'two\.bias' has shape \(3,\); expected \(16,\)"):
        load_state(model, state | {"two.bias": torch.zeros(3)})
    with pytest.raises(InputError, match="'extra'"):
        load_state(model, state | {"extra": torch.zeros(3)})


def test_plain_lines_come_without_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(tmp_path, Budget(30, 8))
    lines = capsys.readouterr().err.splitlines()
    assert any("step 20/20" in line and "one=" in line and "images/s" in line for line in lines)
    assert all("\r" not in line for line in lines)
