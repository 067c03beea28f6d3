"""Faces: what is drawn follows the factors, where it should and nowhere else; two eyes always; factors are stored."""

from pathlib import Path

import numpy as np
import pytest
from conftest import Command

from genbench.data import prepared as data
from genbench.data.sources import faces
from genbench.data.sources.faces import FACTORS, Factors, count_eyes, render, sample_factors
from genbench.params.schema import Dataset
from genbench.storage.files import InputError

SMALL = {"size": 16, "train": 60, "held_out": 20, "identities": 6}
DISCRETE = {name: values for name, values in FACTORS.items() if isinstance(values[0], str)}
# Rows and columns of a 32-pixel picture that a factor may change, wherever the others stand.
REGIONS = {
    "nose_length": (slice(15, 25), slice(6, 26)),
    "brow": (slice(11, 16), slice(0, 32)),
    "glasses": (slice(11, 23), slice(0, 32)),
    "gaze": (slice(14, 20), slice(0, 32)),
    "smile": (slice(19, 29), slice(4, 28)),
}
EVERYTHING = (slice(0, 32), slice(0, 32))


@pytest.fixture(scope="module")
def many() -> Factors:
    return sample_factors(500, seed=0)


def other_end(name: str, values: np.ndarray) -> np.ndarray:
    """Another value of a factor, as far away as its range allows."""
    if name in DISCRETE:
        return (values + 1) % len(DISCRETE[name])
    low, high = FACTORS[name]
    return np.where(values < (low + high) / 2, high, low)


def test_pictures_are_bytes_of_the_shape_asked_for(many: Factors) -> None:
    for size in (12, 15, 16, 32, 50):
        images = render(many, size=size)
        assert images.shape == (500, 3, size, size)
        assert images.dtype == np.uint8
        assert images.min() < 40
        assert images.max() > 240
    assert render(sample_factors(0, seed=0)).shape == (0, 3, 32, 32)


def test_a_picture_depends_on_its_own_factors_alone(many: Factors) -> None:
    images = render(many, size=16)
    assert np.array_equal(images, render(many, size=16))
    alone = [render(Factors(*(values[i : i + 1] for values in many)), size=16)[0] for i in (0, 257, 499)]
    assert np.array_equal(images[[0, 257, 499]], alone)
    nameless = many._replace(identity=np.zeros(500, int))
    assert np.array_equal(images, render(nameless, size=16)), "identity is drawn through its traits alone"


@pytest.mark.parametrize("name", FACTORS)
def test_each_factor_changes_the_picture_and_only_its_region(many: Factors, name: str) -> None:
    # Nothing hides what is looked at: no lens before the eyes, hair away from the brows.
    open_faces = many._replace(hair=np.zeros(500, int), glasses=np.zeros(500, int))
    changed = open_faces._replace(**{name: other_end(name, getattr(open_faces, name))})
    before, after = render(open_faces).astype(int), render(changed).astype(int)
    largest = np.abs(before - after).max(axis=(1, 2, 3))
    assert largest.min() > 0
    assert (largest >= 20).mean() > 0.95, "to be seen, even dark hair on dark skin"
    rows, columns = REGIONS.get(name, EVERYTHING)
    before[:, :, rows, columns] = after[:, :, rows, columns] = 0
    assert np.array_equal(before, after)


def test_the_background_stays_behind_the_face(many: Factors) -> None:
    other = many._replace(background=other_end("background", many.background))
    same = (render(many) == render(other)).all(axis=1)
    assert same[:, 12:22, 13:19].all()
    assert not same[:, 0, 0].any()


@pytest.mark.parametrize("size", [12, 15, 16, 32])
def test_the_mirrored_pose_is_the_mirrored_picture(many: Factors, size: int) -> None:
    mirrored = many._replace(pose=-many.pose, gaze=-many.gaze)
    assert np.array_equal(render(mirrored, size=size), render(many, size=size)[..., ::-1])


@pytest.mark.parametrize("size", [16, 19, 32])
def test_every_face_has_two_eyes(size: int) -> None:
    assert (count_eyes(render(sample_factors(5000, seed=1), size=size)) == 2).mean() >= 0.995


def test_both_eyes_are_seen_at_the_ends_of_every_range() -> None:
    ends = [values if name not in DISCRETE else range(len(values)) for name, values in FACTORS.items()]
    rng = np.random.default_rng(2)
    corners = Factors(
        identity=np.zeros(5000, int),
        **{name: rng.choice(list(values), size=5000) for name, values in zip(FACTORS, ends, strict=True)},
    )
    assert (count_eyes(render(corners, size=16)) == 2).mean() >= 0.995


@pytest.mark.parametrize("size", [16, 32])
def test_painted_over_and_added_eyes_are_counted(size: int) -> None:
    middle = {"pose": np.zeros(300), "hair": np.zeros(300, int), "head_height": np.full(300, 0.78)}
    images = render(sample_factors(300, seed=3)._replace(**middle), size=size)
    half, top, bottom = size // 2, 6 * size // 16, 11 * size // 16
    one, three = images.copy(), images.copy()
    one[:, :, top:bottom, half:] = images[:, :, bottom : bottom + 1, half : half + 1]  # a colour of the cheek
    assert (count_eyes(one) == 1).mean() >= 0.995
    eye = images[:, :, top:bottom, :half]
    three[:, :, : bottom - top, size // 4 : size // 4 + half] = eye
    assert (count_eyes(three) == 3).mean() >= 0.995
    assert not count_eyes(np.full((2, 3, size, size), 128, np.uint8)).any()


def test_the_eyes_survive_a_little_noise() -> None:
    images = render(sample_factors(1000, seed=4), size=32)
    noise = np.random.default_rng(0).normal(scale=8, size=images.shape)
    assert (count_eyes(np.clip(images + noise, 0, 255).astype(np.uint8)) == 2).mean() >= 0.99


def test_draws_cover_every_value_evenly() -> None:
    drawn = sample_factors(20_000, seed=5)._asdict()
    for name, values in FACTORS.items():
        if name in DISCRETE:
            shares = np.bincount(drawn[name], minlength=len(values)) / 20_000
            assert np.allclose(shares, 1 / len(values), atol=0.02), name
        else:
            shares = np.histogram(drawn[name], bins=5, range=values)[0] / 20_000
            assert np.allclose(shares, 0.2, atol=0.03), name


def test_an_identity_is_the_same_person_everywhere() -> None:
    one = sample_factors(2000, seed=6, identities=range(5), fixed=("skin", "hair"))
    other = sample_factors(50, seed=7, identities=[3])
    for name in (*faces.TRAITS, "skin", "hair"):
        values = getattr(one, name)[one.identity == 3]
        assert (values == values[0]).all(), name
        if name in faces.TRAITS:
            assert (getattr(other, name) == values[0]).all(), name
    assert len(set(one.pose)) == 2000
    traits = np.stack(list(faces.traits(np.arange(240)).values()), axis=1)
    assert len(np.unique(traits.astype(np.float32), axis=0)) == 240


def test_prepared_through_the_command_with_the_factors(small: Path, genbench: Command) -> None:
    with (small / "params.yaml").open("a") as params:
        params.write("  faces-copycat: {dataset: faces, model: controls/copycat}\n")
    text = (small / "params.yaml").read_text()
    entry = "  faces: {source: faces, size: 16, train: 60, held_out: 20, identities: 6, label: glasses, fixed: [skin]}"
    (small / "params.yaml").write_text(text.replace("datasets:\n", f"datasets:\n{entry}\n"))
    result = genbench("prepare", "--dataset", "faces", "--out", "data/faces.safetensors")
    assert result.returncode == 0, result.stderr
    ready = data.load(small / "data/faces.safetensors")
    assert (ready.levels, ready.classes) == (256, 4)
    assert ready.card["held_out_duplicates_of_train"] == 0
    assert list(ready.card["factors"]) == list(Factors._fields)
    for x, y, stored in (
        (ready.train.x, ready.train.y, ready.train.factors),
        (ready.held_out.x, ready.held_out.y, ready.held_out.factors),
    ):
        assert stored is not None
        assert stored.shape == (len(x), len(Factors._fields))
        assert np.array_equal(render(Factors(*stored.T), size=16), x)
        assert np.array_equal(y, Factors(*stored.T).glasses)
    assert ready.train.factors is not None
    assert ready.held_out.factors is not None
    assert set(ready.train.factors[:, 0]).isdisjoint(ready.held_out.factors[:, 0])


def test_levels_are_the_nearest_of_fewer() -> None:
    every = np.arange(256, dtype=np.uint8)
    for levels in (2, 3, 8, 255, 256):
        found = faces.in_levels(every, levels).astype(int)
        assert np.array_equal(np.unique(found), np.arange(levels))
        assert np.abs(found * 255 / (levels - 1) - every).max() <= 127.5 / (levels - 1)
    few, all_levels = (faces.load(**SMALL, levels=levels) for levels in (8, 256))
    assert (few.levels, few.train.x.dtype) == (8, np.uint8)
    assert np.array_equal(few.held_out.x, faces.in_levels(all_levels.held_out.x, 8))
    assert "; 8 levels a channel" in few.about["description"]
    assert "levels" not in all_levels.about["description"]


def test_validation_keeps_images_and_factors_together(tmp_path: Path) -> None:
    path = tmp_path / "faces.safetensors"
    path.write_bytes(data.prepare("faces", Dataset(source="faces", validation=True, **SMALL)))
    ready = data.load(path)
    assert ready.train.factors is not None
    assert ready.held_out.factors is not None
    assert (len(ready.train.x), len(ready.held_out.x)) == (48, 12)
    assert np.array_equal(render(Factors(*ready.train.factors.T), size=16), ready.train.x)
    assert np.array_equal(render(Factors(*ready.held_out.factors.T), size=16), ready.held_out.x)


def test_a_dataset_without_factors_has_none(tmp_path: Path) -> None:
    path = tmp_path / "digits.safetensors"
    path.write_bytes(data.prepare("digits", Dataset(source="digits")))
    ready = data.load(path)
    assert ready.train.factors is None
    assert ready.held_out.factors is None
    assert "factors" not in ready.card


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 8}, "size: got 8; expected 12 to 4096 pixels"),
        ({"train": 0}, "train: got 0; expected at least 1"),
        ({"held_out": 0}, "held_out: got 0; expected at least 1"),
        ({"identities": 0}, "identities: got 0; expected 1 to 60"),
        ({"identities": 61}, "identities: got 61; expected 1 to 60"),
        ({"seed": -1}, "seed: got -1; expected at least 0"),
        ({"levels": 1}, "levels: got 1; expected 2 to 256"),
        ({"label": "pose"}, "label: got 'pose'; expected one of background, glasses, hair, hair_colour"),
        ({"fixed": ["identity"]}, "fixed: got 'identity'; expected some of background, gaze"),
    ],
)
def test_impossible_options_are_named(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as error:
        faces.load(**{**SMALL, **options})
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pose": [1.5, 0]}, "factors.pose: got 1.5; expected between -1.0 and 1.0"),
        ({"smile": [np.nan, 0]}, "factors.smile: got nan; expected between -1.0 and 1.0"),
        ({"hair": [0, 6]}, "factors.hair: got 6.0; expected a whole number between 0 and 5"),
        ({"glasses": [0.5, 0]}, "factors.glasses: got 0.5; expected a whole number between 0 and 3"),
        ({"skin": [0.5]}, r"factors.skin: got shape (1,); expected (2,)"),
        ({"identity": [-1, 0]}, "factors.identity: got -1.0; expected a whole number"),
    ],
)
def test_impossible_factors_are_named(change: dict[str, list[float]], said: str) -> None:
    with pytest.raises(InputError) as error:
        render(sample_factors(2, seed=0)._replace(**{k: np.array(v) for k, v in change.items()}))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
