"""Long short-term memories that go over a map: row by row, and diagonal by diagonal from both sides.

The layers of PixelRNN (van den Oord, Kalchbrenner & Kavukcuoglu, 2016, arXiv:1601.06759, sections 3.1 and 3.2), which
keep the raster order: what stands at a place depends on the inputs at that place and before it.  Maps are
(h, w, n, features), places first.  A `walk` goes through the same layer place by place, for sampling.
"""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Walk = Callable[
    [Tensor], Tensor
]  # the inputs of the next place in raster order, (n, features) -> its outputs


def lstm(sums: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted sums (…, 4 h) of output, forget and input gate and content, earlier cells (…, h) -> states, cells."""
    gates, content = sums.split([3 * cell.shape[-1], cell.shape[-1]], -1)
    output, forget, enter = gates.sigmoid().chunk(3, -1)
    cell = forget * cell + enter * content.tanh()
    return output * cell.tanh(), cell


def moved_down(x: Tensor) -> Tensor:
    """(h, …) -> (h, …): each row where the one below it was, zeros in the first."""
    return torch.cat([torch.zeros_like(x[:1]), x[:-1]])


def neighbours(x: Tensor, before: int, after: int) -> Tensor:
    """(w, …, c) along a row, zeros beyond its ends -> (w, …, (before + 1 + after)·c), from left to right."""
    width = x.shape[0]
    padded = torch.cat([x.new_zeros(before, *x.shape[1:]), x, x.new_zeros(after, *x.shape[1:])])
    return torch.cat([padded[i : i + width] for i in range(before + 1 + after)], -1)


def diagonals(height: int, width: int) -> list[list[int]]:
    """The rows r of the places (r, t − r) within the map, for t = 0, 1, …: the skewed map's columns."""
    return [list(range(max(0, t - width + 1), min(height - 1, t) + 1)) for t in range(height + width - 1)]


class RecurrentLayer(nn.Module):
    """Adds to its inputs, `features` of them, what the states of `units` memory cells at each place say."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.out = nn.Linear(units, features)

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """(h, w, n, features) -> the same shape."""

    @abstractmethod
    def walk(self, width: int) -> Walk:
        """The layer over a map of that width, place by place."""

    @staticmethod
    def start(sums: nn.Linear, units: int) -> nn.Linear:
        """The bias of the forget gate starts at 1, so that memory is kept at first."""
        nn.init.zeros_(sums.bias)
        nn.init.ones_(sums.bias[units : 2 * units])
        return sums


class RowLayer(RecurrentLayer):
    """A row's states follow from the row above, by a convolution of `kernel` states, and from inputs to the left."""

    def __init__(self, features: int, units: int, kernel: int = 3) -> None:
        super().__init__(features, units)
        self.reach = kernel // 2
        self.inputs = self.start(nn.Linear((self.reach + 1) * features, 4 * units), units)
        self.states = nn.Linear(kernel * units, 4 * units, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        # The masked convolution over the inputs reads their own place and those to its left.
        sums = self.inputs(neighbours(x.transpose(0, 1), self.reach, 0)).transpose(0, 1)
        state = cell = x.new_zeros(*x.shape[1:3], self.units)  # (w, n, units)
        states = []
        for row in sums:
            state, cell = lstm(row + self.states(neighbours(state, self.reach, self.reach)), cell)
            states.append(state)
        return x + self.out(torch.stack(states))

    def walk(self, width: int) -> Walk:
        row: list[Tensor] = []  # inputs of this row
        states: list[tuple[Tensor, Tensor]] = []  # of this row, (n, units) each: states and cells
        above: list[tuple[Tensor, Tensor]] = []  # what the row above gives each place: sums and cells

        def step(x: Tensor) -> Tensor:
            if not above:
                above.extend([(x.new_zeros(len(x), 4 * self.units), x.new_zeros(len(x), self.units))] * width)
            row.append(x)
            seen = [torch.zeros_like(x)] * (self.reach + 1 - len(row)) + row[-self.reach - 1 :]
            told, cell = above[len(states)]
            states.append(lstm(self.inputs(torch.cat(seen, -1)) + told, cell))
            out = x + self.out(states[-1][0])
            if len(row) == width:
                finished = torch.stack([state for state, _ in states])
                told = self.states(neighbours(finished, self.reach, self.reach))
                above[:] = [(sums, cell) for sums, (_, cell) in zip(told, states, strict=True)]
                row.clear()
                states.clear()
            return out

        return step


class DiagonalLayer(RecurrentLayer):
    """From the upper left, and from the upper right: a state follows from those beside and above, a 2×1 convolution.

    All places of a diagonal are computed at once, which the paper does by skewing the map.  The map of the second
    direction has seen its own place and all to the right: it is moved one row down before the two are added.
    """

    def __init__(self, features: int, units: int) -> None:
        super().__init__(features, units)
        # One for each direction.
        self.inputs = nn.ModuleList([self.start(nn.Linear(features, 4 * units), units) for _ in range(2)])
        self.states = nn.ModuleList([nn.Linear(2 * units, 4 * units, bias=False) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.both(x)
        return x + self.out(left + moved_down(right))

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(h, w, n, features) -> the states of either direction, (h, w, n, units), where they are computed."""
        height, width, n, _ = x.shape
        columns = diagonals(height, width)
        order = torch.tensor(
            [r * width + t - r for t, rows in enumerate(columns) for r in rows], device=x.device
        )
        maps = torch.stack(
            [sums(part.flatten(0, 1)[order]) for sums, part in zip(self.inputs, (x, x.flip(1)), strict=True)]
        )  # (2, h·w, n, 4·units), diagonal after diagonal
        weights = torch.stack([layer.weight.T for layer in self.states])  # type: ignore[union-attr, misc]
        state = cell = x.new_zeros(2, 1, n, self.units)
        first, found = 0, []
        for rows, sums in zip(columns, maps.split([len(rows) for rows in columns], 1), strict=True):
            # With zeros beyond either end the earlier diagonal has rows first − 1, first, …
            state, cell = (F.pad(each, (0, 0, 0, 0, 1, 1)) for each in (state, cell))
            beside = slice(rows[0] - first + 1, rows[-1] - first + 2)
            above = slice(rows[0] - first, rows[-1] - first + 1)
            known = torch.cat([state[:, beside], state[:, above]], -1)  # (2, rows, n, 2·units)
            told = known.flatten(1, 2) @ weights
            state, cell = lstm(sums + told.unflatten(1, sums.shape[1:3]), cell[:, beside])
            found.append(state)
            first = rows[0]
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order), device=x.device)
        left, right = torch.cat(found, 1)[:, back].unflatten(1, (height, width))
        return left, right.flip(1)

    def walk(self, width: int) -> Walk:
        row: list[Tensor] = []  # inputs of this row
        current: list[Tensor] = []  # its states from the left
        above: list[list[Tensor]] = []  # states of the row above, from the left and from the right
        cells: list[Tensor] = []

        def advance(
            direction: int, x: Tensor, beside: Tensor, over: Tensor, cell: Tensor
        ) -> tuple[Tensor, Tensor]:
            told = self.states[direction](torch.cat([beside, over], -1))
            return lstm(self.inputs[direction](x) + told, cell)

        def step(x: Tensor) -> Tensor:
            zeros = x.new_zeros(len(x), self.units)
            if not above:
                above.extend([[zeros] * width, [zeros] * width])
            beside, cell = (current[-1], cells[-1]) if row else (zeros, zeros)
            state, cell = advance(0, x, beside, above[0][len(row)], cell)
            out = x + self.out(state + above[1][len(row)])
            row.append(x)
            current.append(state)
            cells.append(cell)
            if len(row) == width:  # the way back, which only the next row sees
                beside = cell = zeros
                for column in reversed(range(width)):
                    beside, cell = advance(1, row[column], beside, above[1][column], cell)
                    above[1][column] = beside
                above[0] = current.copy()
                for each in (row, current, cells):
                    each.clear()
            return out

        return step
