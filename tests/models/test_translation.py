"""What the laws of the zoo leave open about translation: domains, pairs, pools, known losses, refusals."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SMALL as PARAMS
from killed import killed_at
from test_data_sources import photographs, prepared, save
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Space, Splits, space_of
from genbench.data import prepared as data
from genbench.data.parts.transforms import TRANSFORMS, transformed
from genbench.data.source import Part, Source
from genbench.data.sources import translation
from genbench.models.translation.cyclegan import CycleGAN
from genbench.models.translation.pix2pix import Pix2Pix
from genbench.nn.image_pool import ImagePool
from genbench.nn.translation import PatchGAN, reflected
from genbench.nn.unet import noisy_dropout
from genbench.params import schema as params
from genbench.params.schema import Dataset
from genbench.storage.files import InputError
from genbench.storage.weights import weights_bytes
from genbench.training import checkpoint
from genbench.training.loop import Budget, Job, train

PAIRS = Space("image", (1, 8, 8), 17, 10, (1, 8, 8), True)
DOMAINS = PAIRS._replace(paired=False)
SMALL: dict[str, Any] = {"width": 4, "critic_width": 4}
BUILD = {
    "pix2pix": lambda space, **options: Pix2Pix(space, **SMALL | options),
    "cyclegan": lambda space, **options: CycleGAN(space, **SMALL | {"blocks": 1} | options),
}


def images(n: int, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.rand(n, *shape, generator=Generator().manual_seed(seed))


def batch(space: Space, n: int = 12) -> Batch:
    return Batch(images(n, space.shape), source=images(n, space.source, seed=1))


# The domains.


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
@pytest.mark.parametrize(("channels", "levels"), [(1, 17), (3, 256), (1, 2)])
def test_a_transform_gives_levels_of_the_same_images(name: str, channels: int, levels: int) -> None:
    x = np.random.default_rng(0).integers(0, levels, (5, channels, 8, 10), dtype=np.uint8)
    before = x.copy()
    made = transformed(name, x, levels)
    assert made.dtype == np.uint8
    assert made.shape in ((5, 1, 8, 10), x.shape)
    assert made.max() < levels
    assert np.array_equal(x, before)
    assert np.array_equal(made[2:3], transformed(name, x[2:3], levels)), "each image by itself"


def test_transforms_do_what_they_are_called_after() -> None:
    picture = np.zeros((1, 1, 7, 7), np.uint8)
    picture[..., 2:5, 3] = 16  # an upright stroke
    grown = np.zeros_like(picture)
    grown[..., 2:5, 2] = grown[..., 2:5, 4] = grown[..., 1, 3] = grown[..., 5, 3] = 16
    assert np.array_equal(transformed("outline", picture, 17), grown)
    assert np.array_equal(transformed("edges", picture, 17), picture)
    blurred = picture.copy()
    blurred[..., 2:5, 2] = blurred[..., 2:5, 4] = 4  # a wide stroke has the same course
    assert np.array_equal(transformed("edges", blurred, 17), picture)
    assert not transformed("edges", np.full_like(picture, 9), 17).any()
    assert np.array_equal(transformed("negative", transformed("negative", picture, 17), 17), picture)
    assert transformed("negative", picture, 17).sum() == 16 * 49 - picture.sum()
    white = np.full((1, 3, 8, 8), 255, np.uint8)
    red, green, blue = transformed("night", white, 256)[0, :, 0, 0]
    assert red < green < blue < 140
    assert transformed("night", white[:, :1], 256).max() < 140


def test_an_unknown_transform_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"transform: got 'edge'; expected one of edges, grey, negative"):
        translation.load(transform="edge")


def test_paired_sources_are_made_of_their_targets() -> None:
    made = translation.load(transform="edges", train=1000)
    assert made.paired
    assert made.train.x.shape == (1000, 1, 8, 8)
    for x, source in ((made.train.x, made.train.source), (made.held_out.x, made.held_out.source)):
        assert np.array_equal(source, transformed("edges", x, 17))
    assert np.array_equal(made.held_out.y, made.held_out.source_y)


def faults(made: Source) -> list[str]:
    """What makes two domains more than unpaired; needs a transform that can be undone: negative."""
    found = []
    parts = [
        (made.train.x, made.train.source, made.train.y, made.train.source_y),
        (made.held_out.x, made.held_out.source, made.held_out.y, made.held_out.source_y),
    ]
    targets = {image.tobytes() for x, *_ in parts for image in x}
    for x, source, y, source_y in parts:
        assert source is not None
        assert source_y is not None
        if any(image.tobytes() in targets for image in transformed("negative", source, made.levels)):
            found.append("shared")
        if len(x) != len(source):
            found.append("unequal")
        if (y == source_y).mean() > 0.2:  # ten classes alike: 0.1 by chance, with a deviation of .02
            found.append("aligned")
        if np.abs(np.bincount(y) - np.bincount(source_y)).max() > 2:
            found.append("classes")
    return found


def test_unpaired_domains_share_no_image_and_no_order() -> None:
    made = translation.load(transform="negative", paired=False, train=1000)
    assert not made.paired
    assert [len(made.train.x), len(made.held_out.x)] == [500, 398]
    assert faults(made) == []
    assert made.held_out.source is not None
    assert made.held_out.source_y is not None
    from sklearn.datasets import load_digits

    bundled = load_digits()
    label_of = {
        image.tobytes(): y for image, y in zip(bundled.data.astype(np.uint8), bundled.target, strict=True)
    }
    undone = transformed("negative", made.held_out.source, 17)
    assert [label_of[image.tobytes()] for image in undone] == made.held_out.source_y.tolist()
    again = translation.load(transform="negative", paired=False, train=1000)
    assert np.array_equal(again.train.source, made.train.source)
    other = translation.load(transform="negative", paired=False, train=1000, seed=1)
    assert not np.array_equal(other.train.source, made.train.source)


def test_faults_of_unpaired_domains_are_caught() -> None:
    """Planted: pairs, pairs in another order, classes in the same order, a target among the held-out sources."""
    paired = translation.load(transform="negative", train=1000)
    assert set(faults(paired)) == {"shared", "aligned"}
    assert paired.train.source is not None
    assert paired.train.source_y is not None
    order = np.random.default_rng(0).permutation(1000)
    shuffled = paired._replace(
        train=paired.train._replace(source=paired.train.source[order], source_y=paired.train.source_y[order])
    )
    assert "shared" in faults(shuffled)
    made = translation.load(transform="negative", paired=False, train=1000)
    assert made.train.source is not None
    assert made.train.source_y is not None
    by_class, sources_by_class = np.argsort(made.train.y), np.argsort(made.train.source_y)
    in_line = made._replace(
        train=Part(
            made.train.x[by_class],
            made.train.y[by_class],
            source=made.train.source[sources_by_class],
            source_y=made.train.source_y[sources_by_class],
        )
    )
    assert faults(in_line) == ["aligned"]
    leaked = made.train.source.copy()
    leaked[3] = transformed("negative", made.held_out.x[:1], 17)[0]
    assert faults(made._replace(train=made.train._replace(source=leaked))) == ["shared"]


def test_equal_images_stay_in_one_domain() -> None:
    x = np.random.default_rng(0).integers(0, 17, (30, 1, 4, 4), dtype=np.uint8)
    repeated, labels = np.repeat(x, 3, axis=0), np.tile(np.arange(2), 45)
    first, second = translation._disjoint("train", Part(repeated, labels), 0)
    assert len(first) == len(second) == 15
    assert len({repeated[i].tobytes() for i in (*first, *second)}) == 30
    with pytest.raises(InputError, match="held_out: got 19 different images; two domains expect at least 24"):
        translation._disjoint("held_out", Part(x[:19].repeat(2, 0), np.zeros(38, np.int64)), 0)


@pytest.mark.parametrize("paired", [True, False])
def test_a_prepared_translation_keeps_its_domains_and_hides_what_is_held_out(
    tmp_path: Path, paired: bool
) -> None:
    entry = {"source": "translation", "transform": "negative", "paired": paired}
    made = translation.load(transform="negative", paired=paired)
    path = tmp_path / "set.safetensors"
    path.write_bytes(data.prepare("set", Dataset(**entry)))
    final = data.load(path)
    assert space_of(final.card) == (PAIRS if paired else DOMAINS)
    assert np.array_equal(final.held_out.source, made.held_out.source)
    assert np.array_equal(final.asked_labels("source"), made.held_out.source_y)
    path.write_bytes(data.prepare("set", Dataset(**entry, validation=True)))
    tuning = data.load(path)
    assert final.train.source is not None
    assert tuning.held_out.source is not None
    seen = {image.tobytes() for image in final.train.source}
    assert {image.tobytes() for image in tuning.held_out.source} <= seen
    assert len(tuning.held_out.source) == len(tuning.held_out.source_y) == len(final.train.x) // 5
    if paired:
        assert np.array_equal(tuning.held_out.source, transformed("negative", tuning.held_out.x, 17))
    else:
        raw = data.load(path)
        found = faults(made._replace(train=raw.train, held_out=raw.held_out))
        assert not {"shared", "aligned", "unequal"} & set(found)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base": "ring"}, "base: 'ring' gives data of kind 'points'; expected images"),
        ({"threshold": 8, "transform": "night"}, "transform: night makes all pixels 0 of these 2 levels"),
        ({"train": 1790, "paired": False}, "held_out: got 7 different images"),
    ],
)
def test_impossible_domains_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        translation.load(**options)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("base: digit", "datasets.d.base: unknown source 'digit'; did you mean 'digits'?"),
        ("base: translation", "datasets.d.base: unknown source 'translation'"),
        ("base: [digits]", "datasets.d.base: unknown source ['digits']"),
        ("size: 16", "datasets.d.size: unknown key; expected one of base, paired, seed"),
        ("base: folder, root: x", "datasets.d.size: missing; this key is required"),
        ("base: folder, root: x, size: 8, held_out: many", "datasets.d.held_out: got 'many'"),
    ],
)
def test_an_option_that_the_base_does_not_take_is_named(tmp_path: Path, entry: str, said: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(PARAMS.replace("datasets:", f"datasets:\n  d: {{source: translation, {entry}}}", 1))
    with pytest.raises(InputError) as error:
        params.load(file)
    assert said in str(error.value)


def test_a_folder_is_a_base_with_all_its_options(tmp_path: Path) -> None:
    save(tmp_path / "mine/grey", photographs(60).mean(-1).astype(np.uint8))
    save(tmp_path / "mine/coloured", photographs(60, seed=1))
    options = f"base: folder, root: {tmp_path}/mine, size: 8, rgb: true, held_out: 0.3, licence: mine"
    file = tmp_path / "params.yaml"
    entry = f"d: {{source: translation, transform: negative, {options}}}"
    file.write_text(PARAMS.replace("datasets:", f"datasets:\n  {entry}", 1))
    made = prepared(tmp_path / "d.safetensors", **params.load(file).datasets["d"].model_dump())
    assert made.train.source is not None
    assert np.array_equal(made.train.source, 255 - made.train.x)
    assert made.card["licence"] == "mine"
    assert 20 < len(made.held_out.x) < 55


def test_day_and_night_of_faces() -> None:
    options: dict[str, Any] = {"train": 60, "held_out": 40, "size": 16, "identities": 9, "label": "glasses"}
    made = translation.load(base="faces", transform="night", paired=False, **options)
    assert made.train.x.shape == (30, 3, 16, 16)
    assert made.train.source is not None
    assert made.train.source.shape == (30, 3, 16, 16)
    assert made.train.source.mean() < 0.5 * made.train.x.mean()
    assert made.train.factors is not None
    assert np.array_equal(made.train.factors[:, list(made.factors or {}).index("glasses")], made.train.y)


# The networks.


@pytest.mark.parametrize(("layers", "patch"), [(0, 7), (1, 16), (2, 34), (3, 70)])
def test_a_patch_is_as_large_as_it_is_said_to_be(layers: int, patch: int) -> None:
    critic = PatchGAN(1, (256, 256), 2, layers, nn.Identity)
    for parameter in critic.parameters():
        nn.init.constant_(parameter, 0.1)
    x = torch.rand(1, 1, 256, 256, requires_grad=True)
    scores = critic(x)
    scores[0, scores.shape[1] // 2, scores.shape[2] // 2].backward()
    assert x.grad is not None
    assert int((x.grad[0, 0] != 0).any(1).sum()) == patch


def test_mirrored_borders_are_those_of_torch() -> None:
    x = images(2, (3, 6, 9))
    assert torch.equal(reflected(x, 3), F.pad(x, (3, 3, 3, 3), mode="reflect"))


def test_dropout_keeps_the_mean_and_follows_its_generator() -> None:
    h = torch.ones(100, 100)
    one, same, other = (noisy_dropout(h, 0.4, Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert float(one.mean()) == pytest.approx(1, abs=0.04)
    assert float((one == 0).float().mean()) == pytest.approx(0.4, abs=0.02)
    assert torch.equal(noisy_dropout(h, 0.0, None), h)


@pytest.mark.parametrize("name", BUILD)
@pytest.mark.parametrize(
    ("shape", "source"),
    [
        ((1, 8, 8), (1, 8, 8)),
        ((3, 16, 16), (1, 16, 16)),
        ((1, 28, 28), (3, 28, 28)),
        ((3, 32, 32), (3, 32, 32)),
        ((1, 8, 12), (1, 8, 12)),
    ],
)
def test_any_even_sides_and_channels_are_translated(
    name: str, shape: tuple[int, ...], source: tuple[int, ...]
) -> None:
    space = PAIRS._replace(shape=shape, source=source)
    torch.manual_seed(0)
    model = BUILD[name](space)
    given = batch(space, 4)
    for objective in model.phases()[0].objectives:
        assert bool(torch.isfinite(objective.loss(given)))
    with torch.no_grad():
        model.eval()
        rng = Generator().manual_seed(0)
        assert model.sample(4, given.source, rng=rng).shape == (4, *shape)
        shown = model.show(Splits(given, given), rng=rng)
        assert all(table.ndim == 5 and table.shape[2:] == shape for table in shown.values())
        for values, meaning, _ in model.measure(Splits(given, given), rng=rng).values():
            assert values.shape == (4,)
            assert meaning.endswith(".")


@pytest.mark.parametrize("name", BUILD)
def test_a_translation_of_an_image_does_not_depend_on_the_others(name: str) -> None:
    torch.manual_seed(0)
    model = BUILD[name](PAIRS, **({"dropout": 0.0} if name == "pix2pix" else {})).eval()
    source, rng = images(6, (1, 8, 8)), Generator().manual_seed(0)
    with torch.no_grad():
        together, alone = (model.sample(len(s), s, rng=rng) for s in (source, source[:1]))
    assert torch.allclose(together[:1], alone, atol=1e-6)


# The models.


def fit(model: GenerativeModel, folder: Path, steps: int, given: Batch, ema: float = 0.0) -> bytes:
    train(model, Splits(given, given), Budget(steps, 4, ema), Job("test", 3, folder / "c.pt", "f"))
    return weights_bytes(model, {})


@torch.no_grad()
def test_pix2pix_draws_its_noise_from_the_generator_alone() -> None:
    torch.manual_seed(0)
    model, source = Pix2Pix(PAIRS, **SMALL).eval(), images(6, (1, 8, 8))
    draws = []
    for outer, seed in ((1, 5), (2, 5), (1, 6)):
        torch.manual_seed(outer)
        draws.append(model.sample(6, source, rng=Generator().manual_seed(seed)))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    still = Pix2Pix(PAIRS, **SMALL, dropout=0.0).eval()
    one, other = (still.sample(6, source, rng=Generator().manual_seed(seed)) for seed in range(2))
    assert torch.equal(one, other)


@pytest.mark.parametrize("adversarial_weight", [0.0, 1.0])
def test_pix2pix_finds_the_rule_between_pairs(tmp_path: Path, adversarial_weight: float) -> None:
    """Targets are negatives of their sources; and pairs in a wrong order teach nothing."""
    source = images(64, (1, 8, 8))
    errors = []
    for x in (1 - source, 1 - source.flip(0)):
        torch.manual_seed(0)
        model = Pix2Pix(
            PAIRS,
            width=8,
            critic_width=4,
            layers=0,
            lr=5e-3,
            dropout=0.0,
            adversarial_weight=adversarial_weight,
        )
        fit(model, tmp_path, 80, Batch(x, source=source))
        new = images(20, (1, 8, 8), seed=9)
        with torch.no_grad():
            made = model.eval().sample(20, new, rng=Generator().manual_seed(0))
        errors.append(float((made - (1 - new)).abs().mean()))
    assert errors[0] < 0.15
    assert errors[1] > 0.2


def test_l1_alone_has_no_discriminator_and_is_the_l1_loss() -> None:
    torch.manual_seed(0)
    model = Pix2Pix(PAIRS, **SMALL, adversarial_weight=0.0, dropout=0.0, reconstruction=7.0)
    (phase,) = model.phases()
    assert [objective.name for objective in phase.objectives] == ["generator"]
    assert {id(p) for p in model.parameters()} == {id(p) for p in phase.objectives[0].parameters}
    assert not any(name.startswith("discriminator") for name in model.state_dict())
    given = batch(PAIRS)
    made = model.translate(2 * images(12, PAIRS.source, seed=1) - 1)
    expected = 7 * (made - (2 * given.x - 1)).abs().mean()
    assert float(model.generator_loss(given).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_the_discriminator_sees_the_source_beside_the_target() -> None:
    torch.manual_seed(0)
    model = Pix2Pix(PAIRS, **SMALL)
    source, x = images(4, (1, 8, 8)), images(4, (1, 8, 8), seed=1)
    assert not torch.allclose(model.score(source, x), model.score(source.flip(0), x))


class Map(nn.Module):
    """Stands for a generator: `rule` on [−1, 1], so that tanh of what it gives is what the rule gives."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return torch.atanh((self.factor * x).clamp(-1 + 1e-6, 1 - 1e-6))


@pytest.mark.parametrize(
    ("forth", "back", "cycle", "identity"),
    [(1, 1, 0, 0), (-1, -1, 0, 4), (1, -1, 4, 2), (0.5, 1, 1, 0.5)],
    ids=["unchanged", "negated twice", "negated once", "halved"],
)
def test_the_terms_of_the_cycle_loss_have_their_known_values(
    forth: float, back: float, cycle: float, identity: float
) -> None:
    """In multiples of the mean |value|, over source and target together."""
    torch.manual_seed(0)
    given, losses = batch(DOMAINS), {}
    size = float((2 * given.x - 1).abs().mean() + (2 * images(12, (1, 8, 8), seed=1) - 1).abs().mean()) / 2
    for weights in ((0.0, 0.0), (10.0, 0.0), (0.0, 5.0)):
        torch.manual_seed(0)
        model = CycleGAN(DOMAINS, **SMALL, blocks=1, cycle=weights[0], identity=weights[1])
        model.forth, model.back = Map(forth), Map(back)  # type: ignore[assignment]
        losses[weights] = float(model.generator_loss(given).detach())
    game = losses[0.0, 0.0]
    assert losses[10.0, 0.0] - game == pytest.approx(10 * cycle * size, rel=0.02, abs=1e-3)
    assert losses[0.0, 5.0] - game == pytest.approx(5 * identity * size, rel=0.02, abs=1e-3)
    measured = model.measure(Splits(given, given), rng=Generator())
    total = sum(float(each.values.mean()) for each in measured.values())
    assert total == pytest.approx(cycle * size / 2, rel=0.02, abs=1e-3)


def test_identity_is_asked_for_only_between_equal_shapes() -> None:
    assert CycleGAN(DOMAINS, **SMALL).identity == 5
    assert CycleGAN(DOMAINS._replace(source=(3, 8, 8)), **SMALL).identity == 0


def test_the_pool_fills_first_and_then_gives_half_of_its_images_back() -> None:
    torch.manual_seed(0)
    pool = ImagePool(50, (1,))
    first = torch.arange(50.0)[:, None]
    assert torch.equal(pool.exchange(first), first)
    before = set(first.flatten().tolist())
    shown_old = 0
    for start in range(50, 1050, 10):
        fresh = torch.arange(float(start), start + 10)[:, None]
        shown = pool.exchange(fresh)
        is_old = shown != fresh
        shown_old += int(is_old.sum())
        assert set(shown[is_old].tolist()) <= before | set(fresh.flatten().tolist())
        before = set(pool.kept.flatten().tolist())
        assert len(before) == 50
    assert 420 < shown_old < 580
    assert min(before) > 49, "no image stays for a thousand others"
    assert torch.equal(ImagePool(0, (1,)).exchange(first), first)


@pytest.mark.parametrize("stop", [1, 4])
def test_a_resumed_training_goes_on_with_the_same_pool(tmp_path: Path, stop: int) -> None:
    given = batch(DOMAINS)

    def fresh() -> CycleGAN:
        torch.manual_seed(0)
        return CycleGAN(DOMAINS, **SMALL, blocks=1, pool=5)

    expected = fit(fresh(), tmp_path, 6, given, ema=0.9)

    def interrupted() -> None:
        (tmp_path / "c.pt").unlink(missing_ok=True)
        with killed_at(stop):
            fit(fresh(), tmp_path, 6, given, ema=0.9)

    interrupted()
    assert fit(fresh(), tmp_path, 6, given, ema=0.9) == expected
    interrupted()
    saved = checkpoint._unpacked(checkpoint._verified((tmp_path / "c.pt").read_bytes()))
    saved["model"]["target_pool.kept"].zero_()  # planted: a pool that was lost
    packed = checkpoint._packed(saved)
    (tmp_path / "c.pt").write_bytes(hashlib.sha256(packed).digest() + packed)
    assert fit(fresh(), tmp_path, 6, given, ema=0.9) != expected


@pytest.mark.parametrize("name", BUILD)
@pytest.mark.parametrize(
    ("space", "said"),
    [
        (PAIRS._replace(source=()), "expected a translation dataset"),
        (PAIRS._replace(source=(1, 16, 16)), "expected equal sides"),
        (PAIRS._replace(shape=(1, 9, 9), source=(1, 9, 9)), "even and at least 8"),
        (PAIRS._replace(shape=(1, 4, 4), source=(1, 4, 4)), "even and at least 8"),
        (Space("points", (2,), 0), "expected a translation dataset"),
    ],
)
def test_data_that_cannot_be_translated_are_refused(name: str, space: Space, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        BUILD[name](space)


def test_pix2pix_refuses_domains_without_pairs() -> None:
    with pytest.raises(ValueError, match="paired=False: pix2pix learns from pairs"):
        Pix2Pix(DOMAINS)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("pix2pix", {"dropout": 1.0}, "dropout: got 1.0"),
        ("pix2pix", {"adversarial_weight": -1.0}, "none below 0"),
        ("pix2pix", {"adversarial_weight": 0.0, "reconstruction": 0.0}, "one above"),
        ("cyclegan", {"pool": -1}, "pool: got -1"),
        ("cyclegan", {"cycle": -1.0}, "cycle: got -1.0"),
    ],
)
def test_impossible_options_are_refused(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        BUILD[name](PAIRS, **options)


@pytest.mark.parametrize("name", BUILD)
def test_a_translation_needs_an_image_for_each_sample(name: str) -> None:
    model = BUILD[name](PAIRS)
    for condition in (None, torch.arange(3), images(2, (1, 8, 8)), images(3, (1, 8, 16))):
        with pytest.raises(ValueError, match=r"source: .*; expected the images to translate"):
            model.sample(3, condition, rng=Generator().manual_seed(0))
    with pytest.raises(ValueError, match="expected the images to translate"):
        model.phases()[0].objectives[0].loss(Batch(images(3, (1, 8, 8)), source=torch.arange(3)))
