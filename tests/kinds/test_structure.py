"""Structure of samples, smoothness of walks and worth of codes: planted faults are seen, and what is right passes."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from torch import Generator, Tensor, nn

from genbench.data import prepared as data
from genbench.data.parts.faces import Factors, render
from genbench.data.pixels import spread
from genbench.data.sources.faces import in_levels, sample_factors
from genbench.extractors.classifier import Trained
from genbench.kinds.image import factors, representation, structure, walks
from genbench.kinds.image.parts import part_readers
from genbench.kinds.image.structure import Compared
from genbench.params.schema import Dataset
from genbench.scoring.disentanglement import disentanglement
from genbench.scoring.estimates import Estimate

LEVELS = 8
FID = [Estimate.alone(0.0)] * 3


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, data.Prepared]]:
    folder, found = tmp_path_factory.mktemp("structure"), {}
    entries = {
        "faces": Dataset(source="faces", size=16, train=700, held_out=160, levels=LEVELS, identities=200),  # type: ignore[call-arg]
        "counting": Dataset(source="counting", train=120, held_out=80),  # type: ignore[call-arg]
        "corridors": Dataset(source="corridors", train=120, held_out=80),  # type: ignore[call-arg]
    }
    for name, entry in entries.items():
        path = folder / f"{name}.safetensors"
        path.write_bytes(data.prepare(name, entry))
        found[name] = data.load(path)
    yield found


def shown(world: data.Prepared, samples: np.ndarray) -> Compared:
    held_out = world.held_out.x
    return Compared(*(spread(x, LEVELS) for x in (samples, held_out, structure.beside(held_out))))


def test_counts_of_what_is_real_and_of_halves_put_together(worlds: dict[str, data.Prepared]) -> None:
    world = worlds["counting"]
    for samples, right in ((world.train.x, True), (structure.beside(world.train.x), False)):
        found = structure.counting(shown(world, samples), world.card["counted"], FID)
        value = found.measures["4 objects"].estimate.value
        assert (value == 1.0) == right and (right or value < 0.85)
        (table,) = found.tables
        assert table.at == structure.ROWS
        histogram = [each for name, each in table.columns.items() if name.isdigit()]
        assert [sum(column[row].value for column in histogram) for row in range(3)] == pytest.approx(
            [1, 1, 1]
        )
        assert table.columns["right"][1].value == 1.0
        assert table.columns["right"][2].value < 0.85


def test_an_iris_of_another_colour_and_an_eye_too_few_are_seen(worlds: dict[str, data.Prepared]) -> None:
    world = worlds["faces"]
    real = world.train.x[:150]
    darker, blind = real.copy(), real.copy()
    right = darker[:, :, :, 8:]
    right[:] = np.where(right[:, 2:] > right[:, 1:2] + 1, right // 2, right)
    blind[:, :, :, 8:] = 0
    scores = {}
    for name, samples in {"real": real, "darker": darker, "blind": blind}.items():
        scores[name] = structure.counting(shown(world, samples), world.card["counted"], FID).measures
    assert scores["real"]["2 eyes"].estimate.value > 0.95
    assert scores["blind"]["2 eyes"].estimate.value < 0.2
    title = "eyes: difference of colours"
    assert scores["darker"][title].estimate.low > 1.5 * scores["real"][title].estimate.high


def test_edges_that_meet_and_edges_that_do_not(worlds: dict[str, data.Prepared]) -> None:
    world = worlds["corridors"]
    values = [
        structure.perspective(shown(world, samples), FID)
        .measures["edges from their vanishing point"]
        .estimate
        for samples in (world.train.x, structure.beside(world.train.x))
    ]
    assert values[0].high < 0.15 < 3 * values[0].high < values[1].low


def test_parts_of_one_face_agree_and_parts_of_two_do_not(worlds: dict[str, data.Prepared]) -> None:
    world = worlds["faces"]
    drawn = sample_factors(160, seed=5, identities=range(300, 460))
    lower = drawn._replace(
        **{name: np.roll(getattr(drawn, name), 2) for name in ("head_height", "skin", "pose")}
    )
    real = in_levels(render(drawn, size=16), LEVELS)
    torn = real.copy()
    torn[:, :, 12:] = in_levels(render(Factors(*lower), size=16), LEVELS)[:, :, 12:]
    found = {
        name: structure.parts(world, x, part_readers(world), seed=0)
        for name, x in {"real": real, "torn": torn}.items()
    }
    sides, below = "left agrees with right", "upper agrees with lowest part"
    for title in (sides, below):
        real_value = found["real"].measures[title].estimate
        (table,) = (each for each in found["real"].tables if title in each.title)
        floor, control = table.columns["mean"][1:]
        assert abs(real_value.value - floor.value) < 0.12
        assert control.value < floor.value - 0.25
        assert "head_height" in table.columns
    torn_table = next(each for each in found["torn"].tables if below in each.title)
    real_table = next(each for each in found["real"].tables if below in each.title)
    for name in ("head_height", "skin", "pose"):  # the relation of chin and mouth is the first
        assert torn_table.columns[name][0].high < 0.2 < real_table.columns[name][0].value
    assert found["torn"].measures[sides].estimate.value > 0.9 * found["real"].measures[sides].estimate.value
    assert found["torn"].measures[below].estimate.high < found["real"].measures[below].estimate.low


class Straight:
    """Decodes codes (n, 2) to grey images, evenly, or with one jump."""

    shape: ClassVar = (1, 16, 16)

    def __init__(self, *, jump: bool = False) -> None:
        self.jump = jump

    def prior(self, n: int, *, rng: Generator) -> Tensor:
        return torch.randn(n, 2, generator=rng)

    def decode(self, z: Tensor) -> Tensor:
        grey = (z[:, :1] > 0).float() * 0.8 + 0.1 if self.jump else 0.5 + 0.1 * z[:, :1].clamp(-4, 4)
        return grey[:, :, None, None].expand(-1, *self.shape)


class Looks(nn.Module):
    """Stands for a classifier: its features are the pixels."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.flatten(1), x.flatten(1)


def test_a_decoder_that_jumps_has_uneven_walks_and_long_paths(worlds: dict[str, data.Prepared]) -> None:
    world = worlds["counting"]
    extract = Trained({0: Looks()}, None, "")  # type: ignore[dict-item,arg-type]
    even, jumps = (
        walks.answers(world, Straight(jump=jump), extract, rng=Generator().manual_seed(0), seed=0).measures
        for jump in (False, True)
    )
    assert even["largest step of a walk"].estimate.high < 3
    assert jumps["largest step of a walk"].estimate.value > even["largest step of a walk"].estimate.high
    steady = walks.unevenness(lambda t: t[:, None] * np.ones((len(t), 3)))
    assert steady == pytest.approx(np.ones(walks.WALKS))
    once = walks.unevenness(lambda t: (t > 0.5)[:, None] * np.ones((len(t), 3)))
    assert once == pytest.approx(np.full(walks.WALKS, walks.STEPS))
    assert walks.unevenness(lambda t: np.zeros((len(t), 3))) == pytest.approx(np.ones(walks.WALKS))
    assert even["path length"].estimate.value < jumps["path length"].estimate.value


class Coding:
    """Codes by a fixed linear map of the pixels; or the pictures' labels themselves, told beforehand."""

    def __init__(self, known: dict[bytes, int] | None = None) -> None:
        self.known = known

    def codes(self, x: Tensor) -> Tensor:
        if self.known is None:
            return x.flatten(1)[:, :3] * 0 + torch.linspace(0, 1, len(x))[:, None]
        at = [self.known[(image * (LEVELS - 1)).round().numpy().astype(np.uint8).tobytes()] for image in x]
        return torch.eye(3)[torch.tensor(at)]


def test_codes_that_are_the_class_and_codes_that_know_nothing(worlds: dict[str, data.Prepared]) -> None:
    world = worlds["counting"]
    known = {
        image.tobytes(): int(label)
        for part in (world.train, world.held_out)
        for image, label in zip(part.x, part.y, strict=True)
    }
    found = representation.answers(
        world,
        Coding(known),
        Coding(),
        device=torch.device("cpu"),
        seed=2**63 - 1,
        known=representation.of_pixels(world),
    )
    (table,) = found.tables
    assert list(table.at) == ["codes", "random network", "PCA", "pixels"]
    for title in ("linear probe", "5-NN", "NMI", "ARI"):
        best, none = (column.value for column in table.columns[title][:2])
        assert best == pytest.approx(1.0)
        assert none < 0.6
        assert found.measures[f"codes: {title}"].estimate.value == best


def test_agreement_of_clusters_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(4, size=90), rng.integers(3, size=90)
    b[:40] = a[:40] % 3
    counts = np.zeros((4, 3))
    np.add.at(counts, (a, b), 1)
    assert representation.normalized_mutual_information(counts) == pytest.approx(
        normalized_mutual_info_score(a, b)
    )
    assert representation.adjusted_rand_index(counts) == pytest.approx(adjusted_rand_score(a, b))
    assert representation.normalized_mutual_information(np.array([[7.0]])) == 0


def test_a_table_of_disentanglement_has_a_row_for_everything_it_is_held_against() -> None:
    rng = np.random.default_rng(0)
    truth = {name: factors.Factor(rng.uniform(size=200), discrete=False) for name in ("a", "b")}
    good = np.stack([factor.values for factor in truth.values()], 1)
    true = disentanglement(good, list(truth.values()), seed=2**63 - 1)
    found = factors.told(true, {"codes": good @ [[1, 1], [1, -1]], "PCA": good}, truth, seed=2**63 - 1)
    (table,) = found.tables
    assert list(table.at) == ["true factors", "codes", "PCA"]
    assert found.measures["MIG"].estimate.value < 0.2
    assert table.columns["MIG"][0].value > 0.6


def test_of_many_pixels_neither_components_nor_pixels_are_probed(
    worlds: dict[str, data.Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(representation, "MOST_PIXELS", 100)
    world, device = worlds["counting"], torch.device("cpu")
    known = representation.of_pixels(world)
    assert known is None
    found = representation.answers(world, Coding(), None, device=device, seed=0, known=known)
    assert list(found.tables[0].at) == ["codes"]
