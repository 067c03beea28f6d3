"""The five techniques of Salimans et al. (2016): a law for each, and the fault that it catches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from killed import killed_at
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, Phase, Space, Splits
from genbench.models.adversarial.improved_gan import ImprovedGAN
from genbench.nn.games import NON_SATURATING, Losses
from genbench.nn.techniques import (
    TECHNIQUES,
    HistoricalAverage,
    MinibatchDiscrimination,
    VirtualBatchNorm,
    feature_matching,
    one_sided,
    virtually_normalised,
)
from genbench.storage.weights import weights_bytes
from genbench.training.loop import Budget, Job, train

POINTS = Space("points", (2,), 0, 8)
IMAGES = Space("image", (1, 8, 8), 17, 10)


def built(space: Space = POINTS, model: type[ImprovedGAN] = ImprovedGAN, **options: Any) -> ImprovedGAN:
    torch.manual_seed(0)
    return model(space, **{**ImprovedGAN.tiny, **options})


def data(space: Space, n: int = 12) -> Batch:
    return Batch(torch.rand(n, *space.shape, generator=Generator().manual_seed(3)))


def fit(model: ImprovedGAN, folder: Path, steps: int = 6) -> bytes:
    given = data(model.space)
    train(model, Splits(given, given), Budget(steps, 4, ema=0.5), Job("test", 3, folder / "c.pt", "f"))
    return weights_bytes(model, {})


# Feature matching.


def check_feature_matching_leaves_the_discriminator(model: type[ImprovedGAN]) -> None:
    """A step of the generator's objective: its features are read, and no parameter of theirs is moved."""
    gan = built(model=model, techniques=("feature_matching",))
    _, generator = gan.phases()[-1].objectives
    before = nn.utils.parameters_to_vector(gan.discriminator.parameters()).clone()
    own = nn.utils.parameters_to_vector(gan.generator.parameters()).clone()
    generator.loss(data(POINTS)).backward(inputs=list(generator.parameters))
    generator.optimizer(list(generator.parameters)).step()
    assert not torch.equal(own, nn.utils.parameters_to_vector(gan.generator.parameters()))
    assert torch.equal(before, nn.utils.parameters_to_vector(gan.discriminator.parameters()))


def test_feature_matching_does_not_reach_the_discriminator() -> None:
    class Greedy(ImprovedGAN):
        def phases(self) -> list[Phase]:
            *others, game = super().phases()
            discriminator, generator = game.objectives
            own = [*self.generator.parameters(), *self.discriminator.parameters()]
            return [*others, game._replace(objectives=(discriminator, generator._replace(parameters=own)))]

    check_feature_matching_leaves_the_discriminator(ImprovedGAN)
    with pytest.raises(AssertionError):
        check_feature_matching_leaves_the_discriminator(Greedy)


def test_features_match_in_their_means_alone() -> None:
    real, fake = (
        torch.tensor([[0.0, 2.0], [2.0, 0.0]]),
        torch.tensor([[1.0, 1.0], [1.0, 1.0]]),
    )
    assert float(feature_matching(real, fake)) == 0
    assert float(feature_matching(real, fake + torch.tensor([3.0, 4.0]))) == 25


# Minibatch discrimination.


def check_an_element_is_not_close_to_itself(layer: MinibatchDiscrimination) -> None:
    x = torch.randn(5, 6, generator=Generator().manual_seed(0))
    assert bool((layer.closeness(x[:1]) == 0).all()), "alone, an element has none to be close to"
    assert torch.allclose(layer.closeness(x[:1].expand(5, -1)), torch.full((5, 4), 4.0)), (
        "each of four equals"
    )
    m = (x @ (F.normalize(layer.weight, dim=1) * layer.log_scale.exp()[:, None]).T).unflatten(1, (4, 3))
    for i in range(5):
        expected = sum(torch.exp(-(m[i] - m[j]).abs().sum(1)) for j in range(5) if j != i)
        assert torch.allclose(layer.closeness(x)[i], torch.as_tensor(expected), atol=1e-5)


def test_minibatch_discrimination_leaves_the_element_out() -> None:
    class Counting(MinibatchDiscrimination):
        """The formula of the paper as it is printed: the sum runs over the element, too."""

        def closeness(self, x: Tensor) -> Tensor:
            return super().closeness(x) + 1

    torch.manual_seed(0)
    check_an_element_is_not_close_to_itself(MinibatchDiscrimination(6, 4, 3))
    with pytest.raises(AssertionError):
        check_an_element_is_not_close_to_itself(Counting(6, 4, 3))


def check_data_and_generated_elements_never_meet(model: type[ImprovedGAN]) -> None:
    """Each batch that the layer reads holds data alone or generated elements alone."""
    gan, batch = built(model=model, techniques=("minibatch_discrimination",)), data(POINTS)
    seen: list[Tensor] = []
    gan.discriminator[0].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    gan.discriminator_loss(batch)
    gan.generator_loss(batch)
    real = POINTS.signed(batch.x)
    kinds = [{bool((real == row).all(1).any()) for row in rows} for rows in seen]
    assert all(len(kind) == 1 for kind in kinds), "data and generated elements in one batch"
    assert {True} in kinds
    assert {False} in kinds


def test_minibatch_discrimination_sees_data_and_generated_elements_apart() -> None:
    class Mixing(ImprovedGAN):
        def discriminator_loss(self, batch: Batch) -> Tensor:
            fake = self.decode(self.prior(len(batch.x))).detach()
            real_score, fake_score = self.score(torch.cat([batch.x, fake])).chunk(2)
            return (self.losses.real(real_score) + self.losses.fake(fake_score)).mean()

    check_data_and_generated_elements_never_meet(ImprovedGAN)
    with pytest.raises(AssertionError, match="in one batch"):
        check_data_and_generated_elements_never_meet(Mixing)


# Historical averaging.


def dirac(average: Callable[[int], HistoricalAverage] | None, weight: float = 0.25) -> tuple[Tensor, float]:
    """The Dirac-GAN (Mescheder et al., 2018, arXiv:1801.04406): p = δ(0), G = δ(θ), D(x) = σ(ψ x).

    Eigenvalues of the game's vector field at (0, 0), long after a start there; and the distance from it after 400
    steps of gradient descent that started at 1.
    """
    theta, psi = (nn.Parameter(torch.zeros(1, dtype=torch.double)) for _ in range(2))
    pasts = [average(1).double() for _ in range(2)] if average else []

    def losses() -> tuple[Tensor, Tensor]:
        score = psi * theta
        discriminator = NON_SATURATING.fake(score).sum()
        generator = -discriminator  # the minimax game, which the non-saturating one is at the equilibrium
        if pasts:
            generator = generator + weight * pasts[0]([theta])
            discriminator = discriminator + weight * pasts[1]([psi])
        return generator, discriminator

    def field(create_graph: bool) -> Tensor:
        generator, discriminator = losses()
        (a,) = torch.autograd.grad(generator, theta, create_graph=create_graph, retain_graph=True)
        (b,) = torch.autograd.grad(discriminator, psi, create_graph=create_graph)
        return -torch.cat([a, b])

    for past in pasts:
        past.count.fill_(10**9)
    found = field(create_graph=True)
    rows = [torch.cat(torch.autograd.grad(each, (theta, psi), retain_graph=True)) for each in found]
    eigenvalues = torch.linalg.eigvals(torch.stack(rows))
    for past in pasts:
        past.count.zero_()
    with torch.no_grad():
        theta.fill_(1.0)
        psi.fill_(1.0)
    for _ in range(400):
        step = 0.05 * field(create_graph=False)
        with torch.no_grad():
            theta += step[:1]
            psi += step[1:]
    return eigenvalues, float(torch.hypot(theta, psi).detach())


def check_history_damps_the_dirac_gan(average: Callable[[int], HistoricalAverage]) -> None:
    eigenvalues, distance = dirac(average)
    assert bool((eigenvalues.real < -0.4).all()), "no damping at the equilibrium"
    assert torch.allclose(eigenvalues.real, torch.full((2,), -0.5, dtype=torch.double), atol=1e-6)
    assert torch.allclose(eigenvalues.imag.abs(), torch.full((2,), 0.5, dtype=torch.double), atol=1e-6)
    assert distance < 1


def test_historical_averaging_damps_the_dirac_gan() -> None:
    """Eigenvalues ±i/2 without it: the players circle, and steps of any length lead away; −2w ± i/2 with it."""

    class Short(HistoricalAverage):
        """A mean that forgets: of one element, the last."""

        def forward(self, parameters: Any) -> Tensor:
            self.count.zero_()
            return super().forward(parameters)

    plain, distance = dirac(None)
    assert torch.allclose(plain.real, torch.zeros(2, dtype=torch.double), atol=1e-12)
    assert distance > 2**0.5
    check_history_damps_the_dirac_gan(HistoricalAverage)
    with pytest.raises(AssertionError):
        check_history_damps_the_dirac_gan(Short)


def test_the_history_is_the_mean_of_all_steps() -> None:
    past, weight = HistoricalAverage(3), nn.Parameter(torch.zeros(3))
    rows = torch.randn(7, 3, generator=Generator().manual_seed(0))
    for t, row in enumerate(rows):
        weight.data.copy_(row)
        mean = rows[: t + 1].mean(0)
        assert float(past([weight]).detach()) == pytest.approx(float((row - mean).square().sum()), abs=1e-5)
    assert torch.allclose(past.mean, rows.mean(0), atol=1e-6)
    assert not past.mean.requires_grad


# One-sided label smoothing.


def best_answer(losses: Losses) -> float:
    """D where p_G = p, the discriminator at its best."""
    score = torch.linspace(-3, 3, 60_001, dtype=torch.double)
    cost = losses.real(score) + losses.fake(score)
    return float(score[cost.argmin()].sigmoid())


def test_where_the_distributions_are_equal_a_smoothed_discriminator_answers_45_percent() -> None:
    """.9 p/(p + p_G); smoothing the generated side too would give .5, smoothing twice .405."""
    losses = built(techniques=("label_smoothing",)).losses
    assert best_answer(losses) == pytest.approx(0.45, abs=1e-4)
    assert best_answer(NON_SATURATING) == pytest.approx(0.5, abs=1e-4)
    mirrored = one_sided(Losses(NON_SATURATING.fake, NON_SATURATING.real), 0.9).real
    for fault, answer in ((losses._replace(fake=mirrored), 0.5), (one_sided(losses, 0.9), 0.405)):
        assert best_answer(fault) == pytest.approx(answer, abs=1e-4)
        with pytest.raises(AssertionError):
            assert best_answer(fault) == pytest.approx(0.45, abs=1e-4)


def test_smoothing_is_one_sided_and_the_discriminators_alone() -> None:
    smoothing, plain = built(techniques=("label_smoothing",)), built(techniques=())
    score = torch.linspace(-4, 4, 9)
    assert torch.equal(smoothing.losses.fake(score), NON_SATURATING.fake(score))
    found = []
    for gan in (smoothing, plain):
        torch.manual_seed(1)
        found.append(gan.generator_loss(data(POINTS)).detach())
    assert torch.equal(*found)


# Virtual batch normalisation.


@pytest.mark.parametrize("shape", [(3,), (3, 4, 5)])
def test_an_element_is_normalised_by_the_reference_batch_and_itself(shape: tuple[int, ...]) -> None:
    norm, r = VirtualBatchNorm(3, reference=6), 6
    x = torch.randn(10, *shape, generator=Generator().manual_seed(0))
    found = norm(x)
    for i in range(10):
        rows = x[:r] if i < r else torch.cat([x[:r], x[i : i + 1]])
        flat = rows.transpose(0, 1).flatten(1)
        mean, var = flat.mean(1), flat.var(1, unbiased=False)
        place = (3, *[1] * (len(shape) - 1))
        expected = (x[i] - mean.view(place)) * (var.view(place) + 1e-5).rsqrt()
        assert torch.allclose(found[i], expected, atol=1e-5)
    assert torch.allclose(norm(torch.cat([x[:r], x[7:8]]))[-1], found[7], atol=1e-6), (
        "nor by any other element"
    )


@pytest.mark.parametrize("space", [POINTS, IMAGES], ids=["points", "images"])
@torch.no_grad()
def test_an_element_follows_from_its_code_alone_in_training_too(space: Space) -> None:
    z = torch.randn(9, 6, generator=Generator().manual_seed(0))
    virtual, plain = built(space), built(space, techniques=())
    assert torch.allclose(virtual.decode(z)[:3], virtual.decode(z[:3]), atol=1e-5)
    assert not torch.allclose(plain.decode(z)[:3], plain.decode(z[:3]), atol=1e-3)


def check_a_resumed_training_ends_with_the_same_bytes(model: type[ImprovedGAN], folder: Path) -> None:
    expected = fit(built(model=model), folder)
    with killed_at(4):
        fit(built(model=model), folder)
    assert (folder / "c.pt").exists()
    torch.manual_seed(99)  # the random state of another process
    resumed = model(POINTS, **ImprovedGAN.tiny)
    assert fit(resumed, folder) == expected


def test_the_reference_batch_and_the_history_are_in_the_checkpoint(tmp_path: Path) -> None:
    class Losing(ImprovedGAN):
        """The reference batch is no part of the state."""

        def __init__(self, space: Space, **options: Any) -> None:
            super().__init__(space, **options)
            reference = self.reference
            del self.reference
            self.register_buffer("reference", reference, persistent=False)

    class Forgetting(ImprovedGAN):
        """The past parameters are no part of the state."""

        def __init__(self, space: Space, **options: Any) -> None:
            super().__init__(space, **options)
            for average in self.averages:
                average._non_persistent_buffers_set.update(("mean", "count"))

    check_a_resumed_training_ends_with_the_same_bytes(ImprovedGAN, tmp_path / "whole")
    for fault in (Losing, Forgetting):
        with pytest.raises(AssertionError):
            check_a_resumed_training_ends_with_the_same_bytes(fault, tmp_path / fault.__name__)


def test_the_reference_batch_is_chosen_once_and_is_in_the_weights(tmp_path: Path) -> None:
    gan = built()
    gan.choose_reference(Splits(data(POINTS), data(POINTS)))
    chosen = gan.reference.clone()
    phases = gan.phases()
    assert [phase.fit is not None for phase in phases] == [True, False]
    for objective in phases[-1].objectives:
        objective.loss(data(POINTS))
    gan.sample(3, rng=Generator().manual_seed(0))
    assert torch.equal(gan.reference, chosen)
    assert "reference" in gan.state_dict()


# Together.


@pytest.mark.parametrize("space", [POINTS, IMAGES], ids=["points", "images"])
@pytest.mark.parametrize("techniques", [(), *((one,) for one in TECHNIQUES)], ids=str)
def test_each_technique_trains_alone(space: Space, techniques: tuple[str, ...], tmp_path: Path) -> None:
    model = built(space, techniques=techniques)
    fit(model, tmp_path, steps=2)
    assert model.eval().sample(3, rng=Generator().manual_seed(0)).shape == (3, *space.shape)


def test_an_unknown_technique_is_named() -> None:
    with pytest.raises(ValueError, match="techniques: 'unrolling'; expected some of feature_matching"):
        built(techniques=("unrolling",))


def test_batch_norms_alone_are_replaced() -> None:
    layers = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU())
    kinds = [type(each) for each in virtually_normalised(layers, 4)]
    assert kinds == [nn.Linear, VirtualBatchNorm, nn.ReLU]


def test_a_moment_keeps_as_many_samples_as_are_asked_for() -> None:
    assert built(IMAGES, watched=30).watch(rng=Generator().manual_seed(0))["x"].shape == (30, 1, 8, 8)
    assert built(IMAGES).watch(rng=Generator().manual_seed(0))["x"].shape == (10, 1, 8, 8)
