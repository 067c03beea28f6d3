"""Rain, sprinkler, wet grass (after Pearl, 1988): three binary variables whose distribution is known.

P(r, s, g) = P(r) P(s | r) P(g | r, s): the sprinkler rarely runs when it rains, and either wets the grass.
"""

from collections.abc import Sequence

import numpy as np

from genbench.data.source import Part, Source
from genbench.storage.files import InputError

KIND = "table"

VARIABLES = ("rain", "sprinkler", "grass")
PARENTS: tuple[tuple[int, ...], ...] = ((), (0,), (0, 1))
# P(variable = 1 | parents), for the parents' values 0…, …, 1… in binary order, the first parent in front.
TABLES: tuple[tuple[float, ...], ...] = ((0.2,), (0.4, 0.01), (0.0, 0.9, 0.8, 0.99))
QUERIES = (
    {"title": "P(grass)", "query": {"grass": 1}, "given": {}},
    {"title": "P(rain | grass)", "query": {"rain": 1}, "given": {"grass": 1}},
)


def load(*, train: int = 20_000, held_out: int = 5000, seed: int = 0) -> Source:
    """Independent draws for both parts, ancestral from the tables.  There are no labels.

    Raises:
        InputError: fewer than one draw, or a negative seed.
    """
    for option, value, least in (("train", train, 1), ("held_out", held_out, 1), ("seed", seed, 0)):
        if value < least:
            raise InputError(f"{option}: got {value}; expected at least {least}")
    drawn = (draw(n, np.random.default_rng((seed, part))) for part, n in enumerate((train, held_out)))
    about = {
        "source": "drawn by genbench.data.sprinkler",
        "description": "rain, sprinkler and wet grass, three binary variables of known distribution",
        "licence": "CC0 1.0",
        "variables": list(VARIABLES),
        "parents": [list(parents) for parents in PARENTS],
        "tables": [list(table) for table in TABLES],
        "joint": joint(PARENTS, TABLES).tolist(),
        "queries": list(QUERIES),
    }
    first, second = (Part(x, np.zeros(len(x), np.int64)) for x in drawn)
    return Source(first, second, 2, 0, about, kind="table")


def draw(n: int, rng: np.random.Generator) -> np.ndarray:
    """uint8 (n, 3), parents before children."""
    x = np.zeros((n, len(VARIABLES)), np.uint8)
    for i, (parents, table) in enumerate(zip(PARENTS, TABLES, strict=True)):
        x[:, i] = rng.random(n) < np.array(table)[_rows(x, parents)]
    return x


def joint(parents: Sequence[Sequence[int]], tables: Sequence[Sequence[float]]) -> np.ndarray:
    """The probability of every combination of binary values, (2^D,), the first variable most significant."""
    x = np.indices((2,) * len(parents)).reshape(len(parents), -1).T  # (2^D, D)
    p = np.ones(len(x))
    for i, (own, table) in enumerate(zip(parents, tables, strict=True)):
        one = np.array(table)[_rows(x, own)]
        p *= np.where(x[:, i] == 1, one, 1 - one)
    return p


def _rows(x: np.ndarray, parents: Sequence[int]) -> np.ndarray:
    """The row of a table that each element's parents select, (n,)."""
    rows = np.zeros(len(x), np.int64)
    for parent in parents:
        rows = 2 * rows + x[:, parent]
    return rows
