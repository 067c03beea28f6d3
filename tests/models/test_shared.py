"""Generated elements that both players of a step share: losses are as alone, one pass makes them, none is kept."""

import copy
import gc
import itertools
import operator
import weakref
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
import test_models as laws
import torch
from killed import killed_at
from torch import Tensor

from genbench.core import Batch, GenerativeModel, Objective, Phase, Splits
from genbench.models.adversarial.dcgan import DCGAN
from genbench.models.adversarial.stylegan import StyleGAN
from genbench.nn import games
from genbench.nn.composed_games import ComposedGame
from genbench.training.execution import Execution
from genbench.training.loop import Budget, Job, train

Sharing = list[tuple[Phase, Callable[[Batch], Any]]]


def sharing(model: GenerativeModel) -> Sharing:
    """The phases that share something, and what gives it."""
    return [(phase, phase.shared) for phase in model.phases() if phase.shared is not None]


GAMES = [name for name in laws.ZOO if sharing(laws.untrained(name))]


def slopes(objective: Objective, loss: Tensor) -> list[Tensor | None]:
    return list(torch.autograd.grad(loss, list(objective.parameters), allow_unused=True))


def alike(one: list[Tensor | None], other: list[Tensor | None]) -> bool:
    return all(
        a is b if a is None or b is None else torch.equal(a, b) for a, b in zip(one, other, strict=True)
    )


def alone_and_given(name: str) -> Iterator[tuple[str, list[Any], list[Any]]]:
    """Of each objective: loss, slopes and what is left in the model, making its own elements and given the step's."""
    found = laws.tiny(name).train()
    batch = laws.elements(found.space, 8)
    for place, (phase, _) in enumerate(sharing(found)):
        for number, objective in enumerate(phase.objectives):
            results = []
            for given in (False, True):
                model = copy.deepcopy(found)
                own, shared = sharing(model)[place]
                if own.progress is not None:
                    own.progress(0.5)
                player = own.objectives[number]
                torch.manual_seed(0)
                loss = player.loss(batch, shared(batch)) if given else player.loss(batch)
                results.append([[loss.detach()], slopes(player, loss), list(model.state_dict().values())])
            yield f"{phase.name}, {objective.name}", *results


def losses_are_those_of_their_own(name: str) -> None:
    """To the bit: a loss that is given what the step shares is the loss that draws the same itself."""
    for title, alone, given in alone_and_given(name):
        for what, one, other in zip(("loss", "slopes", "buffers"), alone, given, strict=True):
            assert alike(one, other), f"{title}: other {what}"


def critics_leave_the_makers_alone(name: str) -> int:
    """How many losses do not reach the parameters of others from which the shared elements were made."""
    model, found = laws.tiny(name).train(), 0
    batch = laws.elements(model.space, 8)
    for phase, shared in sharing(model):
        if phase.progress is not None:
            phase.progress(0.5)
        for player, other in itertools.permutations(phase.objectives, 2):
            made = shared(batch)
            parts = made if isinstance(made, tuple) else (made,)
            total = torch.stack([part.sum() for part in parts if part.requires_grad]).sum()
            makes = [slope is not None for slope in slopes(other, total)]
            moved = [slope is not None for slope in slopes(other, player.loss(batch, shared(batch)))]
            if any(makes):
                found += 1
                assert not any(map(operator.and_, makes, moved)), f"{player.name} reaches {other.name}"
    return found


@pytest.mark.parametrize("name", GAMES)
def test_a_loss_given_what_its_step_shares_is_the_loss_alone(name: str) -> None:
    losses_are_those_of_their_own(name)


@pytest.mark.parametrize("name", GAMES)
def test_a_critic_does_not_reach_what_made_the_shared_elements(name: str) -> None:
    assert critics_leave_the_makers_alone(name) > 0


def test_a_critic_whose_loss_reaches_the_generator_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def attached(made: Any, make: Any, batch: Batch) -> Any:
        return make(batch) if made is None else made

    monkeypatch.setattr("genbench.nn.composed_games.held_fixed", attached)
    with pytest.raises(AssertionError, match="critic reaches generator"):
        critics_leave_the_makers_alone("adversarial/wgan_gp")


def test_a_loss_that_does_not_look_at_what_it_is_given_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    own = StyleGAN.generator_loss

    def deaf(self: StyleGAN, batch: Batch, fakes: Any = None) -> Tensor:
        return own(self, batch)

    monkeypatch.setattr(StyleGAN, "generator_loss", deaf)
    with pytest.raises(AssertionError, match="generator: other loss"):
        losses_are_those_of_their_own("adversarial/stylegan")


def test_every_game_shares() -> None:
    """A system of two players that says nothing would generate twice as often as it has to."""
    contests = {name for name in laws.ZOO if issubclass(laws.model_class(name), games.Duel | ComposedGame)}
    assert contests < set(GAMES)
    others = {"adversarial/began", "adversarial/ebgan", "adversarial/progressive", "adversarial/sdgan"}
    assert others | {"translation/cyclegan", "translation/pix2pix", "autoencoders/context"} < set(GAMES)


class Counted:
    """How often the generator is called, with a graph or without, and what was made and is still held at each step."""

    def __init__(self, model: Any) -> None:
        self.graphs: list[bool] = []
        self.held: list[int] = []
        self.made: list[weakref.ref[Tensor]] = []
        self.make, model.fakes = model.fakes, self
        model.generator.register_forward_hook(
            lambda module, inputs, output: self.graphs.append(output.requires_grad)
        )

    def __call__(self, batch: Batch) -> Tensor:
        gc.collect()
        self.held.append(sum(ref() is not None for ref in self.made))
        made: Tensor = self.make(batch)
        self.made.append(weakref.ref(made))
        return made


def steps_of(name: str, steps: int, tmp_path: Path, how: Execution | None = None, **options: Any) -> Counted:
    model = laws.tiny(name, **options)
    counted = Counted(model)
    splits = Splits(laws.elements(model.space, 32), laws.elements(model.space, 8, seed=1))
    budget = Budget(steps, 8, moments=0, followed=0)
    train(model, splits, budget, Job("test", 0, tmp_path / "c.pt", "f"), *([how] if how else []))
    return counted


@pytest.mark.parametrize("how", [Execution(), Execution(precision="bfloat16")], ids=["float32", "bfloat16"])
def test_a_step_generates_once_and_keeps_nothing(tmp_path: Path, how: Execution) -> None:
    counted = steps_of("adversarial/dcgan", 4, tmp_path, how)
    assert counted.graphs == [True] * 4
    assert counted.held == [0] * 4, "generated elements outlive their step"


def test_elements_that_are_kept_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, kept = DCGAN.fakes, []

    def keeping(self: DCGAN, batch: Batch) -> Tensor:
        kept.append(own(self, batch))
        return kept[-1]

    monkeypatch.setattr(DCGAN, "fakes", keeping)
    assert any(steps_of("adversarial/dcgan", 4, tmp_path).held)


def test_a_critic_that_moves_alone_is_shown_elements_without_a_graph(tmp_path: Path) -> None:
    """Three steps of the critic for one of the generator: the last of a round is shared."""
    counted = steps_of("adversarial/wgan_gp", 6, tmp_path, critic_steps=3)
    assert counted.graphs == [False, False, True] * 2
    assert counted.held == [0] * 6


def test_a_warm_up_of_the_critic_has_no_graph(tmp_path: Path) -> None:
    counted = steps_of("adversarial/wgan", 4, tmp_path, warm_up=0.5, critic_steps=1)
    assert counted.graphs == [False, False, True, True]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("adversarial/improved_gan", {}),  # a past of the weights, a reference batch
        ("adversarial/wgan", {"critic_steps": 2}),
        ("translation/cyclegan", {"pool": 6}),
    ],
)
def test_killed_and_resumed_a_game_goes_on_with_the_same_bits(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    def weights() -> list[Tensor]:
        return list(laws.fitted(name, tmp_path, steps=6, **options).state_dict().values())

    expected = weights()
    with killed_at(3):
        weights()
    assert (tmp_path / "c.pt").exists()
    assert alike(weights(), expected)


@pytest.mark.slow
def test_compiled_networks_play_the_same_game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By autograd's own compiler, which keeps what the backward pass needs as any other does."""
    eager = partialmethod(torch.nn.Module.compile, backend="aot_eager")
    monkeypatch.setattr(torch.nn.Module, "compile", eager)
    monkeypatch.setattr("genbench.training.execution._check_compiler", lambda *_: None)
    plain, compiled = (trained(tmp_path, how) for how in (Execution(), Execution(compile=True)))
    for key, value in plain.items():
        torch.testing.assert_close(compiled[key], value, rtol=1e-3, atol=1e-4)


def trained(tmp_path: Path, how: Execution) -> dict[str, Tensor]:
    model = laws.tiny("adversarial/dcgan")
    splits = Splits(laws.elements(model.space, 32), laws.elements(model.space, 8, seed=1))
    train(model, splits, Budget(3, 8, moments=0, followed=0), Job("test", 0, tmp_path / "c.pt", "f"), how)
    return model.state_dict()
