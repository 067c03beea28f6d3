"""A model's own scatter plots: what it gives is what is drawn, in the colours of a legend."""

import io

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Generator, Tensor

from genbench.capabilities import Scatter
from genbench.core import Batch, GenerativeModel, Phase, Space, Splits
from genbench.drawing.scatter import AROUND, COLOURS, SIDE, scatter
from genbench.drawing.tiles import png
from genbench.models import sampling
from genbench.report import DatasetResult, RunResult
from genbench.report.pictures import picture
from genbench.report.run_page import run_page

SPACE = Space("image", (1, 2, 2), 3, 3)
POINTS = torch.tensor([[-5.0, 0.0], [5.0, 0.0], [0.0, 2.0], [0.0, 1.0]])
CARD = {"kind": "image", "shape": [1, 2, 2], "levels": 3}


class Mapped(GenerativeModel):
    """Shows a row of black images and the same points twice, with labels and without."""

    def phases(self) -> list[Phase]:
        return []

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return torch.zeros(n, *self.space.shape)

    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor | Scatter]:
        label = torch.tensor([0, 2, 1, 2])
        return {
            "plain": Scatter(POINTS),
            "row": torch.zeros(1, 4, *SPACE.shape),
            "map": Scatter(POINTS, label),
        }


def arrays() -> dict[str, np.ndarray]:
    held_out = Batch(torch.zeros(4, *SPACE.shape))
    return sampling.draw(
        Mapped(SPACE), Splits(held_out, held_out), run="r", pictures={"own"}, rng=Generator()
    )


def test_points_and_labels_reach_the_samples_file() -> None:
    found = arrays()
    assert list(found["captions"]) == ["plain", "row", "map"]
    assert set(found) == {"x", "captions", "points_0", "label_0", "picture_1", "points_2", "label_2"}
    assert np.array_equal(found["points_2"], POINTS.numpy())
    assert found["label_2"].tolist() == [0, 2, 1, 2]
    assert found["label_0"].tolist() == [-1] * 4


def test_the_page_of_a_run_shows_them_under_their_captions() -> None:
    metrics = {"n": 4, "extractor": "", "scores": {}}
    found = RunResult(
        name="d-mapped",
        entry={"dataset": "d", "model": "m"},
        metrics=metrics,
        novelty={"pairs": []},
        curve=pd.DataFrame(),
        samples=arrays(),
        frames={},
        replicates={},
        grid=b"",
        nearest=b"",
        weights_sha256=None,
        parameters=None,
    )
    pictures = run_page(found, [found], [], DatasetResult("d", CARD, {}, np.zeros(0))).pictures
    assert [shown.title for shown in pictures] == ["plain", "row", "map"]
    drawn = png(scatter(POINTS.numpy(), np.array([0, 2, 1, 2])))
    assert pictures[2].picture == picture(drawn)
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.size[0] == SIDE


def test_each_point_has_the_colour_of_its_label_at_its_place() -> None:
    label = np.array([0, 2, 1, 2])
    picture = scatter(POINTS.numpy(), label)
    inner = SIDE - 8  # the canvas has a margin of 4 pixels
    for (x, y), own in zip(POINTS.tolist(), label, strict=True):
        across, up = ((v - low) / span for v, low, span in ((x, -5, 10), (y, 0, 2)))
        column, row = (4 + round(inner * (AROUND + (1 - 2 * AROUND) * share)) for share in (across, 1 - up))
        assert tuple(picture[row, column]) == COLOURS[own]
    legend = picture[SIDE:].reshape(-1, 3)
    for own in range(3):
        assert (legend == COLOURS[own]).all(1).any()
    assert not (legend == COLOURS[3]).all(1).any()
    assert scatter(POINTS.numpy(), label).tobytes() == picture.tobytes()
    assert len(scatter(POINTS.numpy(), np.full(4, -1))) == SIDE  # nothing to explain


def test_many_classes_have_a_colour_each() -> None:
    points = np.stack([np.arange(25.0), np.zeros(25)], 1)
    legend = scatter(points, np.arange(25))[SIDE:]
    square = {tuple(colour) for colour in legend.reshape(-1, 3) if int(np.ptp(colour)) > 60}
    assert len(square) >= 25
