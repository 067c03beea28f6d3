"""Polygon meshes: int16 rows of tokens, see `genbench.data.parts.mesh_tokens`, rendered."""

from collections.abc import Sequence

import numpy as np

from genbench.data.parts.mesh_tokens import Mesh, unpacked
from genbench.drawing import tiles
from genbench.drawing.canvas import Picture
from genbench.kinds.drawing import Drawing
from genbench.kinds.kind import Card
from genbench.kinds.mesh.rendering import blank, render

SHOWN, SIDE = 100, 72
IN_STRIP, STRIP_SIDE = 5, 40


class MeshDrawing(Drawing):
    def grid(self, samples: np.ndarray, card: Card) -> Picture:
        """Rendered: a row of tokens that is no mesh is crossed out; where a surface is open, its inside shows red."""
        return tiles.tile(_rendered(samples[:SHOWN], card), 256, columns=10, side=SIDE)

    def strip(self, samples: np.ndarray, card: Card) -> Picture:
        small = _rendered(samples[:IN_STRIP], card, STRIP_SIDE)
        return tiles.tile(small, 256, columns=IN_STRIP, side=STRIP_SIDE)

    def pairs(
        self, samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card
    ) -> Picture:
        return tiles.neighbours(_rendered(samples, card), _rendered(training, card), flagged, 256, side=SIDE)


def _rendered(stored: np.ndarray, card: Card, side: int = SIDE) -> np.ndarray:
    """Rows of tokens -> pictures (n, 3, side, side)."""
    bits = card["bits"]
    meshes = unpacked(stored, bits=bits)
    pictures = [render(m, side=side, bits=bits) if isinstance(m, Mesh) else blank(side) for m in meshes]
    return np.array(pictures, np.uint8).reshape(-1, side, side, 3).transpose(0, 3, 1, 2)


DRAWING = MeshDrawing()
