"""Bayesian network with conditional probability tables (Pearl, 1988): p(x) = Π_i p(x_i | x_parents(i)).

Maximum likelihood is counting: p(x_i = l | parents = u) = (N_iul + c) / (N_iu + c·L).  c > 0 is a Dirichlet prior,
c = 1 the uniform one of Cooper & Herskovits, Machine Learning 9 (1992), doi:10.1007/BF00994110.
"""

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import product
from typing import ClassVar

import torch
from torch import Generator, Tensor

from genbench.capabilities import Measure
from genbench.core import GenerativeModel, Phase, Space, Splits
from genbench.nn.cells import LIMIT, categories, conditional, every_cell

SHOWN = 32  # more entries than this are no table to read


class BayesNet(GenerativeModel):
    """edges: the graph, parent->child by the numbers of the variables, e.g. ["0->1", "0->2", "1->2"]; none: all apart.

    pseudo_count: c.  With 0 an element with a value never seen under its parents has log p = −∞, and parents never
    seen together leave their child uniform.
    """

    exact = True
    tiny: ClassVar = {"edges": ("0->1", "0->2", "1->2")}

    # The tables of all variables in a row, each (L^parents, L), the first parent most significant.
    log_cpt: Tensor
    places: Tensor  # (D, D): what one level of variable j adds to the place of an entry in the table of i

    def __init__(self, space: Space, *, edges: tuple[str, ...] = (), pseudo_count: float = 0.0) -> None:
        super().__init__(space)
        if not 0 <= pseudo_count < float("inf"):
            raise ValueError(f"pseudo_count: got {pseudo_count}; expected 0 or more")
        self.pseudo_count, levels = pseudo_count, categories(space)
        self.parents = parents_of(edges, space.dimensions)
        self.order = tuple(TopologicalSorter(dict(enumerate(self.parents))).static_order())
        sizes = [levels ** (len(parents) + 1) for parents in self.parents]
        if sum(sizes) > LIMIT:
            child = max(range(len(sizes)), key=sizes.__getitem__)
            raise ValueError(
                f"edges: got {len(self.parents[child])} parents for variable {child} and tables of {sum(sizes):,} "
                f"entries in all; expected at most {LIMIT:,}"
            )
        self.starts = [sum(sizes[:i]) for i in range(len(sizes))]
        places = torch.zeros(space.dimensions, space.dimensions, dtype=torch.float64)
        for i, parents in enumerate(self.parents):
            for power, j in enumerate(reversed([*parents, i])):
                places[i, j] = levels**power
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("log_cpt", torch.full((sum(sizes),), 1 / levels).log())

    @property
    def free_parameters(self) -> int:
        """L − 1 for every configuration of the parents of every variable."""
        return len(self.log_cpt) // self.space.levels * (self.space.levels - 1)

    def entries(self, levels: Tensor) -> Tensor:
        """(n, D) levels -> (n, D): where log p(x_i | parents) stands in `log_cpt`."""
        # float64: exact up to 2^53, and matrix products of integers are not there on every device
        return (levels.double() @ self.places.T).long() + torch.tensor(self.starts, device=levels.device)

    def fit(self, splits: Splits) -> None:
        counted = torch.zeros(len(self.log_cpt), dtype=torch.long, device=self.log_cpt.device)
        for part in splits.train.blocks():
            entries = self.entries(self.space.to_levels(part.x).flatten(1))
            counted += torch.bincount(entries.flatten(), minlength=len(counted))
        counts = counted.double().unflatten(0, (-1, self.space.levels)) + self.pseudo_count  # (rows, L)
        counts[counts.sum(1) == 0] = 1
        self.log_cpt.copy_((counts / counts.sum(1, keepdim=True)).log().flatten())

    def phases(self) -> list[Phase]:
        return [Phase("counting", fit=self.fit)]

    def log_prob(self, x: Tensor) -> Tensor:
        return self.log_cpt[self.entries(self.space.to_levels(x).flatten(1))].sum(1)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """Ancestral: parents before their children."""
        drawn = torch.zeros(n, self.space.dimensions, dtype=torch.long, device=rng.device)
        rows = self.log_cpt.exp().unflatten(0, (-1, self.space.levels))
        for i in self.order:
            p = rows[self.entries(drawn)[:, i] // self.space.levels]  # (n, L); x_i itself is still 0
            drawn[:, i] = torch.multinomial(p, 1, generator=rng)[:, 0]
        return self.space.to_unit(drawn).unflatten(1, self.space.shape)

    def probability(self, query: Mapping[int, int], given: Mapping[int, int] | None = None) -> float:
        """Exact P(query | given), variables mapped to levels, by enumeration of the joint.

        NaN where `given` is impossible.  Raises ValueError for more than 2^20 elements, or an unknown variable.
        """
        cells = every_cell(self.space)
        joint = self.log_prob(self.space.to_unit(cells).to(self.log_cpt.device)).exp()
        return conditional(joint.cpu(), cells, query, given)

    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """The learned tables entry by entry, without level 0 of each variable; none where they are too many."""
        if self.free_parameters > SHOWN:
            return {}
        found = {}
        for i, (parents, start) in enumerate(zip(self.parents, self.starts, strict=True)):
            rows = list(product(range(self.space.levels), repeat=len(parents)))
            for (row, given), level in product(enumerate(rows), range(1, self.space.levels)):
                p = self.log_cpt[start + row * self.space.levels + level].exp()
                condition = ", ".join(f"x{j}={value}" for j, value in zip(parents, given, strict=True))
                title = f"P(x{i}={level} | {condition})" if parents else f"P(x{i}={level})"
                found[title] = Measure(p[None], "An entry of the learned table.")
        return found


def parents_of(edges: tuple[str, ...], variables: int) -> list[tuple[int, ...]]:
    """The parents of every variable, ascending.

    Raises:
        ValueError: an edge that cannot be read, is given twice or names a variable that is not there; a cycle.
    """
    found: list[set[int]] = [set() for _ in range(variables)]
    for edge in edges:
        match = re.fullmatch(r"\s*(\d+)\s*->\s*(\d+)\s*", edge)
        if match is None:
            raise ValueError(f"edges: got {edge!r}; expected parent->child with two numbers, e.g. '0->1'")
        parent, child = int(match[1]), int(match[2])
        if max(parent, child) >= variables:
            raise ValueError(
                f"edges: got {edge!r}, unknown variable {max(parent, child)}; expected 0 to {variables - 1}"
            )
        if parent in found[child]:
            raise ValueError(f"edges: got {edge!r} twice; expected each edge once")
        found[child].add(parent)
    try:
        TopologicalSorter(dict(enumerate(found))).prepare()
    except CycleError as error:
        cycle = " -> ".join(str(variable) for variable in error.args[1])
        raise ValueError(f"edges: got the cycle {cycle}; expected a graph without cycles") from error
    return [tuple(sorted(parents)) for parents in found]
