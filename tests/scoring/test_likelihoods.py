"""A bound says how loose it is, and is not ranked behind what is ahead by less."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genbench.core import GenerativeModel, Space
from genbench.data.prepared import Part, Prepared
from genbench.models.diffusion.ddpm import DDPM
from genbench.models.diffusion.flow_matching import FlowMatching
from genbench.models.diffusion.score_sde import ScoreSDE
from genbench.models.flows.iaf import IAF
from genbench.models.latent.vae import VAE
from genbench.report.results import Row, RunResult, not_ranked
from genbench.scoring.likelihoods import TIGHTENED, likelihood_scores, tightness
from genbench.scoring.resampling import draws
from genbench.storage.files import InputError

SPACE = Space("image", (1, 2, 2), 2)


class Noisy(VAE):
    """log p(x) = 0, in a bound of independent weights of deviation s: at K it lacks about s²/2K."""

    deviation = 0.5

    def log_prob(self, x: Tensor) -> Tensor:
        noise = self.deviation * torch.randn(len(x), self.importance) - self.deviation**2 / 2
        return noise.logsumexp(1) - np.log(self.importance)


def prepared(n: int = 400) -> Prepared:
    x = np.zeros((n, *SPACE.shape), np.uint8)
    return Prepared(Part(x, None), Part(x, None), {"kind": "image"}, "")


def test_ten_times_the_weights_tighten_a_bound_by_what_theory_says() -> None:
    model: Any = Noisy(SPACE, latent=2, hidden=4, importance=4)
    before = torch.random.get_rng_state()
    found = tightness(model, prepared(), SPACE)
    assert torch.equal(torch.random.get_rng_state(), before), "what follows draws other numbers"
    assert found is not None
    assert found["weights"] == model.importance == 4
    assert found["gained"]["n"] == TIGHTENED
    variance = np.expm1(Noisy.deviation**2)
    expected = variance / 2 * (1 / 4 - 1 / 40)
    assert found["gained"]["low"] < expected < found["gained"]["high"]


def test_of_an_exact_likelihood_there_is_nothing_to_tighten(monkeypatch: pytest.MonkeyPatch) -> None:
    model: GenerativeModel = Noisy(SPACE, latent=2, hidden=4)
    monkeypatch.setattr(Noisy, "exact", True)
    assert tightness(model, prepared(), SPACE) is None
    monkeypatch.setattr(Noisy, "exact", False)
    monkeypatch.setattr(Noisy, "tightens", False)
    assert tightness(model, prepared(), SPACE) == {"weights": 1, "gained": None}


def test_the_gap_asks_no_more_training_elements_than_are_held_out() -> None:
    """Spread evenly: their order is often one of time or of class."""

    class Sum(VAE):
        def log_prob(self, x: Tensor) -> Tensor:
            return x.flatten(1).sum(1)

    x = np.zeros((1000, *SPACE.shape), np.uint8)
    x[500:] = 1
    data = Prepared(Part(x, None), Part(np.zeros_like(x[:100]), None), {"kind": "image"}, "")
    _, found = likelihood_scores(
        Sum(SPACE, latent=2, hidden=4), data, SPACE, draws(100, 10, real_seed=0, fake_seed=1)
    )
    gap = found["likelihood_gap"].estimate
    assert gap.value == 2  # half of the elements are 4 × 1
    assert gap.high is not None
    assert gap.high - gap.value == pytest.approx(1.96 * 2 / np.sqrt(99), rel=1e-3)


def test_a_likelihood_of_many_passes_is_asked_of_a_few() -> None:
    """Of every second element here, and in the resamplings as often as those are drawn."""
    asked = []

    class Slow(VAE):
        likelihoods_at_most = 50

        def log_prob(self, x: Tensor) -> Tensor:
            asked.append(len(x))
            return -x.flatten(1).sum(1)

    x = np.zeros((100, *SPACE.shape), np.uint8)
    x[:60] = 1
    drawn = draws(100, 10, real_seed=0, fake_seed=1)
    model = Slow(SPACE, latent=2, hidden=4)
    _, found = likelihood_scores(
        model, Prepared(Part(x, None), Part(x, None), {"kind": "image"}, ""), SPACE, drawn
    )
    nll = found["nll"]
    assert sorted(asked) == [25, 50]
    assert nll.estimate[0] == pytest.approx(4 * 0.6)
    assert nll.estimate.n == 50
    weights = drawn.real[:, ::2]
    np.testing.assert_allclose(nll.replicates, 4 * weights[:, :30].sum(1) / weights.sum(1))
    assert found["likelihood_gap"].estimate.value == pytest.approx(0)
    model.importance = 3
    tightness(model, prepared(), SPACE)
    assert asked[2:] == [TIGHTENED // 4, TIGHTENED // 4]


def test_a_log_prob_that_is_no_number_for_each_element_is_named() -> None:
    class Column(VAE):
        def log_prob(self, x: Tensor) -> Tensor:
            return x.flatten(1).sum(1, keepdim=True)

    with pytest.raises(InputError, match=r"Column\.log_prob: gave .* shape \(100, 1\); expected \(100,\)"):
        likelihood_scores(
            Column(SPACE, latent=2, hidden=4), prepared(100), SPACE, draws(100, 10, real_seed=0, fake_seed=1)
        )


@pytest.mark.parametrize("cls", [DDPM, FlowMatching, ScoreSDE, IAF])
def test_likelihoods_of_images_that_take_many_passes_are_asked_of_a_few(cls: Any) -> None:
    for space, most in ((Space("image", (1, 8, 8), 17), 200), (Space("image", (1, 2, 2), 4), None)):
        assert cls(space, **cls.tiny).likelihoods_at_most == most


def row(name: str, nll: float, likelihood: str, gained: float | None = None) -> Row:
    known = None if gained is None else {"value": gained, "low": gained - 0.1, "high": gained + 0.1, "n": 100}
    metrics = {
        "likelihood": likelihood,
        "tightness": {"weights": 1, "gained": known} if likelihood == "bound" else None,
        "scores": {"nll": {"value": nll, "low": nll - 1, "high": nll + 1, "n": 800}},
    }
    entry: Any = {"dataset": "d", "model": f"m/{name}", "seed": 0}
    nothing: Any = None
    return Row(name, (RunResult(name, entry, metrics, {}, nothing, {}, {}, {}, b"", b"", None, 1),))


def test_a_bound_is_ranked_behind_what_is_ahead_by_more_than_it_may_be_loose() -> None:
    rows = [row("made", 91.2, "exact"), row("vae", 84.0, "bound", 0.3), row("ddpm", 101.2, "bound", 9.0)]
    loose = row("flow", 92.0, "bound", 1.0)
    assert [each.name for each in not_ranked(loose, rows)] == ["made"]
    assert [each.name for each in not_ranked(rows[2], [*rows, loose])] == []
    looser = row("ddpm", 101.2, "bound", 10.0)
    assert [each.name for each in not_ranked(looser, [*rows[:2], loose, looser])] == ["made", "flow"]
    assert [each.name for each in not_ranked(row("sde", 92.0, "bound"), rows)] == [
        "made",
        "vae",
    ]  # how loose nobody knows
    assert not_ranked(rows[0], rows) == []
