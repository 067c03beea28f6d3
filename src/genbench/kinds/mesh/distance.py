"""Polygon meshes: int16 rows of tokens, see `genbench.data.parts.mesh_tokens`, compared by their vertices."""

import numpy as np

from genbench.data.parts.mesh_tokens import unpacked
from genbench.kinds.distance import Distance
from genbench.kinds.kind import Card
from genbench.kinds.mesh.embedding import embedding


class MeshDistance(Distance):
    words = "maximum mean discrepancy of the sets of vertices, Gaussian kernel of 0.15 of the diagonal"
    slow = True

    def vectors(self, stored: np.ndarray, card: Card) -> np.ndarray:
        return embedding(unpacked(stored, bits=card["bits"]), bits=card["bits"])


DISTANCE = MeshDistance()
