"""A small discrete space as a list of its cells: every element it has, counted, weighted and conditioned on.

Cell k is the element whose levels are the digits of k to the base `space.levels`, the first variable in front.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from genbench.core import Space

LIMIT = 1 << 20  # cells that are still held in memory at once


def categories(space: Space) -> int:
    """The number of values of a variable.  Raises ValueError where the values are no categories."""
    if space.levels < 2:
        raise ValueError(
            f"space: got {space.kind} of shape {space.shape} without levels; expected a table or an image, "
            "whose values are categories"
        )
    return space.levels


def count_cells(space: Space) -> int:
    """How many elements the space has; ValueError if more than LIMIT."""
    cells = categories(space) ** space.dimensions
    if cells > LIMIT:
        raise ValueError(
            f"space: got {space.levels}^{space.dimensions} cells ({space.kind} of shape {space.shape}); "
            f"expected at most {LIMIT:,}"
        )
    return cells


def every_cell(space: Space) -> Tensor:
    """The levels of every element, (cells, D), in the order of their numbers."""
    return levels_of(space, torch.arange(count_cells(space)))


def levels_of(space: Space, cell: Tensor) -> Tensor:
    """(n,) numbers of cells -> (n, D) levels."""
    return cell[:, None] // place_values(space).to(cell.device) % space.levels


def cell_of(space: Space, x: Tensor) -> Tensor:
    """(n, *space.shape) in [0, 1] -> (n,) numbers of cells."""
    levels = space.to_levels(x).flatten(1)
    return (levels * place_values(space).to(levels.device)).sum(1)


def place_values(space: Space) -> Tensor:
    """What one level of each variable adds to the number of a cell, (D,)."""
    return space.levels ** torch.arange(space.dimensions - 1, -1, -1)


def conditional(
    joint: Tensor, cells: Tensor, query: Mapping[int, int], given: Mapping[int, int] | None = None
) -> float:
    """P(query | given) by summing a joint (cells,) over the elements that agree; both map variables to levels.

    NaN where `given` has probability 0.  Raises ValueError for a variable or a level that is not there.
    """
    width, levels = cells.shape[1], int(cells.max()) + 1
    for variable, level in [*query.items(), *(given or {}).items()]:
        if not (0 <= variable < width and 0 <= level < levels):
            raise ValueError(
                f"variable {variable} = {level}: not there; expected variables 0 to {width - 1}, "
                f"levels 0 to {levels - 1}"
            )
    condition = _agreeing(cells, given or {})
    both = condition & _agreeing(cells, query)
    p = joint.double()
    return float(p[both].sum() / p[condition].sum())


def _agreeing(cells: Tensor, values: Mapping[int, int]) -> Tensor:
    chosen = torch.ones(len(cells), dtype=torch.bool)
    for variable, level in values.items():
        chosen &= cells[:, variable] == level
    return chosen
