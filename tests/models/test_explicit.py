"""Tables of probabilities: the sprinkler's known answers, counting, exact inference, honest parameter counts."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from genbench.core import Batch, GenerativeModel, Space, Splits, space_of
from genbench.data import prepared as data
from genbench.data.sources import sprinkler
from genbench.models.explicit.bayes_net import BayesNet
from genbench.models.explicit.joint_table import JointTable
from genbench.models.explicit.neural_chain import NeuralChain
from genbench.nn.cells import cell_of, conditional, every_cell
from genbench.params.schema import Dataset
from genbench.storage.files import InputError
from genbench.training.loop import Budget, Job, train

TABLE = Space("table", (3,), 2)
EDGES = ("0->1", "0->2", "1->2")
GRASS, RAIN_GIVEN_GRASS = 0.44838, 0.35769  # by hand, from the tables
JOINT = torch.from_numpy(sprinkler.joint(sprinkler.PARENTS, sprinkler.TABLES))


@pytest.fixture(scope="module")
def drawn() -> Batch:
    return Batch(torch.from_numpy(sprinkler.load(seed=3).train.x).float())


def fit(model: Any, batch: Batch) -> Any:
    (phase,) = model.phases()
    phase.fit(Splits(batch, batch))
    return model.eval()


def set_to_truth(model: BayesNet) -> BayesNet:
    ones = torch.tensor([p for table in sprinkler.TABLES for p in table])
    model.log_cpt.copy_(torch.stack([1 - ones, ones], 1).log().flatten())
    return model


def probabilities(model: Any) -> Tensor:
    with torch.no_grad():
        p: Tensor = model.log_prob(
            model.space.to_unit(every_cell(model.space)).unflatten(1, model.space.shape)
        )
    return p.double().exp()


def divergence(p: Tensor, q: Tensor) -> float:
    return float((p * (p / q).log())[p > 0].sum())


def test_the_true_tables_answer_as_the_textbook_does() -> None:
    net = set_to_truth(BayesNet(TABLE, edges=EDGES))
    assert net.probability({2: 1}) == pytest.approx(GRASS, abs=1e-5)
    assert net.probability({0: 1}, {2: 1}) == pytest.approx(RAIN_GIVEN_GRASS, abs=1e-5)
    assert net.probability({0: 1}, {2: 1, 1: 1}) == pytest.approx(
        0.2 * 0.01 * 0.99 / (0.00198 + 0.288), abs=1e-5
    )
    assert math.isnan(set_to_truth(BayesNet(TABLE, edges=EDGES)).probability({0: 1}, {0: 0, 1: 0, 2: 1}))
    assert torch.allclose(probabilities(net), JOINT, atol=1e-6)
    for bad in ({3: 1}, {0: 2}, {-1: 0}):
        with pytest.raises(ValueError, match="expected variables 0 to 2, levels 0 to 1"):
            net.probability(bad)


def test_the_source_draws_from_its_tables_and_says_so() -> None:
    source = sprinkler.load(train=50_000, held_out=20_000, seed=1)
    assert sprinkler.KIND == "table" and source.levels == 2 and source.classes == 0
    place = 2 ** np.arange(2, -1, -1)
    for x in (source.train.x, source.held_out.x):
        assert x.dtype == np.uint8
        shares = np.bincount(x @ place, minlength=8) / len(x)
        error = np.sqrt(JOINT.numpy() * (1 - JOINT.numpy()) / len(x))
        assert (np.abs(shares - JOINT.numpy()) <= 4 * error).all()
    assert not np.array_equal(source.train.x[:20_000], source.held_out.x)
    assert source.about["joint"] == pytest.approx(JOINT.tolist())
    assert sum(source.about["joint"]) == pytest.approx(1)
    again, other = sprinkler.load(train=100, seed=5), sprinkler.load(train=100, seed=6)
    assert np.array_equal(again.train.x, sprinkler.load(train=100, seed=5).train.x)
    assert not np.array_equal(again.train.x, other.train.x)
    for options in ({"train": 0}, {"held_out": -1}, {"seed": -1}):
        with pytest.raises(InputError, match="expected at least"):
            sprinkler.load(**options)


def test_the_prepared_table_keeps_its_kind_and_its_truth(tmp_path: Path) -> None:
    path = tmp_path / "set.safetensors"
    path.write_bytes(data.prepare("rain", Dataset(source="sprinkler", train=200, held_out=50)))
    ready = data.load(path)
    assert space_of(ready.card) == TABLE
    assert ready.train.x.shape == (200, 3)
    assert ready.card["queries"][1]["title"] == "P(rain | grass)"
    assert json.dumps(ready.card)


def test_counted_tables_lie_within_sampling_error_of_the_truth(drawn: Batch) -> None:
    net = fit(BayesNet(TABLE, edges=EDGES), drawn)
    tables = net.log_cpt.exp().unflatten(0, (-1, 2))[:, 1].split([1, 2, 4])
    for i, (learned, true) in enumerate(zip(tables, sprinkler.TABLES, strict=True)):
        rows = sprinkler._rows(drawn.x.numpy().astype(int), sprinkler.PARENTS[i])
        n = np.bincount(rows, minlength=len(true))
        error = np.sqrt(np.array(true) * (1 - np.array(true)) / n)
        assert (np.abs(learned.numpy() - true) <= 4 * error + 1e-6).all()
    assert net.probability({2: 1}) == pytest.approx(GRASS, abs=0.015)
    assert net.probability({0: 1}, {2: 1}) == pytest.approx(RAIN_GIVEN_GRASS, abs=0.02)


def test_counting_is_counting() -> None:
    x = torch.tensor([[0, 1, 1], [0, 0, 1], [1, 1, 1], [0, 1, 0]]).float()
    net = fit(BayesNet(TABLE, edges=("2->0",), pseudo_count=0.0), Batch(x))
    assert net.probability({0: 1}, {2: 1}) == pytest.approx(1 / 3)
    assert net.probability({1: 1}) == pytest.approx(3 / 4)
    smooth = fit(BayesNet(TABLE, edges=("2->0",), pseudo_count=2.0), Batch(x))
    assert smooth.probability({0: 1}, {2: 1}) == pytest.approx((1 + 2) / (3 + 4))
    assert smooth.probability({0: 1}, {2: 0}) == pytest.approx(2 / 5)
    joint = fit(JointTable(TABLE, pseudo_count=1.0), Batch(x))
    assert float(probabilities(joint)[0b011]) == pytest.approx(2 / 12)
    assert float(probabilities(joint)[0b111]) == pytest.approx(2 / 12)
    assert float(probabilities(joint)[0b000]) == pytest.approx(1 / 12)


def test_what_was_never_seen_is_impossible_without_a_pseudo_count() -> None:
    x = torch.tensor([[0, 0, 0], [0, 1, 1]]).float()
    net = fit(BayesNet(TABLE, edges=("0->1",)), Batch(x))
    assert net.log_prob(torch.ones(1, 3)).tolist() == [-math.inf]
    assert net.log_cpt[4:].exp().tolist()[:2] == [0.5, 0.5], "parents never seen leave their child uniform"
    joint = fit(JointTable(TABLE), Batch(x))
    assert joint.log_prob(torch.ones(1, 3)).tolist() == [-math.inf]
    for model in (net, joint):
        assert float(probabilities(model).sum()) == pytest.approx(1)
    for smooth in (BayesNet(TABLE, edges=("0->1",), pseudo_count=0.5), JointTable(TABLE, pseudo_count=0.5)):
        assert bool(torch.isfinite(fit(smooth, Batch(x)).log_prob(torch.ones(1, 3))).all())


def test_full_graph_and_full_joint_are_the_same_distribution(drawn: Batch) -> None:
    """Where every pair is connected the factors multiply to the counted joint, whatever the directions."""
    joint = probabilities(fit(JointTable(TABLE), drawn))
    for edges in (EDGES, ("2->1", "2->0", "1->0")):
        assert torch.allclose(probabilities(fit(BayesNet(TABLE, edges=edges), drawn)), joint, atol=1e-6)
    apart = probabilities(fit(BayesNet(TABLE), drawn))
    assert divergence(JOINT, apart) > 0.2, "no edges: a distribution that cannot be right"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (BayesNet(TABLE, edges=EDGES), 7),
        (BayesNet(TABLE, edges=("0->2", "1->2")), 6),
        (BayesNet(TABLE), 3),
        (BayesNet(Space("table", (3,), 4), edges=EDGES), 3 + 12 + 48),
        (JointTable(TABLE), 7),
        (JointTable(Space("table", (4,), 3)), 80),
        (NeuralChain(TABLE, hidden=5), 1 + (5 + 5 + 5 + 1) + (10 + 5 + 5 + 1)),
    ],
)
def test_free_parameters_are_counted(model: GenerativeModel, expected: int) -> None:
    assert model.free_parameters == expected


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        (("0->1", "1->2", "2->0"), "cycle"),
        (("1->1",), "cycle 1 -> 1"),
        (("0->3",), "unknown variable 3; expected 0 to 2"),
        (("rain->grass",), "expected parent->child"),
        (("0->",), "expected parent->child"),
        (("0->1", "0 -> 1"), "twice"),
    ],
)
def test_a_bad_graph_is_one_clear_line(edges: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match="edges: got") as error:
        BayesNet(TABLE, edges=edges)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_what_is_no_table_or_too_large_a_one_is_refused() -> None:
    points, wide = Space("points", (2,), 0), Space("image", (1, 8, 8), 2)
    for model in (BayesNet, JointTable, NeuralChain):
        with pytest.raises(ValueError, match="points of shape"):
            model(points)
        if model is not NeuralChain:
            with pytest.raises(ValueError, match="pseudo_count"):
                model(TABLE, pseudo_count=-1.0)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match=r"2\^64 cells"):
        JointTable(wide)
    assert BayesNet(wide, edges=("0->9",)).free_parameters == 65
    with pytest.raises(ValueError, match="63 parents for variable 63"):
        BayesNet(wide, edges=tuple(f"{i}->63" for i in range(63)))
    with pytest.raises(ValueError, match=r"2\^64 cells"):
        BayesNet(wide).probability({0: 1})


def test_samples_come_from_the_tables_whatever_the_numbering() -> None:
    """A graph whose order is not the numbers': the last variable is drawn first."""
    net = BayesNet(Space("table", (3,), 3), edges=("2->1", "1->0", "2->0"))
    logits = torch.randn(len(net.log_cpt) // 3, 3, generator=Generator().manual_seed(0))
    net.log_cpt.copy_(logits.log_softmax(1).flatten())
    p, n = probabilities(net), 40_000
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    x = net.sample(n, rng=Generator().manual_seed(1))
    frequencies = torch.bincount(cell_of(net.space, x), minlength=27) / n
    assert bool(((frequencies - p).abs() <= 4.5 * (p * (1 - p) / n).sqrt()).all())


def test_the_neural_chain_learns_the_sprinkler(drawn: Batch, tmp_path: Path) -> None:
    torch.manual_seed(0)
    chain = NeuralChain(TABLE, lr=0.1)
    before = divergence(JOINT, probabilities(chain))
    train(chain, Splits(drawn, drawn), Budget(150, 512), Job("test", 0, tmp_path / "c.pt", "f"))
    assert divergence(JOINT, probabilities(chain.eval())) < 0.01 < before


@pytest.mark.parametrize(
    "space", [Space("table", (5,), 2), Space("table", (3,), 4)], ids=["binary", "four levels"]
)
@torch.no_grad()
def test_a_link_of_the_chain_sees_all_before_it_and_none_after(space: Space) -> None:
    torch.manual_seed(0)
    chain = NeuralChain(space, hidden=32)
    rng = Generator().manual_seed(0)
    for parameter in chain.parameters():
        parameter.copy_(torch.empty_like(parameter).uniform_(0.05, 0.2, generator=rng))
    x = torch.zeros(1, space.dimensions)
    for d in range(space.dimensions):
        changed = x.clone()
        changed[0, d] = 1 / (space.levels - 1)
        differs = (chain.logits(changed) - chain.logits(x)).abs().amax((0, 2)) > 0
        assert differs.tolist() == [i > d for i in range(space.dimensions)]


def test_conditioning_agrees_with_counting_rows() -> None:
    cells = every_cell(Space("table", (2,), 3))
    joint = torch.arange(9).double() / 36
    assert conditional(joint, cells, {0: 2}) == pytest.approx((6 + 7 + 8) / 36)
    assert conditional(joint, cells, {0: 2}, {1: 0}) == pytest.approx(6 / 9)
