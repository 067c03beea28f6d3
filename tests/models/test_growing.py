"""Progressive GAN: what fades in, and that a training killed halfway through a fade-in loses nothing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from killed import killed_at
from torch import Generator, Tensor

from genbench.core import Batch, Space, Splits
from genbench.models.adversarial.progressive import Progressive
from genbench.nn.init import Equalised
from genbench.nn.norms import MinibatchDeviation, PixelNorm
from genbench.storage.weights import weights_bytes
from genbench.training import checkpoint
from genbench.training.loop import Budget, Job, Record, train

SPACE = Space("image", (1, 16, 16), 17)
DATA = Batch(torch.rand(24, *SPACE.shape, generator=Generator().manual_seed(0)))


def small() -> Progressive:
    torch.manual_seed(0)
    return Progressive(SPACE, latent=5, width=2, widest=4, lr=1e-2)


def test_phases_grow_by_doubling_to_the_whole_side() -> None:
    phases = small().phases()
    assert [phase.name for phase in phases] == ["4×4", "fade-in 8×8", "8×8", "fade-in 16×16", "16×16"]
    only = Progressive(Space("image", (3, 4, 4), 17), latent=5, width=2)
    assert [phase.name for phase in only.phases()] == ["4×4"]
    assert only.sample(2, rng=Generator()).shape == (2, 3, 4, 4)


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 8, 16), (1, 2, 2), (1, 12, 12)], ids=str)
def test_sides_that_do_not_double_from_four_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape=.*; expected a square of side 4, 8, 16"):
        Progressive(Space("image", shape, 17))


@torch.no_grad()
def test_a_fade_in_leads_from_the_old_players_to_the_new_ones() -> None:
    model = small()
    z, x = model.prior(6, rng=Generator().manual_seed(0)), 2 * DATA.x - 1
    old, new = (model.generator(z, stage, None) for stage in (1, 2))
    larger = old.repeat_interleave(2, 2).repeat_interleave(2, 3)
    for alpha in (0.0, 0.3, 1.0):
        faded = model.generator(z, 2, torch.tensor(alpha))
        assert torch.allclose(faded, (1 - alpha) * larger + alpha * new, atol=1e-6)
    pooled = torch.nn.functional.avg_pool2d(x, 2)
    starts, ends = (model.critic(x, 2, torch.tensor(alpha)) for alpha in (0.0, 1.0))
    assert torch.allclose(starts, model.critic(pooled, 1, None), atol=1e-5)
    assert torch.allclose(ends, model.critic(x, 2, None), atol=1e-5)
    assert not torch.allclose(starts, ends, atol=1e-3)
    seen = model.real(DATA.x, 2, torch.tensor(0.0))
    assert torch.allclose(seen, pooled.repeat_interleave(2, 2).repeat_interleave(2, 3))


class Seen:
    """What the phases have set before each step: (stage, α)."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.places: list[tuple[int, float]] = []
        original = Progressive.grow

        def noted(model: Progressive, progress: float, **place: Any) -> None:
            original(model, progress, **place)
            self.places.append((int(model.stage), round(float(model.alpha), 4)))

        patch.setattr(Progressive, "grow", noted)


SPLITS, BUDGET = Splits(DATA, DATA), Budget(15, 4, ema=0.9)  # three steps a phase
FADE = [0.0, 0.3333, 0.6667, 1.0, 1.0, 1.0]
PLACES = [(0, 1.0)] * 3 + [(stage, alpha) for stage in (1, 2) for alpha in FADE]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Progressive, Record]:
    """Trained without a break."""
    model = small()
    with pytest.MonkeyPatch.context() as patch:
        seen = Seen(patch)
        record = train(model, SPLITS, BUDGET, Job("test", 3, tmp_path_factory.mktemp("w") / "c.pt", "f"))
    assert seen.places == PLACES
    return model, record


@pytest.mark.parametrize("stop", [4, 7, 11], ids=["first fade-in", "between fade-ins", "second fade-in"])
def test_killed_halfway_through_a_fade_in_and_resumed_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: tuple[Progressive, Record], stop: int
) -> None:
    model, record = whole
    job = Job("test", 3, tmp_path / "c.pt", "f")
    with killed_at(stop):
        train(small(), SPLITS, BUDGET, job)
    saved = checkpoint.load(job.checkpoint, job.fingerprint)
    assert saved is not None
    for weights in (saved["model"], saved["average"]):  # as the last step before the kill left them
        assert (int(weights["stage"]), round(float(weights["alpha"]), 4)) == PLACES[stop - 1]
    seen, resumed = Seen(monkeypatch), small()
    torch.manual_seed(99)  # the random state of another process
    again = train(resumed, SPLITS, BUDGET, job)
    assert seen.places == PLACES[stop:]
    assert again.curve == record.curve
    for name, values in record.watcher.arrays(SPACE).items():
        assert (values == again.watcher.arrays(SPACE)[name]).all(), name
    assert weights_bytes(resumed, {}) == weights_bytes(model, {})
    assert (int(resumed.stage), float(resumed.alpha)) == (2, 1.0)


@torch.no_grad()
def test_on_its_way_it_shows_images_as_coarse_as_it_has_grown() -> None:
    model = small()
    for stage, block in ((0, 4), (1, 2)):
        model.grow(0.5, stage=stage, fading=False)
        x = model.watch(rng=Generator().manual_seed(0))["x"]
        assert x.shape == (16, *SPACE.shape)
        tiles = x.unflatten(3, (-1, block)).unflatten(2, (-1, block))
        assert torch.equal(tiles, tiles[:, :, :, :1, :, :1].expand_as(tiles))
    model.grow(0.5, stage=1, fading=True)
    assert float(model.alpha) == 0.5
    assert not torch.equal(model.watch(rng=Generator().manual_seed(0))["x"], x)


@torch.no_grad()
def test_layers_are_scaled_by_their_fan_in() -> None:
    torch.manual_seed(0)
    for layer, x in (
        (Equalised(torch.nn.Linear(300, 400), gain=1.0), torch.randn(200, 300)),
        (Equalised(torch.nn.Conv2d(40, 50, 3), gain=1.0), torch.randn(20, 40, 8, 8)),
    ):
        assert float(layer.layer.weight.std()) == pytest.approx(1, abs=0.05)
        assert float(layer(x).std()) == pytest.approx(1, abs=0.05)


def test_pixel_norm_and_minibatch_deviation() -> None:
    x = 3 * torch.randn(6, 8, 4, 4, generator=Generator().manual_seed(0))
    assert torch.allclose(PixelNorm()(x).square().mean(1), torch.ones(6, 4, 4), atol=1e-5)

    def last(x: Tensor) -> Tensor:
        more = MinibatchDeviation()(x)
        assert torch.equal(more[:, :-1], x)
        return more[:, -1]

    assert torch.allclose(last(x), x.std(0, unbiased=False).mean().expand(6, 4, 4), atol=1e-5)
    assert float(last(x[:1].expand(6, -1, -1, -1)).max()) < 1e-3
