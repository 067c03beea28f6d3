"""The record of `genbench score` for a person: plain text, and a figure of the closest pairs."""

from typing import Any

import numpy as np

from genbench.drawing import tiles
from genbench.scoring.catalogue import SCORES

ROLES = {
    "samples": ("generated", "samples"),
    "train": ("train", "training images"),
    "held_out": ("held_out", "held-out images"),
}
REASONS = 3  # files of a set that cannot be read, whose reason is printed
PUBLISHED_WEIGHTS = ("inception", "dinov2-s", "dinov2-b", "dinov2-l")


def table(record: dict[str, Any], *, most: int = 40) -> str:
    """The record as plain text, at most 100 columns; all flagged pairs up to `most`."""
    extractor = record["extractor"]
    lines = [
        *(f"{role:<10}{_cut(_counted(record[role]), 90)}" for role in ("samples", "train", "held_out")),
        f"extractor {extractor['name']}, {extractor['features']} features, sha256 {extractor['sha256'][:12]}",
        f"seed      {record['seed']}; reference split: held_out",
        *_section("fidelity", record["fidelity"], "better"),
        *_section("novelty", record["novelty"], "of new data"),
        *_notes(record),
        *(_cut(f"not computed: {name} ({why})", 100) for name, why in record["not_computed"].items()),
        *_copies(record, most),
    ]
    return "\n".join(line.rstrip() for line in lines)


def shown_pairs(record: dict[str, Any], *, least: int = 12, most: int = 60) -> list[dict[str, Any]]:
    """The flagged pairs up to `most`, and at least `least` pairs in any case."""
    pairs: list[dict[str, Any]] = record["copies"]["pairs"]
    return pairs[: max(least, min(most, record["copies"]["flagged"]))]


def figure(record: dict[str, Any], samples: np.ndarray, train: np.ndarray, *, columns: int) -> np.ndarray:
    """The closest pairs, samples above and training images below, flagged ones framed: RGB (h, w, 3)."""
    pairs = shown_pairs(record)
    rows = []
    for start in range(0, len(pairs), columns):
        part = pairs[start : start + columns]
        above, below = (x[[pair["places"][i] for pair in part]] for i, x in enumerate((samples, train)))
        rows.append(tiles.neighbours(above, below, [pair["flagged"] for pair in part], 256, side=64))
    width = rows[0].shape[1]
    spare = (((0, 0), (0, width - row.shape[1]), (0, 0)) for row in rows)
    return np.concatenate(
        [np.pad(row, pad, constant_values=tiles.PAPER) for row, pad in zip(rows, spare, strict=True)]
    )


def _section(title: str, scores: dict[str, Any], direction: str) -> list[str]:
    """A heading and one line for each score."""
    rows = [
        (
            score["label"],
            _number(score["value"]),
            f"[{_number(score['low'])}, {_number(score['high'])}]",
            str(score["n"]),
            _number(score["real"]["value"]) if score["real"] else "",
            SCORES[name].direction,
        )
        for name, score in scores.items()
    ]
    head = (title, "value", "95 % interval", "n", "real data", direction)
    return ["", *(f"{a:<37}{b:>9}  {c:<20}{d:>7} {e:>10}  {f}" for a, b, c, d, e, f in [head, *rows])]


def _notes(record: dict[str, Any]) -> list[str]:
    """What makes the numbers look better or worse than they are."""
    shared, extractor = record["exact_copies"], record["extractor"]
    notes = [
        f"{name} cannot be read: {reason}"
        for role in ("samples", "train", "held_out")
        for name, reason in list(record[role]["unreadable"].items())[:REASONS]
    ]
    notes += _cut_sets(record, "features_of", "fidelity, FLD and MiFID")
    notes += _cut_sets(record, "paired_of", "kernel distance and balls (precision to coverage)")
    if record["copies"]["flagged"] > len(record["copies"]["pairs"]):
        notes.append(f"of the flagged pairs the record lists the {len(record['copies']['pairs']):,} closest")
    if shared["samples_in_held_out"]:
        notes.append(
            f"{shared['samples_in_held_out']} of the samples are held-out images: fidelity is too good"
        )
    if shared["held_out_in_train"]:
        notes.append(
            f"{shared['held_out_in_train']} held-out images are training images: copies may be missed"
        )
    if extractor["name"] in PUBLISHED_WEIGHTS and not extractor["comparable_with_published"]:
        notes.append("not the published weights file: not comparable with published numbers")
    if extractor["fitted_to_training_images"]:
        notes.append("the extractor knows the training images: real data may look worse than it is")
    return [f"note: {note}" for note in notes]


def _cut_sets(record: dict[str, Any], key: str, scores: str) -> list[str]:
    """Which scores look at a part of a set."""
    return [
        f"{scores} are of {record[key][part]:,} of {record[role]['n']:,} {words}, drawn at random"
        for role, (part, words) in ROLES.items()
        if record[key][part] < record[role]["n"]
    ]


def _copies(record: dict[str, Any], most: int) -> list[str]:
    copies = record["copies"]
    chance = copies["measured_on_held_out"]
    return [
        "",
        f"{copies['flagged']} of {record['samples']['n']} samples are closer to a training image than all but "
        f"{copies['quantile']:.0%} of held-out images.",
        f"Of new data at most {copies['expected_by_chance_at_most']:.3g} are expected; "
        f"of held-out images it flags {chance['value']:.2%} [{chance['low']:.2%}, {chance['high']:.2%}].",
        f"As many are flagged of new images with a probability of {copies['chance']:.2g}: {copies['verdict']}.",
        "",
        f"{'':<4}  {'sample':<38}  {'closest training image':<26}  {'view':<8}  {'ratio':>6}  {'p':>6}",
        *(
            f"{'copy' if pair['flagged'] else '':<4}  {_cut(pair['sample'], 38):<38}  {_cut(pair['train'], 26):<26}  "
            f"{pair['view']:<8}  {pair['ratio']:>6.3f}  {pair['p_value']:>6.4f}"
            for pair in shown_pairs(record, most=most)
        ),
    ]


def _counted(about: dict[str, Any]) -> str:
    bad = f", {len(about['unreadable'])} unreadable files left out" if about["unreadable"] else ""
    passed = ", ".join(f"{count} {suffix}" for suffix, count in about["passed_over"].items())
    said = (f", {passed} passed over" if passed else "") + (
        f", taken for {about['taken_for']}" if about["taken_for"] else ""
    )
    return f"{about['n']} images{bad}{said}, {about['source']}"


def _number(value: float | None) -> str:
    """Three digits, in at most nine characters."""
    if value is None:
        return "inf"
    return f"{value:.3g}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.1e}"


def _cut(text: str, most: int) -> str:
    """The end of a text that is too long is what tells files apart."""
    return text if len(text) <= most else "…" + text[1 - most :]
