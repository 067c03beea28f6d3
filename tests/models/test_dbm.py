"""The deep Boltzmann machine against sums over all states, on 64-20-10 units and on few enough to write out."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from killed import killed_at
from test_models import elements, tiny
from torch import Generator

from genbench.capabilities import Likelihood, capability
from genbench.core import Batch, Space, Splits
from genbench.nn.boltzmann import binary_states, entropy
from genbench.nn.bounds import estimated_log_partition
from genbench.storage.files import InputError
from genbench.storage.weights import weights_bytes
from genbench.training.loop import Budget, Job, train

PIXELS = Space("image", (1, 2, 3), 2)
DIGITS = Space("image", (1, 8, 8), 2, 10)


def machine(space: Space = PIXELS, scale: float = 0.7, **options: Any) -> Any:
    """An untrained machine whose weights are large enough to matter."""
    dbm: Any = tiny("latent/dbm", [space], **options)
    with torch.no_grad():
        for parameter in dbm.parameters():
            parameter.normal_(std=scale, generator=Generator().manual_seed(1))
    dbm.normalise(Splits(elements(space, 4), elements(space, 4)))
    return dbm


def energies(dbm: Any) -> torch.Tensor:
    """v·b + h·c + g·d + v·W h + h·U g, written out for every state: (2^D, 2^H, 2^G)."""
    v, h, g = (binary_states(k).double() for k in (dbm.d, len(dbm.machine.hidden_bias), dbm.upper))
    own = {name: value.double() for name, value in dbm.machine.named_parameters()}
    w, u = own["weight"][: dbm.d], own["weight"][dbm.d :].T
    b, d = own["visible_bias"][: dbm.d], own["visible_bias"][dbm.d :]
    total = (v @ b)[:, None, None] + (h @ own["hidden_bias"])[None, :, None] + (g @ d)[None, None]
    return total + (v @ w @ h.T)[:, :, None] + (h @ u @ g.T)[None]


@torch.no_grad()
def test_partition_function_likelihood_and_bound_against_all_states_written_out() -> None:
    dbm = machine(hidden=(4, 3))
    every = energies(dbm)
    log_z = every.flatten().logsumexp(0)
    assert float(dbm.log_z) == pytest.approx(float(log_z), abs=1e-5)
    x = binary_states(dbm.d).unflatten(1, PIXELS.shape)
    log_p = every.flatten(1).logsumexp(1) - log_z
    assert torch.allclose(dbm.log_prob(x).double(), log_p, atol=1e-4)
    gap = log_p - dbm.bound(x.flatten(1))
    assert float(gap.min()) > -1e-4
    # By hand, from both fields: E[energy] + H(μ) + H(ν) − log Z.
    mu = dbm.machine.mean_field(x.flatten(1), dbm.mean_field)
    u = torch.cat([x.flatten(1), mu], 1)
    nu = (dbm.machine.project(u) + dbm.machine.hidden_bias).sigmoid()
    energy = u @ dbm.machine.visible_bias + ((dbm.machine.project(u) + dbm.machine.hidden_bias) * nu).sum(1)
    assert torch.allclose(
        dbm.bound(x.flatten(1)), (energy + entropy(mu) + entropy(nu) - dbm.log_z).float(), atol=1e-4
    )


@torch.no_grad()
def test_sweeps_of_the_mean_field_never_lower_the_bound() -> None:
    dbm = machine(hidden=(8, 5), scale=1.0)
    v = binary_states(dbm.d)
    bounds = []
    for dbm.mean_field in range(8):
        bounds.append(dbm.bound(v))
    for before, after in pairwise(bounds):
        assert bool((after >= before - 1e-4).all())


def test_annealing_holds_the_enumerated_partition_function_on_64_20_10_units() -> None:
    dbm = machine(DIGITS, 0.15, hidden=(20, 10))
    log_z = float(dbm.log_z)  # summed over 2^20 states
    for seed in range(3):
        value, error = estimated_log_partition(dbm.machine, 100, 300, Generator().manual_seed(seed))
        assert 0 < error < 0.2
        assert abs(value - log_z) < 3 * error, seed


@torch.no_grad()
def test_the_machine_starts_as_its_first_rbm() -> None:
    dbm = machine(hidden=(4, 3))
    splits = Splits(elements(PIXELS, 10), elements(PIXELS, 10))
    dbm.machine.weight[dbm.d :] = 0
    dbm.machine.visible_bias[dbm.d :] = 0
    dbm.stack(splits)
    dbm.normalise(splits)
    v = binary_states(dbm.d)
    first = dbm.first.unnormalised(v) - dbm.first_log_z
    assert torch.allclose(dbm.log_prob(v.unflatten(1, PIXELS.shape)), first, atol=1e-4)
    assert torch.allclose(dbm.bound(v), first, atol=1e-4)


def test_the_losss_gradient_is_that_of_the_bound() -> None:
    """With chains that are all states by their probabilities: ∇(−bound), by autograd through the exact sum."""
    dbm = machine(hidden=(4, 3))
    batch = Batch((torch.rand(5, *PIXELS.shape, generator=Generator().manual_seed(2)) < 0.5).float())
    v = batch.x.flatten(1)
    mu = dbm.machine.mean_field(v, dbm.mean_field)
    u = binary_states(dbm.d + dbm.upper)
    log_f = dbm.machine.unnormalised(u)
    bound = (dbm.machine.unnormalised(torch.cat([v, mu], 1)) + entropy(mu)).mean() - log_f.logsumexp(0)
    expected = torch.autograd.grad(-bound, list(dbm.machine.parameters()))
    with torch.no_grad():
        rows = torch.multinomial(
            log_f.softmax(0), 200_000, replacement=True, generator=Generator().manual_seed(0)
        )
    dbm.fantasies, dbm.gibbs = u[rows], 1
    found = torch.autograd.grad(dbm.loss(batch), list(dbm.machine.parameters()))
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=0.01)


def test_a_likelihood_is_claimed_where_it_can_be_summed() -> None:
    assert capability(tiny("latent/dbm"), Likelihood) is not None
    assert capability(tiny("latent/dbm", hidden=(12, 11)), Likelihood) is None
    assert capability(tiny("latent/dbm", hidden=(30, 4)), Likelihood) is None
    with pytest.raises(InputError, match=r"levels=17.*expected 2 levels"):
        tiny("latent/dbm", [Space("image", (1, 8, 8), 17)])


def test_chains_are_state_and_a_resumed_training_ends_with_the_same_bytes(tmp_path: Path) -> None:
    def fit() -> bytes:
        model = tiny("latent/dbm", [PIXELS])
        splits = Splits(elements(PIXELS, 40), elements(PIXELS, 30, seed=1))
        train(model, splits, Budget(12, 16, 0.9), Job("test", 3, tmp_path / "c.pt", "f"))
        return weights_bytes(model, {})

    expected = fit()
    for stop in (4, 9):  # in the first RBM, and in the machine
        (tmp_path / "c.pt").unlink(missing_ok=True)
        with killed_at(stop):
            fit()
        torch.manual_seed(99)
        assert fit() == expected
