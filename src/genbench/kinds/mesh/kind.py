"""Polygon meshes: int16 rows of tokens, see genbench.meshes.  Their features are the embeddings of their vertices."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.data.parts.mesh_geometry import is_closed, is_valid
from genbench.data.parts.mesh_tokens import Mesh, unpacked
from genbench.drawing import tiles as pictures
from genbench.kinds.kind import Card, Comparison, Subject
from genbench.kinds.mesh.embedding import embedding
from genbench.kinds.mesh.rendering import blank, render

if TYPE_CHECKING:
    from genbench.data.prepared import Prepared
    from genbench.params.schema import Extractor
    from genbench.scoring.evaluation import Draws, Scored

DISTANCE = "maximum mean discrepancy of the sets of vertices, Gaussian kernel of 0.15 of the diagonal"
SHOWN, SIDE = 100, 72


def vectors(stored: np.ndarray, card: Card) -> np.ndarray:
    return embedding(unpacked(stored, bits=card["bits"]), bits=card["bits"])


def extractor(data: "Prepared", settings: "Extractor") -> tuple[bytes, dict[str, Any]]:
    from genbench.extractors import plain

    return plain.extractor(data)


def compare(data: "Prepared", subject: Subject, drawn: "Draws", *, extractor: Path, seed: int) -> Comparison:
    """Whether samples are meshes of solids at all; how their vertices compare; whether they are of the class asked for.

    The class of a sample is that of the training mesh with the nearest vertices.
    """
    from genbench.extractors import plain
    from genbench.scoring import evaluation, metrics

    digest = plain.load(extractor, data)
    bits = data.card["bits"]
    meshes, held_out = unpacked(subject.samples, bits=bits), unpacked(data.held_out.x, bits=bits)
    train, real, fake = (vectors(x, data.card) for x in (data.train.x, data.held_out.x, subject.samples))
    labels = [data.train.y[metrics.nearest(train, x)[1][:, 0]] for x in (real, fake)]
    wide_real, wide_fake = (
        np.sqrt(x.shape[1]) * x for x in (real, fake)
    )  # the kernel divides by their number
    scores = _shares(meshes, drawn) | _sizes(meshes, drawn)
    scores |= evaluation.crossed_scores(lambda a, b, of: _compared(wide_real[a], wide_fake[b], of), drawn)
    if subject.asked is not None:
        agrees = (labels[1] == subject.asked) & np.array([isinstance(mesh, Mesh) for mesh in meshes])
        scores["condition_agreement"] = evaluation.share_of(agrees, drawn.fake)
    facts = {
        "extractor": digest,
        "class_histogram": [float(share) for share in metrics.class_histogram(labels[1], data.classes)],
        "malformed": sum(not isinstance(mesh, Mesh) for mesh in meshes),
        "held_out_mean_vertices": float(np.mean(_counts(held_out)[0])),
        "held_out_mean_faces": float(np.mean(_counts(held_out)[1])),
        "class_by_nearest_vertices_accuracy": float((labels[0] == data.held_out.y).mean()),
    }
    return Comparison(scores, facts)


def grid(samples: np.ndarray, card: Card) -> np.ndarray:
    """Rendered; a row of tokens that is no mesh is crossed out, and where a surface is open its inside shows red."""
    return pictures.tile(_drawn(samples[:SHOWN], card), 256, columns=10, side=SIDE)


def pairs(samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card) -> np.ndarray:
    return pictures.neighbours(_drawn(samples, card), _drawn(training, card), flagged, 256, side=SIDE)


def _drawn(stored: np.ndarray, card: Card) -> np.ndarray:
    """Rows -> pictures (n, 3, SIDE, SIDE)."""
    bits = card["bits"]
    meshes = unpacked(stored, bits=bits)
    drawn = [render(m, side=SIDE, bits=bits) if isinstance(m, Mesh) else blank(SIDE) for m in meshes]
    return np.array(drawn, np.uint8).reshape(-1, SIDE, SIDE, 3).transpose(0, 3, 1, 2)


def _shares(meshes: Sequence[Any], drawn: "Draws") -> "dict[str, Scored]":
    from genbench.scoring import evaluation

    found = {}
    for name, holds in (("valid_meshes", is_valid), ("closed_meshes", is_closed)):
        does = np.array([isinstance(mesh, Mesh) and holds(mesh) for mesh in meshes])
        found[name] = evaluation.share_of(does, drawn.fake)
    return found


def _counts(meshes: Sequence[Any]) -> np.ndarray:
    """(2, n): vertices and faces of each; 0 where there is no mesh."""
    sizes = [(len(mesh.vertices), len(mesh.faces)) if isinstance(mesh, Mesh) else (0, 0) for mesh in meshes]
    return np.array(sizes, np.float64).T


def _sizes(meshes: Sequence[Any], drawn: "Draws") -> "dict[str, Scored]":
    from genbench.scoring import evaluation

    return {
        name: evaluation.mean_over(values, drawn.fake, least=0.0)
        for name, values in zip(("mean_vertices", "mean_faces"), _counts(meshes), strict=True)
    }


def _compared(x: np.ndarray, y: np.ndarray, drawn: "Draws") -> "dict[str, Scored]":
    """One fold of samples (m, k) against the other fold of held-out meshes (n, k)."""
    from genbench.scoring import evaluation, metrics

    kid = evaluation.Scored(metrics.kernel_distance(x, y), metrics.kernel_replicates(x, y, *drawn))
    return {"vertex_kid": kid, **evaluation.manifold_scores(x, y, drawn)}
