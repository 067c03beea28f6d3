"""Points of [0, 1]^d: modes from the card, pictures of the plane and of the line.

Where the data is a mixture, its card gives `centres`, `sigma` and `weights`; without them there is less to say.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genbench.data.prepared import Prepared
from genbench.drawing.canvas import Key, Picture, with_legend
from genbench.kinds.kind import Card, Comparison, Kind, Size, Subject
from genbench.kinds.points import drawing
from genbench.params.schema import Extractor
from genbench.scoring.resampling import Draws


class PointsKind(Kind):
    distance = "Euclidean, in units of the box around the data"

    def vectors(self, stored: np.ndarray, card: Card) -> np.ndarray:
        """(n, d) float64."""
        return stored.reshape(len(stored), -1).astype(np.float64)

    def extractor(self, data: Prepared, settings: Extractor) -> tuple[bytes, dict[str, Any]]:
        from genbench.extractors import plain

        return plain.extractor(data)

    def compare(
        self, data: Prepared, subject: Subject, drawn: Draws, *, extractor: Path, seed: int
    ) -> Comparison:
        from genbench.kinds.points import comparison

        return comparison.compare(self, data, subject, drawn, extractor=extractor, seed=seed)

    def grid(self, samples: np.ndarray, card: Card) -> Picture:
        """Samples over the true modes, or on the line their density over the true one."""
        frame = {"x": samples}
        return with_legend(self.moment(frame, card, size="large"), self.legend(frame, card))

    def pairs(
        self, samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card
    ) -> Picture:
        """Where the samples lie that are closest to training points: in rings, red where they count as copies."""
        return drawing.pairs(samples, training, np.asarray(flagged, bool), card)

    def moment(self, frame: Mapping[str, np.ndarray], card: Card, *, size: Size) -> Picture:
        """x: samples (k, d).  Along the line also score, D(x), or critic, f(x): (places,)."""
        x = self.vectors(frame["x"], card)
        return drawing.on_line(frame, x, card, size) if x.shape[1] == 1 else drawing.in_plane(x, card, size)

    def legend(self, frame: Mapping[str, np.ndarray], card: Card) -> list[Key]:
        return drawing.legend(frame, card)


KIND = PointsKind()
