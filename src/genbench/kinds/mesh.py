"""Polygon meshes: int16 rows of tokens, see genbench.meshes.  Their features are the embeddings of their vertices."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench import pictures
from genbench.kinds import Card, Comparison, Subject
from genbench.meshes import Mesh, blank, embedding, is_closed, is_valid, render, unpacked

if TYPE_CHECKING:
    from genbench.data import Prepared
    from genbench.evaluation import Draws, Scored
    from genbench.params import Extractor

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
    from genbench import evaluation, metrics
    from genbench.extractors import plain

    digest = plain.load(extractor, data)
    bits = data.card["bits"]
    meshes, held_out = unpacked(subject.samples, bits=bits), unpacked(data.held_out_x, bits=bits)
    train, real, fake = (vectors(x, data.card) for x in (data.train_x, data.held_out_x, subject.samples))
    labels = [data.train_y[metrics.nearest(train, x)[1][:, 0]] for x in (real, fake)]
    scores = _shares(meshes, drawn) | _sizes(meshes, drawn) | _crossed(real, fake, drawn)
    if subject.asked is not None:
        agrees = (labels[1] == subject.asked) & np.array([isinstance(mesh, Mesh) for mesh in meshes])
        estimate = metrics.clopper_pearson(int(agrees.sum()), len(meshes))
        scores["condition_agreement"] = evaluation.Scored(estimate, drawn.fake @ agrees / len(meshes))
    facts = {
        "extractor": digest,
        "class_histogram": [float(share) for share in metrics.class_histogram(labels[1], data.classes)],
        "malformed": sum(not isinstance(mesh, Mesh) for mesh in meshes),
        "held_out_mean_vertices": float(np.mean(_counts(held_out)[0])),
        "held_out_mean_faces": float(np.mean(_counts(held_out)[1])),
        "class_by_nearest_vertices_accuracy": float((labels[0] == data.held_out_y).mean()),
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
    from genbench import evaluation, metrics

    found = {}
    for name, holds in (("valid_meshes", is_valid), ("closed_meshes", is_closed)):
        does = np.array([isinstance(mesh, Mesh) and holds(mesh) for mesh in meshes])
        estimate = metrics.clopper_pearson(int(does.sum()), len(does))
        found[name] = evaluation.Scored(estimate, drawn.fake @ does / len(does))
    return found


def _counts(meshes: Sequence[Any]) -> np.ndarray:
    """(2, n): vertices and faces of each; 0 where there is no mesh."""
    sizes = [(len(mesh.vertices), len(mesh.faces)) if isinstance(mesh, Mesh) else (0, 0) for mesh in meshes]
    return np.array(sizes, np.float64).T


def _sizes(meshes: Sequence[Any], drawn: "Draws") -> "dict[str, Scored]":
    from genbench import evaluation, metrics

    return {
        name: evaluation.Scored(metrics.mean_interval(values, least=0.0), drawn.fake @ values / len(values))
        for name, values in zip(("mean_vertices", "mean_faces"), _counts(meshes), strict=True)
    }


def _crossed(real: np.ndarray, fake: np.ndarray, drawn: "Draws") -> "dict[str, Scored]":
    """Means over both folds, samples of one against held-out meshes of the other."""
    from genbench import evaluation
    from genbench.folds import FOLDS, mean_of

    scale = np.sqrt(real.shape[1])  # the kernel divides by the number of features
    found = []
    for fold in range(FOLDS):
        own, other = slice(fold, None, FOLDS), slice(1 - fold, None, FOLDS)
        draws = evaluation.Draws(drawn.real[:, other], drawn.fake[:, own])
        found.append(_compared(scale * real[other], scale * fake[own], draws))
    return {
        name: evaluation.Scored(
            mean_of([each[name].estimate for each in found]),
            np.mean([each[name].replicates for each in found], axis=0),
        )
        for name in found[0]
    }


def _compared(x: np.ndarray, y: np.ndarray, drawn: "Draws") -> "dict[str, Scored]":
    from genbench import metrics
    from genbench.evaluation import Scored

    n, m = len(x), len(y)
    near, balls = metrics.precision_recall_members(x, y), metrics.density_coverage_members(x, y)
    precision, recall, coverage = (
        metrics.clopper_pearson(int(part.sum()), len(part)) for part in (*near, balls.reals)
    )
    return {
        "vertex_kid": Scored(metrics.kernel_distance(x, y), metrics.kernel_replicates(x, y, *drawn)),
        "precision": Scored(precision, drawn.fake @ near.fakes / m),
        "recall": Scored(recall, drawn.real @ near.reals / n),
        "density": Scored(metrics.mean_interval(balls.fakes, least=0.0), drawn.fake @ balls.fakes / m),
        "coverage": Scored(coverage, drawn.real @ balls.reals / n),
    }
