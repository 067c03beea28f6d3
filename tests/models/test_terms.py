"""The terms of losses: what is added to a game is added, and what is to be small is made small."""

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import test_models as laws
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from genbench.core import Batch, GenerativeModel
from genbench.models.adversarial import stylegan
from genbench.models.latent.vae import VAE
from genbench.nn.mesh_tokens import split


class Term(NamedTuple):
    """weight: the hyper-parameter that a term of the loss is multiplied with; loss: the method."""

    model: str
    weight: str
    loss: str
    options: Mapping[str, Any] = MappingProxyType({})
    arguments: Mapping[str, Any] = MappingProxyType({})


AVERAGED = {"techniques": ["historical_averaging"]}
FIRST_STAGE = {"stage": 0, "fading": False}
TERMS = [
    Term("adversarial/biggan", "orthogonal", "generator_loss"),
    Term("adversarial/ebgan", "pull", "generator_loss"),
    Term("adversarial/improved_gan", "history", "discriminator_loss", AVERAGED),
    Term("adversarial/improved_gan", "history", "generator_loss", AVERAGED),
    Term("adversarial/progressive", "drift", "critic_loss", arguments=FIRST_STAGE),
    Term("adversarial/progressive", "penalty", "critic_loss", arguments=FIRST_STAGE),
    Term("adversarial/sdgan", "mismatched", "discriminator_loss"),
    Term("adversarial/stylegan", "penalty", "discriminator_loss"),
    Term("energy/ebm", "penalty", "loss"),
    Term("latent/rbm", "weight_decay", "loss"),
    Term("translation/deepfakes", "detail", "loss"),
]


def loss_of(model: GenerativeModel, loss: str, batch: Batch, **arguments: Any) -> Tensor:
    """Of a copy, from the same random state: what a loss changes in its model is not seen by the next."""
    torch.manual_seed(1)
    value: Tensor = getattr(copy.deepcopy(model), loss)(batch, **arguments)
    return value.detach()


def moved_from_their_past(model: Any, loss: str, batch: Batch, arguments: Mapping[str, Any]) -> None:
    """One loss is asked, so that what is averaged has begun, then all weights move."""
    getattr(model, loss)(batch, **arguments)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))


@pytest.mark.parametrize("term", TERMS, ids=lambda term: f"{term.model}-{term.weight}-{term.loss}")
def test_a_weighted_term_is_added_to_the_loss(term: Term) -> None:
    """All of these are 0 or more: with its weight the loss grows, and in proportion."""
    model: Any = laws.tiny(term.model, **term.options).train()
    batch = laws.elements(model.space, 8)
    moved_from_their_past(model, term.loss, batch, term.arguments)
    found = []
    for weight in (0.0, 1.0, 2.0):
        setattr(model, term.weight, weight)
        found.append(float(loss_of(model, term.loss, batch, **term.arguments)))
    without, once, twice = found
    assert once - without > 1e-6
    assert twice - without == pytest.approx(2 * (once - without), rel=1e-2)


@pytest.mark.parametrize(
    ("name", "options"), [("adversarial/began", {}), ("adversarial/ebgan", {"pull": 0.0})]
)
def test_a_generator_pays_the_error_of_what_it_makes(name: str, options: dict[str, float]) -> None:
    """A step down its loss makes the critic, which stays as it is, reconstruct it better."""
    model: Any = laws.tiny(name, **options).train()
    batch = laws.elements(model.space, 16)
    (_, generator) = model.phases()[0].objectives
    before = loss_of(model, "generator_loss", batch)
    assert before > 0  # an error
    torch.manual_seed(1)
    slopes = torch.autograd.grad(model.generator_loss(batch), list(generator.parameters), allow_unused=True)
    with torch.no_grad():
        for parameter, slope in zip(generator.parameters, slopes, strict=True):
            if slope is not None:
                parameter.sub_(1e-2 * slope / (slope.norm() + 1e-12))
        torch.manual_seed(1)
        assert float(model.error(model.generate(batch)).mean()) < float(before)


@pytest.mark.parametrize("loss", ["discriminator_loss", "generator_loss"])
def test_both_domains_of_a_cogan_count_as_much(monkeypatch: pytest.MonkeyPatch, loss: str) -> None:
    model: Any = laws.tiny("adversarial/cogan").train()
    batch = laws.elements(model.space, 8)
    parts = {"discriminator_loss": "games", "generator_loss": "generator_losses"}[loss]
    monkeypatch.setattr(model, parts, lambda _: (torch.tensor(2.0), torch.tensor(3.0)))
    assert float(getattr(model, loss)(batch)) == 5


def test_an_autoencoder_of_context_alone_pays_its_squared_error() -> None:
    model: Any = laws.tiny("autoencoders/context", adversarial=0.0).train()
    batch = laws.elements(model.space, 8)
    with torch.no_grad():
        hole = batch.x[:, :, *model.hole]
        assert torch.allclose(model.generator_loss(batch), (model.fill(batch.x) - hole).square().mean())


def test_either_person_of_deepfakes_is_reconstructed_better_by_training(tmp_path: Any) -> None:
    name = "translation/deepfakes"
    before: Any = laws.tiny(name, lr=5e-3).eval()
    after: Any = laws.fitted(name, tmp_path, steps=60, lr=5e-3)
    batch = laws.elements(before.space, 40)
    assert batch.source is not None
    for who, pictures in enumerate((batch.source, batch.x)):
        with torch.no_grad():
            errors = [
                float((model.swapped(pictures, who, who) - pictures).abs().mean())
                for model in (before, after)
            ]
        assert errors[1] < 0.9 * errors[0], who


@pytest.mark.parametrize(("images", "penalised"), [(1, 1), (4, 1), (5, 2), (8, 2)])
def test_the_penalty_of_stylegan_is_taken_on_one_image_in_four_rounded_up(
    monkeypatch: pytest.MonkeyPatch, images: int, penalised: int
) -> None:
    counts: list[int] = []

    def counted(_: Any, real: Tensor) -> Tensor:
        counts.append(len(real))
        return torch.zeros(())

    monkeypatch.setattr(stylegan, "r1_penalty", counted)
    model: Any = laws.tiny("adversarial/stylegan").train()
    model.discriminator_loss(laws.elements(model.space, images))
    assert counts == [penalised]


def test_data_lose_energy_and_chains_gain_it() -> None:
    """The slopes of an energy-based model's loss, without its penalty, are those of mean E(x⁺) − mean E(x⁻)."""
    model: Any = laws.tiny("energy/ebm", penalty=0.0).train()
    batch, energies = laws.elements(model.space, 8), []
    energy = model.energy

    def heard(x: Tensor) -> Tensor:
        found: Tensor = energy(x)
        energies.append(found)
        return found

    model.energy = heard
    loss = model.loss(batch)
    of_data, of_chains = torch.autograd.grad(loss, energies[-2:])
    assert torch.allclose(of_data, torch.full_like(of_data, 1 / 8))
    assert torch.allclose(of_chains, torch.full_like(of_chains, -1 / 8))


@pytest.mark.parametrize("part", ["vertex", "face"])
def test_a_mesh_model_pays_nats_a_token(part: str) -> None:
    model: Any = laws.tiny("autoregressive/polygen").eval()
    batch = laws.elements(model.space, 8)
    tokens = split(batch.x)
    there = {"vertex": tokens.vertices, "face": tokens.faces}[part] >= 0
    with torch.no_grad():
        nats = getattr(model, f"{part}_nats")(tokens, model.labels_of(batch)).sum()
        assert torch.allclose(getattr(model, f"{part}_loss")(batch), -nats / there.sum())


def test_the_divergence_of_a_vae_is_that_of_two_normal_distributions() -> None:
    mu, log_var = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    prior = Normal(torch.zeros(()), torch.ones(()))
    expected = kl_divergence(Normal(mu, (log_var / 2).exp()), prior)
    assert torch.allclose(VAE.divergences(mu, log_var), expected, atol=1e-6)
