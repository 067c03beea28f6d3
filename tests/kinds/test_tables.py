"""What is said of a table: known distances, the truth beside the model's answers, pictures that show the shares."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import run_in

from genbench.core import Batch, Splits, space_of
from genbench.data import prepared as data
from genbench.data.sources import sprinkler
from genbench.kinds.comparison import Subject
from genbench.kinds.table import bars
from genbench.kinds.table.comparison import compare
from genbench.kinds.table.drawing import DRAWING
from genbench.kinds.table.extractor import train
from genbench.models.explicit.bayes_net import BayesNet
from genbench.params.schema import Dataset
from genbench.scoring import resampling
from genbench.scoring.likelihoods import likelihood_scores
from genbench.scoring.metrics.cells import divergence, smoothed
from genbench.storage.files import InputError, json_bytes

TRUE = sprinkler.joint(sprinkler.PARENTS, sprinkler.TABLES)
CELLS = np.indices((2, 2, 2)).reshape(3, -1).T


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> data.Prepared:
    path = tmp_path_factory.mktemp("data") / "sprinkler.safetensors"
    path.write_bytes(data.prepare("sprinkler", Dataset(source="sprinkler", train=20_000, held_out=4000)))
    return data.load(path)


@pytest.fixture(scope="module")
def extractor(prepared: data.Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("extractor") / "plain.safetensors"
    content, card = train(prepared, None)  # type: ignore[arg-type]
    path.write_bytes(content)
    assert json.dumps(card)
    return path


def draw(n: int, p: np.ndarray = TRUE, seed: int = 0) -> np.ndarray:
    return CELLS[np.random.default_rng(seed).choice(8, n, p=p)].astype(np.uint8)


def compared(prepared: data.Prepared, extractor: Path, samples: np.ndarray, model: Any = None) -> Any:
    drawn = resampling.draws(len(prepared.held_out.x), len(samples), real_seed=1, fake_seed=2)
    return compare(prepared, Subject(samples, model), drawn, extractor=extractor, seed=3)


def counted(prepared: data.Prepared, **options: Any) -> BayesNet:
    net = BayesNet(space_of(prepared.card), **options)
    batch = Batch(torch.from_numpy(prepared.train.x).float())
    net.fit(Splits(batch, batch))
    return net


def test_divergences_have_their_known_values() -> None:
    assert divergence(np.array([0.5, 0.5]), np.array([0.25, 0.75])) == pytest.approx(0.5 * math.log(4 / 3))
    assert divergence(np.array([0.0, 1.0]), np.array([0.5, 0.5])) == pytest.approx(math.log(2))
    assert divergence(np.array([0.5, 0.5]), np.array([0.0, 1.0])) == math.inf
    assert divergence(TRUE, TRUE) == 0
    assert smoothed(np.array([3, 0])).tolist() == pytest.approx([3.5 / 4, 0.5 / 4])
    assert smoothed(np.array([[3, 0], [1, 1]]))[1].tolist() == [0.5, 0.5]


def test_true_samples_score_as_chance_says_and_wrong_ones_do_not(
    prepared: data.Prepared, extractor: Path
) -> None:
    n = 4000
    fine = compared(prepared, extractor, draw(n)).scores
    expected = (np.count_nonzero(TRUE) - 1) / (2 * n)  # of the divergence of true frequencies, to first order
    assert fine["kl_samples"].estimate.value < 4 * expected
    chance = 0.5 * float(
        np.sqrt(2 / math.pi * TRUE * (1 - TRUE) * 2 / (n / 2)).sum()
    )  # of two halves of n draws
    assert 0.3 * chance < fine["cell_tv"].estimate.value < 2 * chance
    assert set(fine) == {"cell_tv", "kl_samples"}, "no likelihood was given"
    shares = [
        TRUE.reshape(2, 2, 2).sum((1, 2)),
        TRUE.reshape(2, 2, 2).sum((0, 2)),
        TRUE.reshape(2, 2, 2).sum((0, 1)),
    ]
    apart = np.einsum("i,j,k->ijk", *shares).ravel()
    wrong = compared(prepared, extractor, draw(n, apart)).scores
    value = float(divergence(TRUE, apart))
    low, high = wrong["kl_samples"].estimate.low, wrong["kl_samples"].estimate.high
    assert low < value < high and high - low < 0.2 * value
    distance = 0.5 * float(np.abs(TRUE - apart).sum())
    assert wrong["cell_tv"].estimate.value == pytest.approx(distance, abs=0.03)
    for score in (*fine.values(), *wrong.values()):
        assert score.replicates.shape == (resampling.RESAMPLINGS,)
        assert score.estimate.low <= score.estimate.value <= score.estimate.high


def test_held_out_data_are_not_compared_with_themselves(prepared: data.Prepared, extractor: Path) -> None:
    """The control gives held-out element i as sample i: its distance is that of two samples, not 0."""
    assert compared(prepared, extractor, prepared.held_out.x).scores["cell_tv"].estimate.value > 0.002


def test_an_exact_model_is_held_against_the_truth_without_sampling(
    prepared: data.Prepared, extractor: Path
) -> None:
    net = counted(prepared, edges=("0->1", "0->2", "1->2"), pseudo_count=0.5)
    found = compared(prepared, extractor, draw(500), net)
    with torch.no_grad():
        p = net.log_prob(torch.from_numpy(CELLS).float()).exp().double().numpy()
    kl = found.scores["kl_model"].estimate
    assert kl.value == pytest.approx(float(divergence(TRUE, p)), rel=1e-4)
    assert kl.as_dict() == {"value": kl.value, "low": None, "high": None, "n": 8}
    assert kl.value < 0.001
    measures = found.measures
    assert measures["P(grass), exact (true 0.4484)"].estimate.value == pytest.approx(
        net.probability({2: 1}), abs=1e-6
    )
    assert measures["P(rain | grass), exact (true 0.3577)"].estimate.value == pytest.approx(
        net.probability({0: 1}, {2: 1}), abs=1e-6
    )
    assert measures["P(rain | grass), of samples (true 0.3577)"].estimate.n < 500
    apart = compared(prepared, extractor, draw(500), counted(prepared, pseudo_count=0.5))
    assert apart.scores["kl_model"].estimate.value > 0.2


def test_errors_of_the_tables_are_measured_against_what_counting_would_give(
    prepared: data.Prepared, extractor: Path
) -> None:
    net = counted(prepared, edges=("0->1", "0->2", "1->2"), pseudo_count=0.5)
    fine = compared(prepared, extractor, draw(500), net).measures
    assert 0 < fine["the same in standard errors"].estimate.value < 3.5
    net.log_cpt[2:4] = torch.tensor([0.1, 0.9]).log()  # planted: the sprinkler runs on dry days
    wrong = compared(prepared, extractor, draw(500), net).measures
    error = wrong["largest error of a conditional"]
    assert error.estimate.value == pytest.approx(0.5, abs=1e-6)
    assert error.better == "down"
    dry = int((prepared.train.x[:, 0] == 0).sum())
    in_standard_errors = wrong["the same in standard errors"].estimate.value
    assert in_standard_errors == pytest.approx(0.5 / math.sqrt(0.4 * 0.6 / dry), rel=1e-5)


def test_the_learned_tables_are_measures_of_the_model(prepared: data.Prepared) -> None:
    net = counted(prepared, edges=("0->1", "0->2", "1->2"))
    rng = torch.Generator().manual_seed(0)
    found = net.measure(Splits(Batch(torch.zeros(1, 3)), Batch(torch.zeros(1, 3))), rng=rng)
    assert len(found) == net.free_parameters == 7
    sprinkler_alone = float(found["P(x2=1 | x0=0, x1=1)"].values)
    assert sprinkler_alone == pytest.approx(net.probability({2: 1}, {0: 0, 1: 1}), abs=1e-6)
    assert sprinkler_alone == pytest.approx(0.9, abs=0.02)
    wide = BayesNet(space_of(prepared.card)._replace(levels=9), edges=("0->1",))
    assert wide.measure(Splits(Batch(torch.zeros(1, 3)), Batch(torch.zeros(1, 3))), rng=rng) == {}


def test_an_impossible_cell_is_no_number_and_no_crash(prepared: data.Prepared, extractor: Path) -> None:
    """Never rain in training: the model gives rain probability 0, and log p = −∞ to held-out rows."""
    dry = prepared._replace(train=prepared.train.take(prepared.train.x[:, 0] == 0))
    net = counted(dry, edges=("0->1", "0->2", "1->2"))
    found = compared(prepared, extractor, draw(500), net)
    assert found.scores["kl_model"].estimate.value == math.inf
    drawn = resampling.draws(len(prepared.held_out.x), 500, real_seed=1, fake_seed=2)
    _, likelihoods = likelihood_scores(net, prepared, space_of(prepared.card), drawn)
    records = {name: score.estimate.as_dict() for name, score in (found.scores | likelihoods).items()}
    assert records["kl_model"]["value"] is None and records["nll"]["value"] is None
    assert json_bytes({"scores": records, "measures": {k: v.as_dict() for k, v in found.measures.items()}})


def test_a_condition_that_no_sample_meets_leaves_its_query_out(
    prepared: data.Prepared, extractor: Path
) -> None:
    measures = compared(prepared, extractor, np.zeros((20, 3), np.uint8)).measures
    assert measures["P(grass), of samples (true 0.4484)"].estimate.value == 0
    assert not any(title.startswith("P(rain | grass), of samples") for title in measures)


def test_a_table_that_cannot_be_listed_is_refused() -> None:
    card = {"shape": [13], "levels": 2}
    with pytest.raises(InputError, match=r"2\^13 cells; expected at most 4,096"):
        DRAWING.grid(np.zeros((5, 13), np.uint8), card)


def test_bars_are_as_high_as_the_shares() -> None:
    shares = np.array([0.5, 0.25, 0.25, 0.0])
    cells = np.indices((2, 2)).reshape(2, -1).T
    picture = bars.bars(shares, cells, ["a", "b"], [0.25, 0.25, 0.25, 0.25])
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, bars.bars(shares, cells, ["a", "b"], [0.25, 0.25, 0.25, 0.25]))
    below = slice(bars.MARGIN + 24, None)  # without the legend
    blue = (picture[below] == bars.SAMPLED).all(-1).sum(0)
    grey = (picture[below] == bars.TRUE).all(-1).sum(0)
    heights = blue[blue > 0].reshape(-1, bars.BAR - 1)[:, 0]
    assert heights.tolist() == [bars.HEIGHT, bars.HEIGHT // 2, bars.HEIGHT // 2]
    assert set(grey[grey > 0].tolist()) == {bars.HEIGHT // 2}
    assert (grey > 0).sum() == 4 * (bars.BAR - 1)
    many = bars.bars(np.full(100, 0.01), np.zeros((100, 2), int), ["a", "b"])
    assert (many == bars.SAMPLED).all(-1).any(0).sum() <= bars.MOST * bars.BAR + 20
    assert bars.notice("nothing to see").shape[2] == 3
    for top in (1.0, 0.55, 0.31, 0.09, 0.5):
        ticks = bars._ticks(top)
        assert 2 <= len(ticks) <= 6 and ticks[0] == 0 and ticks[-1] <= top


STAGES = """
from pathlib import Path
from genbench.cli import stages as cli
data, plain = Path("data/rain.safetensors"), Path("results/extractors/rain.safetensors")
out = Path("results/runs/rain-net")
given = {"params": cli.PARAMS}
cli.prepare("rain", data, **given)
cli.extractor(data, plain, **given)
cli.train("rain-net", data, out, **given)
cli.sample("rain-net", data, out, **given)
cli.novelty("rain-net", data, out, **given)
cli.evaluate("rain-net", data, plain, out, **given)
"""


def test_the_stages_write_what_they_declare(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(
        "datasets: {rain: {source: sprinkler, train: 500, held_out: 60}}\nextractor: {steps: 1}\nexternal: {}\n"
        "runs:\n  rain-net: {dataset: rain, model: explicit/bayes_net, edges: [0->1, 0->2, 1->2]}\n"
    )
    done = run_in(tmp_path, sys.executable, "-c", STAGES)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results/runs/rain-net"
    metrics = json.loads((folder / "metrics.json").read_bytes())
    assert metrics["parameters"] == 7
    assert {"cell_tv", "kl_samples", "kl_model", "nll"} <= set(metrics["scores"])
    asked = {"P(grass), exact (true 0.4484)", "P(grass), of samples (true 0.4484)", "P(x0=1)"}
    assert asked <= set(metrics["measures"])
    assert json.loads((folder / "novelty.json").read_bytes())["pairs"] == []
    for picture in ("grid.png", "nearest.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
