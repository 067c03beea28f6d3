"""Points: what sources draw, what scores say of planted samples, what pictures show of a training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, Space, Splits, space_of
from genbench.data import prepared as data
from genbench.drawing.canvas import SAMPLES, SCORE, TARGET
from genbench.kinds.comparison import Subject
from genbench.kinds.points import mixture
from genbench.kinds.points.comparison import compare, excess_nll, gradient_cosines
from genbench.kinds.points.distance import DISTANCE
from genbench.kinds.points.drawing import DRAWING
from genbench.kinds.points.extractor import train as plain_extractor
from genbench.models.adversarial.dcgan import DCGAN
from genbench.models.adversarial.gan import GAN
from genbench.models.adversarial.wgan_gp import WGANGP
from genbench.models.flows.realnvp import RealNVP
from genbench.params.schema import Dataset
from genbench.report.frames import film
from genbench.scoring import metrics, resampling
from genbench.scoring.estimates import resamplings
from genbench.storage.files import InputError
from genbench.storage.weights import weights_bytes
from genbench.training.loop import Budget, Job, train

SOURCES = {"ring": 8, "grid": 25, "mixture_1d": 3}
RING: dict[str, Any] = {"source": "ring", "sigma": 0.02, "train": 400, "held_out": 200}


def prepared(folder: Path, **entry: Any) -> data.Prepared:
    path = folder / "points.safetensors"
    path.write_bytes(data.prepare("points", Dataset(**entry)))
    return data.load(path)


@pytest.mark.parametrize("source", SOURCES)
def test_a_mixture_lies_where_its_card_says(source: str, tmp_path: Path) -> None:
    ready = prepared(tmp_path, source=source, train=4000, held_out=1000)
    card, x, y = ready.card, ready.train.x, ready.train.y
    assert (len(x), len(ready.held_out.x), ready.classes, ready.levels) == (4000, 1000, SOURCES[source], 0)
    assert card["kind"] == "points"
    assert x.dtype == np.float32
    assert 0 <= x.min() < 0.3
    assert 0.7 < x.max() <= 1
    centres, sigma = np.array(card["centres"]), card["sigma"]
    shares = np.bincount(y) / len(y)
    error = np.sqrt(np.array(card["weights"]) / len(y))
    assert (np.abs(shares - card["weights"]) < 4 * error).all()
    for label, centre in enumerate(centres):
        own = x[y == label].astype(np.float64)
        assert np.abs(own.mean(0) - centre).max() < 5 * sigma / np.sqrt(len(own))
        assert own.std(0) == pytest.approx(sigma, rel=0.3)
    assert card["held_out_duplicates_of_train"] == 0


def test_the_scale_leads_back(tmp_path: Path) -> None:
    card = prepared(tmp_path, **RING).card
    radii = np.linalg.norm(card["scale"]["low"] + card["scale"]["span"] * np.array(card["centres"]), axis=1)
    assert radii == pytest.approx(np.ones(8))
    assert card["scale"]["span"] * card["sigma"] == pytest.approx(0.02)


def test_points_follow_the_seed_and_validation_drops_the_held_out_ones(tmp_path: Path) -> None:
    one, same, other = (prepared(tmp_path, **RING, seed=seed) for seed in (0, 0, 1))
    assert one.sha256 == same.sha256
    assert not np.isin(one.train.x[:, 0], other.train.x[:, 0]).any()
    tuning = prepared(tmp_path, **RING, validation=True)
    assert (len(tuning.train.x), len(tuning.held_out.x)) == (320, 80)
    assert not np.isin(tuning.held_out.x[:, 0], one.held_out.x[:, 0]).any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"source": "ring", "modes": 1}, "modes: got 1"),
        ({"source": "ring", "sigma": 0.0}, "sigma: got 0"),
        ({"source": "grid", "side": 1}, "side: got 1"),
        ({"source": "grid", "held_out": 0}, "held_out: got 0"),
        ({"source": "mixture_1d", "weights": [0.5, 0.5]}, "weights: got"),
        ({"source": "mixture_1d", "weights": [0.5, 0.5, 0.5]}, "weights: got"),
        ({"source": "mixture_1d", "centres": [1.0, 1.0, 2.0]}, "centres: got"),
    ],
)
def test_what_is_no_mixture_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        data.prepare("points", Dataset(**options))


def scored(ready: data.Prepared, samples: np.ndarray, folder: Path) -> dict[str, resampling.Scored]:
    weights, _ = plain_extractor(ready, None)  # type: ignore[arg-type]
    (folder / "plain.safetensors").write_bytes(weights)
    drawn = resampling.draws(len(ready.held_out.x), len(samples), real_seed=0, fake_seed=1)
    subject = Subject(samples.astype(np.float32))
    return compare(ready, subject, drawn, extractor=folder / "plain.safetensors", seed=0).scores


def test_scores_tell_dropped_modes_and_noise(tmp_path: Path) -> None:
    ready = prepared(tmp_path, **RING)
    rng = np.random.default_rng(0)
    three = ready.train.x[ready.train.y < 3]
    whole, dropped, noise = (
        scored(ready, x, tmp_path) for x in (ready.train.x[:200], three, rng.random((200, 2)))
    )
    value = {name: [s[name].estimate.value for s in (whole, dropped, noise)] for name in whole}
    assert value["modes_covered"][:2] == [8, 3]
    assert value["modes_covered"][2] <= 8
    assert value["mode_kl"][0] < 0.05
    assert value["mode_kl"][1] == pytest.approx(np.log(8 / 3), abs=0.05)
    assert min(value["mode_quality"][:2]) > 0.95
    assert value["mode_quality"][2] < 0.1
    assert value["coverage"][0] > 0.8
    assert 0.6 > value["coverage"][1] > value["coverage"][2]
    for name, found in dropped.items():
        assert len(found.replicates) == resampling.RESAMPLINGS
        if found.estimate.has_interval:
            assert found.replicates.mean() == pytest.approx(found.estimate.value, abs=0.2), name


def test_replicates_of_modes_are_the_scores_of_resampled_points() -> None:
    rng = np.random.default_rng(0)
    centres, x = rng.random((4, 2)), rng.random((30, 2))
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    draws = resamplings(30, 3, seed=0)
    found = metrics.mode_replicates(x, centres, 0.03, draws, weights=weights)
    for i, drawn in enumerate(draws.astype(int)):
        direct = metrics.mode_coverage(x.repeat(drawn, axis=0), centres, 0.03, weights=weights, bootstrap=2)
        assert found.quality[i] == pytest.approx(direct.quality.value)
        assert found.kl[i] + found.kl_rest[i] == pytest.approx(direct.kl.value)


def test_the_excess_is_zero_for_the_truth_and_the_divergence_for_another_density(tmp_path: Path) -> None:
    ready = prepared(tmp_path, source="mixture_1d", train=100, held_out=2000)

    class Uniform(nn.Module):
        exact = True

        def log_prob(self, x: Tensor) -> Tensor:
            return torch.zeros(len(x))

    class Truth(Uniform):
        def log_prob(self, x: Tensor) -> Tensor:
            return torch.from_numpy(mixture.mixture_log_density(x.double().numpy(), ready.card))

    places = np.linspace(0, 1, 20_001)
    density = mixture.true_density(places, ready.card)
    assert density.mean() == pytest.approx(1, abs=1e-3)
    logs = mixture.mixture_log_density(places[:, None], ready.card)
    assert np.exp(logs) == pytest.approx(density)
    divergence = float((density * logs).mean())  # from the uniform density
    drawn = resampling.draws(2000, 2000, real_seed=0, fake_seed=1)
    for model, expected in ((Truth(), 0.0), (Uniform(), divergence)):
        excess = excess_nll(DISTANCE.vectors(ready.held_out.x, ready.card), ready, model, drawn)
        assert excess.estimate.value == pytest.approx(expected, abs=0.05)


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> tuple[RealNVP, data.Prepared]:
    folder = tmp_path_factory.mktemp("flow")
    ready = prepared(folder, **(RING | {"sigma": 0.1, "train": 2000}))
    torch.manual_seed(0)
    model = RealNVP(space_of(ready.card), couplings=4, hidden=32, lr=5e-3)
    batch = Batch(torch.from_numpy(ready.train.x), None)
    train(model, Splits(batch, batch), Budget(150, 128), Job("test", 0, folder / "c.pt", "f"))
    return model.eval(), ready


@torch.no_grad()
def test_a_flow_of_the_plane_is_a_density_of_the_unit_square(flow: tuple[RealNVP, data.Prepared]) -> None:
    model, ready = flow
    side = 400
    middle = (torch.arange(side) + 0.5) / side
    lattice = torch.cartesian_prod(middle, middle)
    p = model.log_prob(lattice).double().exp()
    assert model.exact
    assert float(p.mean()) == pytest.approx(1, abs=0.01)
    assert float(model.log_prob(torch.from_numpy(ready.held_out.x)).mean()) > 0.7  # 0 for the uniform density
    # The mass that the density gives each ninth of the square is the share of samples that fall into it.
    samples = model.sample(20_000, rng=Generator().manual_seed(0))
    assert bool(((samples >= 0) & (samples <= 1)).all())

    def cell(x: Tensor) -> Tensor:
        ninths = (3 * x).long().clamp(0, 2)
        return 3 * ninths[:, 0] + ninths[:, 1]

    mass = torch.zeros(9, dtype=torch.float64).index_add(0, cell(lattice), p / len(p))
    shares = torch.bincount(cell(samples), minlength=9) / len(samples)
    assert torch.allclose(shares.double(), mass, atol=0.015)


@torch.no_grad()
def test_the_density_holds_for_points_on_the_border(flow: tuple[RealNVP, data.Prepared]) -> None:
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.3], [1.0, 1.0]])
    assert bool(torch.isfinite(flow[0].log_prob(corners)).all())


def gan(d: int) -> GAN:
    torch.manual_seed(0)
    return GAN(Space("points", (d,), 0), latent=2, hidden=8, units=4, pieces=2, dropout=0.0)


@pytest.mark.parametrize("kind", [GAN, WGANGP])
def test_watching_a_game_does_not_change_it(kind: Any, tmp_path: Path) -> None:
    space = Space("points", (1,), 0)
    batch = Batch(torch.rand(64, 1, generator=Generator().manual_seed(0)))
    options = {"units": 4, "pieces": 2} if kind is GAN else {}

    def trained(model: type[Any]) -> tuple[bytes, dict[str, np.ndarray]]:
        torch.manual_seed(0)
        built = model(space, latent=2, hidden=8, **options)
        job = Job("test", 0, tmp_path / "c.pt", "f")
        record = train(built, Splits(batch, batch), Budget(20, 16), job)
        return weights_bytes(built, {}), record.watcher.arrays(space)

    watched, frames = trained(kind)
    unwatched, none = trained(type("Unwatched", (kind,), {"watch": None}))
    assert watched == unwatched
    assert none == {}
    line = "score" if kind is GAN else "critic"
    assert frames["x"].shape == (8, 1000, 1)
    assert frames[line].shape == (8, 200)
    assert not np.array_equal(frames[line][0], frames[line][-1])


def test_d_is_seen_on_a_line_alone_and_pictures_by_the_ten() -> None:
    rng = Generator().manual_seed(0)
    seen = gan(1).watch(rng=rng)
    assert 0 < float(seen["score"].detach().min()) <= float(seen["score"].detach().max()) < 1
    assert set(gan(2).watch(rng=rng)) == {"x"}
    images = DCGAN(Space("image", (1, 8, 8), 17), latent=3, width=4).eval()
    assert images.watch(rng=rng)["x"].shape == (10, 1, 8, 8)


def colours(picture: np.ndarray) -> set[tuple[int, int, int]]:
    return {tuple(pixel) for pixel in np.unique(picture.reshape(-1, 3), axis=0).tolist()}


def moments(d: int, **more: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    steps = np.array([0, 3, 5, 9])
    return {"step": steps, "x": rng.uniform(0.3, 0.6, (4, 50, d)).astype(np.float32), **more}


@pytest.mark.parametrize("line", ["score", "critic"])
def test_the_line_shows_three_curves_over_a_training(line: str, tmp_path: Path) -> None:
    card = prepared(tmp_path, source="mixture_1d", train=100, held_out=50).card
    rising = np.linspace(0.1, 0.9, 200) * (5 if line == "critic" else 1)
    frames = moments(1, **{line: np.tile(rising, (4, 1)).astype(np.float32)})
    still, reel = film(frames, card)
    assert {TARGET, SAMPLES, SCORE} <= colours(still)
    without = film(moments(1), card)
    assert SCORE not in colours(without.still)
    assert reel.moments == 4


def test_the_plane_shows_samples_over_the_modes(tmp_path: Path) -> None:
    card = prepared(tmp_path, **RING).card
    frames = moments(2)
    still = film(frames, card).still
    assert {TARGET, SAMPLES} <= colours(still)
    moved = film(frames | {"x": frames["x"] + np.float32(0.2)}, card).still
    assert not np.array_equal(still, moved)
    assert SAMPLES not in colours(film(frames | {"x": frames["x"] + 5}, card).still[:-30])


def test_images_of_a_training_stand_in_rows() -> None:
    card = {"kind": "image", "levels": 17}
    x = np.random.default_rng(0).integers(0, 17, (4, 10, 1, 8, 8), dtype=np.uint8)
    still, reel = film({"step": np.arange(4), "x": x}, card)
    assert still.shape[1] > still.shape[0]
    assert (reel.moments, reel.columns, reel.width) == (4, 1, still.shape[1])


def test_a_grid_puts_a_sample_where_it_lies(tmp_path: Path) -> None:
    card = prepared(tmp_path, **RING).card
    canvas = DRAWING.grid(np.array([[0.25, 0.75]], np.float32), card)
    rows, columns = np.nonzero((canvas[:380] == SAMPLES).all(2))
    assert (columns.mean() + 0.5 - 4) / 372 == pytest.approx(0.25, abs=0.01)
    assert 1 - (rows.mean() + 0.5 - 4) / 372 == pytest.approx(0.75, abs=0.01)


def test_copies_are_marked_in_red(tmp_path: Path) -> None:
    for source in ("ring", "mixture_1d"):
        ready = prepared(tmp_path, source=source, train=100, held_out=50)
        near = ready.train.x[:3]
        picture = DRAWING.pairs(near, near, [False, True, False], ready.card)
        clean = DRAWING.pairs(near, near, [False] * 3, ready.card)
        red = [int((p[:-25] == (214, 39, 40)).all(2).sum()) for p in (picture, clean)]
        assert red[0] > 10
        assert red[1] == 0


def test_a_source_without_a_known_mixture_is_scored_and_drawn_all_the_same(tmp_path: Path) -> None:
    ready = prepared(tmp_path, **RING)
    plain = {key: ready.card[key] for key in ready.card if key not in ("centres", "sigma", "weights")}
    bare = ready._replace(card=plain)
    balls = {"precision", "recall", "density", "coverage", "clipped_density", "clipped_coverage"}
    assert set(scored(bare, ready.train.x[:200], tmp_path)) == balls
    assert DRAWING.grid(ready.train.x, plain).shape[2] == 3
    assert DRAWING.grid(ready.train.x[:, :1], plain).shape[2] == 3


def test_the_gradient_of_the_mixture_is_that_of_its_density(tmp_path: Path) -> None:
    card = prepared(tmp_path, **RING | {"sigma": 0.2}).card
    x, step = np.random.default_rng(0).uniform(0.2, 0.8, (40, 2)), 1e-6
    ends = [
        mixture.mixture_log_density(x + sign * step * axis, card) for axis in np.eye(2) for sign in (1, -1)
    ]
    numeric = np.stack([(ends[0] - ends[1]), (ends[2] - ends[3])], 1) / (2 * step)
    np.testing.assert_allclose(mixture.mixture_gradient(x, card), numeric, rtol=1e-4, atol=1e-3)
    wider = {**card, "sigma": float(np.hypot(card["sigma"], 0.1))}
    np.testing.assert_allclose(mixture.mixture_gradient(x, card, 0.1), mixture.mixture_gradient(x, wider))


class TrueField(nn.Module):
    """The mixture's own gradient, turned by an angle."""

    noises = (0.0, 0.05)

    def __init__(self, card: Any, angle: float = 0.0) -> None:
        super().__init__()
        self.card = card
        self.turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def log_density_gradient(self, x: Tensor, noise: float) -> Tensor:
        gradient = mixture.mixture_gradient(x.double().numpy(), self.card, noise)
        return torch.from_numpy(gradient).float() @ self.turn.float()


def test_a_score_field_is_held_against_the_true_one(tmp_path: Path) -> None:
    dataset = prepared(tmp_path, **RING)
    real = dataset.held_out.x.astype(np.float64)
    for angle in (0.0, 1.0):
        found = gradient_cosines(real, dataset.card, TrueField(dataset.card, angle), seed=0)
        assert list(found) == [f"cosine with the true score, noise {noise}" for noise in ("0", "0.05")]
        for measurement in found.values():
            assert measurement.estimate.n == len(real)
            assert measurement.estimate.value == pytest.approx(np.cos(angle), abs=1e-3)
