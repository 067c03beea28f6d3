"""Points of [0, 1]^d: modes from the card, pictures of the plane and of the line.

Where the data is a mixture, its card gives `centres`, `sigma` and `weights`; without them there is less to say.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.drawing.canvas import ALARM, INK, SAMPLES, SCORE, TARGET, Canvas, Key, Picture, with_legend
from genbench.kinds.kind import Card, Comparison, Subject

if TYPE_CHECKING:
    from genbench.data.prepared import Prepared
    from genbench.params.schema import Extractor
    from genbench.scoring.evaluation import Draws, Scored

DISTANCE = "Euclidean, in units of the box around the data"

WITHIN = 3.0  # sigmas from a centre within which a sample is good
LINE = 400  # places at which curves are drawn
UNDECIDED = (244, 214, 190)  # the height at which D says one half
PLANE_SIDES = {"small": 200, "large": 380}
LINE_SIZES = {"small": (250, 150), "large": (480, 260)}


def vectors(stored: np.ndarray, card: Card) -> np.ndarray:
    """(n, d) float64."""
    return stored.reshape(len(stored), -1).astype(np.float64)


def extractor(data: "Prepared", settings: "Extractor") -> tuple[bytes, dict[str, Any]]:
    from genbench.extractors import plain

    return plain.extractor(data)


def compare(data: "Prepared", subject: Subject, drawn: "Draws", *, extractor: Path, seed: int) -> Comparison:
    """Balls around points, and for a mixture what only a known density allows."""
    from genbench.extractors import plain
    from genbench.scoring import evaluation

    digest = plain.load(extractor, data)
    real, fake = (vectors(x, data.card) for x in (data.held_out.x, subject.samples))
    scores = evaluation.crossed_scores(
        lambda a, b, of_fold: evaluation.manifold_scores(real[a], fake[b], of_fold), drawn
    )
    if "centres" in data.card:
        scores |= _modes(fake, data.card, drawn, seed)
        if subject.likelihood is not None:
            scores["excess_nll"] = _excess(data, subject, drawn)
    return Comparison(scores, {"extractor": digest})


def _modes(fake: np.ndarray, card: Card, drawn: "Draws", seed: int) -> "dict[str, Scored]":
    from genbench.scoring import metrics
    from genbench.scoring.evaluation import Scored

    mixture = fake, np.array(card["centres"]), float(card["sigma"])
    found = metrics.mode_coverage(*mixture, weights=card["weights"], within=WITHIN, seed=seed)
    replicates = metrics.mode_replicates(*mixture, drawn.fake, weights=card["weights"], within=WITHIN)
    names = ("modes_covered", "mode_quality", "mode_kl")
    return {
        name: Scored(estimate, values)
        for name, estimate, values in zip(names, found, replicates, strict=True)
    }


def _excess(data: "Prepared", subject: Subject, drawn: "Draws") -> "Scored":
    """log p(x) of the mixture minus that of the model, on held-out points: its mean estimates KL(data ‖ model)."""
    from genbench.core import space_of
    from genbench.scoring import evaluation

    assert subject.likelihood is not None
    said = evaluation.log_prob(subject.likelihood, data.held_out.x, space_of(data.card))
    excess = mixture_log_density(vectors(data.held_out.x, data.card), data.card) - said
    return evaluation.mean_over(excess, drawn.real)


def mixture_log_density(x: np.ndarray, card: Card) -> np.ndarray:
    """Of the true mixture in the unit of the box, (n, d) -> (n,) nats."""
    sigma, centres = float(card["sigma"]), np.array(card["centres"])
    squares = ((x[:, None] - centres) ** 2).sum(2) / sigma**2  # (n, components)
    logs = np.log(card["weights"]) - 0.5 * squares - x.shape[1] * np.log(sigma * np.sqrt(2 * np.pi))
    top: np.ndarray = logs.max(1)
    return top + np.log(np.exp(logs - top[:, None]).sum(1))


def grid(samples: np.ndarray, card: Card) -> Picture:
    """Samples over the true modes, or on the line their density over the true one."""
    frame = {"x": samples}
    return with_legend(moment(frame, card, size="large"), legend(frame, card))


def pairs(samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card) -> Picture:
    """Where the samples lie that are closest to training points: in rings, red where they count as copies."""
    copies = np.asarray(flagged, bool)
    if samples.shape[1] == 1:
        canvas = _line_canvas("large", card)
        places = np.stack([samples[:, 0], np.full(len(samples), 0.5)], 1)
        near = np.stack([training[:, 0], np.full(len(training), 0.5)], 1)
    else:
        canvas = _plane_canvas("large", card)
        places, near = samples[:, :2], training[:, :2]
    canvas.dots(near, 2.0, INK)
    canvas.rings(places[~copies], 6.0, SAMPLES)
    canvas.rings(places[copies], 6.0, ALARM)
    keys = [Key(INK, "training point"), Key(SAMPLES, "sample"), Key(ALARM, "counts as a copy")]
    return with_legend(canvas.picture(), keys)


def moment(frame: dict[str, np.ndarray], card: Card, *, size: str) -> Picture:
    """x: samples (k, d).  Along the line also score, D(x), or critic, f(x): (places,).  size: "small" or "large"."""
    x = vectors(frame["x"], card)
    if x.shape[1] > 1:
        canvas = _plane_canvas(size, card)
        canvas.dots(x[:, :2], 1.1 if size == "large" else 0.8, SAMPLES)
        return canvas.picture()
    canvas = _line_canvas(size, card)
    places = np.linspace(0, 1, LINE)
    _curve(canvas, places, sample_density(x[:, 0], places, card) / _top(card), SAMPLES)
    if (score := frame.get("score")) is not None:
        canvas.curve(np.array([[0.0, 0.5], [1.0, 0.5]]), UNDECIDED, 1.0)
        _curve(canvas, np.linspace(0, 1, len(score)), score, SCORE)
    if (critic := frame.get("critic")) is not None:  # its level and its scale mean nothing
        heights = (critic - critic.min()) / max(float(critic.max() - critic.min()), 1e-12)
        _curve(canvas, np.linspace(0, 1, len(critic)), heights, SCORE)
    return canvas.picture()


def legend(frame: dict[str, np.ndarray], card: Card) -> list[Key]:
    """What the colours of `moment` mean."""
    on_line = frame["x"].shape[1] == 1
    keys = [Key(SAMPLES, "sample density" if on_line else "samples")]
    if "centres" in card:
        true = "data density" if on_line else f"within {WITHIN:g} sigma of a true centre"
        keys.insert(0, Key(TARGET, true))
    said = {"score": "D(x), from 0 to 1", "critic": "critic, least to greatest"}
    return keys + [Key(SCORE, text) for name, text in said.items() if name in frame]


def true_density(places: np.ndarray, card: Card) -> np.ndarray:
    """The density of a mixture on the line, (n,) -> (n,), in the unit of the box."""
    sigma = float(card["sigma"])
    return _bumps(places, np.array(card["centres"])[:, 0], np.array(card["weights"]), sigma)


def sample_density(samples: np.ndarray, places: np.ndarray, card: Card) -> np.ndarray:
    """A kernel estimate a third of a component wide, so that it widens a component by a twentieth."""
    width = float(card.get("sigma", 0.03)) / 3
    return _bumps(places, samples, np.full(len(samples), 1 / len(samples)), width)


def _bumps(places: np.ndarray, centres: np.ndarray, weights: np.ndarray, sigma: float) -> np.ndarray:
    away = (places[:, None] - centres) / sigma
    density: np.ndarray = np.exp(-0.5 * away**2) @ weights / (sigma * np.sqrt(2 * np.pi))
    return density


def _plane_canvas(size: str, card: Card) -> Canvas:
    side = PLANE_SIDES[size]
    canvas = Canvas(side, side)
    if "centres" in card:
        radius = WITHIN * float(card["sigma"]) * (side - 2 * canvas.margin)
        canvas.dots(np.array(card["centres"])[:, :2], max(radius, 2.0), TARGET)
    return canvas


def _line_canvas(size: str, card: Card) -> Canvas:
    canvas = Canvas(*LINE_SIZES[size])
    if "centres" in card:
        places = np.linspace(0, 1, LINE)
        canvas.area(np.stack([places, true_density(places, card) / _top(card)], 1), TARGET)
    return canvas


def _curve(canvas: Canvas, places: np.ndarray, heights: np.ndarray, colour: tuple[int, int, int]) -> None:
    canvas.curve(np.stack([places, heights.clip(0, 1)], 1), colour)


def _top(card: Card) -> float:
    """The density at the picture's upper edge: half as much again as the data ever has."""
    return 1.5 * float(true_density(np.linspace(0, 1, LINE), card).max()) if "centres" in card else 10.0
