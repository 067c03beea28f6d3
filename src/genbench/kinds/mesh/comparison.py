"""Samples of meshes against held-out meshes: whether they are closed, their vertices, their classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genbench.data.parts.mesh_geometry import is_closed, is_valid
from genbench.data.parts.mesh_tokens import Mesh, MeshError, unpacked
from genbench.data.prepared import Prepared
from genbench.data.reference import Known
from genbench.extractors import plain
from genbench.kinds.comparison import Comparison, Subject, united
from genbench.kinds.distance import TO_TRAIN
from genbench.kinds.mesh.distance import DISTANCE
from genbench.kinds.mesh.embedding import embedding
from genbench.scoring import metrics
from genbench.scoring.comparison import kernel_score, manifold_scores
from genbench.scoring.resampling import Draws, Scored, crossed_scores, mean_over, share_of

Meshes = Sequence[Mesh | MeshError]


def compare(
    data: Prepared,
    subject: Subject,
    drawn: Draws,
    *,
    extractor: Path,
    seed: int,
    known: Known | None = None,
) -> Comparison:
    """Whether samples are meshes of solids at all; how their vertices compare; whether they are of the class asked for.

    The class of a sample is that of the training mesh with the nearest vertices.
    """
    digest = plain.load(extractor, data)
    bits = data.card["bits"]
    held_out, meshes = (unpacked(x, bits=bits) for x in (data.held_out.x, subject.samples))
    vectors = {} if known is None else known.of(TO_TRAIN)
    train, real = (
        vectors[name] if name in vectors else DISTANCE.vectors(part.x, data.card)
        for name, part in (("train", data.train), ("held_out", data.held_out))
    )
    fake = embedding(meshes, bits=bits)
    real_labels, labels = (data.train.y[metrics.nearest(train, x)[1][:, 0]] for x in (real, fake))
    scores = [_shares(meshes, drawn), _sizes(meshes, drawn), _vertex_scores(real, fake, drawn)]
    if subject.asked is not None:
        agrees = (labels == subject.asked) & np.array([isinstance(mesh, Mesh) for mesh in meshes])
        scores.append({"condition_agreement": share_of(agrees, drawn.fake)})
    facts: dict[str, Any] = {
        "extractor": digest,
        "class_histogram": [float(share) for share in metrics.class_histogram(labels, data.classes)],
        "malformed": sum(not isinstance(mesh, Mesh) for mesh in meshes),
        "held_out_mean_vertices": float(np.mean(_counts(held_out)[0])),
        "held_out_mean_faces": float(np.mean(_counts(held_out)[1])),
        "class_by_nearest_vertices_accuracy": float((real_labels == data.held_out.y).mean()),
    }
    return Comparison(united(scores), facts)


def _shares(meshes: Meshes, drawn: Draws) -> dict[str, Scored]:
    found = {}
    for name, holds in (("valid_meshes", is_valid), ("closed_meshes", is_closed)):
        does = np.array([isinstance(mesh, Mesh) and holds(mesh) for mesh in meshes])
        found[name] = share_of(does, drawn.fake)
    return found


def _counts(meshes: Meshes) -> np.ndarray:
    """(2, n): vertices and faces of each; 0 where there is no mesh."""
    sizes = [(len(mesh.vertices), len(mesh.faces)) if isinstance(mesh, Mesh) else (0, 0) for mesh in meshes]
    return np.array(sizes, np.float64).T


def _sizes(meshes: Meshes, drawn: Draws) -> dict[str, Scored]:
    names = ("mean_vertices", "mean_faces")
    return {
        name: mean_over(values, drawn.fake, least=0.0)
        for name, values in zip(names, _counts(meshes), strict=True)
    }


def _vertex_scores(real: np.ndarray, fake: np.ndarray, drawn: Draws) -> dict[str, Scored]:
    """Embeddings of samples (m, k) against those of held-out meshes (n, k), fold by fold."""
    x, y = (np.sqrt(rows.shape[1]) * rows for rows in (real, fake))  # the cubic kernel divides by k

    def of_fold(held_out: slice, samples: slice, drawn: Draws) -> dict[str, Scored]:
        a, b = x[held_out], y[samples]
        return {"vertex_kid": kernel_score(a, b, drawn), **manifold_scores(a, b, drawn)}

    return crossed_scores(of_fold, drawn)
