"""The RBM's partition function and bounds, against sums over all states."""

import pytest
import torch
from torch import Generator

from genbench.capabilities import Likelihood, capability
from genbench.core import Space
from genbench.models.build import build
from genbench.models.latent.rbm import RBM
from genbench.nn.bounds import estimated_log_partition, summed_log_partition
from genbench.params.schema import Run
from genbench.storage.files import InputError

PIXELS = Space("image", (1, 2, 4), 2)


def machine(hidden: int, seed: int, scale: float = 0.8, **options: int) -> RBM:
    """An untrained machine whose weights are large enough to matter."""
    torch.manual_seed(seed)
    rbm = RBM(PIXELS, hidden=hidden, **options)
    with torch.no_grad():
        for parameter in rbm.parameters():
            parameter.normal_(std=scale)
        rbm.units.base.normal_(std=0.5)
    return rbm


def exact_log_z(rbm: RBM) -> float:
    return summed_log_partition(
        rbm.units.visible_bias.detach(), rbm.units.hidden_bias.detach(), rbm.units.weight.detach()
    )


def every_state() -> torch.Tensor:
    places = torch.arange(PIXELS.dimensions)
    states = (torch.arange(2**PIXELS.dimensions)[:, None] >> places) & 1
    return states.float().unflatten(1, PIXELS.shape)


@pytest.mark.parametrize("hidden", [5, 8, 14])
def test_the_sum_over_the_smaller_side_is_the_sum_over_all_pixels(hidden: int) -> None:
    rbm = machine(hidden, seed=0)
    value = exact_log_z(rbm)
    x = every_state().flatten(1)
    with torch.no_grad():
        direct = rbm.units.log_f(x, x @ rbm.units.weight).double().logsumexp(0)
    assert value == pytest.approx(float(direct), abs=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_annealed_importance_sampling_finds_the_partition_function_within_its_error(seed: int) -> None:
    rbm = machine(10, seed, anneal=300, runs=300)
    exact = exact_log_z(rbm)
    value, error = estimated_log_partition(rbm.units, rbm.runs, rbm.anneal, Generator().manual_seed(seed))
    assert 0 < error < 0.1
    assert abs(value - exact) < 4 * error


def test_the_estimate_of_the_partition_function_is_unbiased_and_its_error_honest() -> None:
    """Over repetitions: the mean of Ẑ is Z, and the standard error is the spread that is seen."""
    rbm = machine(8, seed=1, scale=1.2, anneal=20, runs=100)
    exact = exact_log_z(rbm)
    found = torch.tensor(
        [estimated_log_partition(rbm.units, 100, 20, Generator().manual_seed(s)) for s in range(100)]
    )
    ratio = (found[:, 0] - exact).exp()
    assert float(ratio.mean()) == pytest.approx(1, abs=4 * float(ratio.std()) / len(ratio) ** 0.5)
    assert float(found[:, 1].mean()) == pytest.approx(float(found[:, 0].std()), rel=0.25)


@pytest.mark.parametrize("anneal", [10, 60])
@torch.no_grad()
def test_the_bound_is_one_on_what_the_annealing_samples(anneal: int) -> None:
    """Averaged over many reversed runs it is the annealing's own distribution, however short the annealing."""
    rbm = machine(6, seed=2, anneal=anneal, enumerable=0, importance=200)
    assert not rbm.exact
    x = every_state()
    torch.manual_seed(0)
    p = rbm.log_prob(x).double().exp()
    assert float(p.sum()) == pytest.approx(1, abs=0.03)
    n = 20_000
    drawn = rbm.sample(n, rng=Generator().manual_seed(1)).flatten(1).long()
    frequencies = torch.bincount((drawn << torch.arange(PIXELS.dimensions)).sum(1), minlength=len(p)) / n
    by_chance = 0.5 * float((2 * p * (1 - p) / (torch.pi * n)).sqrt().sum())
    assert 0.5 * float((frequencies - p).abs().sum()) < 1.5 * by_chance + 0.03


@torch.no_grad()
def test_a_single_reversed_run_is_a_bound_on_average() -> None:
    rbm = machine(6, seed=3, anneal=50, enumerable=0)
    x = every_state()
    torch.manual_seed(0)
    single = torch.stack([rbm.log_prob(x) for _ in range(50)])
    many = single.logsumexp(0) - torch.tensor(50.0).log()
    assert bool((single.mean(0) <= many).all())
    assert float((many - single.mean(0)).mean()) < 1


def test_a_likelihood_is_exact_only_where_the_states_were_summed() -> None:
    for enumerable, exact in ((16, True), (0, False)):
        likelihood = capability(machine(6, seed=0, enumerable=enumerable), Likelihood)
        assert likelihood is not None
        assert likelihood.exact is exact


@pytest.mark.parametrize("persistent", [True, False])
def test_the_losss_gradient_is_that_of_contrastive_divergence(persistent: bool) -> None:
    """⟨v h⟩ of the chains minus ⟨v h⟩ of the data, the hidden units at their means."""
    from genbench.core import Batch

    rbm = machine(5, seed=4, gibbs=2, persistent=persistent)
    data = Batch((torch.rand(7, *PIXELS.shape) < 0.5).float())
    fantasies = rbm.fantasies.clone()
    torch.manual_seed(5)
    loss = rbm.loss(data)
    loss.backward()
    torch.manual_seed(5)
    with torch.no_grad():
        x = data.x.flatten(1)
        v = fantasies if persistent else x
        for _ in range(2):
            v = rbm.units.transition(v @ rbm.units.weight, None)
        correlations = [
            y.T @ (y @ rbm.units.weight + rbm.units.hidden_bias).sigmoid() / len(y) for y in (v, x)
        ]
    assert rbm.units.weight.grad is not None
    # The loss falls where the data's free energy falls: descending −log p.
    assert torch.allclose(rbm.units.weight.grad, correlations[0] - correlations[1], atol=1e-6)


def test_every_completion_of_the_machine_is_likely() -> None:
    """The share of completions follows p(hidden | shown), the shown half clamped."""
    rbm = machine(6, seed=6, anneal=300)
    x, mask = torch.ones(20_000, *PIXELS.shape), torch.zeros(PIXELS.shape, dtype=torch.bool)
    mask[:, 0] = True
    with torch.no_grad():
        done = rbm.complete(x, mask, rng=Generator().manual_seed(0))
        allowed = every_state()[(every_state() == 1)[:, mask].all(1)]
        p = rbm.units.log_f(allowed.flatten(1), allowed.flatten(1) @ rbm.units.weight).softmax(0)
    assert bool((done[:, mask] == 1).all())
    seen = (done[:, None] == allowed).flatten(2).all(2).float().mean(0)
    assert 0.5 * float((seen - p).abs().sum()) < 0.03


def test_a_sum_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 26"):
        exact_log_z(RBM(Space("image", (1, 8, 8), 2), hidden=40))


def test_grey_images_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"levels=17.*expected 2 levels"):
        build("test", Run(dataset="d", model="latent/rbm"), Space("image", (1, 8, 8), 17))
