"""Two domains of faces: each differs from the other where it says so and nowhere else, and both have their factors."""

from pathlib import Path

import numpy as np
import pytest

from genbench.data import prepared as data
from genbench.data.parts.faces import DAY, NIGHT, TRAITS, Factors, render
from genbench.data.source import Part
from genbench.data.sources import face_domains
from genbench.params.schema import Dataset
from genbench.storage.files import InputError

SMALL = {"size": 16, "train": 120, "held_out": 40, "identities": 12}
BELONGS = ("identity", *TRAITS, "hair", "hair_colour", "skin")


def known(part: Part) -> tuple[Factors, Factors]:
    """The factors of targets and of sources."""
    assert part.factors is not None
    assert part.source_factors is not None
    return Factors(*part.factors.T), Factors(*part.source_factors.T)


def test_night_is_darker_everywhere_and_bluer() -> None:
    sources = known(face_domains.load(domains="day_night", **SMALL).train)[1]
    day, night = (render(sources, size=16, scene=scene).astype(int) for scene in (DAY, NIGHT))
    assert (night <= day).all()
    corner_day, corner_night = day[:, :, 0, 0], night[:, :, 0, 0]
    assert (corner_night[:, 0] < corner_day[:, 0] / 3).all(), "what is behind is darker than the face"
    assert (corner_night[:, 2] / corner_night[:, 0] > corner_day[:, 2] / corner_day[:, 0]).all()
    assert np.array_equal(day, render(sources, size=16))


def test_factors_say_everything_of_both_domains() -> None:
    for domains, scene in (("day_night", NIGHT), ("two_people", DAY), ("same_person", DAY)):
        made = face_domains.load(domains=domains, label="glasses", **SMALL)
        for part in (made.train, made.held_out):
            targets, sources = known(part)
            assert np.array_equal(part.x, render(targets, size=16, scene=scene))
            assert np.array_equal(part.source, render(sources, size=16))
            assert np.array_equal(part.y, targets.glasses)
            assert np.array_equal(part.source_y, sources.glasses)
            assert len(np.unique(np.concatenate([targets.pose, sources.pose]))) == 2 * len(part.x)


def test_two_pictures_of_one_person_share_what_belongs_to_the_person_alone() -> None:
    made = face_domains.load(domains="same_person", **SMALL)
    assert made.paired
    for part in (made.train, made.held_out):
        targets, sources = known(part)
        for name in Factors._fields:
            same = (getattr(targets, name) == getattr(sources, name)).mean()
            assert same == 1 if name in BELONGS else same < 0.6, name
    assert set(known(made.train)[0].identity).isdisjoint(known(made.held_out)[0].identity)


@pytest.mark.parametrize("seed", range(5))
def test_two_people_differ_in_all_that_belongs_to_them_and_are_held_out_themselves(seed: int) -> None:
    made = face_domains.load(domains="two_people", label="glasses", seed=seed, **SMALL)
    targets, sources = known(made.train)
    for name in BELONGS:
        one, other = (np.unique(getattr(each, name)) for each in (targets, sources))
        assert len(one) == len(other) == 1
        assert one != other, name
    assert abs(targets.skin[0] - sources.skin[0]) > 1 / 3
    assert np.array_equal(known(made.held_out)[0].skin[:1], targets.skin[:1])
    assert not made.paired


def test_prepared_with_the_factors_of_both(tmp_path: Path) -> None:
    path = tmp_path / "people.safetensors"
    entry = Dataset(source="face_domains", domains="same_person", validation=True, **SMALL)  # type: ignore[call-arg]
    path.write_bytes(data.prepare("people", entry))
    ready = data.load(path)
    assert (ready.card["domains"], ready.card["paired"]) == ("same_person", True)
    targets, sources = known(ready.held_out)
    assert np.array_equal(render(targets, size=16), ready.held_out.x)
    assert np.array_equal(render(sources, size=16), ready.held_out.source)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"domains": "two_people", "label": "hair"}, "label: got 'hair', which each of two people has once"),
        (
            {"domains": "day_night", "identities": 121},
            "identities: got 121; expected 1 to 120",
        ),
        ({"domains": "day_night", "fixed": ["pose", "identity"]}, "fixed: got 'identity'; expected some of"),
        ({"domains": "two_people", "fixed": ["eyes"]}, "fixed: got 'eyes'; expected some of"),
    ],
)
def test_impossible_options_are_named(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        face_domains.load(**{**SMALL, **options})
