"""Vectors of meshes, whose distances are those between their sets of vertices."""

import math
from collections.abc import Iterable

import numpy as np

from genbench.data.parts.mesh_tokens import Mesh, MeshError, lengths

FREQUENCIES, BANDWIDTH = 128, 0.15


def embedding(meshes: Iterable[Mesh | MeshError], *, bits: int = 8) -> np.ndarray:
    """(n, 2·FREQUENCIES) float64: the mean of cos(ωv), sin(ωv) over a mesh's vertices; zeros where there is no mesh.

    The Euclidean distance of two rows is the maximum mean discrepancy of the two sets of vertices (Gretton et al.,
    2012, JMLR 13) under the kernel Σ_ω cos(ω(a−b))/F, which random Fourier features (Rahimi & Recht, 2007) of a fixed
    seed take from the Gaussian kernel exp(−|a−b|²/2h²), h = 0.15 of the longest diagonal: 0 for equal sets, and for
    others only by a coincidence of 128 waves.  Faces do not count.
    """
    omega = np.random.default_rng(0).standard_normal((3, FREQUENCIES)) / BANDWIDTH
    rows = []
    for mesh in meshes:
        if isinstance(mesh, MeshError):
            rows.append(np.zeros(2 * FREQUENCIES))
            continue
        phase = lengths(mesh.vertices, bits=bits) @ omega
        waves = np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
        rows.append(waves.mean(axis=0) / math.sqrt(FREQUENCIES))
    return np.array(rows).reshape(-1, 2 * FREQUENCIES)
