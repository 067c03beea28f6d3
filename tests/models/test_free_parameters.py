"""The number of a model's parameters is that of the numbers that training can move."""

from typing import Any

import pytest
import test_models as laws
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, Counted, GenerativeModel, Space
from genbench.models.autoregressive.fvsbn import FVSBN
from genbench.models.autoregressive.made import MADE
from genbench.models.autoregressive.nade import NADE
from genbench.models.controls.pca_gaussian import PCAGaussian
from genbench.nn.masked import MaskedLinear
from genbench.nn.priors import GaussianMixture

TRIES = 30
MNIST = Space("image", (1, 28, 28), 2, 10)


def all_levels(space: Space, seed: int) -> Batch:
    """Elements of which every value has any level, where levels are all that an element needs."""
    batch = laws.elements(space, 64, seed)
    if not space.levels:
        return batch
    drawn = torch.randint(space.levels, batch.x.shape, generator=Generator().manual_seed(seed))
    return batch._replace(x=space.to_unit(drawn))


def moved_by(model: GenerativeModel, seed: int) -> dict[str, Tensor]:
    """Which entries get a gradient from any objective, with random weights and elements."""
    parameters = dict(model.named_parameters())
    moved = {name: torch.zeros_like(each, dtype=torch.bool) for name, each in parameters.items()}
    torch.manual_seed(seed)
    with torch.no_grad():
        for each in parameters.values():
            each.normal_(std=0.2)
    for phase in model.phases():
        if phase.progress is not None:
            phase.progress(0.5)
        for objective in phase.objectives:
            model.zero_grad(set_to_none=True)
            objective.loss(all_levels(model.space, seed)).backward(inputs=list(objective.parameters))
            for name, each in parameters.items():
                if each.grad is not None:
                    moved[name] |= each.grad != 0
    return moved


def miscounted(module: nn.Module, moved: dict[str, Tensor]) -> str:
    """What is wrong with the count of a module's own weights, given which of them a gradient has reached."""
    if isinstance(module, nn.Embedding):  # a row moves when it is looked up, which is up to the data
        rows = moved["weight"]
        return "" if bool((rows.any(1) == rows.all(1)).all()) else "a row that moves in part"
    own = sum(int(each.sum()) for each in moved.values())
    if isinstance(module, Counted):
        said = module.own_parameters
    else:
        said = sum(each.numel() for each in module.parameters(recurse=False))
    return "" if own == said else f"{said} counted, and {own} can move"


def counts_what_can_move(name: str) -> None:
    """Gradients of zero by chance, of units that are off, give way to other weights and elements."""
    model = laws.tiny(name).train()
    moved = moved_by(model, 0)
    for seed in range(1, TRIES + 1):
        wrong = {}
        for path, module in model.named_modules():
            prefix = f"{path}." if path else ""
            own = {key: moved[prefix + key] for key, _ in module.named_parameters(recurse=False)}
            if own and (found := miscounted(module, own)):
                wrong[path or type(model).__name__] = found
        if not wrong:
            return
        moved = {
            key: each | more
            for (key, each), more in zip(moved.items(), moved_by(model, seed).values(), strict=True)
        }
    raise AssertionError(f"{name}: {wrong}")


@pytest.fixture
def soft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rectified units are never off: softplus in their place."""
    for owner, key in ((nn.ReLU, "forward"), (Tensor, "relu")):
        monkeypatch.setattr(owner, key, lambda *arguments: F.softplus(arguments[-1]))
    for owner, key in ((torch, "relu"), (F, "relu")):
        monkeypatch.setattr(owner, key, F.softplus)


TRAINED = [name for name in laws.ZOO if any(True for _ in laws.untrained(name).parameters())]


@pytest.mark.usefixtures("soft")
@pytest.mark.parametrize("name", TRAINED)
def test_a_parameter_is_counted_if_and_only_if_a_gradient_can_reach_it(name: str) -> None:
    counts_what_can_move(name)


@pytest.mark.usefixtures("soft")
@pytest.mark.parametrize(
    ("name", "cls"),
    [("autoregressive/made", MaskedLinear), ("autoregressive/fvsbn", FVSBN), ("autoregressive/nade", NADE)],
)
def test_weights_behind_a_mask_that_are_counted_are_found(
    monkeypatch: pytest.MonkeyPatch, name: str, cls: Any
) -> None:
    monkeypatch.setattr(
        cls,
        "own_parameters",
        property(lambda self: sum(each.numel() for each in self.parameters(recurse=False))),
    )
    with pytest.raises(AssertionError, match="counted, and"):
        counts_what_can_move(name)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        # 784 biases and a logistic regression for each pixel.
        (FVSBN(MNIST), 784 + 784 * 783 // 2),
        # Input to hidden: unit j of degree ⌊783 j/500⌋ + 1 sees so many; hidden to output; direct connections; biases.
        (MADE(MNIST, hidden=500), 500 * 784 + 784 * 783 // 2 + 500 + 2 * 784),
        # The last pixel's row of W is not read: nothing comes after it.
        (NADE(MNIST, hidden=500), 783 * 500 + 784 * 500 + 500 + 784),
        (PCAGaussian(Space("image", (1, 2, 2), 5), components=2), 4 + 4 * 2 - 1 + 1),
    ],
    ids=["fvsbn", "made", "nade", "pca_gaussian"],
)
def test_parameters_by_hand(model: GenerativeModel, expected: int) -> None:
    assert model.free_parameters == expected


def test_a_mixture_counts_weights_means_and_covariances() -> None:
    assert GaussianMixture(3, 2).own_parameters == 2 + 3 * 2 + 3 * 3


def test_what_only_led_to_a_model_does_not_count() -> None:
    for name in ("flows/iaf", "latent/dbm"):
        model = laws.tiny(name)
        assert model.free_parameters < sum(each.numel() for each in model.parameters()) / 1.5
