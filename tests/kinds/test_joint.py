"""What the evaluation of images says of pairs of two domains whose own map is known."""

from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from genbench.data.parts.transforms import transformed
from genbench.data.prepared import Prepared
from genbench.data.sources.translation import load
from genbench.kinds.image import joint


@pytest.fixture(scope="module")
def data() -> Prepared:
    found = load(base="digits", transform="edges", paired=False, train=600)
    card = {"kind": "image", "shape": [1, 8, 8], "levels": 17, "classes": 10, "source_shape": [1, 8, 8]}
    return Prepared(found.train, found.held_out, {**card, **found.about}, "")


class Pairing:
    """Gives held-out targets with their edges, or with those of the next one."""

    def __init__(self, data: Prepared, shift: int) -> None:
        self.x, self.shift = data.held_out.x, shift

    def joint(self, n: int, *, rng: Generator) -> tuple[Tensor, Tensor]:
        x, edges = self.x[:n], transformed("edges", self.x[:n], 17)
        return torch.tensor(x) / 16, torch.tensor(edges).roll(self.shift, 0) / 16


def values(data: Prepared, model: Any) -> dict[str, float]:
    found = joint.answers(data, model, rng=Generator()).measures
    return {title: measure.estimate.value for title, measure in found.items()}


def test_true_pairs_agree_in_every_pixel_and_strangers_by_chance(data: Prepared) -> None:
    true, strange = values(data, Pairing(data, 0)), values(data, Pairing(data, 1))
    assert true["pixel agreement"] == 1
    assert true["pixel agreement, pairs shuffled"] == pytest.approx(strange["pixel agreement"], abs=1e-6)
    assert 0.6 < strange["pixel agreement"] < 0.8
    assert true["class agreement"] > 0.75
    assert true["class agreement, real pairs"] == pytest.approx(true["class agreement"], abs=0.05)
    assert strange["class agreement"] < 0.25


def test_nothing_is_said_where_no_map_is_known(data: Prepared) -> None:
    card = {key: value for key, value in data.card.items() if key != "translation"}
    model: Any = Pairing(data, 0)
    assert not joint.answers(data._replace(card=card), model, rng=Generator()).measures
