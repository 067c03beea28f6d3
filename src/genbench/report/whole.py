"""What a Fréchet distance does not see: whether samples are right as a whole, in a sentence for each question."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from genbench.report.results import Row
from genbench.scoring.estimates import Estimate

DISTANCE = "FID (classifier)"
OVER = (
    "images"  # what the settings of such a table are: samples, held-out images, and the control made of these
)


class Whole(NamedTuple):
    """Score and distance of samples, of held-out images, and of the control whose parts alone are right."""

    label: str
    scores: list[Estimate]
    distances: list[Estimate]

    @property
    def wrong(self) -> bool:
        """Whether the samples' interval lies apart from the held-out images'."""
        own, floor = self.scores[:2]
        return own.high < floor.low or own.low > floor.high


def sentences(rows: Sequence[Row]) -> list[tuple[str, bool]]:
    """For each question that has such a table: of the system nearest to the data; and whether it is wrong."""
    found: dict[str, list[Whole]] = {}
    for row in rows:
        if row.control:
            continue
        for table in row.runs[0].metrics.get("tables", ()):
            if table["over"] == OVER and DISTANCE in table["columns"]:
                found.setdefault(table["title"], []).append(_read(row.label, table))
    told = []
    for title, systems in found.items():
        best = min(systems, key=lambda each: each.distances[0].value)
        own, floor, control = (
            f"{score.value:.3g} at {distance.value:.3g}"
            for score, distance in zip(best.scores, best.distances, strict=True)
        )
        told.append(
            (
                f"{title}: {own} {DISTANCE} of {best.label}, the system nearest to the data; "
                f"{floor} of held-out images; {control} of halves of two, whose parts are right and "
                "whose whole is wrong.",
                best.wrong,
            )
        )
    return told


def _read(label: str, table: Mapping[str, Any]) -> Whole:
    """The first column that is no distance is the score."""
    name = next(name for name in table["columns"] if name != DISTANCE)
    scores, distances = (
        [Estimate.from_dict(each) or Estimate.alone(float("nan")) for each in table["columns"][column]]
        for column in (name, DISTANCE)
    )
    return Whole(label, scores, distances)
