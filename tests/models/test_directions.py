"""In every game of the zoo the players pull a score in opposite directions, whatever it is called and how it is paid.

No names: a critic is a network whose player is one objective, and which another objective's loss asks about elements
that the other players make.  What it is shown is told apart by moving those players: what then changes is generated.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import pytest
import test_models as laws
import torch
from torch import Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective
from genbench.models.adversarial.progressive import Progressive
from genbench.models.adversarial.stylegan import StyleGAN
from genbench.nn.composed_games import ComposedGame
from genbench.nn.mesh_tokens import MeshModel


class Asked(NamedTuple):
    """One question to a critic: what it was shown, tensors of as many rows as it gave scores (n, …)."""

    shown: list[Tensor]
    scores: Tensor


def parts_of(model: nn.Module, objective: Objective) -> list[nn.Module]:
    """The networks of the model that hold parameters of the objective."""
    own = {id(parameter) for parameter in objective.parameters}
    return [each for each in model.children() if own & {id(parameter) for parameter in each.parameters()}]


@contextmanager
def listened(critic: nn.Module) -> Iterator[list[Asked]]:
    heard: list[Asked] = []

    def hear(_: nn.Module, arguments: tuple[Any, ...], __: dict[str, Any], out: Any) -> Any:
        """Scores are put around ½, where a least-squares loss, too, pulls them to 0 and to 1."""
        first = out[0] if isinstance(out, tuple) else out
        if first.numel() != len(first) and (first.ndim != 4 or first.shape[1] != 1):
            return out  # features, or reconstructions
        rows = [
            each for each in arguments if isinstance(each, Tensor) and each.ndim and len(each) == len(first)
        ]
        scores = first - first.detach().mean() + 0.5
        heard.append(Asked(rows, scores))
        if isinstance(out, tuple):
            return (scores, *out[1:]) if type(out) is tuple else type(out)(scores, *out[1:])
        return scores

    handle = critic.register_forward_hook(hear, with_kwargs=True)
    yield heard
    handle.remove()


def pulls(
    model: GenerativeModel, critic: nn.Module, loss: Callable[[Batch], Tensor], move: Callable[[], None]
) -> Any:
    """How the loss changes with the scores of what is given, and of what `move` changes: two sums of ∂loss/∂score."""
    batch = laws.elements(model.space, 16)
    with listened(critic) as heard:
        torch.manual_seed(1)
        value = loss(batch)
    wanted = [asked for asked in heard if asked.scores.requires_grad]
    slopes = (
        torch.autograd.grad(value, [asked.scores for asked in wanted], allow_unused=True) if wanted else ()
    )
    kept = {name: each.clone() for name, each in model.state_dict().items()}
    move()
    with listened(critic) as moved:
        torch.manual_seed(1)
        loss(batch)
    model.load_state_dict(kept)
    found = [0.0, 0.0]
    for asked, other, slope in zip(heard, moved, _spread(heard, wanted, slopes), strict=True):
        if slope is None or not asked.shown:
            continue
        changed = torch.stack(
            [
                (a != b).flatten(1).any(1) if a.ndim > 1 else a != b
                for a, b in zip(asked.shown, other.shown, strict=True)
            ]
        ).any(0)
        per_row = slope.flatten(1).sum(1) if slope.ndim > 1 else slope
        for place, rows in enumerate((~changed, changed)):
            found[place] += float(per_row[rows].sum())
    return found


def _spread(heard: list[Asked], wanted: list[Asked], slopes: Any) -> list[Tensor | None]:
    by = {id(asked): slope for asked, slope in zip(wanted, slopes, strict=True)}
    return [by.get(id(asked)) for asked in heard]


def contests(model: GenerativeModel) -> Iterator[tuple[str, nn.Module, Objective, list[Objective]]]:
    """Every critic, with its player and the others of its phase."""
    for phase in model.phases():
        if phase.progress is not None:
            phase.progress(0.5)
        for objective in phase.objectives:
            others = [each for each in phase.objectives if each is not objective]
            for critic in parts_of(model, objective) if others else []:
                yield f"{phase.name}, {objective.name}", critic, objective, others


def scorer(critic: nn.Module, player: Objective, batch: Batch) -> nn.Module | None:
    """The network, or the last part of it that gives one number an element where it is not called as a whole."""
    for part in (critic, *reversed([*critic.modules()][1:])):
        with listened(part) as heard:
            player.loss(batch)
        if heard:
            return part
    return None


def players_pull_apart(name: str) -> int:
    """How many critics there are; each is held against the players that ask it."""
    model, found = laws.tiny(name).train(), 0
    for title, critic, player, others in contests(model):

        def move(others: list[Objective] = others) -> None:
            with torch.no_grad():
                for parameter in (each for other in others for each in other.parameters):
                    parameter.add_(0.3 * torch.randn_like(parameter))

        part = scorer(critic, player, laws.elements(model.space, 16))
        real, fake = (0, 0) if part is None else pulls(model, part, player.loss, move)
        if not real or not fake:  # a generator: nothing that it is shown comes from the others
            continue
        assert part is not None
        found += 1
        assert real * fake < 0, (
            f"{title}: real and generated elements are pulled the same way, {real:.3g} and {fake:.3g}"
        )
        for other in others:
            _, own = pulls(model, part, other.loss, move)
            assert own * fake <= 0, (
                f"{title}: {other.name} pulls what it makes where the critic does, {own:.3g}"
            )
    return found


GAMES = [
    name
    for name in laws.ZOO
    if any(len(phase.objectives) > 1 for phase in laws.untrained(name).phases())
    # What these critics give are reconstructions, whose error is their score.
    and not hasattr(laws.model_class(name), "error")
    and not issubclass(laws.model_class(name), MeshModel)  # vertices and faces are no players
]


@pytest.mark.parametrize("name", GAMES)
def test_a_critic_and_what_it_judges_pull_a_score_apart(name: str) -> None:
    assert players_pull_apart(name) > 0, "no critic was found"


@pytest.mark.parametrize(
    ("name", "cls", "loss"),
    [
        ("adversarial/wgan_gp", ComposedGame, "critic_loss"),
        ("adversarial/progressive", Progressive, "critic_loss"),
        ("adversarial/progressive", Progressive, "generator_loss"),
        ("adversarial/stylegan", StyleGAN, "discriminator_loss"),
    ],
)
def test_a_player_that_pulls_the_wrong_way_is_caught(
    monkeypatch: pytest.MonkeyPatch, name: str, cls: Any, loss: str
) -> None:
    own = getattr(cls, loss)
    monkeypatch.setattr(cls, loss, lambda self, batch, **stage: -own(self, batch, **stage))
    with pytest.raises(AssertionError, match="pulls what it makes where the critic does"):
        players_pull_apart(name)


def test_a_critic_that_pulls_both_the_same_way_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def same(self: Any, batch: Batch, *, stage: int, fading: bool) -> Tensor:
        critic = partial(self.critic, stage=stage, alpha=self.alpha if fading else None)
        fake = self.generator(self.prior(len(batch.x)), stage, self.alpha if fading else None)
        return (
            critic(self.real(batch.x, stage, self.alpha if fading else None)) + critic(fake.detach())
        ).mean()

    monkeypatch.setattr(Progressive, "critic_loss", same)
    with pytest.raises(AssertionError, match="pulled the same way"):
        players_pull_apart("adversarial/progressive")


def classes_are_learnt() -> None:
    """Of real and of generated elements, by either player of ACGAN: the logit of the right class is pulled up."""
    model: Any = laws.tiny("adversarial/acgan").train()
    batch, recognise = laws.elements(model.space, 16), model.recognise
    assert batch.label is not None
    for loss, questions in ((model.discriminator_loss, 2), (model.generator_loss, 1)):
        seen: list[Tensor] = []

        def heard(x: Tensor, seen: list[Tensor] = seen) -> Any:
            score, classes = recognise(x)
            classes.retain_grad()
            seen.append(classes)
            return score, classes

        model.recognise = heard
        loss(batch).backward()
        slopes = [each.grad for each in seen]
        assert len(slopes) == questions
        for slope in slopes:
            assert slope is not None
            assert bool((slope.gather(1, batch.label[:, None]) < 0).all()), "a class is unlearnt"


def test_the_players_of_an_acgan_learn_the_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    classes_are_learnt()
    cross_entropy = torch.nn.functional.cross_entropy
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda *both: -cross_entropy(*both))
    with pytest.raises(AssertionError, match="unlearnt"):
        classes_are_learnt()
