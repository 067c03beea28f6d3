"""The cells of a table, numbered with the first variable most significant, and probabilities over them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from genbench.kinds.kind import Card
from genbench.storage.files import InputError

LIMIT = 1 << 12  # cells that can be listed

Levels = Mapping[int, int]  # variable -> level


class Query(NamedTuple):
    """P(query | given); true: the answer where the card tells the true distribution."""

    title: str
    query: Levels
    given: Levels
    true: float | None


def variables(card: Card) -> list[str]:
    """What the variables are called, x0, x1, … where the card does not say."""
    return list(card.get("variables", [f"x{i}" for i in range(card["shape"][0])]))


def all_cells(card: Card) -> np.ndarray:
    """The levels of every cell in the order of their numbers, uint8 (cells, D)."""
    _number_of_cells(card)
    width = card["shape"][0]
    return np.indices((card["levels"],) * width, dtype=np.uint8).reshape(width, -1).T.copy()


def counts(x: np.ndarray, card: Card, weights: np.ndarray | None = None) -> np.ndarray:
    """How often each cell occurs: (cells,), or (b, cells) for rows that count `weights` (b, n) times."""
    place = card["levels"] ** np.arange(x.shape[1] - 1, -1, -1)
    numbers, cells = x.astype(np.int64) @ place, _number_of_cells(card)
    if weights is None:
        return np.bincount(numbers, minlength=cells)
    found = np.zeros((len(weights), cells))
    for cell in np.unique(numbers):
        found[:, cell] = weights[:, numbers == cell].sum(axis=1)
    return found


def queries(card: Card) -> Iterator[Query]:
    """The questions that the card asks of every model."""
    names, cells = variables(card), all_cells(card)
    for asked in card.get("queries", []):
        query, given = (
            {names.index(name): level for name, level in asked[part].items()} for part in ("query", "given")
        )
        true = conditional(np.array(card["joint"]), cells, query, given) if "joint" in card else None
        yield Query(asked["title"], query, given, true)


def table_entries(card: Card) -> Iterator[tuple[int, Levels, float]]:
    """Variable, levels of its parents, and the true probability that it is 1."""
    for i, (parents, table) in enumerate(zip(card["parents"], card["tables"], strict=True)):
        for levels, true in zip(np.ndindex(*(2,) * len(parents)), table, strict=True):
            yield i, dict(zip(parents, levels, strict=True)), true


def conditional(p: np.ndarray, cells: np.ndarray, query: Levels, given: Levels) -> float:
    """P(query | given) from the probabilities of all cells; NaN where the condition has none."""
    condition = matching(cells, given)
    with np.errstate(invalid="ignore"):
        return float(p[condition & matching(cells, query)].sum() / p[condition].sum())


def matching(x: np.ndarray, values: Levels) -> np.ndarray:
    """Which rows of x have these levels in these variables, (n,)."""
    chosen = np.ones(len(x), bool)
    for variable, level in values.items():
        chosen &= x[:, variable] == level
    return chosen


def _number_of_cells(card: Card) -> int:
    width, levels = card["shape"][0], card["levels"]
    if levels**width > LIMIT:
        raise InputError(f"table: got {levels}^{width} cells; expected at most {LIMIT:,}, to be listed")
    return int(levels**width)
