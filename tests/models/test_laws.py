"""The laws of test_models.py catch the faults that such models have in real life."""

from pathlib import Path
from typing import Any

import pytest
import test_models as laws
import torch
from torch import Tensor

from genbench.core import Objective, Phase
from genbench.models.adversarial.dcgan import DCGAN
from genbench.models.adversarial.gan import GAN
from genbench.models.adversarial.wgan_gp import WGANGP
from genbench.models.autoregressive import made
from genbench.models.autoregressive.made import MADE
from genbench.nn.discrete import Levels
from genbench.nn.flows import Coupling
from genbench.nn.games import NonSaturatingGame


@pytest.mark.parametrize("cls", [GAN, DCGAN])
def test_a_sigmoid_before_a_loss_with_logits(monkeypatch: pytest.MonkeyPatch, cls: Any) -> None:
    name = f"adversarial/{cls.__name__.lower()}"
    laws.test_one_batch_can_be_overfitted(name)
    score = cls.score
    monkeypatch.setattr(cls, "score", lambda self, x: score(self, x).sigmoid())
    with pytest.raises(AssertionError, match="discriminator"):
        laws.test_one_batch_can_be_overfitted(name)


def test_a_sigmoid_before_a_likelihood_with_logits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log_prob = Levels.log_prob
    monkeypatch.setattr(Levels, "log_prob", lambda self, raw, x: log_prob(self, raw.sigmoid(), x))
    with pytest.raises(AssertionError):
        laws.samples_match_the_density(laws.on_a_tiny_space("autoregressive/made", "binary", tmp_path))


def test_a_mask_off_by_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Seeing(made.MaskedLinear):
        """x_d sees itself: the mask is ≥ where it should be >."""

        def __init__(self, mask: Tensor) -> None:
            outputs, inputs = mask.shape
            owner = torch.arange(outputs) * inputs // outputs
            super().__init__(mask | (owner[:, None] == torch.arange(inputs)))

    monkeypatch.setattr(made, "MaskedLinear", Seeing)
    with pytest.raises(AssertionError):
        laws.probabilities_sum_to_one(laws.on_a_tiny_space("autoregressive/made", "binary", tmp_path))
    with pytest.raises(AssertionError, match="sees itself"):
        laws.test_a_pixel_depends_on_the_pixels_of_its_field_alone("autoregressive/made", laws.SPACES[0])
    with pytest.raises(AssertionError, match="sees itself"):
        laws.test_a_logit_has_gradients_on_the_pixels_of_its_field_alone(
            "autoregressive/made", laws.SPACES[0]
        )


def test_a_forgotten_log_determinant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forward = Coupling.forward

    def forgetful(self: Coupling, x: Tensor) -> tuple[Tensor, Tensor]:
        z, log_det = forward(self, x)
        return z, torch.zeros_like(log_det)

    monkeypatch.setattr(Coupling, "forward", forgetful)
    with pytest.raises(AssertionError):
        laws.probabilities_sum_to_one(laws.on_a_tiny_space("flows/realnvp", "binary", tmp_path))


@pytest.mark.parametrize("cls", [NonSaturatingGame, WGANGP])
def test_a_generator_loss_that_moves_the_critic(monkeypatch: pytest.MonkeyPatch, cls: Any) -> None:
    phases = cls.phases

    def greedy(self: Any) -> list[Phase]:
        (phase,) = phases(self)
        critic, generator = phase.objectives
        return [phase._replace(objectives=(critic, generator._replace(parameters=list(self.parameters()))))]

    monkeypatch.setattr(cls, "phases", greedy)
    name = "adversarial/gan" if cls is NonSaturatingGame else "adversarial/wgan_gp"
    with pytest.raises(AssertionError, match="two owners"):
        laws.test_the_players_of_a_phase_own_different_parameters(name)


def test_parameters_that_nobody_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    def lazy(self: MADE) -> list[Phase]:
        own = [*self.hidden.parameters()]
        return [Phase("likelihood", (Objective("nll", own, self.loss, torch.optim.Adam),))]

    monkeypatch.setattr(MADE, "phases", lazy)
    with pytest.raises(AssertionError, match="nobody trains"):
        laws.test_an_objective_moves_all_of_its_own_parameters_and_no_others("autoregressive/made")
