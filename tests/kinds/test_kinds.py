"""Laws of every kind of data: each folder of `kinds/` gives all that is asked of a kind.

A new kind needs nothing here but a source that makes its data without a download.
"""

import inspect
import json
import math
import subprocess
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest

import genbench
from genbench.data import prepared as data
from genbench.kinds.comparison import Compare, Subject, comparison_of, united
from genbench.kinds.distance import Distance, distance_of
from genbench.kinds.drawing import Asked, Drawing, drawing_of
from genbench.kinds.extractor import Train, extractor_of
from genbench.kinds.kind import PARTS, Card
from genbench.params.schema import Dataset, Extractor
from genbench.report.frames import film
from genbench.runtime.machine import optimize_without_compiler
from genbench.scoring import audit
from genbench.scoring.catalogue import SCORES
from genbench.scoring.estimates import Estimate
from genbench.scoring.resampling import RESAMPLINGS, Scored, draws
from genbench.storage.files import InputError

PACKAGE = Path(genbench.__file__).parent
KINDS = sorted(path.parent.name for path in PACKAGE.glob("kinds/*/__init__.py"))
SIZES = {"train": 200, "held_out": 48}
DIGITS = 1797  # all there are: what is not for training is held out


class Kind(NamedTuple):
    extractor: Train
    distance: Distance
    drawing: Drawing
    compare: Compare


def kind_of(card: Card) -> Kind:
    return Kind(extractor_of(card), distance_of(card), drawing_of(card), comparison_of(card))


def sources_of(kind: str) -> list[str]:
    """The sources that say they are of this kind; digits for images, whose other sources need files."""
    if kind == "image":
        return ["digits"]
    texts = {path.stem: path.read_text() for path in sorted(PACKAGE.glob("data/sources/*.py"))}
    return [name for name, text in texts.items() if f'KIND = "{kind}"' in text]


CASES = [(kind, source) for kind in KINDS for source in sources_of(kind)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Kind, data.Prepared, Path]:
    """The kind, a small dataset of it, and a folder for its files."""
    name, source = request.param
    folder = tmp_path_factory.mktemp(name)
    known = inspect.signature(import_module(f"genbench.data.sources.{source}").load).parameters
    options = SIZES if "held_out" in known else {"train": DIGITS - SIZES["held_out"]}
    (folder / "d.safetensors").write_bytes(data.prepare("d", Dataset(source=source, **options)))
    prepared = data.load(folder / "d.safetensors")
    assert prepared.card["kind"] == name
    return kind_of(prepared.card), prepared, folder


def test_every_kind_has_data_to_be_asked_about() -> None:
    assert {kind for kind, _ in CASES} == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_all_parts_and_is_drawn_and_measured_without_torch(name: str) -> None:
    assert {path.stem for path in (PACKAGE / "kinds" / name).glob("*.py")} >= set(PARTS)
    kind = kind_of({"kind": name})
    assert isinstance(kind.distance, Distance) and isinstance(kind.drawing, Drawing)
    assert kind.distance.words and kind.drawing.pictures <= set(get_args(Asked))
    parts = ", ".join(f"genbench.kinds.{name}.{part}" for part in ("distance", "drawing"))
    code = f"import sys, {parts}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_vectors_are_made_of_each_element_by_itself(case: tuple[Kind, data.Prepared, Path]) -> None:
    kind, prepared, _ = case
    found = kind.distance.vectors(prepared.held_out.x, prepared.card)
    if found is None:
        assert kind.distance.vectors(prepared.train.x, prepared.card) is None
        return
    assert found.dtype == np.float64 and found.shape[0] == len(prepared.held_out.x) and found.ndim == 2
    assert np.isfinite(found).all() and len(np.unique(found, axis=0)) > 1
    np.testing.assert_array_equal(kind.distance.vectors(prepared.held_out.x[3:7], prepared.card), found[3:7])


def test_copies_are_found_where_a_distance_says_what_a_copy_is(
    case: tuple[Kind, data.Prepared, Path],
) -> None:
    kind, prepared, _ = case
    samples = np.concatenate([prepared.train.x[:5], prepared.held_out.x[5:]])
    vectors, images = (
        partial(of, card=prepared.card) for of in (kind.distance.vectors, kind.distance.images)
    )
    record = audit.novelty(
        prepared, samples, vectors=vectors, distance=kind.distance.words, seed=0, images=images
    )
    assert json.dumps(record, allow_nan=False) and record["distance"] == kind.distance.words
    assert record["scores"].keys() <= SCORES.keys()
    closest = record["pairs"][:5]
    if vectors(samples[:1]) is None:
        assert not record["scores"] and not closest
    else:
        assert all(pair["distance"] == 0 and pair["flagged"] for pair in closest)


def test_a_comparison_gives_scores_of_the_catalogue_and_plain_facts(
    case: tuple[Kind, data.Prepared, Path],
) -> None:
    kind, prepared, folder = case
    optimize_without_compiler()
    content, card = kind.extractor(prepared, Extractor(steps=2, width=4, features=8, seeds=[0, 1]))
    (folder / "e.safetensors").write_bytes(content)
    assert json.dumps(card, allow_nan=False) and card["data_sha256"] == prepared.sha256
    n = len(prepared.held_out.x)
    drawn = draws(n, n, real_seed=0, fake_seed=1)
    asked = prepared.held_out.y if prepared.classes else None
    subject = Subject(prepared.held_out.x, None, asked)
    found = kind.compare(prepared, subject, drawn, extractor=folder / "e.safetensors", seed=0)
    assert found.scores.keys() <= SCORES.keys() and found.scores
    for name, score in found.scores.items():
        estimate = score.estimate
        assert score.replicates.shape == (RESAMPLINGS,), name
        assert estimate.has_interval != name.startswith("clipped"), name
        assert not estimate.has_interval or estimate.low <= estimate.value <= estimate.high, name
    assert found.facts["extractor"] == card["weights_sha256"]
    measures = {title: measure.as_dict() for title, measure in found.measures.items()}
    assert json.dumps({**found.facts, "measures": measures}, allow_nan=False)


def test_everything_can_be_drawn_and_always_alike(case: tuple[Kind, data.Prepared, Path]) -> None:
    kind, prepared, _ = case
    x, card = prepared.held_out.x[:12], prepared.card
    table = x.reshape(3, 4, *x.shape[1:])
    frames = {"step": np.array([0, 5, 9]), "x": x.reshape(3, 4, *x.shape[1:])}
    frame = {"x": frames["x"][0]}

    def pictures() -> list[np.ndarray]:
        return [
            kind.drawing.grid(x, card),
            kind.drawing.pairs(x[:4], prepared.train.x[:4], [True, False, False, True], card),
            kind.drawing.rows(table, card),
            kind.drawing.moment(frame, card, size="small"),
            kind.drawing.moment(frame, card, size="large"),
            film(frames, card).still,
        ]

    for one, again in zip(pictures(), pictures(), strict=True):
        assert one.dtype == np.uint8 and one.ndim == 3 and one.shape[2] == 3 and one.size
        np.testing.assert_array_equal(one, again)
    assert all(key.text and len(key.colour) == 3 for key in kind.drawing.legend(frame, card))


FULL = Scored(Estimate.alone(1.0), np.zeros(RESAMPLINGS))


def test_scores_of_all_groups_are_united() -> None:
    assert united([{"fid": FULL}, {}, {"own": FULL}]) == {"fid": FULL, "own": FULL}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"fid": FULL}, "score 'fid': given twice; expected a name of its own"),
        (
            {"own": FULL._replace(estimate=Estimate.alone(math.nan))},
            "score 'own': its value is NaN; expected a",
        ),
        (
            {"own": FULL._replace(replicates=np.zeros(7))},
            r"score 'own': replicates of shape \(7,\); expected \(100,\)",
        ),
        (
            {"own": FULL._replace(rest=np.zeros((100, 2)))},
            r"score 'own': rest of shape \(100, 2\); expected \(100,\)",
        ),
    ],
)
def test_a_score_that_would_spoil_another_or_the_marks_is_refused(
    other: dict[str, Scored], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        united([{"fid": FULL}, other])
