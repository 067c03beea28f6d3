"""Questions to models of faces: fakes that plant a known answer, read by readers that know the truth."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from genbench.core import space_of
from genbench.data import prepared as data
from genbench.data.parts.faces import DAY, NIGHT, Factors, render
from genbench.data.sources import face_domains
from genbench.data.sources.faces import FACTORS, in_levels, sample_factors
from genbench.extractors.readers import DOMAIN, Readers, Reading
from genbench.kinds.image import people, styles, translation, truncation
from genbench.params.schema import Dataset

LEVELS, N = 256, 60
OWN = ("head_width", "hair", "hair_colour", "skin")
SEEN = (*OWN, "glasses", "smile", "pose", "background", DOMAIN)


class Oracle:
    """Stands for trained readers: it looks a picture up among those it was told of."""

    readable = SEEN

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[Factors, int]] = {}

    def told(self, x: np.ndarray, factors: Factors, domain: int) -> np.ndarray:
        for image, *row in zip(x, *factors, strict=True):
            self.known[image.tobytes()] = Factors(*row), domain
        return x

    def __call__(self, levels: np.ndarray) -> dict[str, Reading]:
        found = [self.known[image.tobytes()] for image in levels]
        readings = {}
        for name in SEEN:
            values = np.array(
                [domain if name == DOMAIN else getattr(row, name) for row, domain in found], float
            )
            if name == DOMAIN or isinstance(FACTORS[name][0], str):
                readings[name] = Reading(values, np.eye(8)[values.astype(int)])
            else:
                low, high = FACTORS[name]
                readings[name] = Reading(values, span=float(high) - float(low))  # type: ignore[arg-type]
        return readings


class World:
    """A dataset of two domains, and a pencil whose every picture the oracle knows."""

    def __init__(self, domains: str, folder: Path) -> None:
        path = folder / f"{domains}.safetensors"
        options = {
            "domains": domains,
            "size": 16,
            "train": 200,
            "held_out": N,
            "identities": 20,
            "label": "glasses",
        }
        path.write_bytes(data.prepare(domains, Dataset(source="face_domains", **options)))  # type: ignore[arg-type]
        self.data, self.oracle = data.load(path), Oracle()
        self.scene = NIGHT if domains == "day_night" else DAY
        part = self.data.held_out
        assert part.factors is not None and part.source is not None and part.source_factors is not None
        self.targets, self.sources = Factors(*part.factors.T), Factors(*part.source_factors.T)
        self.oracle.told(part.x, self.targets, 1)
        self.oracle.told(part.source, self.sources, 0)

    @property
    def readers(self) -> Readers:
        return self.oracle  # type: ignore[return-value]

    def draw(self, factors: Factors, domain: int = 1) -> np.ndarray:
        x = in_levels(render(factors, size=16, scene=self.scene if domain else DAY), LEVELS)
        return self.oracle.told(x, factors, domain)

    def shown(self, factors: Factors, domain: int = 1) -> Tensor:
        return space_of(self.data.card).to_unit(torch.tensor(self.draw(factors, domain)))


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    folder = tmp_path_factory.mktemp("worlds")
    yield {name: World(name, folder) for name in ("day_night", "two_people", "same_person")}


def rng() -> Generator:
    return Generator().manual_seed(0)


class Twins:
    """Pairs of one person, of two, or of one who never moves."""

    def __init__(self, world: World, *, one_person: bool = True, still: bool = False) -> None:
        self.world, self.one_person, self.still = world, one_person, still

    def pairs(self, n: int, *, rng: Generator) -> tuple[Tensor, Tensor]:
        first, second = (
            sample_factors(n, seed=seed, identities=range(50, 90), fixed=("hair", "hair_colour", "skin"))
            for seed in (1, 2)
        )
        own = face_domains.TRAITS.keys() | {"identity", "hair", "hair_colour", "skin"}
        if self.one_person:
            second = second._replace(**{name: getattr(first, name) for name in own})
        if self.still:
            second = second._replace(pose=first.pose)
        return self.world.shown(first), self.world.shown(second)


def test_pairs_of_one_person_are_verified_and_pairs_of_two_are_not(worlds: dict[str, World]) -> None:
    world = worlds["same_person"]
    assert people.own_factors(world.data, world.readers) == ("head_width", "skin", "hair", "hair_colour")
    for one_person, still in ((True, False), (False, False), (True, True)):
        model = Twins(world, one_person=one_person, still=still)
        found = people.answers(world.data, model, world.readers, rng=rng(), seed=0).measures
        auc = {title: found[title].estimate for title in found if "AUC" in title}
        assert auc["verification AUC, real pairs"].value > 0.99
        assert auc["verification AUC, identity drawn anew"].value == pytest.approx(0.5, abs=0.1)
        value = auc["verification AUC"].value
        assert value > 0.98 if one_person else value == pytest.approx(0.5, abs=0.1)
        moved = found["pose between pairs, share of real"].estimate
        assert moved.value == 0 if still else moved.low < 1 < moved.high
        assert found["smile between pairs, share of real"].estimate.value > 0.6
        assert not any(name in title for name in OWN for title in found)


class Mixer:
    """Codes are factors; from layer 1 on the hair's colour is the second's, from 0 on the rest too."""

    crossovers = (0, 1, 2)

    def __init__(self, world: World, *, copies: bool = False) -> None:
        self.world, self.copies = world, copies

    def prior(self, n: int, *, rng: Generator) -> Tensor:
        drawn = sample_factors(n, seed=int(torch.randint(2**20, (1,), generator=rng)))
        return torch.tensor(np.stack(drawn, axis=1))

    def decode(self, z: Tensor) -> Tensor:
        return self.world.shown(Factors(*z.numpy().T))

    def mix(self, a: Tensor, b: Tensor, crossover: int, *, rng: Generator) -> Tensor:
        mixed = b.clone() if crossover == 0 else a.clone()
        if crossover == 1:
            colour = Factors._fields.index("hair_colour")
            mixed[:, colour] = b[:, colour]
        return self.decode(a if self.copies else mixed)


def test_factors_follow_the_code_whose_layers_decide_them(worlds: dict[str, World]) -> None:
    world = worlds["same_person"]
    found = styles.answers(world.data, Mixer(world), world.readers, rng=rng())
    (table,) = found.tables
    assert list(table.at) == [0, 1, 2]
    for name in SEEN[:-1]:
        values = [each.value for each in table.columns[name]]
        assert values == [0, 0 if name == "hair_colour" else 1, 1], name
    means = [found.measures[f"follows A, crossover {k}"].estimate.value for k in (0, 1, 2)]
    assert means[0] == 0 and 0.75 < means[1] < 0.95 and means[2] == 1
    copies = styles.answers(world.data, Mixer(world, copies=True), world.readers, rng=rng())
    assert {each.value for column in copies.tables[0].columns.values() for each in column} == {1}


class Truncated:
    """Features about the origin, nearer to it the tighter the truncation, or as if it did nothing."""

    truncations = (2.0, 1.0, 0.5)

    def __init__(self, *, heeded: bool) -> None:
        self.heeded = heeded

    def truncated(
        self, n: int, truncation: float, condition: Tensor | None = None, *, rng: Generator
    ) -> Tensor:
        assert condition is not None and len(condition) == n
        z = torch.randn(n, 3 * 16 * 16, generator=rng)
        return (0.5 + 0.1 * z * (truncation if self.heeded else 1.5)).clamp(0, 1).reshape(n, 3, 16, 16)


class Pixels:
    """Stands for a classifier: the features are a few pixels."""

    class Found:
        features: np.ndarray

    def __call__(self, levels: np.ndarray) -> Any:
        found = self.Found()
        found.features = levels.reshape(len(levels), -1)[:, :4].astype(float)
        return found


def spread_out(prepared: data.Prepared) -> data.Prepared:
    """The same with held-out images from a normal."""
    wide = np.clip(np.random.default_rng(0).normal(127, 25, prepared.held_out.x.shape), 0, 255)
    return prepared._replace(held_out=prepared.held_out._replace(x=wide.astype(np.uint8)))


def test_truncation_trades_recall_for_precision_unless_it_does_nothing(worlds: dict[str, World]) -> None:
    prepared = spread_out(worlds["same_person"].data)

    def asked(heeded: bool) -> Any:
        model = Truncated(heeded=heeded)
        real = Pixels()(prepared.held_out.x).features
        return truncation.answers(prepared, model, Pixels(), real, labelled=True, rng=rng(), seed=0)  # type: ignore[arg-type]

    found = asked(heeded=True)
    assert found.measures["τ of precision with tighter truncation"].estimate.value == 1
    assert found.measures["τ of recall with tighter truncation"].estimate.value == -1
    (table,) = found.tables
    assert len(table.columns["FID (classifier)"]) == len(table.at) == 3
    nothing = asked(heeded=False).measures["τ of recall with tighter truncation"].estimate
    assert nothing.low < 0 < nothing.high


def test_a_point_of_the_curve_is_the_mean_over_draws(
    worlds: dict[str, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, model, source = spread_out(worlds["same_person"].data), Truncated(heeded=True), rng()

    def asked() -> dict[str, list[float]]:
        real = Pixels()(prepared.held_out.x).features
        found = truncation.answers(prepared, model, Pixels(), real, labelled=True, rng=source, seed=0)  # type: ignore[arg-type]
        return {name: [each.value for each in column] for name, column in found.tables[0].columns.items()}

    monkeypatch.setattr(model, "truncations", (1.0, 1.0))
    monkeypatch.setattr(truncation, "DRAWS", 1)
    alone = [asked() for _ in range(3)]
    monkeypatch.setattr(truncation, "DRAWS", 3)
    source.manual_seed(rng().initial_seed())
    for name, values in asked().items():
        expected = np.reshape([each[name] for each in alone], (2, 3)).mean(1)
        assert values == pytest.approx(expected), name
        assert values[0] != alone[0][name][0], name


def test_order_is_counted_pair_by_pair() -> None:
    assert truncation.tau(np.array([[1.0, 2, 3], [3, 2, 1], [1, 3, 2], [1, 1, 1]])).tolist() == pytest.approx(
        [1, -1, 1 / 3, 0]
    )


class Back:
    """Gives its source back with the pose turned round in every so many-th picture."""

    def __init__(self, world: World, mirrors: int) -> None:
        self.world, self.mirrors = world, mirrors

    def reconstructed(self, source: Tensor) -> Tensor:
        every = np.arange(N) % self.mirrors == 0
        pose = np.where(every, -self.world.sources.pose, self.world.sources.pose)
        return self.world.shown(self.world.sources._replace(pose=pose), 0)


def test_a_translation_that_keeps_all_but_the_smile_is_found_out(worlds: dict[str, World]) -> None:
    world = worlds["day_night"]
    made = world.sources._replace(smile=np.random.default_rng(0).permutation(world.sources.smile))
    samples = world.draw(made)
    found = translation.answers(world.data, samples, None, world.readers, rng=rng(), seed=0).measures
    assert found["read as the target's domain"].estimate.value == 1
    assert found["kept: smile"].estimate.high < 0.5
    for title in ("hair", "pose", "glasses", "background", "what belongs to the person"):
        assert found[f"kept: {title}"].estimate.value == pytest.approx(1), title
    assert not any("reconstruction" in title for title in found)


def test_a_source_given_back_as_it_is_is_no_translation(worlds: dict[str, World]) -> None:
    world = worlds["day_night"]
    assert world.data.held_out.source is not None
    found = translation.answers(
        world.data, world.data.held_out.source, None, world.readers, rng=rng(), seed=0
    )
    assert found.measures["read as the target's domain"].estimate.value == 0


def test_what_is_kept_of_two_people_is_held_against_the_reconstruction(worlds: dict[str, World]) -> None:
    world = worlds["two_people"]
    own = {name: np.resize(getattr(world.targets, name), N) for name in (*face_domains.TRAITS, *OWN)}
    samples = world.draw(world.sources._replace(**own))

    def kept_by(mirrors: int) -> Any:
        back = Back(world, mirrors)
        return translation.answers(world.data, samples, back, world.readers, rng=rng(), seed=0).measures

    found = kept_by(10)
    kept = {title.removeprefix("kept: ") for title in found if title.startswith("kept")}
    factors = {"glasses", "smile", "pose", "background"}
    assert kept == factors | {f"{name}, share of reconstruction" for name in factors}, "others do not vary"
    assert found["kept: smile, share of reconstruction"].estimate.value == pytest.approx(1)
    assert found["kept: pose"].estimate.value == pytest.approx(1)
    assert found["kept: pose, share of reconstruction"].estimate.value > 1.3, (
        "a tenth of the poses turned round"
    )
    found = kept_by(2)
    assert "kept: pose, share of reconstruction" not in found, "a share of less than nothing"
    assert "keep nothing: -" in found["kept: pose"].meaning
    assert "nothing" not in found["kept: smile"].meaning
