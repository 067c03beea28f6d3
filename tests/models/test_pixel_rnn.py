"""PixelRNN: its layers against the paper's formulas, what a pixel sees, and the faults that such layers have had."""

from typing import Any

import pytest
import test_models as laws
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.core import Batch, Space, Splits
from genbench.models.autoregressive.diagonal_bilstm import DiagonalBiLSTM
from genbench.models.autoregressive.row_lstm import RowLSTM
from genbench.nn import recurrent
from genbench.nn.pixel_rnn import PixelRNN
from genbench.nn.recurrent import DiagonalLayer, RecurrentLayer, RowLayer, diagonals, lstm

BINARY = Space("image", (1, 5, 6), 2, 10)
DIAGONAL, ROW = "autoregressive/diagonal_bilstm", "autoregressive/row_lstm"
FEATURES, UNITS = 3, 2


def scattered(layer: RecurrentLayer) -> tuple[RecurrentLayer, Tensor]:
    """A layer with weights at which every term shows, and a map, (4, 5, 2, features)."""
    rng = Generator().manual_seed(0)
    layer.double()
    for parameter in layer.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=rng, dtype=torch.double))
    return layer, torch.randn(4, 5, 2, FEATURES, generator=rng, dtype=torch.double)


@torch.no_grad()
def test_the_states_of_a_memory_cell_are_those_of_the_paper() -> None:
    sums, cell = torch.randn(3, 8), torch.randn(3, 2)
    o, f, i, g = sums.chunk(4, 1)
    expected = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    state, new = lstm(sums, cell)
    assert torch.allclose(new, expected)
    assert torch.allclose(state, o.sigmoid() * expected.tanh())


@torch.no_grad()
def test_a_row_follows_from_the_row_above_by_a_convolution() -> None:
    layer: Any
    layer, x = scattered(RowLayer(FEATURES, UNITS, kernel=3))
    _, width, n, _ = x.shape
    h = c = x.new_zeros(n, UNITS, width)
    # Weights as a convolution's, (outputs, inputs, places); the last place to the right of the inputs' is masked.
    own, above = (
        each.weight.unflatten(1, (places, -1)).movedim(1, 2)
        for each, places in ((layer.inputs, 2), (layer.states, 3))
    )
    for row, out in zip(x, layer(x), strict=True):
        inputs = F.conv1d(row.permute(1, 2, 0), F.pad(own, (0, 1)), layer.inputs.bias, padding=1)
        sums = inputs + F.conv1d(h, above, padding=1)
        h, c = (each.movedim(2, 1) for each in lstm(sums.movedim(1, 2), c.movedim(1, 2)))
        assert torch.allclose(out, row + layer.out(h.permute(2, 0, 1)))


@torch.no_grad()
def test_a_diagonal_layer_adds_the_map_from_the_left_to_that_from_the_right_one_row_down() -> None:
    layer: Any
    layer, x = scattered(DiagonalLayer(FEATURES, UNITS))
    height, width, n, _ = x.shape
    zeros = x.new_zeros(n, UNITS)
    maps: list[dict[tuple[int, int], Tensor]] = []
    for direction, step in ((0, 1), (1, -1)):
        h: dict[tuple[int, int], Tensor] = {}
        c: dict[tuple[int, int], Tensor] = {}
        for row in range(height):
            for column in range(width)[::step]:
                beside, above = (row, column - step), (row - 1, column)
                known = torch.cat([h.get(beside, zeros), h.get(above, zeros)], 1)
                sums = layer.inputs[direction](x[row, column]) + layer.states[direction](known)
                h[row, column], c[row, column] = lstm(sums, c.get(beside, zeros))
        maps.append(h)
    out = layer(x)
    for row in range(height):
        for column in range(width):
            both = maps[0][row, column] + maps[1].get((row - 1, column), zeros)
            assert torch.allclose(out[row, column], x[row, column] + layer.out(both))


@pytest.mark.parametrize("kind", [RowLayer, DiagonalLayer])
@torch.no_grad()
def test_a_walk_gives_what_the_layer_gives(kind: type[RecurrentLayer]) -> None:
    layer, x = scattered(kind(FEATURES, UNITS))
    walk = layer.walk(x.shape[1])
    assert torch.allclose(torch.stack([walk(place) for place in x.flatten(0, 1)]), layer(x).flatten(0, 1))


def test_diagonals_hold_every_place_once_with_those_before_it_on_the_diagonal_before() -> None:
    found = [(row, t - row) for t, rows in enumerate(diagonals(3, 5)) for row in rows]
    assert sorted(found) == [(row, column) for row in range(3) for column in range(5)]
    assert [row + column for row, column in found] == sorted(row + column for row, column in found)


def seen(model: PixelRNN) -> Tensor:
    """What moves which logits, by gradients."""
    for parameter in model.parameters():
        parameter.data.uniform_(0.02, 0.06, generator=Generator().manual_seed(0))
    return model.double().eval().gradients(laws.bright(model.space))[0] > 0


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("kernel", [3, 7])
def test_a_pixel_of_the_diagonal_bilstm_sees_everything_before_it(kernel: int, layers: int) -> None:
    space = Space("image", (1, 8, 9), 2, 10)
    model = DiagonalBiLSTM(space, units=2, layers=layers, kernel=kernel)
    assert torch.equal(seen(model), torch.ones(72, 72).tril(-1) > 0)


@pytest.mark.parametrize(
    ("layers", "kernel", "row_kernel"), [(1, 3, 3), (3, 3, 1), (2, 5, 3), (1, 3, 5), (1, 7, 5)]
)
def test_the_field_of_the_row_lstm_is_the_triangle_that_it_names(
    layers: int, kernel: int, row_kernel: int
) -> None:
    model = RowLSTM(
        Space("image", (1, 7, 9), 2, 10), units=2, layers=layers, kernel=kernel, row_kernel=row_kernel
    )
    assert torch.equal(seen(model), model.field())


def test_the_triangle_of_the_row_lstm_is_a_pixel_wider_to_the_right_with_each_row_up() -> None:
    model = RowLSTM(Space("image", (1, 6, 13), 2, 10), units=2, layers=1, kernel=3)
    field = model.field()[5 * 13 + 6].reshape(6, 13).int()
    assert field.tolist() == [
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
        [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0],
        [0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0],
    ]


def test_without_a_column_beyond_the_edge_a_row_does_not_see_the_last_pixel_above() -> None:
    model = DiagonalBiLSTM(Space("image", (1, 3, 8), 2, 10), units=2, layers=2, kernel=3)
    model.margin, model.place = 0, torch.nn.Parameter(model.place[:, :-1].detach())
    last = seen(model)[:, 7].reshape(3, 8)
    assert last[1].tolist() == [False] * 6 + [True] * 2
    assert bool(last[2].all())


@pytest.mark.parametrize(
    "moved", [lambda x: x, lambda x: torch.cat([x[1:], torch.zeros_like(x[:1])])], ids=["not", "up"]
)
def test_a_reverse_map_moved_the_wrong_way_is_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, moved: Any
) -> None:
    monkeypatch.setattr(recurrent, "moved_down", moved)
    with pytest.raises(AssertionError, match="sees itself or a later one"):
        laws.test_a_pixel_depends_on_the_pixels_of_its_field_alone(DIAGONAL, BINARY)
    with pytest.raises(AssertionError, match="sees itself or a later one"):
        laws.test_a_logit_has_gradients_on_the_pixels_of_its_field_alone(DIAGONAL, BINARY)
    with pytest.raises(AssertionError):
        laws.probabilities_sum_to_one(laws.on_a_tiny_space(DIAGONAL, "binary", tmp_path))


@pytest.mark.parametrize("name", [ROW, DIAGONAL])
def test_a_first_convolution_that_sees_its_own_pixel_is_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, name: str
) -> None:
    def shifted(self: PixelRNN, x: Tensor) -> Tensor:
        return F.pad(x[:, 0], (self.reach - 1, self.reach + self.margin + 1, self.reach, 0))

    monkeypatch.setattr(PixelRNN, "framed", shifted)
    with pytest.raises(AssertionError, match="sees itself or a later one"):
        laws.test_a_logit_has_gradients_on_the_pixels_of_its_field_alone(name, BINARY)
    with pytest.raises(AssertionError):
        laws.probabilities_sum_to_one(laws.on_a_tiny_space(name, "binary", tmp_path))


def test_inputs_of_a_row_read_to_the_right_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    neighbours = recurrent.neighbours
    monkeypatch.setattr(
        recurrent, "neighbours", lambda x, before, after: neighbours(x, before, after).roll(-1, 0)
    )
    with pytest.raises(AssertionError, match="sees itself or a later one"):
        laws.test_a_logit_has_gradients_on_the_pixels_of_its_field_alone(ROW, BINARY)


@pytest.mark.parametrize(("name", "share"), [(ROW, 0.9), (DIAGONAL, 1.0)])
def test_the_report_is_told_and_shown_what_is_seen(name: str, share: float) -> None:
    model: Any = laws.tiny(name, [BINARY])
    data = Batch(laws.elements(BINARY, 4).x)
    measures = model.measure(Splits(data, data), rng=Generator())
    assert measures["Gradient from later pixels"].values.tolist() == [0] * 4
    before = measures["Earlier pixels seen"].values
    assert before.shape == (4,)
    assert float(before.max()) <= model.field().sum() / (30 * 29 / 2)
    assert float(before.min()) > 0.7 * share
    (table,) = model.show(Splits(data, data), rng=Generator()).values()
    assert table.shape == (2, 6, 1, 5, 6)
    assert not bool((table[0] * table[1]).any()), "no pixel sees itself"


@pytest.mark.parametrize("kind", [RowLSTM, DiagonalBiLSTM])
def test_what_it_cannot_do_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match="expected 1 channel"):
        kind(laws.COLOURED)
    with pytest.raises(ValueError, match=r"kernel: got 4; expected an odd number from 3"):
        kind(BINARY, kernel=4)
