"""The overview: what every dataset's section found, and the tree of the zoo with the place of each system on it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from genbench.report.course import alarms
from genbench.report.results import Row
from genbench.report.table import Column, column, leading
from genbench.report.verdict import Judgement
from genbench.scoring.catalogue import SCORES

# Families of models by what they make of the density (Goodfellow, 2016, arXiv:1701.00160, figure 9).
BRANCHES: dict[str, tuple[str, ...]] = {
    "Explicit density, tractable": ("explicit", "autoregressive", "flows"),
    "Explicit density, approximate": ("latent", "energy", "diffusion"),
    "Codes and reconstruction": ("autoencoders",),
    "Implicit density": ("adversarial", "translation"),
}
ELSEWHERE = "From elsewhere"


class Place(NamedTuple):
    """One row on the map: its place among the models of its dataset by the leading score.

    best: whether it leads, or is within noise of who leads.
    """

    row: Row
    place: int
    of: int
    best: bool
    score: str  # label and value
    verdict: str | None
    alarms: list[str]  # of its samples and its training

    @property
    def text(self) -> str:
        if self.of == 1:
            return "alone"
        return "best" if self.best else f"{self.place} of {self.of}"


class System(NamedTuple):
    """One model, and by dataset the places of its rows."""

    model: str
    places: dict[str, list[Place]]


class Branch(NamedTuple):
    name: str
    systems: list[System]


def branches(sections: Mapping[str, tuple[Sequence[Row], Judgement]]) -> list[Branch]:
    """Dataset -> its rows and their judgement; every model that has a place somewhere, branch by branch."""
    systems: dict[str, System] = {}
    for dataset, (rows, judgement) in sections.items():
        for place in places(rows, judgement):
            model = place.row.model
            system = systems.setdefault(model, System(model, {}))
            system.places.setdefault(dataset, []).append(place)
    order = [family for families in BRANCHES.values() for family in families]
    found: dict[str, list[System]] = {name: [] for name in (*BRANCHES, ELSEWHERE)}
    for model in sorted(systems, key=lambda model: (_family_place(model, order), model)):
        found[branch_of(model)].append(systems[model])
    return [Branch(name, members) for name, members in found.items() if members]


def places(rows: Sequence[Row], judgement: Judgement) -> list[Place]:
    """The models of one dataset in the order of the leading score; none without such a score."""
    name = leading(rows)
    if name is None:
        return []
    models = [row for row in rows if not row.control and name in row.estimates]
    if not models:
        return []
    shown: Column = column(name, SCORES[name], rows)
    sign = -1 if SCORES[name].better == "up" else 1
    models.sort(key=lambda row: sign * row.estimates[name].value)
    label = shown.score.label
    return [
        Place(
            row,
            i,
            len(models),
            row.name == shown.best or row.name in shown.tied,
            f"{label} {shown.value(row)} {shown.interval(row)}".rstrip(),
            judgement.of(row),
            alarms(row),
        )
        for i, row in enumerate(models, 1)
    ]


def _family_place(model: str, order: Sequence[str]) -> int:
    family = model.split("/", maxsplit=1)[0]
    return order.index(family) if family in order else len(order)


def branch_of(model: str) -> str:
    """The part of the tree where a model's family stands."""
    family = model.split("/", maxsplit=1)[0]
    return next((name for name, families in BRANCHES.items() if family in families), ELSEWHERE)
