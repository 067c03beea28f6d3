"""The page a rater opens and the key that stays with the experimenter.

The page knows opaque trial ids and pixels, nothing else.  Pixels are embedded raw, every image at the same length:
a compressed file is longer for a noisy image and would give the answer away.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from genbench.drawing.pages import templates
from genbench.storage.files import InputError, json_bytes, sha256

REAL = "real"  # what the real images are called where a run's name would stand
EXAMPLES = 16  # real images of the training part, shown before the first trial


class Source(NamedTuple):
    """The images of a dataset that a study draws from: uint8 levels (n, c, h, w)."""

    name: str
    real: np.ndarray
    examples: np.ndarray
    levels: int
    sha256: str


class _Candidate(NamedTuple):
    run: str | None
    place: int
    image: np.ndarray


def build(
    source: Source,
    samples: Mapping[str, np.ndarray],
    *,
    per_run: int,
    seed: int,
    seconds: float | None = None,
) -> tuple[bytes, bytes]:
    """The page and its key.  Each run gives `per_run` samples, the held-out part as many images as all runs together.

    Args:
        samples: run -> uint8 levels (n, c, h, w).
        seconds: how long each image stays visible; None for as long as the rater wants.

    Raises:
        InputError: there are too few images, or none to compare.
    """
    if not samples:
        raise InputError(f"study of {source.name}: there are no runs to judge; expected at least one")
    rng = np.random.default_rng(seed)
    chosen = _draw(None, source.real, per_run * len(samples), rng, f"{source.name}: held-out images")
    for run, images in samples.items():
        chosen += _draw(run, images, per_run, rng, f"{run}: samples")
    # Ids are random, so their order says nothing about where an image is from.
    trials = sorted(zip(_ids(len(chosen), rng), chosen, strict=True), key=lambda trial: trial[0])
    pixels = {trial: _pixels(candidate.image, source.levels) for trial, candidate in trials}
    hashes = {trial: sha256(content) for trial, content in pixels.items()}
    study = sha256(json.dumps([source.name, seconds, hashes]).encode())[:16]
    key = {
        "format": "genbench-study-key",
        "study": study,
        "dataset": source.name,
        "data_sha256": source.sha256,
        "seed": seed,
        "per_run": per_run,
        "seconds": seconds,
        "samples": {run: sha256(np.ascontiguousarray(images).tobytes()) for run, images in samples.items()},
        "trials": {
            trial: {"run": candidate.run, "index": candidate.place, "sha256": hashes[trial]}
            for trial, candidate in trials
        },
    }
    few = source.examples[np.sort(rng.permutation(len(source.examples))[:EXAMPLES])]
    return _html(source, study, seconds, pixels, few), json_bytes(key)


def _draw(
    run: str | None, images: np.ndarray, count: int, rng: np.random.Generator, what: str
) -> list[_Candidate]:
    """`count` different images, by chance alone: nothing is picked by hand or by quality."""
    if len(images) < count:
        raise InputError(
            f"{what}: there are {len(images)}, the study needs {count}; expected a smaller --per-run"
        )
    return [_Candidate(run, int(i), images[i]) for i in rng.permutation(len(images))[:count]]


def _ids(count: int, rng: np.random.Generator) -> list[str]:
    ids: dict[str, None] = {}
    while len(ids) < count:
        ids[rng.bytes(6).hex()] = None
    return list(ids)


def _pixels(image: np.ndarray, levels: int) -> bytes:
    """uint8 levels (c, h, w) -> bytes (h, w, 1 or 3) from 0 to 255."""
    shown = np.round(image.astype(np.float64) * (255 / (levels - 1))).astype(np.uint8)
    return shown[: 1 if len(shown) == 1 else 3].transpose(1, 2, 0).tobytes()


def _html(
    source: Source,
    study: str,
    seconds: float | None,
    pixels: Mapping[str, bytes],
    examples: np.ndarray,
) -> bytes:
    """pixels: of each trial.  examples: uint8 levels (n, c, h, w)."""
    _, channels, height, width = source.real.shape
    content = {
        "study": study,
        "width": width,
        "height": height,
        "channels": 1 if channels == 1 else 3,
        "seconds": seconds,
        "trials": [[trial, b64encode(image).decode()] for trial, image in pixels.items()],
        "examples": [b64encode(_pixels(image, source.levels)).decode() for image in examples],
    }
    page = templates("genbench.study").get_template("page.html")
    return page.render(dataset=source.name, content=content, count=len(pixels)).encode()
