"""The protocol: what a model is given, what it must provide, what it may be able to do besides.

A model file holds architecture and losses.  It knows no files, devices, loggers, seeds or arguments: the loop in
`genbench.training` knows those, and nothing of models.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

import torch
from torch import Generator, Tensor, nn


class Space(NamedTuple):
    """What the data is; models are built from it.

    kind: "image".  shape: one element's, (c, h, w).  levels: grey levels per value, 2 for binary data.
    classes: number of labels, 0 where there are none.
    """

    kind: str
    shape: tuple[int, ...]
    levels: int
    classes: int = 0

    @property
    def dimensions(self) -> int:
        """D: the number of values in one element."""
        return int(torch.Size(self.shape).numel())

    def to_unit(self, stored: Tensor) -> Tensor:
        """Stored levels 0 … levels−1 -> float32 in [0, 1], the range every model sees."""
        return stored.float() / (self.levels - 1)

    def to_levels(self, x: Tensor) -> Tensor:
        """Values in [0, 1] -> the nearest level, as integers (rounded, never truncated)."""
        return (x.clamp(0, 1) * (self.levels - 1)).round().long()


class Batch(NamedTuple):
    """x: (n, *space.shape) in [0, 1].  condition: (n,) class labels, or None."""

    x: Tensor
    condition: Tensor | None = None


class Splits(NamedTuple):
    """The prepared data, for closed-form fits.  Only the controls may look at `held_out`."""

    train: Batch
    held_out: Batch


def constant(progress: float) -> float:
    """The default schedule: the learning rate stays as it is."""
    return 1.0


class Objective(NamedTuple):
    """One player: the parameters it owns and the loss that moves them, and nothing else.

    The loop steps every objective in turn, each at the steps that `every` divides, with
    `loss.backward(inputs=parameters)`: no player's gradient reaches another's parameters.
    `schedule` maps progress within the phase, 0 … 1, to a factor on the learning rate.
    """

    name: str
    parameters: Sequence[nn.Parameter]
    loss: Callable[[Batch], Tensor]
    optimizer: Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer]
    every: int = 1
    clip: float | None = None
    schedule: Callable[[float], float] = constant


class Phase(NamedTuple):
    """A stretch of training: objectives with their share of the steps, or one closed-form fit.

    `enter` is called once before the first step, `progress` before each step with 0 ≤ progress < 1
    (a fade-in's α): what they set must follow from their argument alone, so that a resumed run sets it again.
    """

    name: str
    objectives: tuple[Objective, ...] = ()
    share: float = 1.0
    fit: Callable[[Splits], None] | None = None
    progress: Callable[[float], None] | None = None


class GenerativeModel(nn.Module, ABC):
    """Built from the space and keyword-only hyper-parameters; the paper's constants are the defaults."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space = space

    @abstractmethod
    def phases(self) -> list[Phase]:
        """How the model is fitted, in order."""

    @abstractmethod
    def sample(self, n: int, condition: Tensor | None = None, *, generator: Generator) -> Tensor:
        """n new elements, (n, *space.shape) in [0, 1]; all randomness comes from `generator`."""


# Capabilities: small protocols that sampling and evaluation ask for, never a tree of classes.


@runtime_checkable
class Likelihood(Protocol):
    """log p(x) in nats, summed over dimensions; `exact`, or else a lower bound in expectation."""

    exact: bool

    def log_prob(self, x: Tensor) -> Tensor:
        """(n, *space.shape) in [0, 1] -> (n,) nats."""
        ...


@runtime_checkable
class Latent(Protocol):
    """A prior over codes and a decoder: enough for latent walks and interpolation."""

    def prior(self, n: int, *, generator: Generator) -> Tensor:
        """(n, k) codes."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) codes -> (n, *space.shape) in [0, 1]."""
        ...


@runtime_checkable
class Completion(Protocol):
    """Fills in what is hidden."""

    def complete(self, x: Tensor, mask: Tensor, *, generator: Generator) -> Tensor:
        """x with the values where mask is False drawn anew; mask: bool, broadcastable to x."""
        ...


C = TypeVar("C")


def capability(model: GenerativeModel, protocol: type[C]) -> C | None:
    """The model seen as `protocol`, or None where it cannot do that."""
    return model if isinstance(model, protocol) else None
