"""Points of [0, 1]^d: pictures of the plane and of the line.

Where the data is a mixture, its card gives `centres`, `sigma` and `weights`, and samples are laid over it.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from genbench.drawing.canvas import Key, Picture, with_legend
from genbench.kinds.drawing import Drawing, Size
from genbench.kinds.kind import Card
from genbench.kinds.points import plane_and_line


class PointsDrawing(Drawing):
    def grid(self, samples: np.ndarray, card: Card) -> Picture:
        """Samples over the true modes, or on the line their density over the true one."""
        frame = {"x": samples}
        return with_legend(self.moment(frame, card, size="large"), self.legend(frame, card))

    def pairs(
        self, samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card
    ) -> Picture:
        """Where the samples lie that are closest to training points: in rings, red where they count as copies."""
        return plane_and_line.pairs(samples, training, np.asarray(flagged, bool), card)

    def moment(self, frame: Mapping[str, np.ndarray], card: Card, *, size: Size) -> Picture:
        """x: samples (k, d).  Along the line also score, D(x), or critic, f(x): (places,)."""
        x = frame["x"].astype(np.float64)
        draw = plane_and_line
        return draw.on_line(frame, x, card, size) if x.shape[1] == 1 else draw.in_plane(x, card, size)

    def legend(self, frame: Mapping[str, np.ndarray], card: Card) -> list[Key]:
        return plane_and_line.legend(frame, card)


DRAWING = PointsDrawing()
