"""Adversarial losses, regularisers and networks: each by its law, and every combination that a run may name."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import test_models as laws
import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, Space, Splits
from genbench.models.adversarial.dcgan import DCGAN
from genbench.models.adversarial.game import Game
from genbench.nn import composed_games
from genbench.nn.adversarial_losses import LOSSES
from genbench.nn.adversaries import NETWORKS
from genbench.nn.games import NonSaturatingGame
from genbench.nn.regularisers import REGULARISERS, clipped, dragan_penalty, r1_penalty
from genbench.training.loop import Budget, Job, train

DIGITS = Space("image", (1, 8, 8), 17, 10)
GAME = "adversarial/game"
P, Q = torch.tensor([0.7, 0.3]), torch.tensor([0.2, 0.8])  # of data and generator, on two points

# What the best critic says of the two points; where only differences count, of the first minus the second.
BEST: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "minimax": lambda p, q: (p / q).log(),
    "non_saturating": lambda p, q: (p / q).log(),
    "least_squares": lambda p, q: p / (p + q),
    "hinge": lambda p, q: (p - q).sign(),
    "relativistic": lambda p, q: (p / q).log()[:1] - (p / q).log()[1:],
    "wasserstein": lambda p, q: (p - q).sign()[:1],  # of points at distance 1, with a slope of 1 at most
}


def pairs() -> tuple[Tensor, Tensor]:
    """Every real element with every generated one, ten of each, in the shares P and Q: the places 0 and 1 of 100."""
    real, fake = ((torch.arange(10) >= round(10 * float(p[0]))).long() for p in (P, Q))
    return real.repeat_interleave(10), fake.repeat(10)


def best_score(loss: str) -> Tensor:
    """The scores of the two points, (2,), that minimise the critic's loss; the first less the second for some."""
    score = torch.zeros(2, requires_grad=True)
    real, fake = pairs()
    for step in range(300):
        shown = (score - score[1]).clamp(-1, 1) if loss == "wasserstein" else score
        (slope,) = torch.autograd.grad(LOSSES[loss].critic(shown[real], shown[fake]), score)
        score.data -= (1 - step / 300) * slope
    if loss == "wasserstein":
        return (score[:1] - score[1:]).detach().clamp(-1, 1)
    return (score[:1] - score[1:]).detach() if LOSSES[loss].invariant else score.detach()


@pytest.mark.parametrize("loss", LOSSES)
def test_the_best_score_of_two_points_is_what_theory_says(loss: str) -> None:
    assert torch.allclose(best_score(loss), BEST[loss](P, Q), atol=0.03)


def test_the_best_loss_of_a_1_lipschitz_critic_is_the_wasserstein_distance() -> None:
    """Mass P(a) − Q(a) moves over a distance of 1."""
    score = torch.stack([best_score("wasserstein")[0], torch.tensor(0.0)])
    real, fake = pairs()
    assert -float(LOSSES["wasserstein"].critic(score[real], score[fake])) == pytest.approx(0.5)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_generator_pays_less_for_a_higher_score_and_a_critic_for_a_higher_margin(loss: str) -> None:
    real, fake = (torch.linspace(-0.9, 0.9, 7).requires_grad_() for _ in range(2))
    (slope,) = torch.autograd.grad(LOSSES[loss].generator(real, fake), fake)
    assert bool((slope < 0).all())
    down, up = torch.autograd.grad(LOSSES[loss].critic(real, fake), [real, fake])
    if loss != "least_squares":  # whose critic has a best score of its own, 1 and 0
        assert bool((down < 0).all())
        assert bool((up > 0).all())


def test_minimax_saturates_where_its_name_says_so() -> None:
    """A critic sure of itself gives a score of −10: the slope is e^−10 or 1."""
    slopes = []
    for loss in ("minimax", "non_saturating"):
        fake = torch.tensor([-10.0], requires_grad=True)
        slopes += torch.autograd.grad(LOSSES[loss].generator(None, fake), fake)
    assert [float(slope) for slope in slopes] == pytest.approx([-math.exp(-10), -1], rel=1e-3)


def test_the_relativistic_loss_is_antisymmetric() -> None:
    """P(x more real than x') + P(x' more real than x) = 1, and both players' losses are one with the pair exchanged."""
    loss, (a, b) = LOSSES["relativistic"], torch.randn(2, 5)
    assert torch.equal(loss.critic(a, b), loss.generator(b, a))
    one, other = (torch.exp(-loss.critic(x, y)) for x, y in ((a[:1], b[:1]), (b[:1], a[:1])))
    assert float(one + other) == pytest.approx(1)
    with pytest.raises(ValueError, match="real: None"):
        loss.generator(None, a)


@pytest.mark.parametrize("loss", [name for name, loss in LOSSES.items() if loss.invariant])
def test_an_invariant_loss_does_not_see_a_constant(loss: str) -> None:
    real, fake = torch.randn(2, 9, generator=Generator().manual_seed(0))
    assert torch.allclose(LOSSES[loss].critic(real + 3, fake + 3), LOSSES[loss].critic(real, fake), atol=1e-5)


def test_penalties_are_those_of_a_critic_with_a_known_slope() -> None:
    """f(x) = w · x has the slope ‖w‖ everywhere; f(x) = ½ ‖x‖² has ‖x‖ at x."""
    w = torch.tensor([3.0, 4.0])
    x = torch.rand(50, 2, generator=Generator().manual_seed(0))
    assert float(r1_penalty(lambda x: x @ w, x).detach()) == pytest.approx(25 / 2)
    assert float(dragan_penalty(lambda x: x @ w, x)) == pytest.approx((5 - 1) ** 2)
    assert float(r1_penalty(lambda x: x.square().sum(1) / 2, x).detach()) == pytest.approx(
        float(x.square().sum(1).mean()) / 2
    )


def asked_at(name: str) -> list[Tensor]:
    """Where a regulariser asks for the critic's slope, given real elements near 1 and generated ones near −1."""
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.square().sum(1)

    penalty = REGULARISERS[name].penalty
    assert penalty is not None
    rng = Generator().manual_seed(0)
    penalty(critic, *(centre + 0.01 * torch.randn(100, 2, generator=rng) for centre in (1.0, -1.0)))
    return seen


def penalties_look_where_they_should() -> None:
    for name in ("r1", "dragan"):
        assert all(bool((x > 0.9).all()) for x in asked_at(name)), f"{name} is for the data"
    between = torch.cat(asked_at("gradient_penalty"))
    assert float(between.min()) < -0.8
    assert float(between.max()) > 0.8


def test_r1_and_dragan_look_at_data_the_gradient_penalty_between(monkeypatch: pytest.MonkeyPatch) -> None:
    penalties_look_where_they_should()
    on_fakes = REGULARISERS["r1"]._replace(penalty=lambda critic, _, fake: r1_penalty(critic, fake))
    monkeypatch.setitem(REGULARISERS, "r1", on_fakes)
    with pytest.raises(AssertionError, match="r1 is for the data"):
        penalties_look_where_they_should()


def test_dragan_looks_beyond_the_data_by_up_to_half_their_deviation() -> None:
    """The official code adds a s u / 2, which is never below 0."""
    torch.manual_seed(0)
    real, seen = torch.randn(64, 3), []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.sum(1)

    dragan_penalty(critic, real)
    beyond = (seen[0] - real) / real.std()
    assert float(beyond.min()) >= -1e-6
    assert 0.3 < float(beyond.max()) <= 0.5


def trained(tmp_path: Path, steps: int = 12, **options: Any) -> Game:
    torch.manual_seed(0)
    model = Game(DIGITS, latent=3, width=4, hidden=8, lr=1e-2, **options)
    data = laws.elements(DIGITS, 32)
    train(model, Splits(data, data), Budget(steps, 8), Job("test", 0, tmp_path / "c.pt", "f"))
    return model


def weights_stay_within(bound: float, model: Game) -> None:
    largest = max(float(parameter.detach().abs().max()) for parameter in model.critic.parameters())
    assert largest <= bound, f"{largest} after the last step"
    assert max(float(parameter.detach().abs().max()) for parameter in model.generator.parameters()) > bound


def test_what_is_within_the_bounds_is_not_clipped() -> None:
    weights = nn.Parameter(torch.tensor([-5.0, -0.1, 0.2, 5.0]))
    optimizer = clipped(lambda parameters: torch.optim.SGD(parameters, lr=0.0), 0.3)([weights])
    weights.sum().backward()
    optimizer.step()
    assert weights.tolist() == pytest.approx([-0.3, -0.1, 0.2, 0.3])


def test_weights_are_clipped_after_each_step_of_the_critic(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = {"loss": "wasserstein", "regulariser": "weight_clipping", "clip": 0.02}
    weights_stay_within(0.02, trained(tmp_path, **options))

    def before(build: Any, bound: float) -> Any:
        """The fault: clip, then step."""

        def built(parameters: Any) -> torch.optim.Optimizer:
            optimizer = build(parameters)

            def clip(*_: Any) -> None:
                for parameter in parameters:
                    parameter.data.clamp_(-bound, bound)

            optimizer.register_step_pre_hook(clip)
            return optimizer

        return built

    monkeypatch.setattr(composed_games, "clipped", before)
    with pytest.raises(AssertionError, match="after the last step"):
        weights_stay_within(0.02, trained(tmp_path, **options))


def test_an_optimiser_that_clips_is_saved_and_loaded_as_the_one_it_is() -> None:
    own = [nn.Parameter(torch.ones(3))]
    one = clipped(torch.optim.RMSprop, 0.5)(own)
    own[0].sum().backward()
    one.step()
    assert float(own[0].abs().max()) == 0.5
    plain = torch.optim.RMSprop(own)
    plain.load_state_dict(one.state_dict())
    assert torch.equal(
        plain.state_dict()["state"][0]["square_avg"], one.state_dict()["state"][0]["square_avg"]
    )


@pytest.mark.parametrize("network", NETWORKS)
def test_spectral_norm_keeps_every_layer_of_the_critic_near_one(network: str, tmp_path: Path) -> None:
    model = trained(tmp_path, regulariser="spectral_norm", loss="hinge", network=network).eval()
    layers = [module for module in model.critic.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    largest = [float(torch.linalg.matrix_norm(layer.weight.flatten(1), 2)) for layer in layers]
    assert largest == pytest.approx([1.0] * len(layers), abs=0.15)
    assert not any("parametrizations" in key for key in model.generator.state_dict())


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("regulariser", REGULARISERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_combination_is_a_game(loss: str, regulariser: str, network: str) -> None:
    """Both losses are finite, and reach every matrix of weights of their players.

    Hinge moves no last bias as long as no score is beyond 1: what real and generated elements pull at it cancels.
    """
    torch.manual_seed(0)
    options: dict[str, Any] = {"loss": loss, "regulariser": regulariser, "network": network}
    model = Game(DIGITS, latent=3, width=4, hidden=8, **options)
    batch = laws.elements(DIGITS, 16)
    (phase,) = model.phases()
    for objective in phase.objectives:
        gradients = torch.autograd.grad(objective.loss(batch), list(objective.parameters))
        assert all(bool(torch.isfinite(each).all()) for each in gradients)
        assert all(bool((each != 0).any()) for each in gradients if each.ndim > 1)


@pytest.mark.parametrize("option", ["loss", "regulariser", "network"])
def test_a_run_may_name_every_loss_regulariser_and_network(option: str) -> None:
    known = {"loss": LOSSES, "regulariser": REGULARISERS, "network": NETWORKS}[option]
    assert set(get_type_hints(Game.__init__)[option].__args__) == set(known)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 6, 10), (2,)], ids=str)
def test_games_are_played_on_elements_of_any_shape(shape: tuple[int, ...], network: Any) -> None:
    torch.manual_seed(0)
    space = Space("image", shape, 256) if len(shape) > 1 else Space("points", shape, 0)
    model = Game(space, network=network, width=4, hidden=16, latent=5)
    batch = Batch(torch.rand(6, *shape))
    assert bool(torch.isfinite(model.critic_loss(batch)))
    assert model.eval().sample(3, rng=Generator().manual_seed(0)).shape == (3, *shape)


@pytest.mark.parametrize("name", ["adversarial/gan", "adversarial/wgan_gp", GAME])
def test_a_critic_whose_sign_is_wrong_is_caught(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    cls: Any = laws.model_class(name)
    loss = "critic_loss" if hasattr(cls, "critic_loss") else "discriminator_loss"
    own = getattr(cls, loss)
    monkeypatch.setattr(cls, loss, lambda self, batch: -own(self, batch))
    with pytest.raises(AssertionError, match="tell real from generated"):
        laws.test_the_players_of_a_game_pull_its_score_apart(name)


def test_both_players_of_a_dcgan_learn_from_one_batch_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = DCGAN(DIGITS, latent=3, width=4).train()
    batch, drawn, shown = Batch(torch.rand(4, *DIGITS.shape)), [], []
    generate, discriminate = model.generate, model.discriminate
    monkeypatch.setattr(model, "generate", lambda batch: drawn.append(generate(batch)) or drawn[-1])
    monkeypatch.setattr(model, "discriminate", lambda x, batch: shown.append(x) or discriminate(x, batch))
    critic, maker = model.players()
    model.discriminator_loss(batch).backward()
    assert all(each.grad is None for each in maker)
    model.zero_grad()
    model.generator_loss(batch).backward(inputs=maker)
    real, fake, again = shown
    assert real is batch.x
    assert torch.equal(fake, drawn[0])
    assert again is drawn[0]
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in maker)
    assert all(each.grad is None for each in critic)
    model.generator_loss(batch)  # with no other before it, as where a generator is trained alone
    assert len(drawn) == 2
    assert not torch.equal(drawn[0], drawn[1])


@pytest.mark.parametrize("cls", [NonSaturatingGame, Game])
def test_a_generator_whose_sign_is_wrong_is_caught(monkeypatch: pytest.MonkeyPatch, cls: Any) -> None:
    own = cls.generator_loss
    monkeypatch.setattr(cls, "generator_loss", lambda self, batch: -own(self, batch))
    with pytest.raises(AssertionError, match="raise its own"):
        laws.test_the_players_of_a_game_pull_its_score_apart(
            "adversarial/gan" if cls is NonSaturatingGame else GAME
        )
