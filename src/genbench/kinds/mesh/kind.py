"""Polygon meshes: int16 rows of tokens, see `genbench.data.parts.mesh_tokens`.

Their features are the embeddings of their vertices.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genbench.data.parts.mesh_tokens import Mesh, unpacked
from genbench.data.prepared import Prepared
from genbench.drawing import tiles
from genbench.drawing.canvas import Picture
from genbench.kinds.kind import Card, Comparison, Kind, Subject
from genbench.kinds.mesh.embedding import embedding
from genbench.kinds.mesh.rendering import blank, render
from genbench.params.schema import Extractor
from genbench.scoring.resampling import Draws

SHOWN, SIDE = 100, 72
IN_STRIP, STRIP_SIDE = 5, 40


class MeshKind(Kind):
    distance = "maximum mean discrepancy of the sets of vertices, Gaussian kernel of 0.15 of the diagonal"

    def vectors(self, stored: np.ndarray, card: Card) -> np.ndarray:
        return embedding(unpacked(stored, bits=card["bits"]), bits=card["bits"])

    def extractor(self, data: Prepared, settings: Extractor) -> tuple[bytes, dict[str, Any]]:
        from genbench.extractors import plain

        return plain.extractor(data)

    def compare(
        self, data: Prepared, subject: Subject, drawn: Draws, *, extractor: Path, seed: int
    ) -> Comparison:
        from genbench.kinds.mesh import comparison

        return comparison.compare(data, subject, drawn, extractor=extractor)

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


KIND = MeshKind()
